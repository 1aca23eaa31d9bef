//! What operators see of decisions and of requests turned away.

use crate::{domain::Decision, telemetry::names};
use std::time::Duration;

/// Counts a decision and the time it took.
pub(super) fn decided(decision: &Decision) {
    let explored = if decision.explored { "true" } else { "false" };
    let (model, policy) = (decision.chosen.to_string(), decision.policy.clone());
    metrics::counter!(names::DECISIONS, "model" => model, "policy" => policy, "explored" => explored).increment(1);
    metrics::histogram!(names::ROUTE_SECONDS).record(Duration::from_micros(decision.timings.total_us).as_secs_f64());
}

/// Counts a request that found the encoder's queue full.
pub(super) fn encoder_was_full() {
    metrics::counter!(names::ENCODER_QUEUE_REJECTED).increment(1);
}

/// Counts a record that found the store's queue full.
pub(super) fn store_was_full() {
    metrics::counter!(names::STORE_QUEUE_REJECTED).increment(1);
}
