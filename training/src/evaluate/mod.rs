//! `satisfice-train evaluate`: our router beside its baselines, on held-out queries of outcome tables.

mod plot;
mod report;
mod rounds;

pub use report::{Report, Summary};
pub use rounds::{Round, rounds};

use crate::{
    embed::{Embedder, bar},
    output::write_json,
    quality::Satisfice,
    routing::{
        Curve, Predictions, Router, RoutingTable, Trained,
        baselines::{Knn, Oracle, RidgeRouter, SourceTable, TaskMean},
        figures::{self, Figures, Yardstick},
        pair::{self, PairFigures},
        splits,
    },
    tables,
};
use anyhow::{Context, Result, ensure};
use indicatif::ProgressBar;
use serde::Serialize;
use std::{collections::BTreeMap, path::PathBuf};

/// Share of the training queries kept back to choose the operating point.
const VALIDATION: f64 = 0.2;

/// How queries are divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Protocol {
    /// 70 % of each task to train, 30 % to test, for each seed.
    InDomain,
    /// Each family of tasks tested in turn, trained on the others.
    LeaveOneFamilyOut,
    /// Each model in turn known from a few anchor prompts only.
    LeaveOneModelOut,
    /// In-domain, with the test queries' wording varied.
    Robustness,
}

/// Arguments of `evaluate`.
#[derive(Debug, Clone, clap::Args)]
pub struct EvaluateArgs {
    /// Outcome tables to train on (parquet), with `--test`.
    #[arg(long, requires = "test")]
    pub train: Vec<PathBuf>,
    /// Outcome tables to test on, not used in any other way.
    #[arg(long, requires = "train")]
    pub test: Vec<PathBuf>,
    /// How to divide the tables of `--outcomes`.
    #[arg(long, requires = "outcomes", required_unless_present = "train")]
    pub protocol: Option<Protocol>,
    /// Outcome tables that the protocol divides.
    #[arg(long, requires = "protocol", conflicts_with = "train")]
    pub outcomes: Vec<PathBuf>,
    /// Seeds of the protocol's splits.
    #[arg(long, value_delimiter = ',', default_values_t = [42, 999, 2024, 2025, 3407])]
    pub seeds: Vec<u64>,
    /// Models to choose from; without it all that every query of the tables has a score for.
    #[arg(long, value_delimiter = ',')]
    pub models: Vec<String>,
    /// Only models with score and cost on at least 99 % of the training queries, and queries complete for them.
    #[arg(long)]
    pub priced_only: bool,
    /// Routers to compare; without it all.
    #[arg(long, value_delimiter = ',')]
    pub routers: Vec<String>,
    /// Anchor prompts that a left-out model is known from.
    #[arg(long, value_delimiter = ',', default_values_t = [0, 16, 64, 128])]
    pub anchors: Vec<usize>,
    /// Where to write the report.
    #[arg(long)]
    pub json: Option<PathBuf>,
    /// Where to draw quality against cost (SVG).
    #[arg(long)]
    pub plot: Option<PathBuf>,
    /// Folder of the embedding cache.
    #[arg(long)]
    pub cache: Option<PathBuf>,
}

/// Evaluates, prints, writes.
///
/// # Errors
/// A table can't be read, nothing can be compared, or a result can't be written.
pub fn run(args: &EvaluateArgs) -> Result<()> {
    let mut embedder = Embedder::open(args.cache.as_deref())?;
    let routers = routers(&args.routers)?;
    let (rounds, sources) = rounds(args, &mut embedder)?;
    ensure!(!rounds.is_empty(), "nothing to evaluate: the protocol finds no split of these tables");
    let mut report = Report::new(args, &sources, embedder.encoder_id());
    let bar = bar((rounds.len() * routers.len()) as u64, "evaluating (routers × rounds)");
    for round in &rounds {
        report.add(round, &evaluate(round, &routers, &bar)?);
    }
    bar.finish_and_clear();
    print!("{}", report.table());
    if let Some(path) = &args.json {
        write_json(path, &report.to_json())?;
    }
    if let Some(path) = &args.plot {
        plot::curves(&report, path).with_context(|| format!("can't draw {}", path.display()))?;
    }
    Ok(())
}

/// Every router by name, or those asked for.
fn routers(names: &[String]) -> Result<Vec<Box<dyn Router>>> {
    let all: Vec<Box<dyn Router>> = vec![
        Box::new(Satisfice::default()),
        Box::new(Knn),
        Box::new(RidgeRouter),
        Box::new(TaskMean),
        Box::new(SourceTable),
        Box::new(Oracle),
    ];
    let known: Vec<String> = all.iter().map(|r| r.name()).collect();
    for name in names {
        ensure!(known.contains(name), "--routers {name}: there are {}", known.join(", "));
    }
    Ok(all.into_iter().filter(|r| names.is_empty() || names.contains(&r.name())).collect())
}

/// Figures and curve of each router in one round.
#[derive(Debug, Clone, Default)]
pub struct Evaluated {
    /// By router.
    pub figures: BTreeMap<String, Figures>,
    /// By router.
    pub curves: BTreeMap<String, Curve>,
    /// Calibration error by router and model.
    pub ece: BTreeMap<String, BTreeMap<String, f64>>,
    /// For a pair of models: measures by router and benchmark (the first part of the task's name).
    pub pairs: BTreeMap<String, BTreeMap<String, PairFigures>>,
}

