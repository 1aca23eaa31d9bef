//! `satisfice-train online`: streams of a table with what the service's policy chose on them, so that other bandits can run on
//! the same requests, features and feedback (`training/peers/online.py`).
//!
//! The objective is `score − cost/λ` at a fixed λ, which every contextual bandit can be given as its reward.

use crate::{
    embed::{Embedder, bar},
    output::write_json,
    routing::{Grid, Predictions, RoutingTable, splits},
    simulate::{
        agent::{Agent, Goal, Habits},
        warm,
        world::{Drift, Feedback, World},
    },
    tables,
};
use anyhow::{Result, ensure};
use rayon::prelude::*;
use satisfice::{domain::DecisionMode, policy::LearningRates};
use serde_json::{Value, json};
use std::path::PathBuf;

/// Prior quality of every model where nothing is known.
const FLAT: f64 = 0.5;
/// Firmness of the flat prior: a catalogue's.
const COLD_STRENGTH: f64 = 20.0;
/// Firmness of beliefs trained on outcomes of the same models, as in `simulate`.
const WARM_STRENGTH: f64 = 20_000.0;
/// λ where cost does not matter, USD for a unit of quality.
const COST_IS_NOTHING: f64 = 1e6;

/// Arguments of `online`.
#[derive(Debug, Clone, clap::Args)]
pub struct OnlineArgs {
    /// The outcome table (parquet); models with a cost on 99 % of the queries take part.
    #[arg(long)]
    pub outcomes: PathBuf,
    /// Share of the queries that is seen in full before; the rest is the stream. It is drawn alike for cold and warm.
    #[arg(long, default_value_t = 0.3)]
    pub burn_in_share: f64,
    /// What the mean cost of the dearest model is worth, in units of quality; 0: cost does not matter.
    #[arg(long, value_delimiter = ',', num_args = 1.., default_values_t = [0.0, 0.3])]
    pub cost_weights: Vec<f64>,
    /// The first of the orders.
    #[arg(long, default_value_t = 1)]
    pub first_seed: u64,
    /// Orders of the stream.
    #[arg(long, default_value_t = 20)]
    pub seeds: u64,
    /// Share of requests explored; by default the service's.
    #[arg(long, default_value_t = 0.01)]
    pub exploration: f64,
    /// Which scores are seen: full or mcar:SHARE, which don't depend on who was chosen.
    #[arg(long, default_value = "full")]
    pub feedback: Feedback,
    /// Where to write the streams (JSON).
    #[arg(long)]
    pub out: PathBuf,
    /// Folder of the embedding cache.
    #[arg(long)]
    pub cache: Option<PathBuf>,
}

