//! One round is one division of the queries into training and test.

use super::{EvaluateArgs, Protocol, Source, read};
use crate::{
    embed::Embedder,
    perturb,
    routing::{RoutingTable, splits},
};
use anyhow::{Result, ensure};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use satisfice::domain::Prompt;
use std::sync::Arc;

/// Share of each task that trains, in-domain.
const TRAIN: f64 = 0.7;

/// Training and test queries, over the same models.
#[derive(Debug, Clone)]
pub struct Round {
    /// Seed, family or model that makes it different from the others.
    pub name: String,
    /// Rounds of one group are averaged.
    pub group: String,
    /// Known outcomes.
    pub train: RoutingTable,
    /// Complete for all models.
    pub test: RoutingTable,
    /// The test queries in other words, by kind of change.
    pub varied: Option<Vec<(&'static str, RoutingTable)>>,
}

/// The rounds that the arguments ask for, and every table read.
///
/// # Errors
/// A table can't be read, or there is nothing to compare.
pub fn rounds(args: &EvaluateArgs, embedder: &mut Embedder) -> Result<(Vec<Round>, Vec<Source>)> {
    let Some(protocol) = args.protocol else {
        let (train, mut sources) = read(&args.train, embedder)?;
        let (test, more) = read(&args.test, embedder)?;
        sources.extend(more);
        return Ok((vec![round("test", &train, &test, args)?], sources));
    };
    let (table, sources) = read(&args.outcomes, embedder)?;
    let rounds = match protocol {
        Protocol::InDomain => in_domain(&table, args)?,
        Protocol::LeaveOneFamilyOut => splits::leave_one_family_out(&table)
            .into_iter()
            .map(|(family, split)| round(&family, &table.rows(&split.train), &table.rows(&split.test), args))
            .collect::<Result<_>>()?,
        Protocol::LeaveOneModelOut => leave_one_model_out(&table, args)?,
        Protocol::Robustness => {
            let mut rounds = in_domain(&table, args)?;
            for round in &mut rounds {
                round.varied = Some(varied(&round.test, embedder)?);
            }
            rounds
        }
    };
    Ok((rounds, sources))
}

fn in_domain(table: &RoutingTable, args: &EvaluateArgs) -> Result<Vec<Round>> {
    let groups = splits::near_duplicates(table);
    let divide = |seed: &u64| {
        let split = splits::within_task(table, &groups, TRAIN, *seed);
        round(&seed.to_string(), &table.rows(&split.train), &table.rows(&split.test), args)
    };
    args.seeds.iter().map(divide).collect()
}

/// Brings both sides to the same models, and the test queries to those that are complete.
fn round(name: &str, train: &RoutingTable, test: &RoutingTable, args: &EvaluateArgs) -> Result<Round> {
    let models = if !args.models.is_empty() {
        for model in &args.models {
            ensure!(train.models.contains(model), "--models {model}: no training table has it");
        }
        args.models.clone()
    } else if args.priced_only {
        let mut priced = train.priced_models();
        // A protocol's test queries may be of another data set, where fewer models were run.
        if args.protocol.is_some() {
            let tested = test.priced_models();
            priced.retain(|m| tested.contains(m));
        }
        priced
    } else {
        let mostly = |t: &RoutingTable, model: &str| {
            let Some(m) = t.models.iter().position(|x| x == model) else { return false };
            let known = (0..t.len()).filter(|&r| !t.score.row(r)[m].is_nan()).count();
            known as f64 >= 0.99 * t.len() as f64
        };
        train.models.iter().filter(|m| mostly(train, m) && mostly(test, m)).cloned().collect()
    };
    ensure!(models.len() >= 2, "{name}: {} models left to choose from, at least 2 are needed", models.len());
    let train = train.with_models(&models);
    let test = test.with_models(&models).complete(args.priced_only);
    ensure!(!test.is_empty(), "{name}: no test query has outcomes of all {} models", models.len());
    Ok(Round { name: name.into(), group: String::new(), train, test, varied: None })
}

/// Each model in turn: its outcomes are hidden but for the anchors.
fn leave_one_model_out(table: &RoutingTable, args: &EvaluateArgs) -> Result<Vec<Round>> {
    let mut out = Vec::new();
    for whole in in_domain(table, args)?.into_iter().take(1) {
        for &anchors in &args.anchors {
            for model in 0..whole.train.models.len() {
                let mut round = whole.clone();
                round.name = format!("{} from {anchors}", whole.train.models[model]);
                round.group = format!("{anchors} anchors");
                hide(&mut round.train, model, anchors);
                out.push(round);
            }
        }
        out.push(Round { name: "all outcomes".into(), group: "all outcomes".into(), ..whole });
    }
    Ok(out)
}

/// Forgets a model's outcomes on all but `anchors` queries, drawn with a fixed seed.
fn hide(table: &mut RoutingTable, model: usize, anchors: usize) {
    let mut order: Vec<usize> = (0..table.len()).collect();
    splits::shuffle(&mut order, &mut ChaCha8Rng::seed_from_u64(64));
    for &row in order.iter().skip(anchors) {
        for grid in [&mut table.score, &mut table.cost, &mut table.input_tokens, &mut table.output_tokens] {
            grid.row_mut(row)[model] = f64::NAN;
        }
    }
}

/// The same queries in other words, encoded.
fn varied(table: &RoutingTable, embedder: &mut Embedder) -> Result<Vec<(&'static str, RoutingTable)>> {
    let mut out = Vec::new();
    for (k, &kind) in perturb::KINDS.iter().enumerate() {
        let prompts: Vec<Prompt> =
            table.queries.iter().map(|q| Prompt::user(perturb::variants(&q.text)[k].clone())).collect();
        let inputs = embedder.inputs(&prompts.iter().collect::<Vec<_>>(), kind)?;
        let mut other = table.clone();
        for (query, (inputs, encoding)) in other.queries.iter_mut().zip(inputs) {
            (query.inputs, query.embedding) = (Arc::new(inputs), Arc::new(encoding.embedding));
        }
        out.push((kind, other));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{evaluate::evaluate, quality::Satisfice, routing::Router, routing::table::fixtures};
    use indicatif::ProgressBar;

    #[test]
    fn a_left_out_model_is_known_from_its_anchors_only() {
        let known = |anchors: usize| {
            let mut table = fixtures::two_tasks(50);
            hide(&mut table, 1, anchors);
            let of = |m: usize| (0..50).filter(|&r| !table.score.row(r)[m].is_nan()).count();
            (of(0), of(1))
        };
        assert_eq!((known(0), known(16)), ((50, 0), (50, 16)));
    }

    #[test]
    fn a_round_is_evaluated_also_where_one_model_has_no_outcome() {
        let (mut train, test) = (fixtures::two_tasks(200), fixtures::two_tasks(40));
        hide(&mut train, 1, 0);
        let round = Round { name: "m1 from 0".into(), group: String::new(), train, test, varied: None };
        let routers: Vec<Box<dyn Router>> = vec![Box::new(Satisfice::default())];
        let found = evaluate(&round, &routers, &ProgressBar::hidden()).expect("evaluated");
        let (ours, best) = (&found.figures["satisfice"], &found.figures["best_single"]);
        assert_eq!(best["avg_quality"], 1.0);
        // The cheap model serves its task: half of the queries at 1 instead of 20.
        assert!(ours["cost_save"] > 0.4, "{ours:?}");
    }
}
