//! Whether a log can say anything about a policy.

use serde::Serialize;
use std::fmt;

/// Least effective sample size to conclude from; the project's choice.
pub const MIN_EFFECTIVE_SAMPLE_SIZE: f64 = 200.0;
/// Ends of a mean weight to conclude from; the project's choice. Its expectation is 1 with full support and right propensities.
pub const MEAN_WEIGHT: (f64, f64) = (0.9, 1.1);

/// What the weights of a policy on a log look like.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Diagnostics {
    /// Rounds whose outcome was seen.
    pub rounds: usize,
    /// Rounds whose outcome was not.
    pub unseen: usize,
    /// Effective sample size `(Σw)² / Σw²` (Kish 1965), 0 to `rounds`; 0 if all weights are.
    pub effective_sample_size: f64,
    /// Mean w.
    pub mean_weight: f64,
    /// Largest w.
    pub max_weight: f64,
    /// Share of rounds in which the policy could have chosen what was logged, `w > 0`.
    pub support: f64,
}

impl Diagnostics {
    /// From the weights of the rounds seen.
    pub(super) fn new(weights: impl Iterator<Item = f64>, unseen: usize) -> Self {
        let (mut rounds, mut supported) = (0, 0);
        let (mut sum, mut squares, mut max_weight) = (0.0, 0.0, 0.0_f64);
        for w in weights {
            rounds += 1;
            supported += usize::from(w > 0.0);
            sum += w;
            squares += w * w;
            max_weight = max_weight.max(w);
        }
        let n = rounds as f64;
        let effective_sample_size = if squares > 0.0 { sum * sum / squares } else { 0.0 };
        Self { rounds, unseen, effective_sample_size, mean_weight: sum / n, max_weight, support: supported as f64 / n }
    }

    /// Whether to conclude from it.
    #[must_use]
    pub fn reliability(&self) -> Reliability {
        let mut refusals = Vec::new();
        let (size, mean) = (self.effective_sample_size, self.mean_weight);
        if size < MIN_EFFECTIVE_SAMPLE_SIZE {
            refusals.push(Refusal::FewEffectiveRounds { effective_sample_size: size, rounds: self.rounds });
        }
        if !(MEAN_WEIGHT.0..=MEAN_WEIGHT.1).contains(&mean) {
            refusals.push(Refusal::MeanWeight { mean_weight: mean });
        }
        if refusals.is_empty() { Reliability::Conclusive } else { Reliability::Refused(refusals) }
    }
}

/// Whether a log can say anything about a policy.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reliability {
    /// Its intervals mean what they say.
    Conclusive,
    /// Nothing is to be concluded; at least one reason.
    Refused(Vec<Refusal>),
}

impl Reliability {
    /// The reasons not to conclude; empty if there is none.
    #[must_use]
    pub fn refusals(&self) -> &[Refusal] {
        match self {
            Self::Conclusive => &[],
            Self::Refused(refusals) => refusals,
        }
    }
}

/// A reason not to conclude.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// Too little of the log is like what the policy would do: explore more, or collect for longer.
    FewEffectiveRounds {
        /// `(Σw)² / Σw²`.
        effective_sample_size: f64,
        /// Rounds seen.
        rounds: usize,
    },
    /// The policy chooses what was never tried, rewards are missing by arm, or propensities were logged wrongly.
    MeanWeight {
        /// Mean w.
        mean_weight: f64,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FewEffectiveRounds { effective_sample_size, rounds } => write!(
                f,
                "The {rounds} rounds count as {effective_sample_size:.0}, fewer than {MIN_EFFECTIVE_SAMPLE_SIZE:.0}."
            ),
            Self::MeanWeight { mean_weight } => {
                let (low, high) = MEAN_WEIGHT;
                write!(f, "The mean weight is {mean_weight:.3}, not within {low} to {high}.")
            }
        }
    }
}