/// Trains and tests every router on one division of the queries.
///
/// # Errors
/// A router can't train on so little.
pub fn evaluate(round: &Round, routers: &[Box<dyn Router>], bar: &ProgressBar) -> Result<Evaluated> {
    let yardstick = Yardstick::new(&round.train, &round.test);
    let mut out = fixed(&yardstick, &round.test);
    let (fit, validation) = validation(&round.train, yardstick.priced);
    for router in routers {
        let lambda = {
            let predictions = router.train(&fit)?.predict(&validation);
            figures::operating_lambda(&predictions, &validation, yardstick.best_single)
        };
        let trained = router.train(&round.train)?;
        let predictions = trained.predict(&round.test);
        let (mut found, curve) = figures::of_predictions(&predictions, &round.test, &yardstick, lambda);
        if let Some(varied) = &round.varied {
            found.extend(same_decisions(trained.as_ref(), &predictions, varied, lambda));
        }
        let ece = crate::routing::calibration::ece_by_model(&predictions, &round.test);
        out.ece.insert(router.name(), round.test.models.iter().cloned().zip(ece).collect());
        out.pairs.insert(router.name(), by_benchmark(&predictions, &round.test, yardstick.best_single));
        out.figures.insert(router.name(), found);
        out.curves.insert(router.name(), curve);
        bar.inc(1);
    }
    Ok(out)
}

/// The measures for a pair on each benchmark: `mmlu` of `routellm/mmlu/law`.
fn by_benchmark(predictions: &Predictions, test: &RoutingTable, strong: usize) -> BTreeMap<String, PairFigures> {
    let mut rows: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (row, query) in test.queries.iter().enumerate() {
        let mut parts = test.tasks[query.task].split('/');
        let benchmark = parts.nth(1).unwrap_or_default();
        rows.entry(benchmark).or_default().push(row);
    }
    let measured = rows.into_iter().filter_map(|(benchmark, rows)| {
        let figures = pair::figures(&predictions.rows(&rows), &test.rows(&rows), strong)?;
        Some((benchmark.to_owned(), figures))
    });
    measured.collect()
}

/// A part of the training queries, and the rest, to choose operating points on.
fn validation(train: &RoutingTable, priced: bool) -> (RoutingTable, RoutingTable) {
    let groups: Vec<usize> = (0..train.len()).collect();
    let split = splits::within_task(train, &groups, 1.0 - VALIDATION, 7);
    (train.rows(&split.train), train.rows(&split.test).complete(priced))
}

/// Share of the decisions that stay the same when the wording is varied, by kind of variation and in all.
fn same_decisions(
    trained: &dyn Trained,
    predictions: &Predictions,
    varied: &[(&'static str, RoutingTable)],
    lambda: f64,
) -> Vec<(&'static str, f64)> {
    let mut out: Vec<(&'static str, f64)> = Vec::new();
    for (kind, table) in varied {
        let other = trained.predict(table);
        let same = (0..table.len()).filter(|&q| other.choice(q, lambda) == predictions.choice(q, lambda)).count();
        out.push((kind, same as f64 / table.len().max(1) as f64));
    }
    let mean = out.iter().map(|(_, share)| share).sum::<f64>() / out.len().max(1) as f64;
    out.push(("same_decision", mean));
    out
}

/// Routers that look at no prompt: each model alone, the best of them, one at random, and mixtures (the zero router).
fn fixed(yardstick: &Yardstick, test: &RoutingTable) -> Evaluated {
    let mut out = Evaluated::default();
    let mut add = |name: String, curve: Curve, operates_at: Option<usize>| {
        let mut figures = yardstick.of_curve(&curve);
        if let Some(i) = operates_at {
            figures.insert("avg_quality", curve.0[i].quality);
            if yardstick.priced {
                figures.insert("avg_cost_usd", curve.0[i].cost_usd);
            }
        }
        out.figures.insert(name.clone(), figures);
        out.curves.insert(name, curve);
    };
    let n = yardstick.fixed.len() as f64;
    let mean = |of: fn(&crate::routing::Point) -> f64| yardstick.fixed.iter().map(of).sum::<f64>() / n;
    let random = crate::routing::Point { cost_usd: mean(|p| p.cost_usd), quality: mean(|p| p.quality) };
    add("random".into(), Curve(vec![random]), Some(0));
    add("zero_router".into(), yardstick.zero_router(), Some(yardstick.best_single));
    add("best_single".into(), Curve(vec![yardstick.fixed[yardstick.best_single]]), Some(0));
    for (model, point) in test.models.iter().zip(&yardstick.fixed) {
        add(format!("model:{model}"), Curve(vec![*point]), Some(0));
    }
    out
}

/// A table that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Source {
    /// The data set's name.
    pub dataset: String,
    /// SHA-256 of the file.
    pub sha256: String,
}

/// Reads tables and encodes their queries.
fn read(paths: &[PathBuf], embedder: &mut Embedder) -> Result<(RoutingTable, Vec<Source>)> {
    let tables = paths.iter().map(|p| tables::outcomes(p)).collect::<Result<Vec<_>>>()?;
    let sources = tables.iter().map(|t| Source { dataset: t.dataset.clone(), sha256: t.sha256.clone() }).collect();
    Ok((RoutingTable::join(&tables, embedder)?, sources))
}
