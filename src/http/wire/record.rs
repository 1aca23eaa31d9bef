//! A decision with what came of it.

use super::{
    DecisionBody,
    names::{Ending, Source},
};
use crate::{
    domain::{Attempt, Outcome, Reward, UnixMillis},
    store::{DecisionRecord, FeedbackRow},
};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// A decision explained, with its outcomes and feedback.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct DecisionRecordBody {
    /// The decision.
    #[serde(flatten)]
    decision: DecisionBody,
    /// When it was made, RFC 3339.
    #[schema(example = "2026-11-22T22:49:00.123Z")]
    at: String,
    /// Whose experience decided.
    #[schema(example = "default")]
    scope: String,
    /// The model that the rule alone would have chosen.
    greedy: String,
    /// Encoder and classifier that made the features; `unread` where nobody looked at the prompt, because the model was named.
    features_version: String,
    /// Estimated input tokens.
    input_tokens: u32,
    /// Forwardings, oldest first; none after `/v1/route`.
    outcomes: Vec<OutcomeBody>,
    /// Feedback, oldest first, superseded rows included.
    feedback: Vec<FeedbackRowBody>,
}

/// One forwarding.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct OutcomeBody {
    /// The model that served.
    served_model: String,
    /// How it ended.
    status: Ending,
    /// The provider's id of the completion; feedback may name it.
    completion_id: Option<String>,
    /// Tokens billed for the input; null when the provider did not say.
    input_tokens: Option<u32>,
    /// Of these, tokens read from the provider's prompt cache; likewise.
    cached_tokens: Option<u32>,
    /// Of these, tokens written to it; likewise.
    cache_write_tokens: Option<u32>,
    /// Tokens billed for the output; likewise.
    output_tokens: Option<u32>,
    /// Of these, tokens of reasoning; likewise.
    reasoning_tokens: Option<u32>,
    /// The bill, USD; null when no provider sends one, as it failed before its first byte, or when it is unknown, which is not
    /// free.
    cost_usd: Option<f64>,
    /// Whether the bill is an estimate: the provider did not say all tokens, as its stream broke off, the caller left, or it
    /// never does. Input is then taken as estimated for the decision, output as far as it was passed on, or as predicted if
    /// nothing was.
    cost_is_estimate: bool,
    /// Until the first content byte, milliseconds.
    first_byte_ms: Option<f64>,
    /// Until the end, milliseconds.
    latency_ms: f64,
    /// Calls made to providers, in order; null in logs from before they were kept.
    attempts: Option<Vec<AttemptBody>>,
    /// When it ended, RFC 3339.
    at: String,
}

/// One call to a provider.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct AttemptBody {
    /// The model that was called.
    model: String,
    /// Its provider.
    provider: String,
    /// `ok`, a kind of failure such as `rate_limited`, or `abandoned`.
    result: String,
    /// Until the answer, its first content or the failure, milliseconds.
    latency_ms: f64,
}

impl From<&Attempt> for AttemptBody {
    fn from(attempt: &Attempt) -> Self {
        let Attempt { model, provider, result, latency_ms } = attempt.clone();
        Self { model: model.to_string(), provider, result, latency_ms }
    }
}

/// One feedback as it stands in the log.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct FeedbackRowBody {
    /// Its number within the scope.
    number: u64,
    /// The number of the row that it replaced.
    supersedes: Option<u64>,
    /// The model that is credited.
    model: String,
    /// Who says so.
    source: Source,
    /// The score; null for a revocation.
    score: Option<f64>,
    /// Free text as it was given.
    comment: Option<String>,
    /// When it arrived, RFC 3339.
    at: String,
}

impl DecisionRecordBody {
    /// Renders a record.
    pub(crate) fn new(record: &DecisionRecord, provider: Option<&str>) -> Self {
        let decision = &record.decision;
        Self {
            decision: DecisionBody::new(decision, provider, true),
            at: rfc3339(decision.at),
            scope: decision.scope.to_string(),
            greedy: decision.greedy.to_string(),
            features_version: decision.features_version.clone(),
            input_tokens: decision.input_tokens,
            outcomes: record.outcomes.iter().map(Into::into).collect(),
            feedback: record.feedback.iter().map(Into::into).collect(),
        }
    }
}

impl From<&Outcome> for OutcomeBody {
    fn from(outcome: &Outcome) -> Self {
        Self {
            served_model: outcome.served_model.to_string(),
            status: outcome.status.into(),
            completion_id: outcome.completion_id.clone(),
            input_tokens: outcome.input_tokens,
            cached_tokens: outcome.cached_tokens,
            cache_write_tokens: outcome.cache_write_tokens,
            output_tokens: outcome.output_tokens,
            reasoning_tokens: outcome.reasoning_tokens,
            attempts: outcome.attempts.as_ref().map(|all| all.iter().map(Into::into).collect()),
            cost_usd: outcome.cost_usd.map(Into::into),
            cost_is_estimate: outcome.cost_is_estimate,
            first_byte_ms: outcome.first_byte_ms,
            latency_ms: outcome.latency_ms,
            at: rfc3339(outcome.at),
        }
    }
}

impl From<&FeedbackRow> for FeedbackRowBody {
    fn from(row: &FeedbackRow) -> Self {
        let feedback = &row.feedback;
        Self {
            number: row.number,
            supersedes: row.supersedes,
            model: feedback.model.to_string(),
            source: feedback.source.into(),
            score: score(feedback.reward),
            comment: feedback.comment.clone(),
            at: rfc3339(feedback.at),
        }
    }
}

/// The score that a reward stands for; a revocation has none.
pub(super) fn score(reward: Reward) -> Option<f64> {
    match reward {
        Reward::Score(quality) => Some(quality.get()),
        Reward::Revoked => None,
    }
}

/// The bare number for a time beyond the calendar's range, which no clock makes.
pub(super) fn rfc3339(at: UnixMillis) -> String {
    Timestamp::from_millisecond(at.0).map_or_else(|_| at.0.to_string(), |t| t.to_string())
}
