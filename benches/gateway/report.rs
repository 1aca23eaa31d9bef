//! Medians over rounds: a table for people, JSON for the rest.

use crate::load::{Cell, Work, quantile};
use serde_json::{Value, json};

/// Ours as it passes requests through.
pub(crate) const OURS: &str = "satisfice, model named";

/// One cell in one round.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figures {
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) first_ms: f64,
    pub(crate) per_second: f64,
    /// Processor time of the target for a request, where it is known.
    pub(crate) cpu_us: Option<f64>,
    pub(crate) failed: u64,
}

impl Figures {
    pub(crate) fn of(mut cell: Cell, cpu_seconds: Option<f64>) -> Self {
        let requests = cell.total_ms.len() as f64;
        Self {
            p50_ms: quantile(&mut cell.total_ms, 0.5),
            p99_ms: quantile(&mut cell.total_ms, 0.99),
            first_ms: quantile(&mut cell.first_ms, 0.5),
            per_second: requests / cell.seconds,
            cpu_us: cpu_seconds.map(|s| s * 1e6 / requests),
            failed: cell.failed,
        }
    }
}

/// The rounds of one target at one work.
pub(crate) struct Row {
    pub(crate) target: String,
    pub(crate) work: Work,
    pub(crate) rounds: Vec<Figures>,
}

/// A row beside the direct one of the same work, round by round: what slows the machine for a while slows both.
struct Summary<'a> {
    row: &'a Row,
    added_ms: f64,
    added_first_ms: f64,
    of_direct: f64,
    /// Requests of ours with a model named for each of this one's.
    ours_to_it: Option<f64>,
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    quantile(&mut values.collect::<Vec<f64>>(), 0.5)
}

fn summaries(rows: &[Row]) -> Vec<Summary<'_>> {
    let (mut direct, mut ours): (&[Figures], &[Figures]) = (&[], &[]);
    let mut all = Vec::new();
    for row in rows {
        if row.target == "direct" {
            (direct, ours) = (&row.rounds, &[]);
        }
        if row.target == OURS {
            ours = &row.rounds;
        }
        let both = || row.rounds.iter().zip(direct);
        all.push(Summary {
            row,
            added_ms: median(both().map(|(ours, direct)| ours.p50_ms - direct.p50_ms)),
            added_first_ms: median(both().map(|(ours, direct)| ours.first_ms - direct.first_ms)),
            of_direct: median(both().map(|(ours, direct)| ours.per_second / direct.per_second)),
            ours_to_it: (!ours.is_empty()).then(|| {
                let pairs = ours.iter().zip(&row.rounds);
                median(pairs.map(|(ours, its)| ours.per_second / its.per_second))
            }),
        });
    }
    all
}

const HEAD: &str = "| answer | connections | tokens | target | p50 ms | added ms | first byte added ms | p99 ms | requests/s | of direct | ours to it | CPU µs | failed |
|---|---|---|---|---|---|---|---|---|---|---|---|---|";

/// Rows of one work stand together, the direct one first.
pub(crate) fn table(rows: &[Row]) -> String {
    let lines = summaries(rows).into_iter().map(|summary| {
        let Row { target, work, rounds } = summary.row;
        let of = |field: fn(&Figures) -> f64| median(rounds.iter().map(field));
        let cpu = cpu(rounds).map_or_else(|| "-".to_owned(), |us| format!("{us:.0}"));
        let ours_to_it = summary.ours_to_it.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}"));
        format!(
            "| {} | {} | {} | {target} | {:.3} | {:.3} | {:.3} | {:.2} | {:.0} | {:.3} | {ours_to_it} | {cpu} | {} |",
            work.kind.name(),
            work.concurrency,
            work.tokens,
            of(|f| f.p50_ms),
            summary.added_ms,
            summary.added_first_ms,
            of(|f| f.p99_ms),
            of(|f| f.per_second),
            summary.of_direct,
            rounds.iter().map(|f| f.failed).sum::<u64>(),
        )
    });
    std::iter::once(HEAD.to_owned()).chain(lines).collect::<Vec<_>>().join("\n")
}

pub(crate) fn json(rows: &[Row]) -> Vec<Value> {
    let rows = summaries(rows).into_iter().map(|summary| {
        let Row { target, work, rounds } = summary.row;
        let of = |field: fn(&Figures) -> f64| median(rounds.iter().map(field));
        json!({
            "target": target, "answer": work.kind.name(), "connections": work.concurrency, "tokens": work.tokens,
            "p50_ms": of(|f| f.p50_ms), "p99_ms": of(|f| f.p99_ms), "first_ms": of(|f| f.first_ms),
            "per_second": of(|f| f.per_second), "cpu_us": cpu(rounds),
            "added_ms": summary.added_ms, "added_first_ms": summary.added_first_ms, "of_direct": summary.of_direct,
            "ours_to_it": summary.ours_to_it,
            "rounds_per_second": rounds.iter().map(|f| f.per_second).collect::<Vec<_>>(),
            "failed": rounds.iter().map(|f| f.failed).sum::<u64>(),
            "rounds_p50_ms": rounds.iter().map(|f| f.p50_ms).collect::<Vec<_>>(),
        })
    });
    rows.collect()
}

fn cpu(rounds: &[Figures]) -> Option<f64> {
    let known: Vec<f64> = rounds.iter().filter_map(|f| f.cpu_us).collect();
    (!known.is_empty()).then(|| median(known.into_iter()))
}
