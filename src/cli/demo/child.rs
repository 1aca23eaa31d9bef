//! The service as a child process.

use super::super::{answer::ReadyAnswer, client::Client};
use crate::{app::Invocation, config::Flags};
use anyhow::{Context, bail};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{
    process::{self, Command},
    time::{Instant, sleep},
};

/// How long a start may take; the encoder is there already.
const START: Duration = Duration::from_secs(60);
/// Settings that the demo leaves as they are: where the encoder is and whether it may be fetched.
const KEPT: [&str; 5] = [
    "SATISFICE_CACHE_DIR",
    "SATISFICE_MODELS_DIR",
    "SATISFICE_ENCODER_MODELS_DIR",
    "SATISFICE_OFFLINE",
    "SATISFICE_ENCODER_OFFLINE",
];
/// Settings of the demo: simulated models, and no others whatever keys there are.
const OWN: [(&str, &str); 3] =
    [("SATISFICE_SIMULATED", "on"), ("SATISFICE_ALLOW", "simulated/*"), ("SATISFICE_LOG", "warn")];

/// The service's invocation: this process's environment without its settings, and the demo's.
pub(super) fn invocation(data: &Path) -> Invocation {
    let flags = Flags { listen: None, data_dir: Some(data.display().to_string()) };
    let mut invocation = Invocation::from_process(None, flags);
    invocation.environment = environment(invocation.environment);
    invocation
}

fn environment(mut environment: BTreeMap<String, String>) -> BTreeMap<String, String> {
    environment.retain(|name, _| !name.starts_with("SATISFICE_") || KEPT.contains(&name.as_str()));
    environment.extend(OWN.map(|(name, value)| (name.to_owned(), value.to_owned())));
    environment
}

/// A running service; killed when dropped.
pub(super) struct Child {
    process: process::Child,
    address: SocketAddr,
}

impl Child {
    /// Starts this program as a service and waits until it is ready.
    ///
    /// # Errors
    /// It ended or took too long, with what it said.
    pub(super) async fn start(data: &Path) -> anyhow::Result<Self> {
        let address = free_address()?;
        let log = data.join("service.log");
        let said = File::options().create(true).append(true).open(&log)?;
        let process = Command::new(std::env::current_exe()?)
            .args(["serve", "--listen", &address.to_string(), "--data-dir"])
            .arg(data)
            .env_clear()
            .envs(invocation(data).environment)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(said)
            .kill_on_drop(true)
            .spawn()
            .context("can't start the service")?;
        let mut child = Self { process, address };
        child.ready(&log).await?;
        Ok(child)
    }

    async fn ready(&mut self, log: &PathBuf) -> anyhow::Result<()> {
        let (client, deadline) = (self.client()?, Instant::now() + START);
        while client.get::<ReadyAnswer>("/readyz").await.is_err() {
            let said = || fs::read_to_string(log).unwrap_or_default();
            if let Some(status) = self.process.try_wait()? {
                bail!("the service ended ({status}):\n{}", said());
            }
            if Instant::now() > deadline {
                bail!("the service is not ready after {} s:\n{}", START.as_secs(), said());
            }
            sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Where it listens.
    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// A client of it.
    ///
    /// # Errors
    /// The HTTP client can't be set up.
    pub(super) fn client(&self) -> anyhow::Result<Client> {
        Client::listening_on(self.address)
    }

    /// SIGKILL: it gets no chance to save anything.
    ///
    /// # Errors
    /// It can't be killed.
    pub(super) async fn kill(&mut self) -> anyhow::Result<()> {
        self.process.kill().await.context("can't kill the service")
    }
}

/// A port that was free a moment ago.
fn free_address() -> anyhow::Result<SocketAddr> {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
    Ok(taken.local_addr()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_child_gets_none_of_this_processes_settings_but_where_the_encoder_is() {
        let given = [
            ("SATISFICE_EXPLORATION", "0.4"),
            ("SATISFICE_CONFIG", "/x.toml"),
            ("SATISFICE_CACHE_DIR", "/cache"),
            ("PATH", "/bin"),
        ];
        let given = given.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let names: Vec<String> = environment(given.into()).into_keys().collect();
        assert_eq!(names, ["PATH", "SATISFICE_ALLOW", "SATISFICE_CACHE_DIR", "SATISFICE_LOG", "SATISFICE_SIMULATED"]);
    }
}
