//! What came of a decision when it was forwarded.

use super::{DecisionId, ModelId, UnixMillis, Usd};
use serde::{Deserialize, Serialize};

/// How a forwarded request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeStatus {
    /// A whole answer was delivered.
    Ok,
    /// The upstream answered with an error, or broke off.
    UpstreamError,
    /// The upstream did not answer in time.
    Timeout,
    /// The client went away first.
    Cancelled,
}

impl OutcomeStatus {
    /// The name used in the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::UpstreamError => "upstream_error",
            Self::Timeout => "timeout",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A call that was made to a provider.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// The model that was called.
    pub model: ModelId,
    /// Its provider.
    pub provider: String,
    /// `ok`, a kind of failure such as `rate_limited`, or `abandoned` when nobody waited for it any more.
    pub result: String,
    /// Until the answer, its first content or the failure, milliseconds.
    pub latency_ms: f64,
}

/// One forwarding of a decision. The arm that was decided stands in the decision; the one that served stands here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The decision that was forwarded.
    pub decision_id: DecisionId,
    /// The model that served.
    pub served_model: ModelId,
    /// The provider's own id of the completion.
    pub completion_id: Option<String>,
    /// How it ended.
    pub status: OutcomeStatus,
    /// Tokens billed for the input, if the provider said.
    pub input_tokens: Option<u32>,
    /// Of these, tokens read from the provider's prompt cache.
    pub cached_tokens: Option<u32>,
    /// Of these, tokens written to it.
    pub cache_write_tokens: Option<u32>,
    /// Tokens billed for the output, reasoning included, if the provider said.
    pub output_tokens: Option<u32>,
    /// Of these, tokens of reasoning.
    pub reasoning_tokens: Option<u32>,
    /// Tokens × price; `None` when no provider sends a bill, or the price is unknown (unpriced is not free).
    pub cost_usd: Option<Usd>,
    /// Whether the cost is an estimate, because the provider did not say all tokens.
    pub cost_is_estimate: bool,
    /// Calls made to providers, in order; `None` in logs from before they were kept.
    pub attempts: Option<Vec<Attempt>>,
    /// Until the first content byte, milliseconds.
    pub first_byte_ms: Option<f64>,
    /// Until the end, milliseconds.
    pub latency_ms: f64,
    /// When it ended.
    pub at: UnixMillis,
}
