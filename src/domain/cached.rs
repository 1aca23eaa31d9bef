//! An answer that was given again: no decision, no provider's bill, and in the log all the same.

use super::{CallerId, DecisionId, ModelId, RequestId, UnixMillis, Usd};
use serde::{Deserialize, Serialize};

/// Why an answer that was kept fits a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CacheMatch {
    /// It answered the same request.
    Exact,
    /// It answered a similar one.
    Semantic,
}

impl CacheMatch {
    /// The name used in the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Semantic => "semantic",
        }
    }
}

/// One answer that was given again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CacheHit {
    /// The request that it was given to.
    pub request_id: RequestId,
    /// Who sent that.
    pub caller: CallerId,
    /// Why it fits.
    pub matched: CacheMatch,
    /// Whether its time was over and no other could be had.
    pub is_stale: bool,
    /// The decision that it came from. Feedback on it goes there.
    pub decision_id: DecisionId,
    /// The model that had given it.
    pub served_model: ModelId,
    /// Cosine of the two texts, for a similar request.
    pub similarity: Option<f64>,
    /// What it had cost; `None` where the provider did not tell.
    pub saved_usd: Option<Usd>,
    /// When it was given again.
    pub at: UnixMillis,
}
