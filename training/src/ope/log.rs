//! What evaluation works on: logged rounds, the target policy's probabilities, predictions, and which outcome is meant.

use super::fault::{Fault, Faults};
use satisfice::domain::{Propensity, Quality, Usd};
use serde::{Deserialize, Serialize};

/// How far from 1 the probabilities of a policy may sum in a round; they may have been logged with six digits.
pub const TOLERANCE: f64 = 1e-5;

/// One logged decision with its outcome.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Round {
    /// Candidates that were available.
    pub arms: usize,
    /// Index of the chosen one among them.
    pub chosen: usize,
    /// π0(a|x) of the chosen arm when it was chosen.
    pub propensity: Propensity,
    /// Quality of the answer, where feedback came.
    pub reward: Option<Quality>,
    /// What the answer cost.
    pub cost_usd: Usd,
}

/// Logged rounds in the order of time, each with a chosen arm that exists and that the logging policy could choose.
#[derive(Debug, Clone, PartialEq)]
pub struct Log(Vec<Round>);

impl Log {
    /// Checks all rounds.
    ///
    /// # Errors
    /// [`Fault::NoSuchArm`] and [`Fault::ZeroPropensity`], all of them; leave such rounds out only if nothing about the outcome
    /// made them so.
    pub fn new(rounds: Vec<Round>) -> Result<Self, Faults> {
        let faults = rounds.iter().enumerate().filter_map(|(round, r)| fault_of(round, r)).collect();
        Faults::or(faults, Self(rounds))
    }

    /// The rounds.
    #[must_use]
    pub fn rounds(&self) -> &[Round] {
        &self.0
    }

    /// Faults of a table that should have one value for each arm of each round.
    pub(super) fn shape_faults(&self, table: &[Vec<f64>]) -> Vec<Fault> {
        if table.len() != self.0.len() {
            return vec![Fault::Rounds { expected: self.0.len(), given: table.len() }];
        }
        let pairs = self.0.iter().zip(table).enumerate();
        let wrong = pairs.filter(|(_, (round, row))| round.arms != row.len());
        wrong.map(|(i, (round, row))| Fault::Arms { round: i, expected: round.arms, given: row.len() }).collect()
    }
}

fn fault_of(round: usize, r: &Round) -> Option<Fault> {
    if r.chosen >= r.arms {
        Some(Fault::NoSuchArm { round, chosen: r.chosen, arms: r.arms })
    } else if r.propensity.get() == 0.0 {
        Some(Fault::ZeroPropensity { round })
    } else {
        None
    }
}

/// The target policy π(·|x): for each round a distribution over its candidates.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy(Vec<Vec<f64>>);

impl Policy {
    /// Checks that every row is a distribution, within [`TOLERANCE`].
    ///
    /// # Errors
    /// [`Fault::NotADistribution`], one for each round where it isn't.
    pub fn new(probabilities: Vec<Vec<f64>>) -> Result<Self, Faults> {
        let wrong = probabilities.iter().enumerate().filter(|(_, row)| !is_distribution(row));
        let faults = wrong.map(|(round, row)| Fault::NotADistribution { round, sum: row.iter().sum() }).collect();
        Faults::or(faults, Self(probabilities))
    }

    /// `(rounds, arms of the round)`.
    #[must_use]
    pub fn probabilities(&self) -> &[Vec<f64>] {
        &self.0
    }
}

fn is_distribution(row: &[f64]) -> bool {
    row.iter().all(|p| (0.0..=1.0).contains(p)) && (row.iter().sum::<f64>() - 1.0).abs() <= TOLERANCE
}

/// q̂(x, ·): for each round the predicted outcome of each candidate, `(rounds, arms of the round)`, in the metric's unit.
///
/// A round's predictions must not have seen its own outcome; [`super::cross_fit`] sees to that.
#[derive(Debug, Clone, PartialEq)]
pub struct Predictions(pub Vec<Vec<f64>>);

/// Which outcome is evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// The reward, 0 to 1; rounds without one are left out.
    Quality,
    /// Cost of a request in USD; every round has it.
    CostUsd {
        /// What a request can cost at most, known beforehand (an enforced limit, or price times the context window). Bounds are
        /// proportional to it.
        at_most: f64,
    },
}

impl Metric {
    /// Upper end of the range; the lower one is 0.
    #[must_use]
    pub fn at_most(self) -> f64 {
        match self {
            Self::Quality => 1.0,
            Self::CostUsd { at_most } => at_most,
        }
    }

    /// The outcome of a round, if it was seen.
    #[must_use]
    pub fn of(self, round: &Round) -> Option<f64> {
        match self {
            Self::Quality => round.reward.map(Quality::get),
            Self::CostUsd { .. } => Some(round.cost_usd.get()),
        }
    }
}
