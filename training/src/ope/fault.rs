//! What can be wrong with the inputs; all of it is collected before anything is refused.

use super::estimators::Estimator;
use std::fmt;

/// One thing wrong with a log, a policy or predictions. Rounds count from 0.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum Fault {
    /// The chosen arm is none of the round's arms.
    #[error("round {round}: arm {chosen} was chosen of {arms}")]
    NoSuchArm {
        /// The round.
        round: usize,
        /// Index of the chosen arm.
        chosen: usize,
        /// Arms of the round.
        arms: usize,
    },
    /// A choice that the logging policy could not have made.
    #[error("round {round}: the chosen arm has propensity 0")]
    ZeroPropensity {
        /// The round.
        round: usize,
    },
    /// Probabilities that are negative, not numbers, or don't sum to 1 within [`super::log::TOLERANCE`].
    #[error("round {round}: probabilities of the policy are no distribution, their sum is {sum}")]
    NotADistribution {
        /// The round.
        round: usize,
        /// Their sum.
        sum: f64,
    },
    /// A table of probabilities or predictions with more or fewer rounds than the log.
    #[error("the log has {expected} rounds, the table {given}")]
    Rounds {
        /// Rounds of the log.
        expected: usize,
        /// Rounds of the table.
        given: usize,
    },
    /// Probabilities or predictions for more or fewer arms than the round has.
    #[error("round {round}: {given} values for {expected} arms")]
    Arms {
        /// The round.
        round: usize,
        /// Arms of the round.
        expected: usize,
        /// Values in the table.
        given: usize,
    },
    /// An outcome or a prediction outside the metric's range, so that no bound would hold.
    #[error("round {round}: {value} is not between 0 and {at_most}")]
    OutOfRange {
        /// The round.
        round: usize,
        /// The outcome or the prediction.
        value: f64,
        /// The metric's upper end.
        at_most: f64,
    },
    /// A weight above the bound that was promised, so that no interval built on the bound would hold.
    #[error("round {round}: weight {weight} is above the bound of {bound}")]
    WeightAboveBound {
        /// The round.
        round: usize,
        /// `π(a|x) / π0(a|x)`.
        weight: f64,
        /// The bound.
        bound: f64,
    },
    /// A bound on weights below 1 or not a number; the weights of any policy reach 1.
    #[error("no bound on weights: {0}")]
    NotABound(f64),
    /// A τ or λ that is negative or not a number.
    #[error("not a parameter of an estimator: {0}")]
    Parameter(f64),
    /// The estimator needs q̂ and the evaluation has none.
    #[error("{0:?} needs predictions")]
    NoPredictions(Estimator),
    /// No round has the outcome.
    #[error("no round has the outcome")]
    NoOutcome,
    /// The policy never chooses what was logged, so that a self-normalised mean doesn't exist.
    #[error("the policy gives every logged choice probability 0")]
    NoSupport,
}

/// Faults shown by a [`Faults`] in words; the rest is counted.
const SHOWN: usize = 10;

/// Everything that is wrong; never empty. Correct the inputs: results from what is left would be of another log.
#[derive(Debug, Clone, PartialEq)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// The value if nothing is wrong with it.
    pub(super) fn or<T>(faults: Vec<Fault>, value: T) -> Result<T, Self> {
        if faults.is_empty() { Ok(value) } else { Err(Self(faults)) }
    }

    /// All of them, in the order of the rounds.
    #[must_use]
    pub fn all(&self) -> &[Fault] {
        &self.0
    }
}

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Self {
        Self(vec![fault])
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, fault) in self.0.iter().take(SHOWN).enumerate() {
            write!(f, "{}{fault}", if i == 0 { "" } else { "; " })?;
        }
        let more = self.0.len().saturating_sub(SHOWN);
        if more > 0 { write!(f, "; and {more} more") } else { Ok(()) }
    }
}

impl std::error::Error for Faults {}
