//! What README.md says is run as it is written there. Nothing but the two addresses is changed: `localhost:8080` is where the
//! test's service listens, `localhost:11434` where the test plays Ollama.
//!
//! A block of the section about switching that no test runs is a failure.

mod blocks;
mod ollama;
mod service;

use crate::sdk::{node_clients, node_is_here, python_clients, run};
use blocks::{Block, blocks};
use ollama::Ollama;
use service::Service;
use std::{fs, path::Path};
use tokio::process::Command;

/// The section whose blocks are all run.
const SWITCH: &str = "Switch your application";
/// Its part with a service of its own.
const OLLAMA: &str = "Ollama";
/// With what every simulated answer begins.
const SIMULATED: &str = "[simulated]";

/// Blocks of the section in one language, without those that need a service of their own.
fn of(language: &str) -> Vec<Block> {
    blocks().into_iter().filter(|b| b.section == SWITCH && b.part != OLLAMA && b.language == language).collect()
}

fn write(folder: &Path, name: &str, text: &str) -> std::path::PathBuf {
    let file = folder.join(name);
    fs::write(&file, text).expect("a file");
    file
}

#[test]
fn every_block_about_switching_is_run() {
    let all = blocks();
    let parts = |language: &str| -> Vec<String> { of(language).into_iter().map(|block| block.part).collect() };
    assert_eq!(parts("python"), ["OpenAI, Python", "Anthropic, Python", "LangChain", "LangChain"]);
    assert_eq!(parts("js"), ["OpenAI, Node", "Anthropic, Node"]);
    assert_eq!(parts("sh"), ["curl", "curl", "curl"]);
    let ollama: Vec<_> = all.iter().filter(|block| block.part == OLLAMA).map(|block| block.language.as_str()).collect();
    assert_eq!(ollama, ["toml", "toml", "sh", "sh"]);
    let run = of("python").len() + of("js").len() + of("sh").len() + ollama.len();
    assert_eq!(all.iter().filter(|block| block.section == SWITCH).count(), run, "a block that nothing runs");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_python_examples_run_as_written() {
    let clients = python_clients().await;
    let service = Service::start(&[]).await;
    for (n, block) in of("python").into_iter().enumerate() {
        let script = write(service.folder(), &format!("example_{n}.py"), &service.addressed(&block.text));
        let mut python = Command::new("python3");
        python.arg("-B").arg(script).env("PYTHONPATH", &clients);
        let said = run(&block.part, service.surround(&mut python)).await;
        assert!(said.starts_with(SIMULATED), "{}: {said}", block.part);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_node_examples_run_as_written() {
    if !node_is_here().await {
        return;
    }
    let clients = node_clients().await;
    let service = Service::start(&[]).await;
    for (n, block) in of("js").into_iter().enumerate() {
        // Packages are found from where the script lies.
        let script = write(&clients, &format!("readme-{n}.mjs"), &service.addressed(&block.text));
        let said = run(&block.part, service.surround(Command::new("node").arg(script))).await;
        assert!(said.starts_with(SIMULATED), "{}: {said}", block.part);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_shell_examples_run_as_written() {
    let service = Service::start(&[]).await;
    for block in of("sh") {
        let said = service.shell(&block).await;
        let calls = block.text.matches("curl ").count();
        assert_eq!(said.matches(SIMULATED).count(), calls, "{}: {said}", block.text);
        assert_eq!(block.text.contains("\"stream\""), said.contains("data: [DONE]"), "{said}");
    }
    // Of the quick start, what stands by itself.
    for block in blocks().into_iter().filter(|block| block.part == "Ask for a decision") {
        let said = service.shell(&block).await;
        assert!(said.contains("simulated/"), "{}: {said}", block.text);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ollama_example_runs_as_written() {
    let ollama = Ollama::start().await;
    let mut parts = blocks().into_iter().filter(|block| block.part == OLLAMA);
    let [settings, catalog, serve, ask] = std::array::from_fn(|_| parts.next().expect("a block"));
    let files = [settings, catalog].map(|file| {
        let name =
            file.text.lines().next().and_then(|line| line.strip_prefix("# ")).expect("the file's name").to_owned();
        (name, file.text.replace("localhost:11434", &ollama.address))
    });
    let service = Service::start_by(&serve.text, &files).await;
    let said = service.shell(&ask).await;
    let answer: serde_json::Value = serde_json::from_str(&said).unwrap_or_else(|e| panic!("{e}: {said}"));
    assert_eq!(answer["choices"][0]["message"]["content"], ollama::ANSWER, "{said}");
    assert_eq!(answer["model"], "ollama/llama3.2");
    assert_eq!(answer["usage"]["total_tokens"], 20);
    assert_eq!(ollama.asked_for(), ["llama3.2"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_configuration_examples_are_accepted_together() {
    let _ = crate::support::real_encoder();
    let mut examples: Vec<Block> =
        blocks().into_iter().filter(|block| block.language == "toml" && block.section != SWITCH).collect();
    // Keys outside any section come first in a file.
    examples.sort_by_key(|block| !block.text.starts_with("listen"));
    let parts: Vec<&str> = examples.iter().map(|block| block.section.as_str()).collect();
    assert_eq!(parts, ["Configuration", "Keys, limits and budgets"]);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let text: String = examples.iter().map(|block| block.text.as_str()).collect();
    let file = write(folder.path(), "satisfice.toml", &text);
    let mut check = Command::new(env!("CARGO_BIN_EXE_satisfice"));
    check.arg("check").arg("--config").arg(file).arg("--data-dir").arg(folder.path());
    // The example's own server has no models, and without any the check fails.
    service::bare(&mut check).env("SATISFICE_SIMULATED", "on");
    run("satisfice check", &mut check).await;
}
