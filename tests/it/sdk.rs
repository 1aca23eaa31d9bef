//! The official OpenAI and Anthropic clients, in Python and for Node, against the service on a real socket.
//!
//! The clients are installed once into the target folder, in the versions that `tests/sdk` pins, and with them what the
//! examples of README.md use. Python is needed; where Node is missing its test says so and passes, unless
//! `TEST_REQUIRES_NODE` is set, as in the gate.

use crate::{
    gateway_app::{EMBEDDER, GatewayApp, GatewayMake, Provider},
    upstream::{Fault, Script},
};
use sha2::{Digest, Sha256};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{process::Command, sync::Mutex, time::timeout};

/// Beyond what a slow network needs to install, and a slow machine to run.
const PATIENCE: Duration = Duration::from_secs(300);

/// Beside the usual providers three that fail, each in its own way; so dear that nobody chooses them.
async fn service() -> (GatewayApp, String) {
    let failing = [
        ("limited", "limited/model", Fault::RateLimited { retry_after: Some(0) }),
        ("failing", "failing/model", Fault::ServerError(500)),
        ("tearing", "tearing/model", Fault::ErrorEventMidStream),
    ];
    let mut make = GatewayMake { models: EMBEDDER, locked: true, ..GatewayMake::default() };
    for (name, model, fault) in failing {
        let mut provider = Provider::new(name, model, 1000.0);
        provider.script = Script::always(fault);
        make.providers.push(provider);
    }
    let mut app = GatewayApp::make(make).await;
    let address = app.listen().await;
    (app, format!("http://{address}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_official_python_clients_work_by_changing_the_base_url() {
    let clients = python_clients().await;
    let (app, url) = service().await;
    let mut python = Command::new("python3");
    python.arg("-B").arg(scripts("python").join("test_sdk.py")).env("PYTHONPATH", clients);
    run("the Python clients", against(&mut python, &app, &url)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_official_node_clients_work_by_changing_the_base_url() {
    if !node_is_here().await {
        return;
    }
    let folder = node_clients().await;
    let (app, url) = service().await;
    let script = folder.join("sdk.mjs");
    fs::copy(scripts("node").join("sdk.mjs"), &script).expect("a copy");
    let mut node = Command::new("node");
    node.arg(script);
    run("the Node clients", against(&mut node, &app, &url)).await;
}

fn scripts(language: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sdk").join(language)
}

/// Proxies of the environment are not for the loopback.
fn against<'c>(command: &'c mut Command, app: &GatewayApp, url: &str) -> &'c mut Command {
    command.env("BASE_URL", url).env("API_KEY", &app.key).env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1")
}

/// Tests of one process install one after the other: each finds what another one did.
static INSTALLING: Mutex<()> = Mutex::const_new(());

/// Whether there is a Node to test with.
///
/// # Panics
/// Where there must be one.
pub(crate) async fn node_is_here() -> bool {
    if exists("node").await && exists("npm").await {
        return true;
    }
    let required = std::env::var_os("TEST_REQUIRES_NODE").is_some_and(|value| !value.is_empty() && value != "0");
    assert!(!required, "node or npm is missing: install Node 20 or later (Debian: nodejs and npm)");
    println!("NOT TESTED: the Node clients, as there is no node or no npm here");
    false
}

/// The folder that holds the Python clients; installed unless an earlier run did.
pub(crate) async fn python_clients() -> PathBuf {
    let _alone = INSTALLING.lock().await;
    assert!(exists("python3").await, "python3 is missing: install Python 3.9 or later with pip (Debian: python3-pip)");
    let requirements = scripts("python").join("requirements.txt");
    // Compiled parts fit one version of Python.
    let version = run("python3", Command::new("python3").arg("--version")).await;
    let folder = cached("python", &[fs::read(&requirements).expect("it is there"), version.into_bytes()]);
    if !folder.exists() {
        let fresh = beside(&folder);
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--target"]);
        run("pip", pip.arg(&fresh).arg("--requirement").arg(&requirements)).await;
        publish(&fresh, &folder);
    }
    folder
}

/// The folder that holds the Node clients; scripts beside them find them.
pub(crate) async fn node_clients() -> PathBuf {
    let _alone = INSTALLING.lock().await;
    let scripts = scripts("node");
    let files = ["package.json", "package-lock.json"];
    let folder = cached("node", &files.map(|file| fs::read(scripts.join(file)).expect("it is there")));
    if !folder.exists() {
        let fresh = beside(&folder);
        fs::create_dir_all(&fresh).expect("a folder");
        for file in files {
            fs::copy(scripts.join(file), fresh.join(file)).expect("a copy");
        }
        let mut npm = Command::new("npm");
        npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(&fresh);
        run("npm", &mut npm).await;
        publish(&fresh, &folder);
    }
    folder
}

/// A folder of the target folder for what these contents ask for.
fn cached(language: &str, contents: &[Vec<u8>]) -> PathBuf {
    let digest = Sha256::digest(contents.concat());
    let name: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("sdk-{language}-{name}"))
}

/// Where to prepare a folder: what is half done must never look like the whole.
fn beside(folder: &Path) -> PathBuf {
    let fresh = folder.with_extension(std::process::id().to_string());
    let _ = fs::remove_dir_all(&fresh);
    fresh
}

fn publish(fresh: &Path, folder: &Path) {
    if let Err(error) = fs::rename(fresh, folder) {
        // Another run was faster.
        assert!(folder.exists(), "{}: {error}", folder.display());
        let _ = fs::remove_dir_all(fresh);
    }
}

async fn exists(program: &str) -> bool {
    let status = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().await;
    status.is_ok_and(|status| status.success())
}

/// Runs to the end and gives out what was said.
///
/// # Panics
/// With all that was said, when it fails.
pub(crate) async fn run(what: &str, command: &mut Command) -> String {
    let output = timeout(PATIENCE, command.stdin(Stdio::null()).kill_on_drop(true).output()).await;
    let output = output.unwrap_or_else(|_| panic!("{what}: not done after {PATIENCE:?}"));
    let output = output.unwrap_or_else(|e| panic!("{what} can't be run: {e}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (said, complained) = (text(&output.stdout), text(&output.stderr));
    println!("{what}: {said}");
    assert!(output.status.success(), "{what}: {}\n{said}\n{complained}", output.status);
    said
}
