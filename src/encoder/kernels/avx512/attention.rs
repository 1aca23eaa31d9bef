//! Attention with BF16 products summed in f32.
//!
//! Queries, keys and values of a head are packed as pairs of BF16. A block of eight queries meets all keys, its scores go
//! through the softmax, and the weights meet all values. Every row is computed by the same instructions in the same order
//! whatever block it is in.

use super::super::{
    AttentionScratch, HEAD, HEADS, HIDDEN, QKV, SCORE_SCALE, lanes,
    scratch::{LANES, QUERIES},
};
use std::arch::x86_64::{
    __m512, __m512bh, __m512i, _MM_FROUND_NO_EXC, _MM_FROUND_TO_NEAREST_INT, _mm256_storeu_si256, _mm512_add_ps,
    _mm512_cvtne2ps_pbh, _mm512_cvtneps_pbh, _mm512_dpbf16_ps, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_loadu_si512,
    _mm512_mask_storeu_ps, _mm512_maskz_mov_ps, _mm512_max_ps, _mm512_mul_ps, _mm512_permutex2var_epi16,
    _mm512_reduce_add_ps, _mm512_reduce_max_ps, _mm512_roundscale_ps, _mm512_scalef_ps, _mm512_set1_epi32,
    _mm512_set1_ps, _mm512_setzero_ps, _mm512_setzero_si512, _mm512_shuffle_i32x4, _mm512_storeu_ps,
    _mm512_storeu_si512, _mm512_sub_ps, _mm512_unpackhi_epi32, _mm512_unpackhi_epi64, _mm512_unpacklo_epi32,
    _mm512_unpacklo_epi64,
};

/// Pairs of BF16 in a head.
const PAIRS: usize = HEAD / 2;

#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
pub(in super::super) fn attention(qkv: &[f32], out: &mut [f32], scratch: &mut AttentionScratch) {
    let tokens = qkv.len() / QKV;
    for head in 0..HEADS {
        pack(qkv, head, scratch);
        for first in (0..tokens).step_by(QUERIES) {
            let rows = (tokens - first).min(QUERIES);
            block(first, rows, tokens, scratch, &mut out[first * HIDDEN..], head * HEAD);
        }
    }
}

/// Packs one head. Tokens beyond the last are zero up to a whole block.
#[inline]
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
fn pack(qkv: &[f32], head: usize, scratch: &mut AttentionScratch) {
    let tokens = qkv.len() / QKV;
    for first in (0..tokens).step_by(LANES) {
        let mut keys = [_mm512_setzero_si512(); LANES];
        let mut values = [_mm512_setzero_si512(); LANES];
        for i in 0..LANES.min(tokens - first) {
            let row = &qkv[(first + i) * QKV + head * HEAD..];
            let query = halves(&row[..HEAD], SCORE_SCALE);
            store(&mut scratch.queries[(first + i) * PAIRS..][..PAIRS], query);
            keys[i] = halves(&row[HIDDEN..][..HEAD], 1.0);
            values[i] = halves(&row[2 * HIDDEN..][..HEAD], 1.0);
        }
        for i in tokens.saturating_sub(first).min(LANES)..LANES {
            store(&mut scratch.queries[(first + i) * PAIRS..][..PAIRS], _mm512_setzero_si512());
        }
        for (p, pair) in transposed(keys).into_iter().enumerate() {
            store(&mut scratch.keys[(first * PAIRS) + p * LANES..][..LANES], pair);
        }
        for (j, two) in values.chunks_exact(2).enumerate() {
            let [low, high] = interleaved(two[0], two[1]);
            let at = (first + 2 * j) * PAIRS;
            store(&mut scratch.values[at..][..LANES], low);
            store(&mut scratch.values[at + LANES..][..LANES], high);
        }
    }
}

/// 32 numbers, scaled, as BF16 in their order.
#[inline]
#[target_feature(enable = "avx512f,avx512bf16")]
fn halves(row: &[f32], scale: f32) -> __m512i {
    assert!(row.len() == HEAD, "a head's row");
    let scale = _mm512_set1_ps(scale);
    // SAFETY: the row has 32 numbers, two vectors of 16 (asserted).
    let [low, high] = [0, 16].map(|i| _mm512_mul_ps(unsafe { _mm512_loadu_ps(row.as_ptr().add(i)) }, scale));
    bits(_mm512_cvtne2ps_pbh(high, low))
}

