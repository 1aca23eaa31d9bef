//! How models and providers do at the moment, for whoever looks on.

use super::{BreakerState, Gateway, Signal};
use crate::domain::ModelId;
use std::time::Instant;

/// How a model does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Health {
    /// Of its own breaker and its provider's the one that lets fewer calls through.
    pub state: BreakerState,
    /// What was seen of it lately.
    pub signal: Signal,
}

impl Gateway {
    /// How a model does. One that is not known is well, and nothing was seen of it.
    #[must_use]
    pub fn health(&self, model: &ModelId, provider: &str, now: Instant) -> Health {
        let state = self.model_breaker(model, now).max(self.provider_breaker(provider, now));
        Health { state, signal: self.inner.signals.snapshot(model, now) }
    }

    /// How the breaker of a model stands; every failure of its provider to answer for this model counts.
    #[must_use]
    pub fn model_breaker(&self, model: &ModelId, now: Instant) -> BreakerState {
        self.inner.breakers.get(model).map_or(BreakerState::Closed, |breaker| breaker.state(now))
    }

    /// How the breaker of a provider stands; only connections that can't be made count.
    #[must_use]
    pub fn provider_breaker(&self, provider: &str, now: Instant) -> BreakerState {
        self.inner.providers.get(provider).map_or(BreakerState::Closed, |provider| provider.breaker.state(now))
    }
}
