//! Load on `POST /v1/route` of a service that this program starts: latency by concurrency and prompt length, the encoder's
//! share, and the service's memory. `cargo bench --bench load -- [REQUESTS per cell, default 300] [REQUESTS of a memory run]`
//!
//! The table is measured without the encoder's cache: every prompt is encoded. The memory run has the default cache.
//!
//! Server and loader share the machine; the loader's own processor time is part of what is measured.

use serde_json::{Value, json};
use std::{
    net::TcpListener,
    ops::Range,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

const LENGTHS: [usize; 3] = [16, 64, 256];
const CONCURRENCY: [usize; 2] = [1, 32];

#[tokio::main]
async fn main() {
    let mut numbers = std::env::args().filter_map(|a| a.parse::<u64>().ok());
    let (requests, long) = (numbers.next().unwrap_or(300), numbers.next());
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().tcp_nodelay(true).build().expect("a client");
    let data = tempfile::tempdir().expect("a temporary folder");
    let (mut service, base) = start(&client, &data.path().join("latency"), "0").await;
    println!(
        "| tokens | concurrency | requests/s | p50 ms | p99 ms | encoder's share of the decision | rejected | RSS MiB |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for length in LENGTHS {
        for concurrency in CONCURRENCY {
            run(&client, &base, length, concurrency, 0..requests).await.print(length, concurrency, service.id());
        }
    }
    stop(&mut service);
    if let Some(requests) = long {
        memory(&client, &data.path().join("memory"), requests).await;
    }
}

/// Resident memory over many requests, by tenths.
async fn memory(client: &reqwest::Client, data: &Path, requests: u64) {
    let (mut service, base) = start(client, data, "32").await;
    println!("\n| requests so far | RSS MiB | requests/s |\n|---|---|---|");
    for tenth in 1..=10 {
        let mut cell = run(client, &base, 16, 32, tenth * requests / 10..(tenth + 1) * requests / 10).await;
        let (rss, rate) = (resident_mib(service.id()).unwrap_or(0), cell.latencies_ms.len() as f64 / cell.seconds);
        cell.latencies_ms.clear();
        println!("| {} | {rss} | {rate:.0} |", tenth * requests / 10);
    }
    stop(&mut service);
}

fn stop(service: &mut Child) {
    let _ = service.kill();
    let _ = service.wait();
}

#[expect(clippy::zombie_processes, reason = "main kills it and waits; a panic before ends the program")]
async fn start(client: &reqwest::Client, data: &Path, cache_mib: &str) -> (Child, String) {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port();
    let base = format!("http://127.0.0.1:{port}");
    let child = Command::new(env!("CARGO_BIN_EXE_satisfice"))
        .args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--data-dir"])
        .arg(data)
        .env("SATISFICE_ENCODER_CACHE_MIB", cache_mib)
        .stderr(Stdio::null())
        .spawn()
        .expect("the service starts");
    for _ in 0..6000 {
        if client.get(format!("{base}/readyz")).send().await.is_ok_and(|r| r.status().is_success()) {
            return (child, base);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the service is not ready after a minute");
}

#[derive(Default)]
struct Cell {
    latencies_ms: Vec<f64>,
    encode_us: f64,
    total_us: f64,
    rejected: u64,
    seconds: f64,
}

impl Cell {
    fn print(&mut self, length: usize, concurrency: usize, pid: u32) {
        self.latencies_ms.sort_by(f64::total_cmp);
        let n = self.latencies_ms.len();
        let at = |q: f64| self.latencies_ms.get(((n as f64 * q) as usize).min(n.saturating_sub(1))).copied();
        println!(
            "| {length} | {concurrency} | {:.1} | {:.2} | {:.2} | {:.0} % | {} | {} |",
            n as f64 / self.seconds,
            at(0.5).unwrap_or(f64::NAN),
            at(0.99).unwrap_or(f64::NAN),
            100.0 * self.encode_us / self.total_us,
            self.rejected,
            resident_mib(pid).map_or("unknown".to_owned(), |m| m.to_string()),
        );
    }
}

/// A prompt of about so many tokens; every request has another, so that nothing can be cached.
fn prompt(tokens: usize, n: u64) -> String {
    let words = ["river", "stone", "garden", "window", "market", "letter", "winter", "number"];
    let body: Vec<&str> =
        (0..tokens.saturating_sub(8)).map(|i| words[(n as usize + i * i + i / 3) % words.len()]).collect();
    format!("Explain number {n}: {}", body.join(" "))
}

async fn run(client: &reqwest::Client, base: &str, length: usize, concurrency: usize, numbers: Range<u64>) -> Cell {
    let next = Arc::new(AtomicU64::new(numbers.start));
    let started = Instant::now();
    let workers: Vec<_> = (0..concurrency)
        .map(|_| {
            let (client, url, next, end) = (client.clone(), format!("{base}/v1/route"), Arc::clone(&next), numbers.end);
            tokio::spawn(async move {
                let mut cell = Cell::default();
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= end {
                        return cell;
                    }
                    one(&client, &url, &prompt(length, n), &mut cell).await;
                }
            })
        })
        .collect();
    let mut all = Cell::default();
    for worker in workers {
        let cell = worker.await.expect("no worker panics");
        all.latencies_ms.extend(cell.latencies_ms);
        all.encode_us += cell.encode_us;
        all.total_us += cell.total_us;
        all.rejected += cell.rejected;
    }
    all.seconds = started.elapsed().as_secs_f64();
    all
}

async fn one(client: &reqwest::Client, url: &str, text: &str, cell: &mut Cell) {
    let started = Instant::now();
    let answer = client.post(url).json(&json!({"input": text, "route": {"explain": true}})).send().await;
    let answer = answer.expect("the service answers");
    if answer.status() == 429 {
        assert!(answer.headers().contains_key("retry-after"), "a 429 says when to come back");
        cell.rejected += 1;
        return;
    }
    assert!(answer.status().is_success(), "{}", answer.status());
    let decision: Value = answer.json().await.expect("JSON");
    cell.latencies_ms.push(started.elapsed().as_secs_f64() * 1e3);
    let us = |field: &str| decision["timings_us"][field].as_f64().unwrap_or(0.0);
    cell.encode_us += us("encode") + us("encode_us") + us("queue") + us("queue_us");
    cell.total_us += us("total") + us("total_us");
}

/// `VmRSS` of a process, where the platform tells.
fn resident_mib(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|l| l.starts_with("VmRSS:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? / 1024)
}
