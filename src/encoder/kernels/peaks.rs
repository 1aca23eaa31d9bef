//! How fast this processor multiplies at best: the measure that the encoder is held against.

use super::{HEADS, HIDDEN, INNER, Isa, QKV};
use std::time::Instant;

const LAYERS: f64 = 6.0;

/// Peaks of one core. An operation is a multiplication or an addition.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Peaks {
    /// Of 8-bit integer products, in 10⁹ operations a second.
    pub int8_gops: f64,
    /// Of BF16 products, in 10⁹ operations a second.
    pub bf16_gops: f64,
}

impl Peaks {
    /// Runs nothing but products for a few milliseconds. `None` on a processor without AVX-512 VNNI and BF16.
    #[must_use]
    pub fn measure() -> Option<Self> {
        if Isa::best() != Isa::Avx512 {
            return None;
        }
        #[cfg(target_arch = "x86_64")]
        {
            // SAFETY: the best instruction set is the one that both functions need.
            let (int8, bf16) =
                unsafe { (time(|n| super::avx512::int8_products(n)), time(|n| super::avx512::bf16_products(n))) };
            Some(Self { int8_gops: int8, bf16_gops: bf16 })
        }
        #[cfg(not(target_arch = "x86_64"))]
        None
    }

    /// The least time for `batch` prompts of `length` tokens: linear layers at the 8-bit peak, attention at the BF16 peak, the
    /// rest free.
    #[must_use]
    pub fn limit_ms(&self, length: usize, batch: usize) -> f64 {
        let tokens = (length * batch) as f64;
        let linear = 2.0 * (HIDDEN * (QKV + HIDDEN) + 2 * HIDDEN * INNER) as f64 * tokens * LAYERS;
        let attention = 4.0 * (HIDDEN * length) as f64 * tokens * LAYERS;
        debug_assert!(HIDDEN.is_multiple_of(HEADS));
        (linear / self.int8_gops + attention / self.bf16_gops) / 1e6
    }
}

/// The best of several short runs, in 10⁹ operations a second. `run` does a number of rounds and says how many operations a
/// round has.
fn time(run: impl Fn(u64) -> u64) -> f64 {
    const ROUNDS: u64 = 400_000;
    let once = || {
        let started = Instant::now();
        let operations = run(ROUNDS) * ROUNDS;
        operations as f64 / started.elapsed().as_secs_f64() / 1e9
    };
    (0..5).map(|_| once()).fold(0.0, f64::max)
}
