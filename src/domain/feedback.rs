//! Scores that users, judges and tests give to answers.

use super::{DecisionId, ModelId, Quality, UnixMillis};
use serde::{Deserialize, Serialize};

/// Where a score comes from; decides how much it is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedbackSource {
    /// A person's thumb or rating.
    User,
    /// A model that judges.
    Judge,
    /// A test suite or another exact check.
    Tests,
}

impl FeedbackSource {
    /// Every source.
    pub const ALL: [Self; 3] = [Self::User, Self::Judge, Self::Tests];

    /// The name used on the wire and in the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Judge => "judge",
            Self::Tests => "tests",
        }
    }

    /// Variance of the noise that the source adds to a score: a thumb is noisier than a judge, a judge than a test.
    #[must_use]
    pub const fn noise_variance(self) -> f64 {
        match self {
            Self::User => 0.10,
            Self::Judge => 0.03,
            Self::Tests => 0.005,
        }
    }
}

/// A verdict in words instead of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The model was right for the job.
    GoodFit,
    /// The model was too weak.
    Underpowered,
    /// The answer was fine, a cheaper model would have done.
    Overprovisioned,
    /// No usable answer.
    Failed,
}

impl Verdict {
    /// The score a verdict stands for.
    #[must_use]
    pub fn quality(self) -> Quality {
        Quality::clipped(match self {
            Self::GoodFit => 0.95,
            Self::Overprovisioned => 1.0,
            Self::Underpowered => 0.25,
            Self::Failed => 0.0,
        })
    }
}

/// What a feedback says: a score, or that an earlier one is taken back.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reward {
    /// The score.
    Score(Quality),
    /// The earlier score of this source no longer counts.
    Revoked,
}

/// One accepted feedback, as it stands in the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Feedback {
    /// The decision it is about.
    pub decision_id: DecisionId,
    /// The model that is credited: the one that served, else the one that was decided.
    pub model: ModelId,
    /// Who says so.
    pub source: FeedbackSource,
    /// What is said.
    pub reward: Reward,
    /// The caller's key for safe repeats.
    pub idempotency_key: Option<String>,
    /// Free text, stored as given; never learned from.
    pub comment: Option<String>,
    /// When it arrived.
    pub at: UnixMillis,
}
