//! The closed loop: so many connections, each sends its next request when it has the answer to the last.

use crate::{
    client::{Connection, Place},
    upstream::PACED,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// How requests of a cell look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One JSON body.
    Whole,
    /// Events, back to back.
    Stream,
    /// Events with pauses, as a model sends them.
    Paced,
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Stream => "stream",
            Self::Paced => "paced stream",
        }
    }
}

/// One cell of the measurement: the same work for every target.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Work {
    pub(crate) kind: Kind,
    pub(crate) concurrency: usize,
    /// Length of the prompt, about.
    pub(crate) tokens: usize,
}

/// When a cell is over.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Until {
    Time(Duration),
    Requests(u64),
}

/// What came of a cell.
#[derive(Debug, Default)]
pub(crate) struct Cell {
    pub(crate) total_ms: Vec<f64>,
    pub(crate) first_ms: Vec<f64>,
    /// Answers that were no completion, and broken connections.
    pub(crate) failed: u64,
    /// The first of them.
    pub(crate) failure: Option<String>,
    pub(crate) seconds: f64,
}

impl Cell {
    fn add(&mut self, other: Self) {
        self.total_ms.extend(other.total_ms);
        self.first_ms.extend(other.first_ms);
        self.failed += other.failed;
        self.failure = self.failure.take().or(other.failure);
    }

    fn fail(&mut self, problem: String) {
        self.failed += 1;
        self.failure.get_or_insert(problem);
    }
}

/// The value that a share of the sorted values does not exceed.
pub(crate) fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = ((values.len() as f64 * share) as usize).min(values.len().saturating_sub(1));
    values.get(at).copied().unwrap_or(f64::NAN)
}

/// Every request has a prompt that no other has, in this run or another, so that no cache can answer it.
static NUMBER: AtomicU64 = AtomicU64::new(0);

/// Sends `work` to `model` at `place`.
pub(crate) async fn run(place: &Place, model: &str, work: Work, until: Until) -> Cell {
    let (started, left) = (Instant::now(), Arc::new(AtomicU64::new(0)));
    let workers: Vec<_> = (0..work.concurrency)
        .map(|_| tokio::spawn(worker(place.clone(), model.to_owned(), work, until, started, Arc::clone(&left))))
        .collect();
    let mut all = Cell::default();
    for worker in workers {
        all.add(worker.await.expect("no worker panics"));
    }
    all.seconds = started.elapsed().as_secs_f64();
    all
}

async fn worker(place: Place, model: String, work: Work, until: Until, started: Instant, sent: Arc<AtomicU64>) -> Cell {
    let (mut cell, mut connection) = (Cell::default(), None);
    loop {
        let over = match until {
            Until::Time(time) => started.elapsed() >= time,
            Until::Requests(requests) => sent.fetch_add(1, Ordering::Relaxed) >= requests,
        };
        // Nobody waits out a cell that can't work.
        if over || cell.failed > 100 {
            return cell;
        }
        if connection.is_none() {
            match Connection::open(&place).await {
                Ok(open) => connection = Some(open),
                Err(e) => {
                    cell.fail(e.to_string());
                    continue;
                }
            }
        }
        let Some(open) = &mut connection else { continue };
        if let Err(problem) = one(open, &model, work, &mut cell).await {
            cell.fail(problem);
            connection = None;
        }
    }
}

async fn one(connection: &mut Connection, model: &str, work: Work, cell: &mut Cell) -> Result<(), String> {
    let body = body(model, work, NUMBER.fetch_add(1, Ordering::Relaxed));
    let answer = connection.post("/v1/chat/completions", &body).await.map_err(|e| e.to_string())?;
    let text = String::from_utf8_lossy(answer.body);
    let whole = match work.kind {
        Kind::Whole => text.contains("word word"),
        Kind::Stream | Kind::Paced => text.contains("[DONE]"),
    };
    if answer.status != 200 || !whole {
        return Err(format!("{}: {}", answer.status, text.chars().take(300).collect::<String>()));
    }
    cell.total_ms.push(answer.total.as_secs_f64() * 1e3);
    cell.first_ms.push(answer.first.as_secs_f64() * 1e3);
    Ok(())
}

fn body(model: &str, work: Work, number: u64) -> String {
    let paced = if work.kind == Kind::Paced { PACED } else { "" };
    let stream = work.kind != Kind::Whole;
    let text = prompt(work.tokens, number);
    format!(r#"{{"model":"{model}","messages":[{{"role":"user","content":"{paced}{text}"}}],"stream":{stream}}}"#)
}

/// Plain words, about so many tokens.
fn prompt(tokens: usize, number: u64) -> String {
    let words = ["river", "stone", "garden", "window", "market", "letter", "winter", "number"];
    let start = usize::try_from(number % 1_000_003).unwrap_or(0);
    let body: Vec<&str> = (0..tokens.saturating_sub(8)).map(|i| words[(start + i * i + i / 3) % words.len()]).collect();
    format!("Explain number {}-{number}: {}", std::process::id(), body.join(" "))
}
