//! How long to pause before a call is made again.

use crate::domain::clip01;
use std::time::{Duration, Instant};

/// Pauses between calls: `min(base · 2ⁿ, cap) · U(0.8, 1.2)`. The spread keeps callers that failed together apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Backoff {
    /// The first pause.
    pub(super) base: Duration,
    /// What doubling ends at, and the longest `retry-after` that is waited for.
    pub(super) cap: Duration,
}

impl Backoff {
    /// Doubles up to ten times the first pause.
    pub(super) const fn new(base: Duration) -> Self {
        Self { base, cap: base.saturating_mul(10) }
    }

    /// The pause before retry `n` (the first is 0), given a random number `uniform` in [0, 1). It is never shorter than
    /// what the provider asked for.
    ///
    /// `None` when the retry should not be made: the provider asks for more than the cap, which is time enough for another
    /// model, or the pause would not end before the deadline.
    pub(super) fn pause(
        &self,
        n: u32,
        uniform: f64,
        retry_after: Option<Duration>,
        now: Instant,
        deadline: Option<Instant>,
    ) -> Option<Duration> {
        let asked = retry_after.unwrap_or_default();
        if asked > self.cap {
            return None;
        }
        let pause = self.spread(n, uniform).max(asked);
        let end = now.checked_add(pause)?;
        deadline.is_none_or(|deadline| end < deadline).then_some(pause)
    }

    fn spread(&self, n: u32, uniform: f64) -> Duration {
        let doubled = self.base.saturating_mul(2_u32.saturating_pow(n)).min(self.cap);
        let seconds = doubled.as_secs_f64() * (0.8 + 0.4 * clip01(uniform));
        Duration::try_from_secs_f64(seconds).unwrap_or(doubled)
    }
}

#[cfg(test)]
mod tests;
