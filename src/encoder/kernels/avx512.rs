//! AVX-512: VNNI for the linear layers, BF16 for attention.
//!
//! A tile is 8 rows by 48 outputs: 24 sums of 16 lanes, three vectors of weights and one activation fill 28 of the 32
//! registers, and 24 independent products hide the latency of `vpdpbusd`.

use super::{Codes, HIDDEN, INNER, Norm, Packed, Then, lanes, packed::Layout};
use std::arch::x86_64::{
    __m512, __m512i, _MM_HINT_T1, _mm_prefetch, _mm512_add_ps, _mm512_cvtepi32_ps, _mm512_dpbusd_epi32,
    _mm512_fmadd_ps, _mm512_fnmadd_ps, _mm512_loadu_ps, _mm512_loadu_si512, _mm512_max_ps, _mm512_min_ps,
    _mm512_mul_ps, _mm512_set1_epi32, _mm512_set1_ps, _mm512_setzero_si512, _mm512_storeu_ps,
};

mod attention;
mod peak;

pub(super) use attention::attention;
pub(super) use peak::{bf16_products, int8_products};

/// Outputs of a panel.
const PANEL: usize = 48;
const VECTORS: usize = PANEL / 16;
/// Inputs that one instruction multiplies for each output.
const GROUP: usize = 4;
/// Rows of a tile.
const ROWS: usize = 8;

pub(super) const LAYOUT: Layout = Layout { panel: PANEL, group: GROUP };

type Sums<const R: usize> = [[__m512i; VECTORS]; R];

pub(super) fn available() -> bool {
    super::avx2::available()
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512vnni")
        && is_x86_feature_detected!("avx512bf16")
}

#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
pub(super) fn linear(input: &Codes, layer: &Packed, out: &mut [f32], then: Then) {
    // Widths as constants: the rows of a tile are then at fixed distances from one pointer.
    match (input.width(), then) {
        (HIDDEN, Then::Store) => panels::<HIDDEN, 0>(input, layer, out),
        (HIDDEN, Then::Gelu) => panels::<HIDDEN, 1>(input, layer, out),
        (HIDDEN, Then::Add) => panels::<HIDDEN, 2>(input, layer, out),
        (INNER, Then::Store) => panels::<INNER, 0>(input, layer, out),
        (INNER, Then::Gelu) => panels::<INNER, 1>(input, layer, out),
        (INNER, Then::Add) => panels::<INNER, 2>(input, layer, out),
        (width, _) => unreachable!("the encoder has no layer with {width} inputs"),
    }
}

/// Every panel against every row: a panel stays in the first-level cache while the rows pass by.
#[inline]
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn panels<const K: usize, const THEN: u8>(input: &Codes, layer: &Packed, out: &mut [f32]) {
    let rows = input.rows();
    let codes = &input.codes()[..rows * K];
    for (p, panel) in layer.weights().chunks_exact(K * PANEL).enumerate() {
        let mut r = 0;
        while r < rows {
            let left = rows - r;
            let at = Place { input, layer, row: r, output: p * PANEL };
            let codes = &codes[r * K..];
            match left {
                1 => at.finish::<1, THEN>(tile::<1, K>(codes, panel), out),
                2 => at.finish::<2, THEN>(tile::<2, K>(codes, panel), out),
                3 => at.finish::<3, THEN>(tile::<3, K>(codes, panel), out),
                4 => at.finish::<4, THEN>(tile::<4, K>(codes, panel), out),
                5 => at.finish::<5, THEN>(tile::<5, K>(codes, panel), out),
                6 => at.finish::<6, THEN>(tile::<6, K>(codes, panel), out),
                7 => at.finish::<7, THEN>(tile::<7, K>(codes, panel), out),
                _ => at.finish::<ROWS, THEN>(tile::<ROWS, K>(codes, panel), out),
            }
            r += left.min(ROWS);
        }
    }
}