/// Writes `{models, cost_weights, lambda_usd, stream: {context, score, cost}, burn_in: {…}, seeds, order, seen, ours: {cold, warm}}`,
/// `ours` as `[weight][seed][request]`, the index of the model chosen.
///
/// # Errors
/// The table can't be read, has no priced models, or the result can't be written.
pub fn run(args: &OnlineArgs) -> Result<()> {
    ensure!(
        (0.0..0.95).contains(&args.burn_in_share) && args.burn_in_share > 0.0,
        "--burn-in-share is not in (0, 0.95)"
    );
    ensure!(args.cost_weights.iter().all(|w| *w >= 0.0 && w.is_finite()), "--cost-weights must be 0 or more");
    ensure!((0.0..=0.5).contains(&args.exploration), "--exploration {} is not a share up to 0.5", args.exploration);
    ensure!(
        matches!(args.feedback, Feedback::Full | Feedback::Mcar(_)),
        "--feedback must be full or mcar:SHARE: a mask that depends on the score can't be the same for all"
    );
    let mut embedder = Embedder::open(args.cache.as_deref())?;
    let table = RoutingTable::join(&[tables::outcomes(&args.outcomes)?], &mut embedder)?;
    let table = table.with_models(&table.priced_models()).complete(true);
    ensure!(table.models.len() >= 2, "{}: fewer than 2 models have costs", args.outcomes.display());
    let split = splits::within_task(&table, &splits::near_duplicates(&table), args.burn_in_share, 1);
    let (before, stream) = (table.rows(&split.train), table.rows(&split.test));
    let dearest = before.cost.column_means().into_iter().fold(0.0, f64::max);
    let lambdas: Vec<f64> =
        args.cost_weights.iter().map(|&w| if w > 0.0 { dearest / w } else { COST_IS_NOTHING }).collect();
    // Cold, a model's mean bill stands for its list price: the one thing that is public before the first request.
    let bills = Grid::from_rows(&vec![before.cost.column_means(); stream.len()]);
    let cold = Predictions { quality: Grid::filled(stream.len(), table.models.len(), FLAT), cost: bills };
    let warm = warm::from_outcomes(&before, &stream)?.stream;
    let report = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "models": table.models,
        "cost_weights": args.cost_weights,
        "lambda_usd": lambdas,
        "stream": outcomes(&stream),
        "burn_in": outcomes(&before),
        "seeds": (args.first_seed..args.first_seed + args.seeds).collect::<Vec<_>>(),
        "order": streams(args, &stream, |world| world.steps().iter().map(|s| json!(s.row)).collect())?,
        "seen": streams(args, &stream, |world| {
            (0..stream.len()).map(|_| json!(u8::from(world.seen(0.0).is_some()))).collect()
        })?,
        "ours": {
            "cold": choices(args, &stream, &cold, &lambdas, COLD_STRENGTH)?,
            "warm": choices(args, &stream, &warm, &lambdas, WARM_STRENGTH)?,
        },
    });
    println!("{} + {} queries, {} models", before.len(), stream.len(), table.models.len());
    write_json(&args.out, &report)
}

fn outcomes(table: &RoutingTable) -> Value {
    let rows = |grid: &Grid| (0..grid.rows()).map(|r| grid.row(r).to_vec()).collect::<Vec<_>>();
    let context: Vec<&[f32]> = table.queries.iter().map(|q| &*q.context).collect();
    json!({ "context": context, "score": rows(&table.score), "cost": rows(&table.cost) })
}

/// Something of every order of the stream.
fn streams(
    args: &OnlineArgs,
    stream: &RoutingTable,
    of: impl Fn(&mut World<'_>) -> Vec<Value>,
) -> Result<Vec<Vec<Value>>> {
    let seeds = args.first_seed..args.first_seed + args.seeds;
    seeds.map(|seed| Ok(of(&mut World::new(stream, &Drift::None, 0, args.feedback, seed)?))).collect()
}

/// What the policy chose, `[λ][seed][request]`.
fn choices(
    args: &OnlineArgs,
    stream: &RoutingTable,
    prior: &Predictions,
    lambdas: &[f64],
    prior_strength: f64,
) -> Result<Vec<Vec<Vec<usize>>>> {
    let rates = LearningRates { prior_strength, ..LearningRates::default() };
    let habits = Habits { rates, exploration: args.exploration, kappa: 0.0 };
    let bar = bar(lambdas.len() as u64 * args.seeds, "our policy (streams)");
    let of = |lambda: f64| -> Result<Vec<Vec<usize>>> {
        let goal = Goal { mode: DecisionMode::Average, quality_target: 0.0, budget_usd: 0.0, lambda_usd: Some(lambda) };
        let seeds = (args.first_seed..args.first_seed + args.seeds).into_par_iter();
        let each = seeds.map(|seed| {
            let mut world = World::new(stream, &Drift::None, 0, args.feedback, seed)?;
            let mut agent = Agent::new(stream, prior, &Predictions::default(), goal, habits, seed);
            let lived = agent.live(&mut world);
            bar.inc(1);
            Ok(lived.into_iter().map(|l| l.model).collect())
        });
        each.collect()
    };
    lambdas.iter().map(|&lambda| of(lambda)).collect()
}
