//! What the gateway adds to a provider's answer, beside a direct call and beside other gateways.
//!
//! ```sh
//! cargo bench --bench gateway                                  # direct, ours with a model named, ours routed
//! cargo bench --bench gateway -- --memory 1000000              # and our memory over so many requests
//! python3 benches/gateway_peers.py --bench PATH                # starts other gateways and passes them as --peer
//! ```
//!
//! Ours has each decision and outcome in its log before it ends the answer; what that costs is up to `durability` and, with `full`, to
//! the disk of the temporary folder (`TMPDIR`), so it is measured with several.
//!
//! The upstream is a mock in a process of its own; all targets take turns in every round and are compared round by round. All of
//! it shares one machine: the loader's and the mock's processor time is part of every figure, of the direct ones too.

mod client;
mod load;
mod report;
mod service;
mod targets;
mod upstream;

use clap::{Parser, Subcommand};
use client::{Connection, Place};
use load::{Kind, Until, Work};
use report::{Figures, Row};
use serde_json::{Value, json};
use service::{Durability, MODEL, Ours, Service, Spent};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};
use targets::{Peer, Target, targets};

/// Requests before anything is measured: connections, caches and allocators settle.
const WARM_UP: u64 = 200;

#[derive(Debug, Parser)]
struct Args {
    #[command(subcommand)]
    command: Option<Mode>,
    /// Rounds; every target takes its turn in each
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds for a cell in a round
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Connections of the busy cells
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// Another gateway before the same upstream: its name, URL, model and, if known, process
    #[arg(long, value_name = "NAME,URL,MODEL[,PID]")]
    peer: Vec<Peer>,
    /// Only targets with this in their name, and the direct call
    #[arg(long, value_name = "PART")]
    only: Vec<String>,
    /// The upstream that the peers were set up with; by default one is started
    #[arg(long, value_name = "URL")]
    upstream: Option<String>,
    /// What our commits must outlive; each is a target of its own
    #[arg(long, value_enum, value_delimiter = ',', default_value = "feedback,full")]
    durability: Vec<Durability>,
    /// Our program
    #[arg(long, default_value = option_env!("CARGO_BIN_EXE_satisfice").unwrap_or("target/release/satisfice"))]
    binary: String,
    /// Instead of the table, our memory over so many requests, with the first `--durability`
    #[arg(long, value_name = "REQUESTS")]
    memory: Option<u64>,
    /// Write all figures there
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// What cargo says to every bench
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Debug, Subcommand)]
enum Mode {
    /// Only the mock
    Upstream {
        /// 0 takes a free one
        #[arg(default_value_t = 0)]
        port: u16,
    },
}

#[tokio::main]
async fn main() {
    let args = Args::parse();
    if let Some(Mode::Upstream { port }) = args.command {
        return upstream::serve(port).await.expect("the mock serves");
    }
    let mock = args.upstream.is_none().then(|| Service::upstream().expect("the mock starts"));
    let place = mock.as_ref().map(|mock| mock.place.clone());
    let upstream = place.unwrap_or_else(|| Place::new(args.upstream.as_deref().unwrap_or_default()));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let ours = start(&args, &upstream, folder.path()).await;
    let facts = match args.memory {
        Some(requests) => memory(&args, &ours[0].service, requests).await,
        None => rounds(&args, &upstream, &ours).await,
    };
    if let Some(file) = &args.json {
        std::fs::write(file, format!("{facts:#}\n")).expect("the file can be written");
    }
}

/// Ours, once for each durability; memory is that of one.
async fn start(args: &Args, upstream: &Place, folder: &Path) -> Vec<Ours> {
    let wanted = if args.memory.is_some() { &args.durability[..1] } else { &args.durability };
    let mut ours = Vec::new();
    for &durability in wanted {
        let service = Service::start(&args.binary, durability, upstream, &folder.join(durability.name())).await;
        ours.push(Ours { service: service.expect("our service starts"), durability });
    }
    ours
}

fn works(connections: usize) -> Vec<Work> {
    let lengths = [16, 64, 256];
    let whole = [1, connections]
        .into_iter()
        .flat_map(|concurrency| lengths.into_iter().map(move |tokens| Work { kind: Kind::Whole, concurrency, tokens }));
    let streams = [Kind::Stream, Kind::Paced]
        .into_iter()
        .flat_map(|kind| [1, connections].into_iter().map(move |concurrency| Work { kind, concurrency, tokens: 16 }));
    whole.chain(streams).collect()
}

