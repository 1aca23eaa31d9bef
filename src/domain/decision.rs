//! A routing decision: everything needed to explain it, to repeat it and to learn from it.

use super::{
    CallerId, DecisionId, Difficulty, ModelId, Propensity, Quality, RequestId, Requirements, Scope, SessionId,
    TaskProbabilities, UnixMillis, Usd,
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What "good enough" means over many requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecisionMode {
    /// Each request on its own: the cheapest model whose lower quality bound meets the target.
    Floor,
    /// The mean over requests meets the target at the least cost.
    Average,
    /// The highest quality whose mean cost stays within a budget for each request.
    Budget,
}

impl DecisionMode {
    /// The name used on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Floor => "floor",
            Self::Average => "average",
            Self::Budget => "budget",
        }
    }
}

/// The rule under which a decision was made; with the candidates' numbers it reproduces the choice, except where a session
/// went on with its model.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RoutingRule {
    /// Floor, average or budget.
    pub mode: DecisionMode,
    /// Quality target τ.
    pub quality_target: Quality,
    /// Caution κ: predictions are judged at `μ − κ·s`.
    pub kappa: f64,
    /// USD that one unit of quality is worth at the moment (modes `average` and `budget`).
    pub lambda_usd: f64,
    /// Share of traffic that may explore, 0..1.
    pub exploration: f64,
}

/// Why a model could not be chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "rule", content = "detail")]
pub enum Exclusion {
    /// Its provider has no key or is switched off.
    ProviderDisabled,
    /// No price is known, so it can't win on cost.
    Unpriced,
    /// The input with the output allowance does not fit its context window (tokens).
    ContextWindow {
        /// Tokens needed.
        needed: u32,
        /// Tokens available.
        limit: u32,
    },
    /// More output tokens are asked for than it can give.
    OutputLimit {
        /// Tokens asked for.
        needed: u32,
        /// Tokens available.
        limit: u32,
    },
    /// It can't call tools.
    NoTools,
    /// It can't see images.
    NoVision,
    /// It can't answer in a JSON schema.
    NoJsonSchema,
    /// The caller's `models` does not list it.
    NotAllowed,
    /// The caller's `exclude`, or the configuration, rules it out.
    Denied,
    /// It is not known that its provider processes requests in a region that is asked for.
    Region,
    /// It is not known that its provider keeps to the data policy that is asked for.
    DataPolicy,
    /// Its expected cost is above the caller's `max_cost_usd`, or its price above the caller's `max_price`.
    TooExpensive,
    /// Its expected latency is above the caller's `max_latency_ms`.
    TooSlow,
    /// Its provider withdrew it.
    Deprecated,
    /// The request can't be said in the dialect of its provider.
    Inexpressible {
        /// Which field of the request.
        field: String,
        /// Why not.
        problem: String,
    },
    /// Calls to it fail at the moment; none are made.
    Unwell {
        /// When it may be tried again, milliseconds from the decision.
        retry_after_ms: u64,
    },
}

impl Exclusion {
    /// The name of the rule, as it stands on the wire and in exported files.
    #[must_use]
    pub const fn rule(&self) -> &'static str {
        match self {
            Self::ProviderDisabled => "provider_disabled",
            Self::Unpriced => "unpriced",
            Self::ContextWindow { .. } => "context_window",
            Self::OutputLimit { .. } => "output_limit",
            Self::NoTools => "no_tools",
            Self::NoVision => "no_vision",
            Self::NoJsonSchema => "no_json_schema",
            Self::NotAllowed => "not_allowed",
            Self::Denied => "denied",
            Self::Region => "region",
            Self::DataPolicy => "data_policy",
            Self::TooExpensive => "too_expensive",
            Self::TooSlow => "too_slow",
            Self::Deprecated => "deprecated",
            Self::Inexpressible { .. } => "inexpressible",
            Self::Unwell { .. } => "unwell",
        }
    }
}

