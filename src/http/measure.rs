//! What operators see of requests turned away.

use crate::telemetry::names;

/// Counts a request that found the encoder's queue full.
pub(super) fn encoder_was_full() {
    metrics::counter!(names::ENCODER_QUEUE_REJECTED).increment(1);
}

/// Counts a record that found the store's queue full.
pub(super) fn store_was_full() {
    metrics::counter!(names::STORE_QUEUE_REJECTED).increment(1);
}
