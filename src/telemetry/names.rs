//! Names of metrics, each with its kind, unit and help.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

/// What a metric measures with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// A distribution in buckets.
    Histogram,
}

/// A metric as it is described to collectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// Counter, gauge or histogram.
    pub kind: MetricKind,
    /// Its unit.
    pub unit: Unit,
    /// One sentence for people, with its labels.
    pub help: &'static str,
}

macro_rules! metrics_table {
    ($($constant:ident = $name:literal, $kind:ident, $unit:ident, $help:literal;)+) => {
        $(#[doc = $help] pub const $constant: &str = $name;)+

        /// Every metric.
        pub const METRICS: &[Metric] = &[
            $(Metric { name: $name, kind: MetricKind::$kind, unit: Unit::$unit, help: $help }),+
        ];
    };
}

metrics_table! {
    DECISIONS = "satisfice_decisions_total", Counter, Count,
        "Routing decisions, by model, policy and whether the draw explored.";
    ROUTE_SECONDS = "satisfice_route_seconds", Histogram, Seconds,
        "Time from the parsed request to the decision.";
    HTTP_REQUEST_SECONDS = "satisfice_http_request_seconds", Histogram, Seconds,
        "Time from a request's headers to those of its answer, by route and status.";
    ENCODE_SECONDS = "satisfice_encode_seconds", Histogram, Seconds,
        "Time to encode one batch of tokenised prompts.";
    ENCODER_BATCH_PROMPTS = "satisfice_encoder_batch_prompts", Histogram, Count,
        "Prompts in one encoder batch.";
    ENCODER_QUEUE_REJECTED = "satisfice_encoder_queue_rejected_total", Counter, Count,
        "Requests turned away because the encoder's queue was full.";
    ENCODER_CACHE_HITS = "satisfice_encoder_cache_hits_total", Counter, Count,
        "Prompts whose encoding was still in memory.";
    FEEDBACK = "satisfice_feedback_total", Counter, Count,
        "Feedbacks by source and result (accepted, repeated, refused).";
    POSTERIOR_VERSION = "satisfice_posterior_version", Gauge, Count,
        "Feedbacks folded into the posterior that decides now, by scope.";
    STORE_COMMIT_SECONDS = "satisfice_store_commit_seconds", Histogram, Seconds,
        "Time to commit one batch of records to the log.";
    STORE_QUEUE_REJECTED = "satisfice_store_queue_rejected_total", Counter, Count,
        "Records turned away because the store's queue was full.";
    UPSTREAM_SECONDS = "satisfice_upstream_seconds", Histogram, Seconds,
        "Time from sending a request to a provider to the end of its answer, by provider and model.";
    UPSTREAM_ERRORS = "satisfice_upstream_errors_total", Counter, Count,
        "Failed provider calls, by provider, model and class of error.";
    BREAKER_STATE = "satisfice_breaker_state", Gauge, Count,
        "How the breaker of a model stands (0 closed, 0.5 half-open, 1 open), by provider and model.";
    PROVIDER_BREAKER_STATE = "satisfice_provider_breaker_state", Gauge, Count,
        "How the breaker of a provider stands, which opens when it can't be reached (0 closed, 0.5 half-open, 1 open), by provider.";
    SPEND_USD = "satisfice_spend_usd_total", Gauge, Count,
        "US dollars spent at providers, by provider and model; only grows, a gauge because counters hold whole numbers.";
    ESTIMATED_BILLS = "satisfice_estimated_bills_total", Counter, Count,
        "Bills that were estimated, as the provider did not say all tokens or nobody waited for it, by provider and model.";
    CACHE_HITS = "satisfice_cache_hits_total", Counter, Count,
        "Answers given again, by why they fit (exact, semantic), whether they were stale, policy and model.";
    CACHE_MISSES = "satisfice_cache_misses_total", Counter, Count,
        "Requests that an answer was looked for and not found, by policy.";
    CACHE_BYTES = "satisfice_cache_bytes", Gauge, Bytes,
        "Memory that kept answers take.";
    CACHE_SAVED_USD = "satisfice_cache_saved_usd_total", Gauge, Count,
        "US dollars that answers given again had cost, by policy and model; only grows, a gauge because counters hold whole numbers.";
}

/// Tells the recorder in force what every metric means.
pub fn describe() {
    for metric in METRICS {
        match metric.kind {
            MetricKind::Counter => describe_counter!(metric.name, metric.unit, metric.help),
            MetricKind::Gauge => describe_gauge!(metric.name, metric.unit, metric.help),
            MetricKind::Histogram => describe_histogram!(metric.name, metric.unit, metric.help),
        }
    }
}