impl fmt::Display for Exclusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ProviderDisabled => f.write_str("its provider has no key"),
            Self::Unpriced => f.write_str("no price is known"),
            Self::ContextWindow { needed, limit } => write!(f, "needs {needed} tokens of context, has {limit}"),
            Self::OutputLimit { needed, limit } => write!(f, "needs {needed} output tokens, has {limit}"),
            Self::NoTools => f.write_str("can't call tools"),
            Self::NoVision => f.write_str("can't see images"),
            Self::NoJsonSchema => f.write_str("can't answer in a JSON schema"),
            Self::NotAllowed => f.write_str("not among the models allowed"),
            Self::Denied => f.write_str("excluded by request or configuration"),
            Self::Region => f.write_str("not known to be processed in a region that is asked for"),
            Self::DataPolicy => f.write_str("its provider is not known to keep to the data policy asked for"),
            Self::TooExpensive => f.write_str("expected cost above max_cost_usd, or price above max_price"),
            Self::TooSlow => f.write_str("expected latency above max_latency_ms"),
            Self::Deprecated => f.write_str("withdrawn by its provider"),
            Self::Inexpressible { field, problem } => {
                write!(f, "the provider's API has no words for {field}: {problem}")
            }
            Self::Unwell { .. } => f.write_str("its provider keeps failing and is left alone for now"),
        }
    }
}

/// What is expected of a model on this prompt.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Predicted {
    /// Quality prior before online learning, `q0`.
    pub prior: f64,
    /// Posterior mean quality μ.
    pub quality: f64,
    /// Posterior standard deviation s of the quality.
    pub spread: f64,
    /// `μ − κ·s`, the bound that is judged.
    pub quality_low: f64,
    /// Expected cost.
    pub cost_usd: Usd,
    /// Expected time to the whole answer, milliseconds.
    pub latency_ms: f64,
    /// Expected output tokens.
    pub output_tokens: u32,
}

/// A model considered, eligible or not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// The model.
    pub model: ModelId,
    /// What is expected of it; `None` for excluded ones.
    pub predicted: Option<Predicted>,
    /// The probability with which it could have been chosen; 0 for excluded ones.
    pub propensity: Propensity,
    /// Why it could not be chosen.
    pub excluded_by: Option<Exclusion>,
}

/// Where the time went, microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Timings {
    /// Waiting in the encoder's queue.
    pub queue_us: u64,
    /// Tokenising and encoding, the whole batch.
    pub encode_us: u64,
    /// Features and heads.
    pub classify_us: u64,
    /// Eligibility, prediction and choice.
    pub decide_us: u64,
    /// From the parsed request to the decision.
    pub total_us: u64,
}

/// A routing decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// Its id.
    pub id: DecisionId,
    /// The request it answers.
    pub request_id: RequestId,
    /// The conversation it belongs to, if the caller named one.
    pub session_id: Option<SessionId>,
    /// Who sent the request; `None` in logs from before callers were known.
    pub caller: Option<CallerId>,
    /// When.
    pub at: UnixMillis,
    /// Whose posterior.
    pub scope: Scope,
    /// The policy's name.
    pub policy: String,
    /// Feedbacks folded into the posterior that decided.
    pub policy_version: u64,
    /// Encoder and classifier that made the features; `unread` where nobody looked at the prompt, because the model was named.
    pub features_version: String,
    /// The rule.
    pub rule: RoutingRule,
    /// Task types.
    pub tasks: TaskProbabilities,
    /// Difficulty.
    pub difficulty: Difficulty,
    /// Estimated input tokens.
    pub input_tokens: u32,
    /// What the request demanded.
    pub requirements: Requirements,
    /// The projected embedding that the posterior sees, `(CONTEXT_DIM,)`.
    pub context: Vec<f32>,
    /// Every model considered.
    pub candidates: Vec<Candidate>,
    /// The chosen model.
    pub chosen: ModelId,
    /// The model that exploitation alone would have chosen.
    pub greedy: ModelId,
    /// Whether the draw left the greedy choice.
    pub explored: bool,
    /// Models to try next, best first.
    pub fallbacks: Vec<ModelId>,
    /// Whether the target was judged reachable.
    pub target_met: bool,
    /// One sentence for people.
    pub reason: String,
    /// Where the time went.
    pub timings: Timings,
}

impl Decision {
    /// The candidate with this name.
    #[must_use]
    pub fn candidate(&self, model: &ModelId) -> Option<&Candidate> {
        self.candidates.iter().find(|c| c.model == *model)
    }

    /// The probability with which the chosen model was chosen.
    #[must_use]
    pub fn propensity(&self) -> f64 {
        self.candidate(&self.chosen).map_or(0.0, |c| c.propensity.get())
    }
}
