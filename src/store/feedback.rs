//! What callers say about answers, what they are told, and how it stands in the log.

use super::{StoreError, cells::Cells};
use crate::domain::{DecisionId, Feedback, FeedbackSource, ModelId, RequestId, Reward, Scope, Tenant, UnixMillis};
use sqlx::sqlite::SqliteRow;
use std::fmt;

/// By what name the caller knows the decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeedbackTarget {
    /// The decision itself.
    Decision(DecisionId),
    /// The provider's id of a completion that served it, or one that the Responses API makes of it; the newest outcome with
    /// that id.
    Completion(String),
    /// The HTTP request it answered; the newest decision with that id.
    Request(RequestId),
}

impl fmt::Display for FeedbackTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decision(id) => write!(f, "decision {id}"),
            Self::Completion(id) => write!(f, "completion {id:?}"),
            Self::Request(id) => write!(f, "request {:?}", id.as_str()),
        }
    }
}

/// A feedback as it arrives.
#[derive(Debug, Clone, PartialEq)]
pub struct NewFeedback {
    /// What it is about.
    pub target: FeedbackTarget,
    /// Whose decisions it can be about; `None`: anybody's, where the service asks for no key.
    pub tenant: Option<Tenant>,
    /// Who says so.
    pub source: FeedbackSource,
    /// What is said.
    pub reward: Reward,
    /// The caller's key for safe repeats, unique for each decision.
    pub idempotency_key: Option<String>,
    /// Free text, stored as given.
    pub comment: Option<String>,
    /// When it arrived.
    pub at: UnixMillis,
}

/// What came of a feedback. A repeat gets the first receipt again, but for `applied` and `repeated`.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedbackReceipt {
    /// The decision it was found to be about.
    pub decision_id: DecisionId,
    /// The model that is credited.
    pub model: ModelId,
    /// Who says so.
    pub source: FeedbackSource,
    /// What is said.
    pub reward: Reward,
    /// Number, within the decision's scope, of the row that says so; `None` when there was nothing to revoke.
    pub number: Option<u64>,
    /// This call added the row.
    pub applied: bool,
    /// The row replaced an earlier one of the same source.
    pub revised: bool,
    /// The log said so already: the key was seen, or the score stood.
    pub repeated: bool,
}

/// One row of the feedback log.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedbackRow {
    /// The scope of its decision.
    pub scope: Scope,
    /// 1..N without gaps within the scope.
    pub number: u64,
    /// Number of the row, same decision and source, that this one replaces.
    pub supersedes: Option<u64>,
    /// The feedback.
    pub feedback: Feedback,
}

/// Reads a row of `SELECT * FROM feedback`.
pub(super) fn read(row: &SqliteRow) -> Result<FeedbackRow, StoreError> {
    let cells = Cells::new("feedback", row);
    Ok(FeedbackRow {
        scope: cells.name("scope")?,
        number: cells.count("number")?,
        supersedes: cells.checked_option::<i64, _>("supersedes")?,
        feedback: Feedback {
            decision_id: cells.id("decision_id")?,
            model: cells.name("model")?,
            source: cells.variant("source")?,
            reward: cells.reward("score")?,
            idempotency_key: cells.get("idempotency_key")?,
            comment: cells.get("comment")?,
            at: cells.at()?,
        },
    })
}
