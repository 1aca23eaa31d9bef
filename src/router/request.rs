//! What a caller may ask of the router, and why it may be refused.

use super::ChatFailure;
use crate::{
    access::{Caller, Refusal},
    catalog::Price,
    config::CacheMode,
    dialect::{Inexpressible, Object},
    domain::{DataDemands, DecisionMode, Exclusion, ModelId, Prompt, Quality, RequestId, SessionId, Usd},
    encoder::EncodeError,
    gateway::GatewayError,
    store::StoreError,
};
use std::sync::Arc;

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
    /// What is to be forwarded, if anything: not every provider can be told everything.
    pub speech: Option<Speech>,
}

/// A request in the words in which it may be forwarded.
#[derive(Debug, Clone)]
pub struct Speech {
    /// As a chat completion.
    pub body: Arc<Object>,
    /// Whether the caller speaks Messages, so that providers who do hear its own words.
    pub is_messages: bool,
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
    /// For a model that was asked for by name: models to try after it, in this order (patterns with `*`). Empty where the
    /// router chooses, which has fallbacks of its own.
    pub fallbacks: Vec<String>,
    /// Who may serve.
    pub providers: ProviderWishes,
    /// Where and how the request may be handled; what the policy demands counts beside it.
    pub data: DataDemands,
    /// Which answers may be given again; as far as the policy allows it.
    pub cache: Option<CacheMode>,
}

/// Wishes as to who serves, by the ids of providers in whatever case. A model has one provider, so what chooses a provider
/// chooses among models.
#[derive(Debug, Clone, PartialEq)]
pub struct ProviderWishes {
    /// Only these; empty allows all.
    pub only: Vec<String>,
    /// Not these.
    pub ignore: Vec<String>,
    /// These before others among the fallbacks; without fallbacks only these.
    pub order: Vec<String>,
    /// Whether another model may be tried when the chosen one fails.
    pub allow_fallbacks: bool,
    /// The highest price of input, USD per million tokens.
    pub max_input_usd_per_million: Option<Usd>,
    /// The highest price of output, USD per million tokens.
    pub max_output_usd_per_million: Option<Usd>,
}

impl Default for ProviderWishes {
    fn default() -> Self {
        Self {
            only: Vec::new(),
            ignore: Vec::new(),
            order: Vec::new(),
            allow_fallbacks: true,
            max_input_usd_per_million: None,
            max_output_usd_per_million: None,
        }
    }
}

impl ProviderWishes {
    /// Whether this provider may serve.
    ///
    /// # Errors
    /// [`Exclusion::NotAllowed`] if others are wished for, [`Exclusion::Denied`] if anybody but this one is.
    pub(super) fn admit(&self, provider: &str) -> Result<(), Exclusion> {
        let among = |names: &[String]| names.iter().any(|name| name.eq_ignore_ascii_case(provider));
        let ordered = self.allow_fallbacks || self.order.is_empty() || among(&self.order);
        if !ordered || !(self.only.is_empty() || among(&self.only)) {
            return Err(Exclusion::NotAllowed);
        }
        if among(&self.ignore) { Err(Exclusion::Denied) } else { Ok(()) }
    }

    /// Whether this price may be paid.
    ///
    /// # Errors
    /// [`Exclusion::TooExpensive`].
    pub(super) fn afford(&self, price: &Price) -> Result<(), Exclusion> {
        let above = |rate: f64, limit: Option<Usd>| limit.is_some_and(|limit| rate > limit.get());
        let (input, output) = (self.max_input_usd_per_million, self.max_output_usd_per_million);
        let is_above = above(price.input.get(), input) || above(price.output.get(), output);
        if is_above { Err(Exclusion::TooExpensive) } else { Ok(()) }
    }

    /// The fallbacks as they are wished for: none, or those of the providers in `order` first.
    pub(super) fn arrange<'m>(
        &self,
        mut fallbacks: Vec<ModelId>,
        provider: impl Fn(&ModelId) -> Option<&'m str>,
    ) -> Vec<ModelId> {
        if !self.allow_fallbacks {
            return Vec::new();
        }
        let place = |model: &ModelId| {
            let name = provider(model).unwrap_or_default();
            self.order.iter().position(|wished| wished.eq_ignore_ascii_case(name)).unwrap_or(usize::MAX)
        };
        if !self.order.is_empty() {
            fallbacks.sort_by_key(place);
        }
        fallbacks
    }
}

/// Why there is no decision or no answer.
#[derive(Debug, thiserror::Error)]
pub enum RouteError {
    /// The caller may not, or not now.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The named model is not in the catalogue.
    #[error("unknown model {name:?}; {}GET /v1/models lists the models and policies", did_you_mean(near))]
    UnknownModel {
        /// The name.
        name: String,
        /// Names that may have been meant, nearest first.
        near: Vec<String>,
    },
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
    /// The named model's provider has no words for a field of the request.
    #[error(transparent)]
    Inexpressible(Inexpressible),
    /// The provider of an embedding model.
    #[error(transparent)]
    Gateway(#[from] GatewayError),
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

/// A question before the rest of a sentence; nothing where nothing is near.
pub(crate) fn did_you_mean(near: &[String]) -> String {
    if near.is_empty() { String::new() } else { format!("did you mean {}? ", near.join(" or ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn providers_are_admitted_by_name_in_whatever_case() {
        let only = ProviderWishes { only: names(&["OpenAI"]), ..ProviderWishes::default() };
        assert_eq!((only.admit("openai"), only.admit("azure")), (Ok(()), Err(Exclusion::NotAllowed)));
        let ignore = ProviderWishes { ignore: names(&["azure"]), ..ProviderWishes::default() };
        assert_eq!((ignore.admit("openai"), ignore.admit("azure")), (Ok(()), Err(Exclusion::Denied)));
        let order = ProviderWishes { order: names(&["azure"]), ..ProviderWishes::default() };
        assert_eq!(order.admit("openai"), Ok(()), "others may serve as well");
        let strict = ProviderWishes { allow_fallbacks: false, ..order };
        assert_eq!((strict.admit("openai"), strict.admit("azure")), (Err(Exclusion::NotAllowed), Ok(())));
    }

    #[test]
    fn fallbacks_come_in_the_order_of_their_providers_or_not_at_all() {
        let models = || ["a/1", "b/1", "a/2", "c/1"].map(ModelId::from).to_vec();
        let arranged = |wishes: &ProviderWishes| {
            let arranged = wishes.arrange(models(), |model| match model.as_str() {
                "a/1" | "a/2" => Some("a"),
                "b/1" => Some("b"),
                _ => None,
            });
            arranged.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let mut wishes = ProviderWishes::default();
        assert_eq!(arranged(&wishes), ["a/1", "b/1", "a/2", "c/1"]);
        wishes.order = names(&["B", "a"]);
        assert_eq!(arranged(&wishes), ["b/1", "a/1", "a/2", "c/1"]);
        wishes.allow_fallbacks = false;
        assert!(arranged(&wishes).is_empty());
    }
}
