//! Anytime-valid interval for a mean of bounded values: the hedged capital confidence sequence.

use super::{
    estimators::Range,
    intervals::{Confidence, Interval},
};

/// Share of the largest bet that can't ruin; `c` of the paper.
const TRUNCATION: f64 = 0.5;

/// Confidence sequence by betting (Waudby-Smith & Ramdas 2024, arXiv 2010.09686, theorem 3): for each possible mean m two
/// gamblers play, one on values above m and one on values below; m is excluded once either has made `2/α` of 1.
///
/// With values x scaled to `[0, 1]`:
/// `K⁺(m) = Π (1 + min(λ, c/m)(x − m))`, `K⁻(m) = Π (1 − min(λ, c/(1 − m))(x − m))`, with the predictable plug-in bet
/// `λ_t = √(2 ln(2/α) / (σ²_{t−1} t ln(1 + t)))`, where `μ_t = (1/2 + Σ x_i) / (t + 1)` and
/// `σ²_t = (1/4 + Σ (x_i − μ_i)²) / (t + 1)`. At the true mean both are martingales from 1, so by Ville's inequality either
/// reaches `2/α` ever with probability at most α. It is enough that each value has the same mean given all before it: no
/// independence, and any stopping time.
///
/// `K⁺` falls and `K⁻` rises in m, so on a grid the excluded means are two ends; the interval reaches out to the last excluded
/// grid point on each side, and so never excludes a mean between grid points that it shouldn't. At most O(grid) a value.
#[derive(Debug, Clone)]
pub struct BettingSequence {
    range: Range,
    log_term: f64,
    threshold: f64,
    /// Capital at the grid points `i / (len − 1)`.
    above: Vec<f64>,
    below: Vec<f64>,
    /// First and last grid point that is not excluded.
    first: usize,
    last: usize,
    count: f64,
    sum: f64,
    squares: f64,
}

impl BettingSequence {
    /// Before any value; `grid` is the number of steps over the range, at least 1.
    #[must_use]
    pub fn new(range: Range, confidence: Confidence, grid: usize) -> Self {
        let steps = grid.max(1);
        let alpha = confidence.alpha();
        Self {
            range,
            log_term: 2.0 * (2.0 / alpha).ln(),
            threshold: 2.0 / alpha,
            above: vec![1.0; steps + 1],
            below: vec![1.0; steps + 1],
            first: 0,
            last: steps,
            count: 0.0,
            sum: 0.5,
            squares: 0.25,
        }
    }

    /// Takes the next value; rounding errors outside the range are cut off.
    pub fn push(&mut self, value: f64) {
        let x = ((value - self.range.low) / self.range.width()).clamp(0.0, 1.0);
        self.bet(self.next_bet(), x);
        self.exclude();
        self.count += 1.0;
        self.sum += x;
        let deviation = x - self.sum / (self.count + 1.0);
        self.squares += deviation * deviation;
    }

    /// The running interval: each is inside all before it.
    #[must_use]
    pub fn interval(&self) -> Interval {
        let at = |i: usize| self.range.low + self.range.width() * i as f64 / self.steps();
        let last = self.above.len() - 1;
        Interval { low: at(self.first.saturating_sub(1)), high: at((self.last + 1).min(last)) }
    }

    fn steps(&self) -> f64 {
        (self.above.len() - 1) as f64
    }

    /// λ for the next value, from the values before it.
    fn next_bet(&self) -> f64 {
        let t = self.count + 1.0;
        let variance = self.squares / t;
        (self.log_term / (variance * t * t.ln_1p())).sqrt()
    }

    fn bet(&mut self, lambda: f64, x: f64) {
        let steps = self.steps();
        for i in self.first..=self.last {
            let m = i as f64 / steps;
            self.above[i] *= 1.0 + lambda.min(TRUNCATION / m) * (x - m);
            self.below[i] *= 1.0 - lambda.min(TRUNCATION / (1.0 - m)) * (x - m);
        }
    }

    /// Drops excluded ends, but keeps one point: an empty set has probability at most α and would say nothing.
    fn exclude(&mut self) {
        while self.first < self.last && self.above[self.first] >= self.threshold {
            self.first += 1;
        }
        while self.first < self.last && self.below[self.last] >= self.threshold {
            self.last -= 1;
        }
    }
}
