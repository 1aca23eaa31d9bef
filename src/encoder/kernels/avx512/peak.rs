//! Products without end, in as many independent sums as a tile has.

use std::{
    arch::x86_64::{
        __m512bh, __m512i, _mm512_dpbf16_ps, _mm512_dpbusd_epi32, _mm512_reduce_add_epi32, _mm512_reduce_add_ps,
        _mm512_set1_epi32, _mm512_setzero_ps, _mm512_setzero_si512,
    },
    hint::black_box,
};

const SUMS: usize = 24;

/// Rounds of 24 instructions with 64 products each; gives the operations of a round.
#[target_feature(enable = "avx512f,avx512vnni")]
pub(in super::super) fn int8_products(rounds: u64) -> u64 {
    let (a, b) = (_mm512_set1_epi32(black_box(0x0102_0304)), _mm512_set1_epi32(black_box(0x0403_0201)));
    let mut sums = [_mm512_setzero_si512(); SUMS];
    for _ in 0..rounds {
        for sum in &mut sums {
            *sum = _mm512_dpbusd_epi32(*sum, a, b);
        }
        black_box(());
    }
    black_box(sums.map(|sum| _mm512_reduce_add_epi32(sum)));
    SUMS as u64 * 64 * 2
}

/// Rounds of 24 instructions with 32 products each; gives the operations of a round.
#[target_feature(enable = "avx512f,avx512bf16")]
pub(in super::super) fn bf16_products(rounds: u64) -> u64 {
    let pairs = |x: i32| {
        // SAFETY: both are 64 bytes without invalid values.
        unsafe { std::mem::transmute::<__m512i, __m512bh>(_mm512_set1_epi32(black_box(x))) }
    };
    let (a, b) = (pairs(0x3f80_3f80), pairs(0x3c00_3c00));
    let mut sums = [_mm512_setzero_ps(); SUMS];
    for _ in 0..rounds {
        for sum in &mut sums {
            *sum = _mm512_dpbf16_ps(*sum, a, b);
        }
        black_box(());
    }
    black_box(sums.map(|sum| _mm512_reduce_add_ps(sum)));
    SUMS as u64 * 32 * 2
}
