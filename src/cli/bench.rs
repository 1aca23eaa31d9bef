//! `satisfice bench encoder`: how fast the encoder is on this machine.
//!
//! Inputs are equal-length rows of token ids from a fixed generator, so that another program can time the very same work.

use super::{Verdict, args::BenchEncoderArgs, output};
use crate::{
    app::{Setup, model_folder},
    encoder::{Encoder, EncoderMode, Encoding, Peaks, Tokens},
};
use rayon::prelude::*;
use serde::Serialize;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// Runs at least this often in a cell.
const LEAST_RUNS: usize = 5;

/// One cell of the measurement.
#[derive(Debug, Serialize)]
struct Cell {
    engine: String,
    threads: usize,
    length: usize,
    batch: usize,
    median_ms: f64,
    min_ms: f64,
    runs: usize,
    /// The least that the multiplications take at the measured peaks; `None` where they can't be measured.
    limit_ms: Option<f64>,
    /// First numbers of the first embedding: the work was the same.
    head: [f32; 3],
}

/// Measures every length with every batch.
pub(super) async fn encoder(args: BenchEncoderArgs, setup: &Setup) -> anyhow::Result<Verdict> {
    let (folder, offline) = (model_folder(setup), setup.settings.encoder.offline);
    tokio::task::spawn_blocking(move || {
        folder.ensure(offline)?;
        let before = resident_kib();
        let bench = Bench {
            encoder: args.mode.load(&folder)?,
            threads: rayon::ThreadPoolBuilder::new().num_threads(args.threads.max(1)).build()?,
            time: Duration::from_secs_f64(args.seconds.clamp(0.0, 3600.0)),
            mode: args.mode,
        };
        if let (Some(before), Some(after)) = (before, resident_kib()) {
            output::note(&format!("the loaded encoder takes {:.1} MiB", after.saturating_sub(before) as f64 / 1024.0));
        }
        let mut cells = Vec::new();
        for &length in &args.length {
            for &batch in &args.batch {
                let cell = bench.cell(length, batch)?;
                if args.json {
                    output::print(&serde_json::to_string(&cell)?)?;
                }
                cells.push(cell);
            }
        }
        if !args.json {
            output::print(&table(&cells))?;
        }
        Ok(Verdict::Good)
    })
    .await?
}

struct Bench {
    encoder: Arc<dyn Encoder>,
    threads: rayon::ThreadPool,
    time: Duration,
    mode: EncoderMode,
}

impl Bench {
    fn cell(&self, length: usize, batch: usize) -> anyhow::Result<Cell> {
        let rows = rows(length, batch);
        let first = self.encode(&rows)?;
        let mut times = Vec::new();
        let started = Instant::now();
        while times.len() < LEAST_RUNS || started.elapsed() < self.time {
            let began = Instant::now();
            self.encode(&rows)?;
            times.push(began.elapsed().as_secs_f64() * 1e3);
        }
        times.sort_by(f64::total_cmp);
        let values = first[0].embedding.values();
        let peaks = Peaks::measure();
        Ok(Cell {
            engine: format!("satisfice-{}", self.mode.as_str()),
            threads: self.threads.current_num_threads(),
            length,
            batch,
            median_ms: times[times.len() / 2],
            min_ms: times[0],
            runs: times.len(),
            limit_ms: peaks.map(|p| p.limit_ms(length, batch) / self.threads.current_num_threads() as f64),
            head: [values[0], values[1], values[2]],
        })
    }

    /// One pass; a batch is split over the threads.
    fn encode(&self, rows: &[Tokens]) -> anyhow::Result<Vec<Encoding>> {
        let share = rows.len().div_ceil(self.threads.current_num_threads());
        if share == rows.len() {
            return Ok(self.encoder.encode(rows)?);
        }
        let parts: Result<Vec<_>, _> =
            self.threads.install(|| rows.par_chunks(share).map(|part| self.encoder.encode(part)).collect());
        Ok(parts?.into_iter().flatten().collect())
    }
}

/// Ids from `s ← 6364136223846793005·s + 1442695040888963407` (mod 2⁶⁴) from 12345 on: `(s >> 33) mod 27000 + 2000`; the first of
/// a row is `[CLS]`, the last `[SEP]`, and the generator advances on those too.
fn rows(length: usize, batch: usize) -> Vec<Tokens> {
    let mut state = 12345u64;
    let mut id = |position: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        match position {
            0 => 101,
            last if last + 1 == length => 102,
            _ => ((state >> 33) % 27_000 + 2_000) as u32,
        }
    };
    (0..batch).map(|_| Tokens((0..length).map(&mut id).collect())).collect()
}

fn table(cells: &[Cell]) -> String {
    let header = ["engine", "threads", "tokens", "batch", "median ms", "least ms", "prompts/s", "limit ms", "of limit"];
    let rows = cells.iter().map(|c| {
        let limit = |f: &dyn Fn(f64) -> String| c.limit_ms.map_or_else(|| "unknown".to_owned(), f);
        vec![
            c.engine.clone(),
            c.threads.to_string(),
            c.length.to_string(),
            c.batch.to_string(),
            format!("{:.3}", c.median_ms),
            format!("{:.3}", c.min_ms),
            format!("{:.0}", c.batch as f64 / c.median_ms * 1e3),
            limit(&|ms| format!("{ms:.3}")),
            limit(&|ms| format!("{:.2}×", c.median_ms / ms)),
        ]
    });
    output::table(&header, &[0], rows)
}

/// Resident memory of this process, where the platform tells.
fn resident_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_those_of_the_documented_generator() {
        let rows = rows(4, 2);
        assert_eq!(rows.len(), 2);
        for row in &rows {
            assert_eq!((row.0[0], row.0[3], row.len()), (101, 102, 4));
        }
        // From the generator in another language.
        assert_eq!(rows[0].0, [101, FIRST[0], FIRST[1], 102]);
        assert_eq!(rows[1].0[1..3], FIRST[2..]);
    }

    const FIRST: [u32; 4] = [23583, 12042, 27950, 14483];
}