/// Integer sums of `R` rows of codes against a panel. Brings the next panel, which lies
/// behind this one, to the second-level cache: the first holds no more than one.
#[inline]
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn tile<const R: usize, const K: usize>(codes: &[u8], panel: &[i8]) -> Sums<R> {
    assert!(codes.len() >= R * K && panel.len() == K * PANEL, "a tile's operands");
    let mut sums: Sums<R> = [[_mm512_setzero_si512(); VECTORS]; R];
    let (codes, panel) = (codes.as_ptr(), panel.as_ptr());
    for group in 0..K / GROUP {
        // SAFETY: a group of a panel has 48·4 bytes, K/4 of them are there (asserted): three vectors of 64 bytes. A prefetch
        // never faults, so its address may lie behind the weights (`wrapping_add`).
        let w: [__m512i; VECTORS] = unsafe {
            let at = panel.add(group * PANEL * GROUP);
            for v in 0..VECTORS {
                _mm_prefetch::<_MM_HINT_T1>(at.wrapping_add(K * PANEL + 64 * v));
            }
            std::array::from_fn(|v| _mm512_loadu_si512(at.add(64 * v).cast()))
        };
        for (r, sums) in sums.iter_mut().enumerate() {
            // SAFETY: r < R and group < K/4, so four bytes from r·K + 4·group on are among the R·K that are there (asserted).
            let four = unsafe { codes.add(r * K + group * GROUP).cast::<i32>().read_unaligned() };
            let c = _mm512_set1_epi32(four);
            for v in 0..VECTORS {
                sums[v] = _mm512_dpbusd_epi32(sums[v], c, w[v]);
            }
        }
    }
    sums
}

/// Where a tile's sums go.
struct Place<'a> {
    input: &'a Codes,
    layer: &'a Packed,
    row: usize,
    output: usize,
}

impl Place<'_> {
    /// Scales the sums and stores them by `THEN`: 0 store, 1 GELU, 2 add.
    #[inline]
    #[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    fn finish<const R: usize, const THEN: u8>(&self, sums: Sums<R>, out: &mut [f32]) {
        let columns = |all: &[f32]| -> [__m512; VECTORS] {
            let chunk = &all[self.output..][..PANEL];
            // SAFETY: the chunk has 48 numbers, three vectors of 16.
            std::array::from_fn(|v| unsafe { _mm512_loadu_ps(chunk.as_ptr().add(16 * v)) })
        };
        let (scale, offset, bias) =
            (columns(&self.layer.scale), columns(&self.layer.offset), columns(&self.layer.bias));
        let grid = &self.input.grid()[self.row..][..R];
        for (r, sums) in sums.iter().enumerate() {
            let (step, shift) = (_mm512_set1_ps(grid[r].scale), _mm512_set1_ps(grid[r].scale * grid[r].zero));
            let out = &mut out[(self.row + r) * self.layer.outputs() + self.output..][..PANEL];
            for v in 0..VECTORS {
                let base = _mm512_fnmadd_ps(shift, offset[v], bias[v]);
                let y = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sums[v]), _mm512_mul_ps(step, scale[v]), base);
                // SAFETY: `out` has 48 numbers, three vectors of 16.
                unsafe {
                    let at = out.as_mut_ptr().add(16 * v);
                    let y = match THEN {
                        1 => gelu(y),
                        2 => _mm512_add_ps(_mm512_loadu_ps(at), y),
                        _ => y,
                    };
                    _mm512_storeu_ps(at, y);
                }
            }
        }
    }
}

/// [`lanes::gelu`] on a vector.
#[inline]
#[target_feature(enable = "avx2,fma,avx512f")]
fn gelu(x: __m512) -> __m512 {
    let bound = _mm512_set1_ps(lanes::GELU_BOUND);
    let bounded = _mm512_max_ps(_mm512_min_ps(x, bound), _mm512_set1_ps(-lanes::GELU_BOUND));
    let square = _mm512_mul_ps(bounded, bounded);
    let mut p = _mm512_set1_ps(lanes::GELU[6]);
    for &c in lanes::GELU[..6].iter().rev() {
        p = _mm512_fmadd_ps(p, square, _mm512_set1_ps(c));
    }
    _mm512_mul_ps(x, _mm512_fmadd_ps(bounded, p, _mm512_set1_ps(0.5)))
}

#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
pub(super) fn quantise(rows: &[f32], codes: &mut Codes) {
    lanes::quantise::<true>(rows, codes);
}

#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
pub(super) fn normalise(rows: &mut [f32], norm: &Norm, codes: &mut Codes) {
    lanes::normalise::<true>(rows, norm, codes);
}

#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
pub(super) fn mean(rows: &[f32], out: &mut [f32]) {
    lanes::mean(rows, out);
}
