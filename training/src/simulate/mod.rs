//! `satisfice-train simulate`: the service's policy on a stream of outcomes with bandit feedback.

pub mod agent;
mod report;
pub mod warm;
pub mod world;

use crate::{
    embed::{Embedder, bar},
    output::write_json,
    routing::{RoutingTable, splits},
    tables,
};
use agent::{Agent, Goal, Habits, Lived};
use anyhow::{Context, Result, ensure};
use rayon::prelude::*;
use report::{Run, Simulation};
use satisfice::{domain::DecisionMode, policy::LearningRates};
use std::path::{Path, PathBuf};
use warm::{LinearPrior, Warm};
use world::{Drift, Feedback, World};

/// Firmness of a prior that was trained on outcomes of the same models: its deviations are a thirtieth of the catalogue's.
/// What nothing but on-policy scores says against it is mostly the winner's curse; a real change raises the alarm.
const WARM_STRENGTH: f64 = 20_000.0;

/// Arguments of `simulate`.
#[derive(Debug, Clone, clap::Args)]
pub struct SimulateArgs {
    /// Where beliefs come from before the stream: outcome tables (parquet), or the statistics of a linear bandit (safetensors:
    /// `A.MODEL`, `b.MODEL`, `pca.*`).
    #[arg(long, required = true)]
    pub warm: Vec<PathBuf>,
    /// The outcome table whose queries are the requests.
    #[arg(long)]
    pub stream: PathBuf,
    /// An outcome table seen in full before the stream.
    #[arg(long)]
    pub burn_in: Option<PathBuf>,
    /// A share of the stream's queries, drawn at random, that is seen in full before the rest, instead of --burn-in.
    #[arg(long, conflicts_with = "burn_in")]
    pub burn_in_share: Option<f64>,
    /// Seed of that draw.
    #[arg(long, default_value_t = 1)]
    pub burn_in_seed: u64,
    /// Budgets, USD a request, for mode `budget`.
    #[arg(long, value_delimiter = ',', num_args = 1..)]
    pub budgets: Vec<f64>,
    /// Quality targets, for modes `floor` and `average`.
    #[arg(long, value_delimiter = ',', num_args = 1..)]
    pub targets: Vec<f64>,
    /// Decision mode; by default `budget` with --budgets and `average` with --targets.
    #[arg(long, value_parser = mode)]
    pub mode: Option<DecisionMode>,
    /// Which scores are seen: full, mcar:SHARE, complaints, delayed, noisy.
    #[arg(long, default_value = "full")]
    pub feedback: Feedback,
    /// What changes in the middle: `none`, `regression[,model=NAME][,score=0.75][,cost=0]`, `price,model=NAME[,factor=0.1]`.
    #[arg(long, default_value = "none")]
    pub drift: Drift,
    /// Requests in each of the three phases under drift.
    #[arg(long, default_value_t = 608)]
    pub phase: usize,
    /// Orders of the stream.
    #[arg(long, default_value_t = 20)]
    pub seeds: u64,
    /// Share of requests explored.
    #[arg(long, default_value_t = 0.0)]
    pub exploration: f64,
    /// κ of the lower bound that decisions are taken on.
    #[arg(long, default_value_t = 0.0)]
    pub kappa: f64,
    /// Firmness of the prior; 20 is a catalogue's.
    #[arg(long, default_value_t = WARM_STRENGTH)]
    pub prior_strength: f64,
    /// Weight that a score keeps after each later one.
    #[arg(long, default_value_t = LearningRates::default().forgetting)]
    pub forgetting: f64,
    /// Where to write the report.
    #[arg(long)]
    pub json: Option<PathBuf>,
    /// Where to draw reward against budget, or reward over time under drift (SVG).
    #[arg(long)]
    pub plot: Option<PathBuf>,
    /// Folder of the embedding cache.
    #[arg(long)]
    pub cache: Option<PathBuf>,
}

fn mode(text: &str) -> Result<DecisionMode, String> {
    match text {
        "floor" => Ok(DecisionMode::Floor),
        "average" => Ok(DecisionMode::Average),
        "budget" => Ok(DecisionMode::Budget),
        other => Err(format!("{other:?} is none of floor, average, budget")),
    }
}

impl SimulateArgs {
    /// What the policy is asked for, one simulation each.
    fn goals(&self) -> Result<Vec<Goal>> {
        ensure!(
            self.budgets.is_empty() != self.targets.is_empty(),
            "give either --budgets (mode budget) or --targets (modes average and floor)"
        );
        ensure!(self.budgets.iter().all(|b| *b > 0.0 && b.is_finite()), "--budgets must be above 0 USD");
        ensure!(self.targets.iter().all(|t| (0.0..=1.0).contains(t)), "--targets must be between 0 and 1");
        ensure!((0.0..=0.5).contains(&self.exploration), "--exploration {} is not a share up to 0.5", self.exploration);
        let by_budget = !self.budgets.is_empty();
        let default = if by_budget { DecisionMode::Budget } else { DecisionMode::Average };
        let mode = self.mode.unwrap_or(default);
        ensure!(
            by_budget == (mode == DecisionMode::Budget),
            "--mode {mode:?} goes with {}",
            if by_budget { "--targets" } else { "--budgets" }
        );
        let budgets =
            self.budgets.iter().map(|&budget_usd| Goal { mode, quality_target: 0.0, budget_usd, lambda_usd: None });
        let targets =
            self.targets.iter().map(|&quality_target| Goal { mode, quality_target, budget_usd: 0.0, lambda_usd: None });
        Ok(budgets.chain(targets).collect())
    }

