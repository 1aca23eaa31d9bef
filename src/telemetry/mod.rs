//! What operators see: log set-up, the metrics recorder, and every metric and field name as a constant.
//!
//! Modules emit with the constants of [`names`] and [`fields`], so that a name is spelt once and described once.

pub mod fields;
pub mod names;

pub use names::describe;

use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use std::{
    env,
    io::{self, IsTerminal},
};
use tracing::Subscriber;
use tracing_subscriber::{
    EnvFilter,
    filter::ParseError,
    fmt::MakeWriter,
    util::{SubscriberInitExt, TryInitError},
};

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for collectors.
    Json,
}

/// Why telemetry could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter is not in `tracing` syntax; whoever set it should correct it.
    #[error("log filter {filter:?} can't be read; an example is \"info,satisfice=debug\"")]
    Filter {
        /// What was given.
        filter: String,
        /// Where it fails.
        source: ParseError,
    },
    /// The process already logs elsewhere.
    #[error("logging is already set up in this process")]
    Subscriber(#[from] TryInitError),
    /// The process already has a metrics recorder.
    #[error("metrics can't be recorded")]
    Recorder(#[from] BuildError),
}

/// Upper bounds in seconds of every `_seconds` histogram: 1-2-5 steps from 10 µs to 100 s.
pub const SECONDS_BUCKETS: [f64; 22] = [
    1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0,
    50.0, 100.0,
];

/// Upper bounds of histograms that count things in a batch.
const BATCH_BUCKETS: [f64; 8] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0];

/// Sends logs to standard error from now on, for the whole process. Text is coloured only where a terminal shows it and
/// `NO_COLOR` is not set.
///
/// # Errors
/// [`TelemetryError::Filter`] when `filter` can't be read (tell the operator), [`TelemetryError::Subscriber`] when the
/// process already logs.
pub fn init_tracing(format: LogFormat, filter: &str) -> Result<(), TelemetryError> {
    match format {
        LogFormat::Text => text_subscriber(parse_filter(filter)?, io::stderr, wants_colour()).try_init()?,
        LogFormat::Json => json_subscriber(parse_filter(filter)?, io::stderr).try_init()?,
    }
    Ok(())
}

/// Installs the process's metrics recorder, describes every metric and returns the handle that `/metrics` renders.
///
/// The caller runs [`PrometheusHandle::run_upkeep`] every few seconds, otherwise histograms keep their samples.
///
/// # Errors
/// [`TelemetryError::Recorder`] when the process already has a recorder.
pub fn recorder() -> Result<PrometheusHandle, TelemetryError> {
    let recorder = build_recorder()?;
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(BuildError::from)?;
    describe();
    Ok(handle)
}

fn build_recorder() -> Result<PrometheusRecorder, BuildError> {
    use metrics_exporter_prometheus::Matcher;
    let batch = Matcher::Full(names::ENCODER_BATCH_PROMPTS.to_owned());
    let builder = PrometheusBuilder::new().set_buckets(&SECONDS_BUCKETS)?;
    Ok(builder.set_buckets_for_metric(batch, &BATCH_BUCKETS)?.build_recorder())
}

fn parse_filter(filter: &str) -> Result<EnvFilter, TelemetryError> {
    EnvFilter::try_new(filter).map_err(|source| TelemetryError::Filter { filter: filter.to_owned(), source })
}

fn wants_colour() -> bool {
    io::stderr().is_terminal() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

fn text_subscriber<W>(filter: EnvFilter, writer: W, colour: bool) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    tracing_subscriber::fmt().with_ansi(colour).with_env_filter(filter).with_writer(writer).finish()
}

fn json_subscriber<W>(filter: EnvFilter, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    tracing_subscriber::fmt().json().flatten_event(true).with_env_filter(filter).with_writer(writer).finish()
}

#[cfg(test)]
mod tests;
