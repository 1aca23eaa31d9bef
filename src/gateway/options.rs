//! How patient the gateway is, and how far it goes.

use super::{backoff::Backoff, breaker::BreakerRules, transport::Patience};
use std::time::Duration;

/// What bounds the search for an answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GatewayOptions {
    /// Further calls of one model with the same key.
    pub retries: u32,
    /// Other models at most.
    pub fallbacks: usize,
    /// A fallback's expected cost at most, relative to the chosen model's.
    pub max_fallback_cost_ratio: f64,
    /// A fallback's expected cost at most where the chosen model is free, USD: nothing can be relative to that.
    pub max_fallback_cost_usd: f64,
    /// Until the connection stands.
    pub connect_timeout: Duration,
    /// From sending a request to the first content of a stream.
    pub first_token_timeout: Duration,
    /// From sending a request to the head of an answer that comes whole.
    pub answer_timeout: Duration,
    /// Between two pieces of an answer.
    pub idle_timeout: Duration,
    /// For all of an answer that comes whole.
    pub total_timeout: Duration,
    /// The first pause before a call is made again.
    pub backoff: Duration,
    /// Failures in a row after which a model is left alone; 0 for none.
    pub breaker_failures: u32,
    /// For how long, the first time.
    pub breaker_open: Duration,
    /// After so long without content the next model is called as well.
    pub hedge_after: Option<Duration>,
    /// What that one may cost at most, relative to the chosen model.
    pub hedge_max_cost_ratio: f64,
}

impl Default for GatewayOptions {
    fn default() -> Self {
        Self {
            retries: 2,
            fallbacks: 3,
            max_fallback_cost_ratio: 5.0,
            max_fallback_cost_usd: 0.01,
            connect_timeout: Duration::from_secs(10),
            first_token_timeout: Duration::from_secs(60),
            answer_timeout: Duration::from_secs(300),
            idle_timeout: Duration::from_secs(60),
            total_timeout: Duration::from_secs(600),
            backoff: Duration::from_millis(500),
            breaker_failures: 5,
            breaker_open: Duration::from_secs(30),
            hedge_after: None,
            hedge_max_cost_ratio: 1.0,
        }
    }
}

impl GatewayOptions {
    pub(super) const fn backoff(&self) -> Backoff {
        Backoff::new(self.backoff)
    }

    pub(super) const fn breaker(&self) -> BreakerRules {
        BreakerRules::new(self.breaker_failures, self.breaker_open)
    }

    pub(super) const fn patience(&self) -> Patience {
        Patience {
            first_token: self.first_token_timeout,
            whole: self.answer_timeout,
            idle: self.idle_timeout,
            total: self.total_timeout,
        }
    }
}