#[inline]
#[target_feature(enable = "avx512f")]
fn bits(halves: __m512bh) -> __m512i {
    // SAFETY: both are 64 bytes without invalid values.
    unsafe { std::mem::transmute::<__m512bh, __m512i>(halves) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn as_halves(bits: __m512i) -> __m512bh {
    // SAFETY: both are 64 bytes without invalid values.
    unsafe { std::mem::transmute::<__m512i, __m512bh>(bits) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(to: &mut [u32], bits: __m512i) {
    assert!(to.len() == 16, "a vector's place");
    // SAFETY: 16 numbers of 32 bits are there (asserted).
    unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), bits) };
}

/// Two rows of 32 BF16 as pairs (row 0, row 1) for each column.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn interleaved(a: __m512i, b: __m512i) -> [__m512i; 2] {
    let index = |from: u16| -> [u16; 32] { std::array::from_fn(|i| from + i as u16 / 2 + 32 * (i as u16 % 2)) };
    [0, 16].map(|from| {
        let index = index(from);
        // SAFETY: the index has 32 numbers of 16 bits: 64 bytes.
        let index = unsafe { _mm512_loadu_si512(index.as_ptr().cast()) };
        _mm512_permutex2var_epi16(a, index, b)
    })
}

/// Transposes 16 × 16 numbers of 32 bits.
#[inline]
#[target_feature(enable = "avx512f")]
fn transposed(rows: [__m512i; 16]) -> [__m512i; 16] {
    let mut pairs = rows;
    for i in (0..16).step_by(2) {
        pairs[i] = _mm512_unpacklo_epi32(rows[i], rows[i + 1]);
        pairs[i + 1] = _mm512_unpackhi_epi32(rows[i], rows[i + 1]);
    }
    // fours[4g + c]: column c (of each 128-bit lane) of rows 4g to 4g+3.
    let mut fours = pairs;
    for g in (0..16).step_by(4) {
        fours[g] = _mm512_unpacklo_epi64(pairs[g], pairs[g + 2]);
        fours[g + 1] = _mm512_unpackhi_epi64(pairs[g], pairs[g + 2]);
        fours[g + 2] = _mm512_unpacklo_epi64(pairs[g + 1], pairs[g + 3]);
        fours[g + 3] = _mm512_unpackhi_epi64(pairs[g + 1], pairs[g + 3]);
    }
    let mut out = fours;
    for c in 0..4 {
        let (a, b, d, e) = (fours[c], fours[4 + c], fours[8 + c], fours[12 + c]);
        let (ab_even, ab_odd) = (_mm512_shuffle_i32x4::<0x88>(a, b), _mm512_shuffle_i32x4::<0xdd>(a, b));
        let (de_even, de_odd) = (_mm512_shuffle_i32x4::<0x88>(d, e), _mm512_shuffle_i32x4::<0xdd>(d, e));
        out[c] = _mm512_shuffle_i32x4::<0x88>(ab_even, de_even);
        out[8 + c] = _mm512_shuffle_i32x4::<0xdd>(ab_even, de_even);
        out[4 + c] = _mm512_shuffle_i32x4::<0x88>(ab_odd, de_odd);
        out[12 + c] = _mm512_shuffle_i32x4::<0xdd>(ab_odd, de_odd);
    }
    out
}

/// Attention of up to eight queries, written to `out` at `column` of each row.
#[inline]
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
fn block(first: usize, rows: usize, tokens: usize, scratch: &mut AttentionScratch, out: &mut [f32], column: usize) {
    let padded = tokens.next_multiple_of(LANES);
    let AttentionScratch { queries, keys, values, scores } = scratch;
    let queries = &queries[first * PAIRS..][..QUERIES * PAIRS];
    let blocks = padded / LANES;
    let mut b = 0;
    while b < blocks {
        let wide = (blocks - b).min(2);
        let keys = &keys[b * LANES * PAIRS..][..wide * LANES * PAIRS];
        match wide {
            2 => score::<2>(queries, keys, &mut scores[b * LANES..], padded),
            _ => score::<1>(queries, keys, &mut scores[b * LANES..], padded),
        }
        b += wide;
    }
    let mut factors = [0.0f32; QUERIES];
    for (r, factor) in factors.iter_mut().enumerate() {
        *factor = softmax(&mut scores[r * padded..][..padded], tokens);
    }
    let sums = mix(scores, values, padded, tokens);
    for (r, sums) in sums.iter().enumerate().take(rows) {
        let out = &mut out[r * HIDDEN + column..][..HEAD];
        for (sum, out) in sums.iter().zip(out.chunks_exact_mut(16)) {
            // SAFETY: the chunk has 16 numbers.
            unsafe { _mm512_storeu_ps(out.as_mut_ptr(), _mm512_mul_ps(*sum, _mm512_set1_ps(factors[r]))) };
        }
    }
}

