//! The life of the process that serves.

use super::{Engine, Greeting, Invocation, Service, Setup, bind};
use crate::telemetry::{self, LogFormat};
use anyhow::Context;
use std::{
    io::{self, Write},
    time::{Duration, Instant},
};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// How long requests may go on once the process was told to stop; below the 30 s that service managers grant.
const DRAIN: Duration = Duration::from_secs(25);
/// What is logged unless `SATISFICE_LOG` says otherwise.
const LOG_FILTER: &str = "info,sqlx=warn,hyper=warn";

/// Serves until SIGTERM or SIGINT; a second signal ends the process at once.
///
/// # Errors
/// What kept it from starting or from ending well, in words for the operator.
pub async fn serve(invocation: &Invocation) -> anyhow::Result<()> {
    let started = Instant::now();
    let setup = Setup::load(invocation)?;
    let filter = invocation.environment.get("SATISFICE_LOG").filter(|filter| !filter.is_empty());
    telemetry::init_tracing(setup.settings.log_format, filter.map_or(LOG_FILTER, String::as_str))?;
    let metrics = telemetry::recorder()?;
    let mut signals = Signals::new().context("can't listen for signals")?;
    let socket = bind(setup.settings.listen)?;
    let store = Service::open_store(&setup).await?;
    let engine = Engine::start(&setup, store).await?;
    let greeting = Greeting::of(&setup, &engine).await?;
    let mut service = Service::start(engine, &setup.settings, socket, metrics)?;
    greet(&greeting, &service, setup.settings.log_format, started.elapsed());
    let failure = tokio::select! {
        name = signals.next() => {
            tracing::info!(signal = name, "stopping: running requests may end; a second signal stops at once");
            None
        }
        failure = service.failed() => Some(failure),
    };
    tokio::select! {
        stopped = service.stop(DRAIN) => stopped?,
        name = signals.next() => anyhow::bail!("stopped at once by a second {name}"),
    }
    failure.map_or(Ok(()), Err)
}

/// People get a readable page, collectors of JSON one line.
fn greet(greeting: &Greeting, service: &Service, format: LogFormat, took: Duration) {
    let address = service.address();
    match format {
        LogFormat::Text => {
            // A closed standard error is no reason not to serve.
            let _ = io::stderr().write_all(greeting.page(address, took).as_bytes());
        }
        LogFormat::Json => tracing::info!(
            %address,
            data_dir = %greeting.data_dir.display(),
            encoder = greeting.encoder,
            classifier = greeting.classifier,
            callers = greeting.callers,
            models = greeting.usable.values().map(Vec::len).sum::<usize>(),
            simulated = greeting.simulated,
            took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            "ready"
        ),
    }
}

/// The signals that end a service.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
