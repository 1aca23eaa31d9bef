//! Intervals around the mean of terms: for a fixed number of rounds, and for people who peek.

use super::{betting::BettingSequence, estimators::Range, evaluation::Terms};
use satisfice::domain::OutOfRange;
use serde::Serialize;

/// Confidence of a two-sided interval, between 0 and 1, both excluded. Each end alone errs at half of `1 − confidence`.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize)]
pub struct Confidence(f64);

impl Confidence {
    /// 95 %.
    pub const P95: Self = Self(0.95);

    /// Checks the range.
    ///
    /// # Errors
    /// [`OutOfRange`] when it is not a number strictly between 0 and 1; tell whoever supplied it.
    pub fn new(value: f64) -> Result<Self, OutOfRange> {
        if value > 0.0 && value < 1.0 {
            Ok(Self(value))
        } else {
            Err(OutOfRange { what: "confidence", allowed: "a number between 0 and 1, both excluded", value })
        }
    }

    /// `α = 1 − confidence`.
    #[must_use]
    pub fn alpha(self) -> f64 {
        1.0 - self.0
    }

    /// `z` with `P(|Z| ≤ z) = confidence` for a standard normal Z, to 1e-12 for confidences up to 1 − 1e-9; 1.96 at 95 %.
    #[must_use]
    pub fn z(self) -> f64 {
        let (mut low, mut high) = (0.0, 8.0);
        for _ in 0..60 {
            let middle = f64::midpoint(low, high);
            if central_mass(middle) < self.0 { low = middle } else { high = middle }
        }
        low
    }
}

/// `P(|Z| ≤ z)` by `2φ(z) Σ_k z^(2k+1) / (1·3·…·(2k+1))` (Abramowitz & Stegun 26.2.11); all terms are positive.
fn central_mass(z: f64) -> f64 {
    let (mut term, mut sum) = (z, z);
    for k in 1..200 {
        term *= z * z / f64::from(2 * k + 1);
        sum += term;
    }
    2.0 * sum * (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt()
}

/// A confidence interval, in the unit of the terms.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// Lower confidence bound.
    pub low: f64,
    /// Upper confidence bound.
    pub high: f64,
}

impl Interval {
    /// Whether a value lies in it, ends included.
    #[must_use]
    pub fn contains(self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    /// `high − low`.
    #[must_use]
    pub fn width(self) -> f64 {
        self.high - self.low
    }
}

/// How an interval is made. All cover the mean that the estimator has; SWITCH-DR, `DRos` and DM have a bias that none covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// `mean ± z·s/√n`: right for many rounds and moderate weights, without a guarantee. The one for SNIPS.
    Normal,
    /// `mean ± [√(2s²·ln(4/α)/n) + 7R·ln(4/α)/(3(n − 1))]` with range width R (Maurer & Pontil 2009, theorem 4, on both sides),
    /// cut to the range. Holds for every n, for one look at a log of independent rounds; with q̂ learnt from the log itself,
    /// terms are independent only given q̂.
    EmpiricalBernstein,
    /// [`BettingSequence`]: holds at all times together, however often one looks and whenever one stops.
    Betting {
        /// Steps of the grid over the range; the interval is at most one step too wide on each side.
        grid: usize,
    },
}

/// Why there is no interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoInterval {
    /// SNIPS has no bounded terms: use [`Method::Normal`] or another estimator.
    #[error("the estimator's terms have no range; use the normal interval or another estimator")]
    NoRange,
    /// One term has no variance: collect more rounds.
    #[error("an interval needs at least two rounds")]
    OneRound,
}

impl Method {
    /// The interval around the mean of terms.
    ///
    /// # Errors
    /// [`NoInterval`]: the method needs a range that the estimator doesn't have, or there is one round only.
    pub fn interval(self, terms: &Terms, confidence: Confidence) -> Result<Interval, NoInterval> {
        if terms.values().len() < 2 {
            return Err(NoInterval::OneRound);
        }
        match self {
            Self::Normal => Ok(normal(terms, confidence)),
            Self::EmpiricalBernstein => {
                let range = terms.range().ok_or(NoInterval::NoRange)?;
                Ok(empirical_bernstein(terms, range, confidence))
            }
            Self::Betting { grid } => {
                let range = terms.range().ok_or(NoInterval::NoRange)?;
                let mut sequence = BettingSequence::new(range, confidence, grid);
                terms.values().iter().for_each(|&term| sequence.push(term));
                Ok(sequence.interval())
            }
        }
    }
}

fn normal(terms: &Terms, confidence: Confidence) -> Interval {
    let half = confidence.z() * (terms.variance() / terms.values().len() as f64).sqrt();
    Interval { low: terms.mean() - half, high: terms.mean() + half }
}

fn empirical_bernstein(terms: &Terms, range: Range, confidence: Confidence) -> Interval {
    let n = terms.values().len() as f64;
    let log = (4.0 / confidence.alpha()).ln();
    let half = (2.0 * terms.variance() * log / n).sqrt() + 7.0 * range.width() * log / (3.0 * (n - 1.0));
    Interval { low: (terms.mean() - half).max(range.low), high: (terms.mean() + half).min(range.high) }
}
