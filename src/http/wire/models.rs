//! The list of models: OpenAI's shape, with what routing knows beside it.

use super::names::DataPolicyName;
use crate::{
    catalog::{self, ModelEntry, Price, Rate},
    domain::Region,
    gateway::{BreakerState, Health},
    router::FleetModel,
};
use serde::Serialize;
use utoipa::ToSchema;

/// Models and virtual names.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct ModelList {
    /// Always `list`.
    #[schema(example = "list")]
    pub(crate) object: &'static str,
    /// `auto` and the policies, then real models.
    pub(crate) data: Vec<ModelBody>,
}

/// Whether a name stands for a model or for a choice among models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ModelKind {
    /// `auto` or a policy: each request is routed.
    Router,
    /// A real model: not routed, same limits and logs.
    Model,
    /// A real model that turns texts into vectors: for `/v1/embeddings` alone.
    Embedding,
}

/// A name that the field `model` may have.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct ModelBody {
    /// The name.
    #[schema(example = "openai/gpt-5-mini")]
    id: String,
    /// Always `model`.
    #[schema(example = "model")]
    object: &'static str,
    /// The day of its release, Unix seconds; 0 when unknown.
    created: i64,
    /// The provider, or `satisfice`.
    #[schema(example = "openai")]
    owned_by: String,
    /// A real model or a virtual name.
    kind: ModelKind,
    /// Whether it can be used now.
    usable: bool,
    /// Why it can't; null when it can.
    #[schema(example = "no OPENAI_API_KEY")]
    unusable_because: Option<String>,
    /// How it does at the moment; null for virtual names and for what can't be used.
    health: Option<HealthBody>,
    /// Facts about a real model; null for virtual names.
    details: Option<ModelDetails>,
}

/// How a model does, seen from this service. What was seen fades within minutes.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct HealthBody {
    /// Whether calls are made: of the model's circuit breaker and its provider's the one that lets fewer through.
    state: BreakerName,
    /// Share of calls that failed lately, 0 to 1, drawn towards 0 as long as there were few.
    #[schema(example = 0.02)]
    error_rate: f64,
    /// Time to the first token, milliseconds; null when no answer was seen lately.
    #[schema(example = 412.5)]
    ttft_ms: Option<f64>,
    /// Output tokens a second after the first; likewise.
    #[schema(example = 96.3)]
    tokens_per_s: Option<f64>,
    /// Calls under way.
    #[schema(example = 3)]
    in_flight: u32,
}

/// How a circuit breaker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BreakerName {
    /// Every call is made.
    Closed,
    /// One call is made to see.
    HalfOpen,
    /// No call is made.
    Open,
}

impl From<BreakerState> for BreakerName {
    fn from(state: BreakerState) -> Self {
        match state {
            BreakerState::Closed => Self::Closed,
            BreakerState::HalfOpen => Self::HalfOpen,
            BreakerState::Open => Self::Open,
        }
    }
}

impl From<Health> for HealthBody {
    fn from(Health { state, signal }: Health) -> Self {
        Self {
            state: state.into(),
            error_rate: signal.error_rate,
            ttft_ms: signal.first_token_ms,
            tokens_per_s: signal.tokens_per_second,
            in_flight: signal.in_flight,
        }
    }
}

/// Facts about a model from the catalogue.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct ModelDetails {
    /// Tokens of input and output together.
    #[schema(example = 400_000)]
    context_window: u32,
    /// Tokens of output; 0 for a model that embeds.
    #[schema(example = 128_000)]
    max_output_tokens: u32,
    /// Calls tools.
    tools: bool,
    /// Sees images.
    vision: bool,
    /// Answers in a JSON schema.
    json_schema: bool,
    /// Where its provider processes requests; null when nobody said.
    #[schema(example = "eu")]
    region: Option<String>,
    /// What its provider does with requests; null when nobody said.
    data_policy: Option<DataPolicyName>,
    /// Its class: nano, small, medium, large or frontier.
    #[schema(example = "small")]
    tier: &'static str,
    /// Its price; null when unknown, which is not free.
    price: Option<PriceBody>,
}

/// A price, USD per million tokens, with its source.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct PriceBody {
    /// Input tokens.
    #[schema(example = 0.25)]
    input_usd_per_million: f64,
    /// Output tokens.
    #[schema(example = 2.0)]
    output_usd_per_million: f64,
    /// Input tokens read from the provider's prompt cache; null: as input.
    #[schema(example = 0.025)]
    cached_input_usd_per_million: Option<f64>,
    /// Input tokens written to it; null: as input.
    cache_write_usd_per_million: Option<f64>,
    /// Where it was read.
    source: String,
    /// The day it was read.
    #[schema(example = "2026-11-20")]
    as_of: String,
}

impl ModelBody {
    /// `auto` or a policy's name.
    pub(crate) fn router(name: &str) -> Self {
        Self {
            id: name.to_owned(),
            object: "model",
            created: 0,
            owned_by: "satisfice".to_owned(),
            kind: ModelKind::Router,
            usable: true,
            unusable_because: None,
            health: None,
            details: None,
        }
    }

    /// A real model, and how it does.
    pub(crate) fn new(model: &FleetModel, health: Option<Health>) -> Self {
        let entry = &model.entry;
        Self {
            id: entry.id.to_string(),
            object: "model",
            created: released(entry),
            owned_by: entry.provider.clone(),
            kind: match entry.kind {
                catalog::ModelKind::Chat => ModelKind::Model,
                catalog::ModelKind::Embedding => ModelKind::Embedding,
            },
            usable: model.disabled.is_none(),
            unusable_because: model.disabled.clone(),
            health: health.map(Into::into),
            details: Some(ModelDetails {
                context_window: entry.context_window,
                max_output_tokens: entry.max_output_tokens,
                tools: entry.capabilities.tools,
                vision: entry.capabilities.vision,
                json_schema: entry.capabilities.json_schema,
                region: model.handling.region.as_ref().map(Region::to_string),
                data_policy: model.handling.policy.map(Into::into),
                tier: entry.tier.as_str(),
                price: entry.price.as_ref().map(Into::into),
            }),
        }
    }
}

fn released(entry: &ModelEntry) -> i64 {
    let midnight = entry.released.and_then(|day| day.to_zoned(jiff::tz::TimeZone::UTC).ok());
    midnight.map_or(0, |at| at.timestamp().as_second())
}

impl From<&Price> for PriceBody {
    fn from(price: &Price) -> Self {
        Self {
            input_usd_per_million: price.input.get(),
            output_usd_per_million: price.output.get(),
            cached_input_usd_per_million: price.cached_input.map(Rate::get),
            cache_write_usd_per_million: price.cache_write.map(Rate::get),
            source: price.source.clone(),
            as_of: price.as_of.to_string(),
        }
    }
}
