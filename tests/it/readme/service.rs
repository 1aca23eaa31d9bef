//! The service as its user starts it, in a folder and on a port of the test's.

use super::{blocks::Block, write};
use crate::sdk::run;
use std::{
    env,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::process::{Child, Command};

/// Beyond what a slow machine needs to start.
const PATIENCE: Duration = Duration::from_secs(120);
/// What of the environment examples see; keys of providers are not among it.
const KEPT: [&str; 5] = ["PATH", "HOME", "LANG", "TMPDIR", "SATISFICE_CACHE_DIR"];

/// The binary, for as long as this lives.
pub(super) struct Service {
    child: Child,
    /// Host and port.
    address: String,
    folder: TempDir,
}

/// With the part of the environment that examples see, and the binary where the shell finds it.
pub(super) fn bare(command: &mut Command) -> &mut Command {
    command.env_clear().envs(KEPT.iter().filter_map(|name| Some((name, env::var_os(name)?))));
    let binary = Path::new(env!("CARGO_BIN_EXE_satisfice")).parent().expect("a folder").to_owned();
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths([binary].into_iter().chain(env::split_paths(&path))).expect("a path");
    command.env("PATH", path)
}

impl Service {
    /// The service without configuration: its models are the simulated ones.
    pub(super) async fn start(files: &[(String, String)]) -> Self {
        Self::start_by("satisfice serve", files).await
    }

    /// The service by a line of the shell, in a folder with these files; ready when this returns.
    pub(super) async fn start_by(line: &str, files: &[(String, String)]) -> Self {
        // The encoder must be in the cache before the time of the start runs.
        let _ = crate::support::real_encoder();
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (name, text) in files {
            write(folder.path(), name, text);
        }
        let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port();
        let mut shell = Command::new("sh");
        bare(&mut shell).arg("-c").arg(format!("exec {line}")).current_dir(folder.path());
        shell
            .env("SATISFICE_LISTEN", format!("127.0.0.1:{port}"))
            .env("SATISFICE_DATA_DIR", folder.path().join("data"));
        shell.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let child = shell.spawn().expect("the service starts");
        let mut service = Self { child, address: format!("localhost:{port}"), folder };
        service.until_ready().await;
        service
    }

    async fn until_ready(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        let url = format!("http://{}/readyz", self.address.replace("localhost", "127.0.0.1"));
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        while !client.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
            let gone = self.child.try_wait().expect("its state can be asked");
            assert!(gone.is_none(), "the service ended: {gone:?}");
            assert!(Instant::now() < deadline, "the service is not ready after {PATIENCE:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Its folder, which is that of all examples.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// An example with the service's address.
    pub(super) fn addressed(&self, text: &str) -> String {
        text.replace("localhost:8080", &self.address)
    }

    /// A command in the folder, with the part of the environment that examples see and what was set before.
    pub(super) fn surround<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        let own: Vec<_> = command.as_std().get_envs().map(|(n, v)| (n.to_owned(), v.map(ToOwned::to_owned))).collect();
        bare(command).current_dir(self.folder());
        for (name, value) in own {
            if let Some(value) = value {
                command.env(name, value);
            }
        }
        command.env("SATISFICE_LISTEN", self.address.replace("localhost", "127.0.0.1"))
    }

    /// Runs a block of shell commands, every one of which must succeed, and gives out what they said.
    pub(super) async fn shell(&self, block: &Block) -> String {
        let mut shell = Command::new("sh");
        shell.args(["-e", "-c"]).arg(self.addressed(&block.text));
        shell.env("SATISFICE_DATA_DIR", PathBuf::from(self.folder()).join("data"));
        run(&block.part, self.surround(&mut shell)).await
    }
}
