//! AVX2 with FMA. The linear layers multiply 16-bit pairs, which can't overflow: the sums equal those of the other sets.

use super::{
    AttentionScratch, Codes, Norm, Packed, Then, lanes,
    packed::Layout,
    portable::{self, finish},
};
use std::arch::x86_64::{
    __m256i, _mm_loadu_si128, _mm_set1_epi16, _mm256_add_epi32, _mm256_cvtepi8_epi16, _mm256_cvtepu8_epi16,
    _mm256_madd_epi16, _mm256_setzero_si256, _mm256_storeu_si256,
};

/// Outputs of a panel: three vectors of eight sums.
const PANEL: usize = 24;
const VECTORS: usize = PANEL / 8;
/// Rows of a tile: 12 sums, 3 weights and an activation fill the 16 registers.
const ROWS: usize = 4;

pub(super) const LAYOUT: Layout = Layout { panel: PANEL, group: 2 };

pub(super) fn available() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c")
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn linear(input: &Codes, layer: &Packed, out: &mut [f32], then: Then) {
    let width = layer.inputs();
    for (p, panel) in layer.weights().chunks_exact(width * PANEL).enumerate() {
        let mut r = 0;
        while r < input.rows() {
            let rows = (input.rows() - r).min(ROWS);
            match rows {
                4 => tile::<4>(input, r, layer, p, panel, out, then),
                3 => tile::<3>(input, r, layer, p, panel, out, then),
                2 => tile::<2>(input, r, layer, p, panel, out, then),
                _ => tile::<1>(input, r, layer, p, panel, out, then),
            }
            r += rows;
        }
    }
}

/// `R` rows from `first` on against a panel.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn tile<const R: usize>(
    input: &Codes,
    first: usize,
    layer: &Packed,
    p: usize,
    panel: &[i8],
    out: &mut [f32],
    then: Then,
) {
    let width = layer.inputs();
    let codes = &input.codes()[first * width..][..R * width];
    let mut sums = [[_mm256_setzero_si256(); VECTORS]; R];
    for (pair, weights) in panel.chunks_exact(PANEL * 2).enumerate() {
        let mut w = [_mm256_setzero_si256(); VECTORS];
        for (v, w) in w.iter_mut().enumerate() {
            // SAFETY: `weights` has 48 bytes, and v < 3 reads 16 of them from 16·v.
            *w = _mm256_cvtepi8_epi16(unsafe { _mm_loadu_si128(weights.as_ptr().add(16 * v).cast()) });
        }
        for (r, sums) in sums.iter_mut().enumerate() {
            let at = r * width + 2 * pair;
            let both = i16::from_le_bytes([codes[at], codes[at + 1]]);
            let c = _mm256_cvtepu8_epi16(_mm_set1_epi16(both));
            for v in 0..VECTORS {
                sums[v] = _mm256_add_epi32(sums[v], _mm256_madd_epi16(c, w[v]));
            }
        }
    }
    for (r, sums) in sums.iter().enumerate() {
        let row = first + r;
        let grid = input.grid()[row];
        let out = &mut out[row * layer.outputs() + p * PANEL..][..PANEL];
        for (lane, (sum, out)) in flatten(sums).into_iter().zip(out).enumerate() {
            *out = finish::<true>(sum, grid.scale, grid.zero, layer, p * PANEL + lane, *out, then);
        }
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn flatten(vectors: &[__m256i; VECTORS]) -> [i32; PANEL] {
    let mut out = [0i32; PANEL];
    for (v, out) in vectors.iter().zip(out.chunks_exact_mut(8)) {
        // SAFETY: `out` has 8 numbers of 32 bits, the size of the vector.
        unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), *v) };
    }
    out
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn attention(qkv: &[f32], out: &mut [f32], scratch: &mut AttentionScratch) {
    portable::attention_lanes::<true>(qkv, out, scratch);
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn quantise(rows: &[f32], codes: &mut Codes) {
    lanes::quantise::<true>(rows, codes);
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn normalise(rows: &mut [f32], norm: &Norm, codes: &mut Codes) {
    lanes::normalise::<true>(rows, norm, codes);
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn mean(rows: &[f32], out: &mut [f32]) {
    lanes::mean(rows, out);
}