    fn habits(&self) -> Habits {
        let rates = LearningRates { forgetting: self.forgetting, prior_strength: self.prior_strength };
        Habits { rates, exploration: self.exploration, kappa: self.kappa }
    }
}

/// Simulates, prints, writes.
///
/// # Errors
/// A table can't be read, the models don't match, or a result can't be written.
pub fn run(args: &SimulateArgs) -> Result<()> {
    let goals = args.goals()?;
    let mut embedder = Embedder::open(args.cache.as_deref())?;
    let (table, warm) = prepare(args, &mut embedder)?;
    let jobs: Vec<(usize, u64)> = (0..goals.len()).flat_map(|g| (0..args.seeds).map(move |seed| (g, seed))).collect();
    let bar = bar(jobs.len() as u64, "simulating (streams)");
    let lived: Vec<(usize, Vec<Lived>)> = jobs
        .par_iter()
        .map(|&(g, seed)| {
            let mut world = World::new(&table, &args.drift, args.phase, args.feedback, seed)?;
            let mut agent = Agent::new(&table, &warm.stream, &warm.before, goals[g], args.habits(), seed);
            let lived = agent.live(&mut world);
            bar.inc(1);
            Ok((g, lived))
        })
        .collect::<Result<_>>()?;
    bar.finish_and_clear();
    let mut runs: Vec<Run> = goals.iter().map(|&goal| Run { goal, streams: Vec::new() }).collect();
    lived.into_iter().for_each(|(g, stream)| runs[g].streams.push(stream));
    let simulation = Simulation { table: &table, warm: &warm, runs, drifts: args.drift != Drift::None };
    print!("{}", simulation.table());
    if let Some(path) = &args.json {
        write_json(path, &simulation.to_json())?;
    }
    if let Some(path) = &args.plot {
        simulation.plot(path).with_context(|| format!("can't draw {}", path.display()))?;
    }
    Ok(())
}

fn is_prior(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "safetensors")
}

/// The stream with complete outcomes, and what is believed of it beforehand.
fn prepare(args: &SimulateArgs, embedder: &mut Embedder) -> Result<(RoutingTable, Warm)> {
    let mut read = |paths: &[&PathBuf]| -> Result<RoutingTable> {
        let tables = paths.iter().map(|p| tables::outcomes(p)).collect::<Result<Vec<_>>>()?;
        RoutingTable::join(&tables, embedder)
    };
    let (priors, outcomes): (Vec<&PathBuf>, Vec<&PathBuf>) = args.warm.iter().partition(|p| is_prior(p));
    let mut stream = read(&[&args.stream])?;
    let mut burn_in = args.burn_in.as_ref().map(|path| read(&[path])).transpose()?;
    if let Some(share) = args.burn_in_share {
        ensure!(share > 0.0 && share < 1.0, "--burn-in-share {share} is not between 0 and 1");
        let split = splits::within_task(&stream, &splits::near_duplicates(&stream), share, args.burn_in_seed);
        burn_in = Some(stream.rows(&split.train));
        stream = stream.rows(&split.test);
    }
    if let Some(&path) = priors.first() {
        ensure!(priors.len() == 1 && outcomes.is_empty(), "--warm takes one prior, or outcome tables, not both");
        let stream = by_cost(&stream.complete(true));
        let burn_in = burn_in.map(|table| table.with_models(&stream.models).complete(true));
        ensure!(!stream.is_empty(), "{}: no query has score and cost of every model", args.stream.display());
        let prior = LinearPrior::read(path, &stream.models)?;
        let warm = warm::from_prior(&prior, burn_in.as_ref(), &stream)?;
        return Ok((stream, warm));
    }
    ensure!(args.burn_in_share.is_none(), "--burn-in-share goes with a prior; name a table with --warm");
    let mut paths = outcomes;
    paths.extend(args.burn_in.as_ref());
    let warm = read(&paths)?;
    let known = |m: &String| warm.models.contains(m) && warm.priced_models().contains(m);
    let models: Vec<String> = stream.models.iter().filter(|m| known(m)).cloned().collect();
    ensure!(
        models.len() >= 2,
        "stream and --warm have {} priced models in common, at least 2 are needed",
        models.len()
    );
    let stream = by_cost(&stream.with_models(&models).complete(true));
    ensure!(!stream.is_empty(), "{}: no query has score and cost of every model", args.stream.display());
    let warm = warm::from_outcomes(&warm.with_models(&stream.models), &stream)?;
    Ok((stream, warm))
}

/// Models in order of cost.
fn by_cost(table: &RoutingTable) -> RoutingTable {
    let means = table.cost.column_means();
    let mut order: Vec<usize> = (0..means.len()).collect();
    order.sort_by(|&a, &b| means[a].total_cmp(&means[b]));
    table.with_models(&order.into_iter().map(|m| table.models[m].clone()).collect::<Vec<_>>())
}
