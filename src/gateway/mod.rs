//! Forwards a chat completion to a provider that answers, and watches what comes back.
//!
//! [`Gateway::chat`] is given models in their order. `chain` goes through them; `serve` calls one of them with its provider's
//! keys until it answers (`retry` says what a failure means, `keyring` whose turn it is, `breaker` whether to call at
//! all); `attempt` is one call, made by the adapter of the provider's dialect: `openai`, `anthropic`, `bedrock`, or the
//! built-in staging provider. It returns once a whole answer, or the first content of a streamed one, is there. All that is
//! observed on the way becomes `signals`, which the next decision looks at. `docs/failover.md` tells it to operators.

mod access;
mod address;
mod anthropic;
mod attempt;
mod backoff;
mod bedrock;
mod breaker;
mod call;
mod chain;
mod error;
mod health;
mod keyring;
mod openai;
mod options;
mod outgoing;
mod provider;
mod retry;
mod serve;
mod signals;
mod simulated;
mod sse;
mod streaming;
mod token_limit;
mod transport;
mod usage;

pub use access::{ProviderAccess, ProviderKeys};
pub use bedrock::{AwsAccess, BedrockAccess};
pub use breaker::BreakerState;
pub use call::{ChatCall, ChatReply, EmbeddingsCall, Forwarded, Gate, Leg, OpenGate, StreamItem, Ticket, Told};
pub use error::GatewayError;
pub use health::Health;
pub use openai::asks_for_usage;
pub use options::GatewayOptions;
pub use signals::{InFlight, Signal, Signals, Timing, blended, expected_attempts};
pub use simulated::{SimulatedWorld, staging_score};
pub use usage::Usage;

use crate::{
    catalog::{Dialect, KeyHeader, Latency},
    domain::ModelId,
};
use breaker::Breaker;
use provider::ProviderState;
use serde_json::Value;
use serve::{Errand, Journey};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};

/// The way out to every provider. Clones share it.
#[derive(Clone)]
pub struct Gateway {
    inner: Arc<Inner>,
}

struct Inner {
    client: reqwest::Client,
    providers: BTreeMap<String, ProviderState>,
    /// For the staging provider, which is always there and never left alone.
    staging: ProviderState,
    /// Whether each model is well.
    breakers: HashMap<ModelId, Breaker>,
    signals: Signals,
    world: SimulatedWorld,
    options: GatewayOptions,
}

impl Gateway {
    /// A gateway to these providers, by id, and for these models with the latency that the catalogue states.
    ///
    /// # Errors
    /// The TLS roots or the resolver can't be set up.
    pub fn new(
        access: BTreeMap<String, ProviderAccess>,
        models: impl IntoIterator<Item = (ModelId, Latency)>,
        world: SimulatedWorld,
        options: GatewayOptions,
    ) -> Result<Self, reqwest::Error> {
        // Any second install is a no-op: the provider is process-wide.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .tcp_nodelay(true)
            .connect_timeout(options.connect_timeout)
            .pool_idle_timeout(Duration::from_secs(60))
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("satisfice/", env!("CARGO_PKG_VERSION")))
            .build()?;
        let models: Vec<_> = models.into_iter().collect();
        let rules = options.breaker();
        let breakers = models.iter().map(|(id, _)| (id.clone(), Breaker::new(rules))).collect();
        let providers = access.into_iter().map(|(id, access)| (id, ProviderState::new(access, rules))).collect();
        let nowhere =
            ProviderAccess { base_url: String::new(), keys: ProviderKeys::Header(KeyHeader::Bearer, Vec::new()) };
        let staging = ProviderState::new(nowhere, GatewayOptions { breaker_failures: 0, ..options }.breaker());
        let inner = Inner { client, providers, staging, breakers, signals: Signals::new(models), world, options };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Whether the provider can be called.
    #[must_use]
    pub fn reaches(&self, provider: &str) -> bool {
        self.inner.providers.contains_key(provider)
    }

    /// What the models do at the moment.
    #[must_use]
    pub fn signals(&self) -> &Signals {
        &self.inner.signals
    }

    /// For how long a model is left alone, because it or its provider keeps failing or all keys rest; `None` when it can be
    /// called now.
    #[must_use]
    pub fn rests(&self, model: &ModelId, provider: &str, now: Instant) -> Option<Duration> {
        let state = self.inner.providers.get(provider)?;
        let resting = state.keys.resting_until(model, now).map(|until| until.saturating_duration_since(now));
        let of_model = self.inner.breakers.get(model).and_then(|breaker| breaker.refuses(now));
        [state.breaker.refuses(now), of_model, resting].into_iter().flatten().max()
    }

    /// Embeds texts with one model; no other one steps in, as their vectors can't be compared.
    pub async fn embeddings(&self, leg: &Leg<'_>, call: &EmbeddingsCall) -> Forwarded {
        let journey = Journey::new(self, Errand::Embeddings(call));
        let reply = journey.serve(leg).await.map_err(|failures| {
            let errors = failures.into_iter().map(|failure| failure.error).collect();
            GatewayError::of_many(errors).unwrap_or_else(|| GatewayError::NoAccess(leg.model.provider.clone()))
        });
        Forwarded { attempts: journey.attempts(), leg: 0, reply }
    }

    fn provider(&self, leg: &Leg<'_>) -> Option<&ProviderState> {
        match leg.dialect {
            Dialect::Simulated => Some(&self.inner.staging),
            _ => self.inner.providers.get(&leg.model.provider),
        }
    }
}

/// The name that callers know a model by goes into every answer, so that decision, header and body agree.
fn name_model(body: &mut Value, model: &ModelId) {
    if let Some(object) = body.as_object_mut() {
        object.insert("model".to_owned(), Value::from(model.as_str()));
    }
}

#[cfg(test)]
mod tests;
