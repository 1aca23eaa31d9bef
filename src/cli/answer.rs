//! The service's answers as a client reads them: the parts of the contract that this command line relies on.

use serde::Deserialize;
use std::collections::BTreeMap;

/// The answer of `/v1/route` with `explain`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct RouteAnswer {
    pub(super) decision_id: String,
    pub(super) model: String,
    pub(super) provider: Option<String>,
    #[serde(default)]
    pub(super) fallbacks: Vec<String>,
    pub(super) task: TaskAnswer,
    pub(super) difficulty: f64,
    pub(super) predicted: Option<PredictedAnswer>,
    pub(super) propensity: f64,
    pub(super) explored: bool,
    pub(super) policy: String,
    pub(super) policy_version: u64,
    pub(super) rule: RuleAnswer,
    pub(super) reason: String,
    #[serde(default)]
    pub(super) candidates: Vec<CandidateAnswer>,
    #[serde(default)]
    pub(super) timings_us: BTreeMap<String, u64>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct TaskAnswer {
    pub(super) r#type: String,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct RuleAnswer {
    pub(super) quality_target: f64,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct PredictedAnswer {
    pub(super) quality: f64,
    pub(super) quality_low: f64,
    pub(super) cost_usd: f64,
    pub(super) output_tokens: u32,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct CandidateAnswer {
    pub(super) model: String,
    pub(super) quality: Option<f64>,
    pub(super) quality_low: Option<f64>,
    pub(super) cost_usd: Option<f64>,
    pub(super) latency_ms: Option<f64>,
    pub(super) propensity: f64,
    pub(super) excluded_by: Option<ExclusionAnswer>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct ExclusionAnswer {
    pub(super) reason: String,
}

/// The answer of `/v1/feedback`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct FeedbackAnswer {
    #[serde(default)]
    pub(super) number: Option<u64>,
}

/// The answer of `/readyz`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct ReadyAnswer {
    pub(super) scopes: Vec<ScopeAnswer>,
}

/// What is learned in one scope.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct ScopeAnswer {
    pub(super) scope: String,
    pub(super) version: u64,
    pub(super) digest: String,
}
