//! What operators see of decisions, of posteriors and of providers.

use super::bill::Bill;
use crate::{
    cache::{CacheStats, Served},
    domain::{CacheHit, Decision, ModelId, OutcomeStatus, Scope},
    gateway::BreakerState,
    telemetry::names,
};
use metrics::SharedString;
use std::time::Duration;

/// Counts a decision and the time it took, whatever comes of it.
pub(super) fn decided(decision: &Decision) {
    let explored = if decision.explored { "true" } else { "false" };
    let (model, policy) = (decision.chosen.shared(), decision.policy.clone());
    metrics::counter!(names::DECISIONS, "model" => model, "policy" => policy, "explored" => explored).increment(1);
    metrics::histogram!(names::ROUTE_SECONDS).record(Duration::from_micros(decision.timings.total_us).as_secs_f64());
}

/// Shows the posterior that decides in a scope from now on.
pub(super) fn published(scope: &Scope, version: u64) {
    metrics::gauge!(names::POSTERIOR_VERSION, "scope" => scope.shared()).set(version as f64);
}

/// What came of calling a provider.
pub(super) fn ended(provider: &str, model: &ModelId, status: OutcomeStatus, took: Duration, bill: Option<&Bill>) {
    if status == OutcomeStatus::Ok {
        answered(provider, model, took);
    }
    if let Some(bill) = bill {
        spent(provider, model, bill);
    }
}

/// The time until the end of a provider's answer.
fn answered(provider: &str, model: &ModelId, took: Duration) {
    let (provider, model) = (provider.to_owned(), model.shared());
    metrics::histogram!(names::UPSTREAM_SECONDS, "provider" => provider, "model" => model).record(took.as_secs_f64());
}

/// Shows how the breaker of a model stands.
pub(super) fn model_breaker(provider: &str, model: &ModelId, state: BreakerState) {
    let labels = [("provider", SharedString::from(provider.to_owned())), ("model", model.shared().into())];
    metrics::gauge!(names::BREAKER_STATE, &labels).set(level(state));
}

/// Shows how the breaker of a provider stands.
pub(super) fn provider_breaker(provider: &str, state: BreakerState) {
    metrics::gauge!(names::PROVIDER_BREAKER_STATE, "provider" => provider.to_owned()).set(level(state));
}

const fn level(state: BreakerState) -> f64 {
    match state {
        BreakerState::Closed => 0.0,
        BreakerState::HalfOpen => 0.5,
        BreakerState::Open => 1.0,
    }
}

/// Counts a provider's failure.
pub(super) fn failed(provider: &str, model: &ModelId, class: &'static str) {
    let (provider, model) = (provider.to_owned(), model.shared());
    metrics::counter!(names::UPSTREAM_ERRORS, "provider" => provider, "model" => model, "class" => class).increment(1);
}

/// Adds to the bill of a model, and counts it if it had to be estimated.
fn spent(provider: &str, model: &ModelId, bill: &Bill) {
    let labels = [("provider", SharedString::from(provider.to_owned())), ("model", model.shared().into())];
    metrics::gauge!(names::SPEND_USD, &labels).increment(bill.cost.get());
    if bill.is_estimate {
        metrics::counter!(names::ESTIMATED_BILLS, &labels).increment(1);
    }
}

/// Counts an answer that was given again.
pub(super) fn given_again(hit: &CacheHit, served: &Served) {
    let stale = if hit.is_stale { "true" } else { "false" };
    let (policy, model) = (served.policy.clone(), served.model.shared());
    let labels = [("policy", SharedString::from(policy.clone())), ("model", model.clone().into())];
    metrics::counter!(
        names::CACHE_HITS, "match" => hit.matched.as_str(), "stale" => stale, "policy" => policy, "model" => model
    )
    .increment(1);
    if let Some(saved) = hit.saved_usd {
        metrics::gauge!(names::CACHE_SAVED_USD, &labels).increment(saved.get());
    }
}

/// Counts an answer that was looked for and not found.
pub(super) fn not_kept(policy: &str) {
    metrics::counter!(names::CACHE_MISSES, "policy" => policy.to_owned()).increment(1);
}

/// Shows what the cache takes.
pub(super) fn cached(stats: &CacheStats) {
    metrics::gauge!(names::CACHE_BYTES).set((stats.exact.bytes + stats.semantic.bytes) as f64);
}
