//! A service in this process, on a free port, with its data in a temporary folder.

use super::super::client::Client;
use crate::{
    app::{ADMIN_KEY, Engine, Invocation, Service, Setup, bind},
    config::Flags,
    telemetry,
};
use std::{path::PathBuf, time::Duration};
use tempfile::TempDir;

/// How long requests may go on when it stops; none should be running.
const DRAIN: Duration = Duration::from_secs(5);

/// The service and its folder, which goes with it.
pub(super) struct LocalService {
    service: Service,
    /// Kept for its life alone.
    _data: TempDir,
}

impl LocalService {
    /// Starts it, with the simulated provider on and in no hurry to wait, and open: nobody has a key of a new folder.
    ///
    /// # Errors
    /// Why it can't start, in words for the operator.
    pub(super) async fn start(config: Option<PathBuf>) -> anyhow::Result<Self> {
        let data = TempDir::with_prefix("satisfice-")?;
        let flags = Flags { listen: Some("127.0.0.1:0".to_owned()), data_dir: Some(data.path().display().to_string()) };
        let mut invocation = Invocation::from_process(config, flags);
        let environment = &mut invocation.environment;
        for (other, name, value) in [
            ("SATISFICE_SIMULATED_ENABLED", "SATISFICE_SIMULATED", "on"),
            ("SATISFICE_SIMULATED_SPEED", "SATISFICE_SIMULATED_SPEED", "1000"),
            (ADMIN_KEY, "SATISFICE_ACCESS_REQUIRE_KEY", "auto"),
        ] {
            environment.remove(other);
            environment.insert(name.to_owned(), value.to_owned());
        }
        let setup = Setup::load(&invocation)?;
        let socket = bind(setup.settings.listen)?;
        let engine = Engine::start(&setup, Service::open_store(&setup).await?).await?;
        let service = Service::start(engine, &setup.settings, socket, telemetry::recorder()?)?;
        Ok(Self { service, _data: data })
    }

    /// A client of it, over a real connection.
    ///
    /// # Errors
    /// The HTTP client can't be set up.
    pub(super) fn client(&self) -> anyhow::Result<Client> {
        Client::listening_on(self.service.address())
    }

    /// Ends it in order.
    ///
    /// # Errors
    /// The log can't be closed.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        self.service.stop(DRAIN).await
    }
}
