//! The processes that are measured: ours, started here, and what any of them spends.

use crate::client::{Connection, Place};
use clap::ValueEnum;
use std::{
    fs,
    io::{self, BufRead, BufReader},
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

/// Two models at the mock, so that there is something to choose.
const MODELS: &str = r#"
[[models]]
id = "bench/small"
provider = "bench"
upstream_name = "mock"
tier = "small"
context_window = 128000
max_output_tokens = 16384
capabilities = ["tools", "json_schema"]
verbosity = 1.0
price = { input = 0.15, output = 0.6, source = "made up", as_of = "2026-11-22" }

[[models]]
id = "bench/large"
provider = "bench"
upstream_name = "mock"
tier = "large"
context_window = 128000
max_output_tokens = 16384
capabilities = ["tools", "json_schema"]
verbosity = 1.0
price = { input = 2.0, output = 8.0, source = "made up", as_of = "2026-11-22" }
"#;

/// What acknowledged records must outlive: our setting of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Durability {
    /// A power cut: each record waits for the disk.
    Full,
    /// The end of the process; feedback and keys, a power cut. The default.
    Feedback,
    /// The end of the process.
    Process,
}

impl Durability {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Feedback => "feedback",
            Self::Process => "process",
        }
    }
}

/// The model that is named when nothing is to be chosen.
pub(crate) const MODEL: &str = "bench/small";

/// A child that ends with its owner.
pub(crate) struct Service {
    child: Child,
    pub(crate) place: Place,
}

/// Our service, and what its name does not say.
pub(crate) struct Ours {
    pub(crate) service: Service,
    pub(crate) durability: Durability,
}

impl Service {
    /// Starts ours on a free port with the mock as its only provider; settings in the environment reach it.
    pub(crate) async fn start(
        binary: &str,
        durability: Durability,
        upstream: &Place,
        folder: &Path,
    ) -> io::Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let listen = format!("127.0.0.1:{port}");
        let (config, catalog) = (folder.join("satisfice.toml"), folder.join("catalog.toml"));
        fs::create_dir_all(folder)?;
        fs::write(&catalog, MODELS)?;
        let text = format!(
            "[catalog]\nfile = {catalog:?}\n[providers.bench]\nbase_url = \"http://{}/v1\"\n[simulated]\nenabled = \"off\"\n\
             [store]\ndurability = \"{}\"\n",
            upstream.host(),
            durability.name()
        );
        fs::write(&config, text)?;
        let mut command = Command::new(binary);
        command
            .args(["serve", "--listen", &listen, "--config"])
            .arg(&config)
            .arg("--data-dir")
            .arg(folder.join("data"));
        let child = command.stdout(Stdio::null()).stderr(fs::File::create(folder.join("log"))?).spawn()?;
        let mut service = Self { child, place: Place::new(&format!("http://{listen}")) };
        service.wait(folder).await?;
        Ok(service)
    }

    async fn wait(&mut self, folder: &Path) -> io::Result<()> {
        for _ in 0..6000 {
            if let Ok(mut connection) = Connection::open(&self.place).await
                && connection.get("/readyz").await.is_ok_and(|answer| answer.status == 200)
            {
                return Ok(());
            }
            if self.child.try_wait()?.is_some() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Err(io::Error::other(format!("not ready: {}", fs::read_to_string(folder.join("log")).unwrap_or_default())))
    }

    /// The mock: this program again, in a process of its own.
    pub(crate) fn upstream() -> io::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?).arg("upstream").stdout(Stdio::piped()).spawn()?;
        let mut address = String::new();
        if let Some(out) = child.stdout.take() {
            BufReader::new(out).read_line(&mut address)?;
        }
        Ok(Self { child, place: Place::new(&format!("http://{}", address.trim())) })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a process and its children have spent so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Spent {
    /// Processor time, user and system.
    pub(crate) cpu_seconds: f64,
    /// Resident memory now.
    pub(crate) rss_mib: f64,
}

impl Spent {
    /// `None` where the platform does not tell.
    pub(crate) fn of(process: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        // After the name, which may hold anything: state is field 3, user and system time 14 and 15, resident pages 24.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let number = |field: usize| fields.get(field - 3).and_then(|f| f.parse::<f64>().ok());
        // Linux counts in hundredths of a second and, on the machines we measure, pages of 4 KiB.
        let mut spent = Self { cpu_seconds: (number(14)? + number(15)?) / 100.0, rss_mib: number(24)? / 256.0 };
        for child in children(process) {
            let child = Self::of(child).unwrap_or_default();
            spent.cpu_seconds += child.cpu_seconds;
            spent.rss_mib += child.rss_mib;
        }
        Some(spent)
    }
}

fn children(process: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<u32>>()).collect()
}
