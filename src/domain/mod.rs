//! Values that the rest of the house talks in: ids, units, prompts, data handling, decisions, outcomes, feedback.
//!
//! Nothing here does IO, reads a clock or draws a random number. Constructors check ranges once, so that a value that
//! exists is a value that is right.

mod cached;
mod decision;
mod embedding;
mod feedback;
mod handling;
mod ids;
mod key;
mod near;
mod outcome;
mod prompt;
mod task;
mod units;

pub use cached::{CacheHit, CacheMatch};
pub use decision::{Candidate, Decision, DecisionMode, Exclusion, Predicted, RoutingRule, Timings};
pub use embedding::EmbeddingRecord;
pub use feedback::{Feedback, FeedbackSource, Reward, Verdict};
pub use handling::{DataDemands, DataHandling, DataPolicy, Region};
pub use ids::{DecisionId, InvalidId, KeyId, ModelId, RequestId, Scope, SessionId, Tenant, covers};
pub use key::{CallerId, KeyHash, KeyLimits, KeyRecord, RateLimits, Spent};
pub use near::{near_models, nearest};
pub use outcome::{Attempt, Outcome, OutcomeStatus};
pub use prompt::{Prompt, Requirements, Role, Turn, tokens_of};
pub use task::{TaskProbabilities, TaskType, UnknownTaskType};
pub use units::{Difficulty, OutOfRange, Propensity, Quality, UnixMillis, Usd, clip01, logit, sigmoid};

#[cfg(test)]
mod tests;
