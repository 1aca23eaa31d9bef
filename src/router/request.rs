//! What a caller may ask of the router, and why it may be refused.

use super::ChatFailure;
use crate::{
    access::{Caller, Headroom, Refusal},
    domain::{Decision, DecisionMode, Prompt, Quality, RequestId, SessionId, Usd},
    encoder::EncodeError,
    store::StoreError,
};

/// A prompt to decide on.
#[derive(Debug, Clone)]
pub struct RouteRequest {
    /// Echoed or made.
    pub request_id: RequestId,
    /// Who asks.
    pub caller: Caller,
    /// The conversation.
    pub prompt: Prompt,
    /// Policy or model by name.
    pub choice: ModelChoice,
    /// The caller's wishes.
    pub options: RouteOptions,
}

/// A decision, committed.
#[derive(Debug, Clone)]
pub struct RouteResponse {
    /// The decision.
    pub decision: Decision,
    /// How the caller's limits stand.
    pub headroom: Headroom,
}

/// What the `model` field asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ModelChoice {
    /// `auto`: the default policy.
    #[default]
    Auto,
    /// A named policy.
    Policy(String),
    /// A real model: no routing, same limits and logs.
    Model(String),
}

/// Per-request wishes; what is absent comes from the policy.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RouteOptions {
    /// Quality target.
    pub quality_target: Option<Quality>,
    /// Decision mode.
    pub mode: Option<DecisionMode>,
    /// Hard cap on the expected cost of this request.
    pub max_cost_usd: Option<Usd>,
    /// Hard cap on the expected latency, milliseconds.
    pub max_latency_ms: Option<f64>,
    /// Only these models (patterns with `*`).
    pub models: Vec<String>,
    /// Not these models (patterns with `*`).
    pub exclude: Vec<String>,
    /// The conversation that the request belongs to.
    pub session_id: Option<SessionId>,
}

/// Why there is no decision or no answer.
#[derive(Debug, thiserror::Error)]
pub enum RouteError {
    /// The caller may not, or not now.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The named model is not in the catalogue.
    #[error("unknown model {0:?}; GET /v1/models lists the models and policies")]
    UnknownModel(String),
    /// The named model can't serve this request.
    #[error("{model} can't serve this request: {reason}")]
    ModelExcluded {
        /// The model.
        model: String,
        /// Why.
        reason: String,
    },
    /// There is nothing to choose from, whatever is asked: the operator has to enable a provider.
    #[error(
        "no model is enabled; set the key of a provider (e.g. OPENAI_API_KEY), or `simulated.enabled`, and restart the \
         service; GET /v1/models says what each model lacks"
    )]
    NothingEnabled,
    /// Everything was excluded.
    #[error("no model is eligible: {0}")]
    NoneEligible(String),
    /// The encoder.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The log.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The provider.
    #[error(transparent)]
    Forward(#[from] Box<ChatFailure>),
}
