//! A decision as callers see it.

use super::names::Mode;
use crate::domain::{Candidate, Decision, Exclusion, Predicted, RoutingRule, Timings};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A routing decision: one model, why, and what was expected of it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct DecisionBody {
    /// Names the decision in feedback; a UUIDv7.
    #[schema(example = "0199f3c2-6c1e-7a51-9a55-1f5a3a1c9a2e")]
    decision_id: String,
    /// The request that it answers.
    request_id: String,
    /// The session that the request named.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "trip-to-rome")]
    session_id: Option<String>,
    /// The chosen model.
    #[schema(example = "openai/gpt-5-mini")]
    model: String,
    /// Who serves it; null once the catalogue no longer has the model.
    #[schema(example = "openai")]
    provider: Option<String>,
    /// Models to try next, best first.
    fallbacks: Vec<String>,
    /// What kind of answer the prompt wants.
    task: TaskBody,
    /// 0 (any model gets it right) to 1 (none does).
    #[schema(minimum = 0, maximum = 1, example = 0.31)]
    difficulty: f64,
    /// What is expected of the chosen model.
    predicted: Option<PredictedBody>,
    /// The probability with which this model was chosen.
    #[schema(minimum = 0, maximum = 1, example = 0.99)]
    propensity: f64,
    /// Whether chance picked another model than the rule.
    explored: bool,
    /// The policy's name.
    #[schema(example = "default")]
    policy: String,
    /// Feedbacks folded into the posterior that decided.
    policy_version: u64,
    /// The rule in force.
    rule: RuleBody,
    /// Whether the quality target was judged reachable.
    target_met: bool,
    /// Why, in a sentence.
    reason: String,
    /// Every model considered; only with `explain`.
    #[serde(skip_serializing_if = "Option::is_none")]
    candidates: Option<Vec<CandidateBody>>,
    /// Where the time went; only with `explain`.
    #[serde(skip_serializing_if = "Option::is_none")]
    timings_us: Option<TimingsBody>,
}

/// Task types with their probabilities.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct TaskBody {
    /// The most probable one.
    #[schema(example = "coding")]
    r#type: &'static str,
    /// All of them; sums to one.
    #[schema(example = json!({"coding": 0.93, "reasoning": 0.07}))]
    probabilities: BTreeMap<&'static str, f32>,
}

/// What is expected of a model on this prompt.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub(crate) struct PredictedBody {
    /// Mean quality.
    #[schema(minimum = 0, maximum = 1, example = 0.91)]
    quality: f64,
    /// The lower bound that is judged against the target.
    #[schema(example = 0.87)]
    quality_low: f64,
    /// Cost, USD.
    #[schema(minimum = 0, example = 0.00042)]
    cost_usd: f64,
    /// Output tokens.
    #[schema(example = 210)]
    output_tokens: u32,
    /// Until the whole answer, milliseconds.
    #[schema(minimum = 0, example = 1800.0)]
    latency_ms: f64,
}

/// The rule under which the decision was made.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub(crate) struct RuleBody {
    /// Floor, average or budget.
    mode: Mode,
    /// Quality that is good enough.
    #[schema(minimum = 0, maximum = 1, example = 0.85)]
    quality_target: f64,
    /// Standard deviations by which predictions are lowered before they are judged.
    kappa: f64,
    /// USD that one unit of quality is worth at the moment (modes `average` and `budget`).
    lambda_usd: f64,
    /// Share of traffic that may explore.
    exploration: f64,
}

/// A model considered.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct CandidateBody {
    /// The model.
    model: String,
    /// Mean quality; null for excluded models, as are the next four.
    quality: Option<f64>,
    /// The lower bound that is judged.
    quality_low: Option<f64>,
    /// Expected cost, USD.
    cost_usd: Option<f64>,
    /// Expected output tokens.
    output_tokens: Option<u32>,
    /// Expected time to the whole answer, milliseconds.
    latency_ms: Option<f64>,
    /// The probability with which it could have been chosen.
    propensity: f64,
    /// Why it could not be chosen; null when it could.
    excluded_by: Option<ExclusionBody>,
}