/// Scores of eight queries against `N` blocks of 16 keys, to rows `stride` apart.
#[inline]
#[target_feature(enable = "avx512f,avx512bf16")]
fn score<const N: usize>(queries: &[u32], keys: &[u32], scores: &mut [f32], stride: usize) {
    assert!(
        queries.len() == QUERIES * PAIRS
            && keys.len() == N * LANES * PAIRS
            && scores.len() >= (QUERIES - 1) * stride + N * LANES,
        "operands of a block"
    );
    let mut sums = [[_mm512_setzero_ps(); N]; QUERIES];
    for p in 0..PAIRS {
        // SAFETY: `keys` has N blocks of 16 pairs of 16 numbers (asserted).
        let k: [__m512bh; N] = std::array::from_fn(|b| unsafe {
            as_halves(_mm512_loadu_si512(keys.as_ptr().add((b * PAIRS + p) * LANES).cast()))
        });
        for (r, sums) in sums.iter_mut().enumerate() {
            // SAFETY: r < 8 and p < 16, and `queries` has 8 rows of 16 (asserted).
            let q = as_halves(_mm512_set1_epi32(unsafe { *queries.as_ptr().add(r * PAIRS + p) } as i32));
            for b in 0..N {
                sums[b] = _mm512_dpbf16_ps(sums[b], q, k[b]);
            }
        }
    }
    for (r, sums) in sums.iter().enumerate() {
        for (b, sum) in sums.iter().enumerate() {
            // SAFETY: row r < 8 begins at r·stride, and N blocks of 16 follow (asserted).
            unsafe { _mm512_storeu_ps(scores.as_mut_ptr().add(r * stride + b * LANES), *sum) };
        }
    }
}

/// Replaces a row of scores by `2^(score − greatest)` in BF16 (two a number, in the first half of the row; zero beyond
/// `tokens`) and gives the inverse of their sum.
#[inline]
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
fn softmax(scores: &mut [f32], tokens: usize) -> f32 {
    let last = tokens % LANES;
    let valid: u16 = if last == 0 { u16::MAX } else { (1 << last) - 1 };
    let vectors = scores.len() / LANES;
    if last != 0 {
        let tail = &mut scores[(vectors - 1) * LANES..][..LANES];
        // SAFETY: the tail has 16 numbers.
        unsafe { _mm512_mask_storeu_ps(tail.as_mut_ptr(), !valid, _mm512_set1_ps(f32::NEG_INFINITY)) };
    }
    let mut greatest = _mm512_set1_ps(f32::NEG_INFINITY);
    for chunk in scores.chunks_exact(LANES) {
        // SAFETY: a chunk has 16 numbers.
        greatest = _mm512_max_ps(greatest, unsafe { _mm512_loadu_ps(chunk.as_ptr()) });
    }
    let greatest = _mm512_set1_ps(_mm512_reduce_max_ps(greatest));
    let mut sum = _mm512_setzero_ps();
    for v in 0..vectors {
        let mask = if v + 1 == vectors { valid } else { u16::MAX };
        // SAFETY: v < vectors: 16 numbers are read from 16·v; 16 halves are written from byte 32·v on, which has been read.
        unsafe {
            let x = _mm512_sub_ps(_mm512_loadu_ps(scores.as_ptr().add(v * LANES)), greatest);
            let weight = _mm512_maskz_mov_ps(mask, exp2(x));
            sum = _mm512_add_ps(sum, weight);
            let halves = std::mem::transmute::<std::arch::x86_64::__m256bh, std::arch::x86_64::__m256i>(
                _mm512_cvtneps_pbh(weight),
            );
            _mm256_storeu_si256(scores.as_mut_ptr().cast::<u16>().add(v * LANES).cast(), halves);
        }
    }
    1.0 / _mm512_reduce_add_ps(sum)
}

/// [`lanes::exp2`] on a vector.
#[inline]
#[target_feature(enable = "avx2,fma,avx512f")]
fn exp2(x: __m512) -> __m512 {
    let x = _mm512_max_ps(x, _mm512_set1_ps(-126.0));
    let n = _mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(x);
    let r = _mm512_sub_ps(x, n);
    let mut p = _mm512_set1_ps(lanes::EXP2[4]);
    for &c in lanes::EXP2[..4].iter().rev() {
        p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(c));
    }
    _mm512_scalef_ps(p, n)
}

/// Weighted sums of the values for eight rows of weights: 32 columns each.
#[inline]
#[target_feature(enable = "avx512f,avx512bf16")]
fn mix(weights: &[f32], values: &[u32], stride: usize, tokens: usize) -> [[__m512; 2]; QUERIES] {
    let pairs = tokens.div_ceil(2);
    assert!(weights.len() >= QUERIES * stride && pairs <= stride && values.len() >= pairs * 2 * LANES, "operands");
    let mut sums = [[_mm512_setzero_ps(); 2]; QUERIES];
    for j in 0..pairs {
        // SAFETY: `values` has 32 numbers for each pair of tokens (asserted).
        let v: [__m512bh; 2] = std::array::from_fn(|c| unsafe {
            as_halves(_mm512_loadu_si512(values.as_ptr().add((2 * j + c) * LANES).cast()))
        });
        for (r, sums) in sums.iter_mut().enumerate() {
            // SAFETY: row r < 8 begins at r·stride and holds a pair of BF16 in each of its first `pairs` ≤ stride numbers.
            let w = unsafe { weights.as_ptr().add(r * stride + j).cast::<i32>().read() };
            let w = as_halves(_mm512_set1_epi32(w));
            for c in 0..2 {
                sums[c] = _mm512_dpbf16_ps(sums[c], w, v[c]);
            }
        }
    }
    sums
}
