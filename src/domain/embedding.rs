//! What came of a request for embeddings. Nothing was decided for it: its caller named the model.

use super::{Attempt, CallerId, ModelId, OutcomeStatus, RequestId, UnixMillis, Usd};
use serde::{Deserialize, Serialize};

/// One request for embeddings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EmbeddingRecord {
    /// The request.
    pub request_id: RequestId,
    /// Who sent it.
    pub caller: CallerId,
    /// The model that was named.
    pub model: ModelId,
    /// How it ended.
    pub status: OutcomeStatus,
    /// Tokens billed, if the provider said.
    pub input_tokens: Option<u32>,
    /// Tokens × price; `None` when no provider sends a bill.
    pub cost_usd: Option<Usd>,
    /// Whether the cost is an estimate, because the provider did not say the tokens.
    pub cost_is_estimate: bool,
    /// Calls made to the provider, in order; none are known of a request whose caller left.
    pub attempts: Vec<Attempt>,
    /// Until the end, milliseconds.
    pub latency_ms: f64,
    /// When it came: the month that it is billed in.
    pub at: UnixMillis,
}