/// Why a model could not be chosen.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct ExclusionBody {
    /// For programs.
    #[schema(example = "context_window")]
    rule: &'static str,
    /// For people.
    #[schema(example = "needs 9000 tokens of context, has 8192")]
    reason: String,
}

/// Where the time went, microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct TimingsBody {
    /// Waiting for the encoder.
    queue: u64,
    /// Tokenising and encoding the batch.
    encode: u64,
    /// Features and heads.
    classify: u64,
    /// Eligibility, prediction and choice.
    decide: u64,
    /// From the parsed request to the decision.
    total: u64,
}

impl DecisionBody {
    /// Renders a decision; with `explain`, all of it.
    pub(crate) fn new(decision: &Decision, provider: Option<&str>, explain: bool) -> Self {
        let predicted = decision.candidate(&decision.chosen).and_then(|c| c.predicted.as_ref());
        Self {
            decision_id: decision.id.to_string(),
            request_id: decision.request_id.to_string(),
            session_id: decision.session_id.as_ref().map(ToString::to_string),
            model: decision.chosen.to_string(),
            provider: provider.map(str::to_owned),
            fallbacks: decision.fallbacks.iter().map(ToString::to_string).collect(),
            task: TaskBody {
                r#type: decision.tasks.top().as_str(),
                probabilities: decision.tasks.0.iter().map(|(task, p)| (task.as_str(), *p)).collect(),
            },
            difficulty: decision.difficulty.get(),
            predicted: predicted.map(Into::into),
            propensity: decision.propensity(),
            explored: decision.explored,
            policy: decision.policy.clone(),
            policy_version: decision.policy_version,
            rule: decision.rule.into(),
            target_met: decision.target_met,
            reason: decision.reason.clone(),
            candidates: explain.then(|| decision.candidates.iter().map(Into::into).collect()),
            timings_us: explain.then(|| decision.timings.into()),
        }
    }
}

impl From<&Predicted> for PredictedBody {
    fn from(predicted: &Predicted) -> Self {
        Self {
            quality: predicted.quality,
            quality_low: predicted.quality_low,
            cost_usd: predicted.cost_usd.get(),
            output_tokens: predicted.output_tokens,
            latency_ms: predicted.latency_ms,
        }
    }
}

impl From<RoutingRule> for RuleBody {
    fn from(rule: RoutingRule) -> Self {
        Self {
            mode: rule.mode.into(),
            quality_target: rule.quality_target.get(),
            kappa: rule.kappa,
            lambda_usd: rule.lambda_usd,
            exploration: rule.exploration,
        }
    }
}

impl From<&Candidate> for CandidateBody {
    fn from(candidate: &Candidate) -> Self {
        let predicted = candidate.predicted.as_ref();
        Self {
            model: candidate.model.to_string(),
            quality: predicted.map(|p| p.quality),
            quality_low: predicted.map(|p| p.quality_low),
            cost_usd: predicted.map(|p| p.cost_usd.get()),
            output_tokens: predicted.map(|p| p.output_tokens),
            latency_ms: predicted.map(|p| p.latency_ms),
            propensity: candidate.propensity.get(),
            excluded_by: candidate.excluded_by.as_ref().map(Into::into),
        }
    }
}

impl From<&Exclusion> for ExclusionBody {
    fn from(exclusion: &Exclusion) -> Self {
        Self { rule: exclusion.rule(), reason: exclusion.to_string() }
    }
}

impl From<Timings> for TimingsBody {
    fn from(timings: Timings) -> Self {
        let Timings { queue_us: queue, encode_us: encode, classify_us: classify, decide_us: decide, total_us: total } =
            timings;
        Self { queue, encode, classify, decide, total }
    }
}