async fn rounds(args: &Args, upstream: &Place, ours: &[Ours]) -> Value {
    let (mut targets, works) = (targets(&args.peer, upstream, ours), works(args.connections));
    let is_wanted = |name: &str| args.only.is_empty() || args.only.iter().any(|part| name.contains(part.as_str()));
    targets.retain(|target| target.name == "direct" || is_wanted(&target.name));
    let mut rows = Vec::new();
    for &work in &works {
        rows.extend(targets.iter().map(|t| Row { target: t.name.clone(), work, rounds: Vec::new() }));
    }
    for target in &targets {
        let work = Work { kind: Kind::Whole, concurrency: 4, tokens: 16 };
        let cell = load::run(&target.place, &target.model, work, Until::Requests(WARM_UP)).await;
        assert!(cell.failed == 0, "{}: {}", target.name, cell.failure.unwrap_or_default());
    }
    let mut failure = None;
    for round in 0..args.rounds {
        eprintln!("round {} of {}", round + 1, args.rounds);
        let mut turns: Vec<(&mut Row, &Target)> =
            rows.iter_mut().zip(std::iter::repeat_with(|| &targets).flatten()).collect();
        // There and back, so that nobody always follows the same one.
        if round % 2 == 1 {
            turns.reverse();
        }
        for (row, target) in turns {
            let figures = turn(target, upstream, row.work, args.seconds, &mut failure).await;
            row.rounds.push(figures);
        }
    }
    println!("{}", report::table(&rows));
    if let Some(failure) = failure {
        println!("\nThe first that failed: {failure}");
    }
    json!({"rounds": args.rounds, "seconds": args.seconds, "cells": report::json(&rows), "rss_mib": resident(&targets)})
}

/// What each process holds after all that.
fn resident(targets: &[Target]) -> Value {
    println!("\n| process | RSS MiB |\n|---|---|");
    let mut all = serde_json::Map::new();
    for target in targets {
        if let Some(spent) = target.process.and_then(Spent::of) {
            println!("| {} | {:.0} |", target.name, spent.rss_mib);
            all.insert(target.name.clone(), Value::from(spent.rss_mib));
        }
    }
    Value::Object(all)
}

/// One cell of one target; every request must have reached the upstream.
async fn turn(target: &Target, upstream: &Place, work: Work, seconds: f64, failure: &mut Option<String>) -> Figures {
    let cpu = || target.process.and_then(Spent::of).map(|spent| spent.cpu_seconds);
    let (cpu_before, count_before) = (cpu(), count(upstream).await);
    let time = Until::Time(Duration::from_secs_f64(seconds));
    let mut cell = load::run(&target.place, &target.model, work, time).await;
    let served = count(upstream).await - count_before;
    let answered = cell.total_ms.len() as u64;
    assert!(served >= answered, "{} answered {} requests by itself", target.name, answered - served);
    if let Some(problem) = cell.failure.take() {
        failure.get_or_insert(format!("{}: {problem}", target.name));
    }
    Figures::of(cell, cpu().zip(cpu_before).map(|(after, before)| after - before))
}

async fn count(upstream: &Place) -> u64 {
    let mut connection = Connection::open(upstream).await.expect("the mock can be reached");
    let answer = connection.get("/count").await.expect("the mock counts");
    String::from_utf8_lossy(answer.body).parse().expect("a number")
}

/// Resident memory by tenths, half of the requests routed.
async fn memory(args: &Args, ours: &Service, requests: u64) -> Value {
    println!("| requests so far | RSS MiB | requests/s |\n|---|---|---|");
    let rss = || Spent::of(ours.id()).map_or(f64::NAN, |spent| spent.rss_mib);
    let mut rows = vec![json!({"requests": 0, "rss_mib": rss()})];
    println!("| 0 | {:.1} | |", rss());
    for tenth in 1..=10 {
        let (mut seconds, mut failed) = (0.0, 0);
        for model in [MODEL, "auto"] {
            let work = Work { kind: Kind::Whole, concurrency: args.connections, tokens: 16 };
            let cell = load::run(&ours.place, model, work, Until::Requests(requests / 20)).await;
            seconds += cell.seconds;
            failed += cell.failed;
        }
        assert!(failed == 0, "{failed} requests failed");
        let (so_far, rate) = (tenth * requests / 10, requests as f64 / 10.0 / seconds);
        println!("| {so_far} | {:.1} | {rate:.0} |", rss());
        rows.push(json!({"requests": so_far, "rss_mib": rss(), "per_second": rate}));
    }
    json!({"memory": rows})
}
