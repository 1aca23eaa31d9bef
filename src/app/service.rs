//! An engine that listens.

use super::{Engine, Setup};
use crate::{
    config::{Settings, StoreSettings},
    http::{self, Door, HttpLimits, Readiness},
    router::SystemClock,
    store::{Store, StoreOptions},
};
use anyhow::{Context, anyhow};
use axum::serve::ListenerExt;
use metrics_exporter_prometheus::PrometheusHandle;
use std::{io, net::SocketAddr, path::Path, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpSocket},
    sync::watch,
    task::JoinHandle,
    time::{interval, timeout},
};

/// Connections that the kernel holds until they are accepted.
const BACKLOG: u32 = 1024;
/// Between two upkeeps of the metrics' samples.
const UPKEEP: Duration = Duration::from_secs(5);

/// A running service; [`Service::stop`] ends it in order.
pub struct Service {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    readiness: Readiness,
    server: JoinHandle<io::Result<()>>,
    learner: JoinHandle<()>,
    upkeep: JoinHandle<()>,
    store: Store,
}

/// Takes the address without answering on it yet, so that a port in use is found before anything is loaded.
///
/// # Errors
/// The address can't be had; the message says which.
pub fn bind(address: SocketAddr) -> anyhow::Result<TcpSocket> {
    let take = || -> io::Result<TcpSocket> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        Ok(socket)
    };
    take().with_context(|| format!("can't listen on {address}; --listen or SATISFICE_LISTEN names another address"))
}

impl Service {
    /// Opens the log of `setup`.
    ///
    /// # Errors
    /// Another process writes it, or it can't be read; in words for the operator.
    pub async fn open_store(setup: &Setup) -> anyhow::Result<Store> {
        open(&setup.store_path(), &setup.settings).await
    }

    /// Answers on `socket` from now on.
    ///
    /// # Errors
    /// The socket can't listen, or must not: other machines can reach it and callers need no key.
    pub fn start(
        engine: Engine,
        settings: &Settings,
        socket: TcpSocket,
        metrics: PrometheusHandle,
    ) -> anyhow::Result<Self> {
        let asked = socket.local_addr().context("can't listen")?;
        engine.keys.access().may_listen_on(asked)?;
        let listener = socket.listen(BACKLOG).context("can't listen")?;
        let address = listener.local_addr().context("can't listen")?;
        let (stop, stopped) = watch::channel(false);
        let readiness = Readiness::default();
        let door = Door::new(engine.keys, engine.admin, Arc::new(SystemClock));
        let app = http::service(engine.router, door, limits(settings), readiness.clone(), metrics.clone());
        readiness.set(true);
        Ok(Self {
            address,
            readiness,
            server: tokio::spawn(answer(listener, app, stopped.clone())),
            learner: tokio::spawn(engine.learner.run(stopped)),
            upkeep: tokio::spawn(keep_up(metrics)),
            store: engine.store,
            stop,
        })
    }

    /// Where it answers; the port is known even if 0 was asked for.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until a part of the service ends by itself, which it should not.
    pub async fn failed(&mut self) -> anyhow::Error {
        tokio::select! {
            ended = &mut self.learner => match ended {
                Ok(()) => anyhow!("the learner ended"),
                Err(e) => anyhow!("the learner failed: {e}"),
            },
            ended = &mut self.server => anyhow!("the server ended: {ended:?}"),
        }
    }

    /// Takes no more connections, lets running requests end for as long as `drain`, saves what was learned, closes the log.
    ///
    /// # Errors
    /// The log could not be closed; whatever was acknowledged is safe all the same.
    pub async fn stop(mut self, drain: Duration) -> anyhow::Result<()> {
        self.readiness.set(false);
        // Nobody listening means that both tasks have ended already.
        let _ = self.stop.send(true);
        if !self.server.is_finished() && timeout(drain, &mut self.server).await.is_err() {
            tracing::warn!(seconds = drain.as_secs(), "requests were still running; they are cut off");
            self.server.abort();
        }
        if !self.learner.is_finished() {
            // A failed learner was reported where it failed; the log has it all.
            let _ = (&mut self.learner).await;
        }
        self.upkeep.abort();
        self.store.close().await.context("closing the log")
    }
}

/// The limits that hold at the door.
#[must_use]
pub const fn limits(settings: &Settings) -> HttpLimits {
    let limits = &settings.limits;
    let request_timeout = Duration::from_millis(limits.request_timeout_ms);
    HttpLimits { max_body_bytes: limits.max_body_bytes, max_concurrent: limits.max_concurrent, request_timeout }
}

async fn open(path: &Path, settings: &Settings) -> anyhow::Result<Store> {
    let StoreSettings { durability, queue, .. } = settings.store;
    let options = StoreOptions { durability, queue, ..StoreOptions::default() };
    Store::open(path, options).await.with_context(|| format!("can't open the log {}", path.display()))
}

async fn answer(listener: TcpListener, app: axum::Router, mut stopped: watch::Receiver<bool>) -> io::Result<()> {
    // Without it, a streamed answer on a reused connection stalls for the peer's delayed acknowledgement (40 ms).
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY not set");
        }
    });
    let end = async move {
        // A sender that is gone ends the service as well.
        let _ = stopped.wait_for(|stop| *stop).await;
    };
    axum::serve(listener, app).with_graceful_shutdown(end).await
}

async fn keep_up(metrics: PrometheusHandle) {
    let mut tick = interval(UPKEEP);
    loop {
        tick.tick().await;
        metrics.run_upkeep();
    }
}
