//! `satisfice-train evaluate-encoder`: what 8 bits change, in embeddings and in decisions.

use crate::{embed::bar, output::write_json, tables};
use anyhow::{Result, ensure};
use rayon::prelude::*;
use satisfice::{
    catalog::{Catalog, expected_cost},
    classifier::Classifier,
    domain::{DecisionMode, Prompt, Quality, RoutingRule},
    encoder::{
        Encoder, Encoding, FusedEncoder, Manifest, ModelFolder, ReferenceEncoder, Tokenizer, Tokens, visible_text,
    },
    policy::{self, LearningRates, Posterior, Scored},
    router::{Fleet, FleetModel},
};
use serde::Serialize;
use std::{collections::BTreeSet, path::PathBuf};

/// Tokens of a prompt that are looked at.
const WINDOW: usize = 256;
/// Input and output tokens matter to cost alone; the same for both encoders.
const INPUT_TOKENS: u32 = 200;

/// Arguments of `evaluate-encoder`.
#[derive(Debug, Clone, clap::Args)]
pub struct EvaluateEncoderArgs {
    /// Prompts with a task label (parquet): `text, label`; without it our own prompts.
    #[arg(long)]
    pub tasks: Option<PathBuf>,
    /// Our own prompts.
    #[arg(long, default_value = "datasets/prompts/prompts.jsonl")]
    pub prompts: PathBuf,
    /// Prompts looked at, spread evenly over the table.
    #[arg(long, default_value_t = 1000)]
    pub count: usize,
    /// Folder of the classifier's artefact; without it the one compiled in.
    #[arg(long)]
    pub artefact: Option<PathBuf>,
    /// Provider whose models are chosen from.
    #[arg(long, default_value = "simulated")]
    pub provider: String,
    /// Quality targets that decisions are compared at.
    #[arg(long, num_args = 1.., default_values_t = [0.7, 0.8, 0.9])]
    pub quality: Vec<f64>,
    /// Where to write the report.
    #[arg(long)]
    pub json: Option<PathBuf>,
}

#[derive(Debug, Serialize)]
struct Evaluation {
    isa: &'static str,
    prompts: usize,
    embedding_cosine_mean: f64,
    embedding_cosine_min: f64,
    trunk_cosine_mean: f64,
    trunk_cosine_min: f64,
    /// Share of decisions that choose the same model.
    same_decision: f64,
    /// Share of prompts with the same task type.
    same_task: f64,
}

/// Measures and prints.
///
/// # Errors
/// The prompts can't be read or the encoder can't be had.
pub fn run(args: &EvaluateEncoderArgs) -> Result<()> {
    let rows = match &args.tasks {
        Some(path) => tables::task_corpus(path)?,
        None => tables::own_prompts(&args.prompts)?,
    };
    ensure!(!rows.is_empty(), "there are no prompts");
    let prompts: Vec<&Prompt> = rows.iter().map(|r| &r.prompt).step_by((rows.len() / args.count).max(1)).collect();
    let prompts = &prompts[..prompts.len().min(args.count)];
    let found = evaluate(prompts, args)?;
    println!(
        "{} prompts, {}: cosine to f32 mean {:.5}, least {:.5} (trunk {:.5}, {:.5}); same decision {:.2} %, same task type {:.2} %",
        found.prompts,
        found.isa,
        found.embedding_cosine_mean,
        found.embedding_cosine_min,
        found.trunk_cosine_mean,
        found.trunk_cosine_min,
        100.0 * found.same_decision,
        100.0 * found.same_task,
    );
    if let Some(path) = &args.json {
        write_json(path, &found)?;
    }
    Ok(())
}

fn evaluate(prompts: &[&Prompt], args: &EvaluateEncoderArgs) -> Result<Evaluation> {
    let env = std::env::var("SATISFICE_CACHE_DIR").ok();
    let folder = ModelFolder::new(Manifest::builtin(), &ModelFolder::default_models_dir(env.as_deref()));
    folder.ensure(false)?;
    let (fused, reference) = (FusedEncoder::load(&folder)?, ReferenceEncoder::load(&folder)?);
    let tokenizer = Tokenizer::load(&folder.file("tokenizer.json"), WINDOW)?;
    let texts: Vec<String> = prompts.iter().map(|p| visible_text(p)).collect();
    let tokens = texts.iter().map(|text| tokenizer.tokenise(text)).collect::<Result<Vec<Tokens>, _>>()?;
    let progress = bar(tokens.len() as u64, "encoding twice (prompts)");
    let pairs: Vec<(Encoding, Encoding)> = tokens
        .par_iter()
        .map(|row| {
            let one = |encoder: &dyn Encoder| -> Result<Encoding> {
                Ok(encoder.encode(std::slice::from_ref(row))?.remove(0))
            };
            let pair = (one(&fused)?, one(&reference)?);
            progress.inc(1);
            Ok(pair)
        })
        .collect::<Result<_>>()?;
    progress.finish_and_clear();
    let chooser = Chooser::new(reference.id(), args)?;
    let mut same = (0usize, 0usize);
    for ((prompt, text), (a, b)) in prompts.iter().zip(&texts).zip(&pairs) {
        let (a, b) = (chooser.choices(prompt, text, a, args), chooser.choices(prompt, text, b, args));
        same.0 += a.0.iter().zip(&b.0).filter(|(x, y)| x == y).count();
        same.1 += usize::from(a.1 == b.1);
    }
    let cosines = |of: &dyn Fn(&(Encoding, Encoding)) -> f64| -> (f64, f64) {
        let all: Vec<f64> = pairs.iter().map(of).collect();
        (all.iter().sum::<f64>() / all.len() as f64, all.iter().copied().fold(1.0, f64::min))
    };
    let (embedding_cosine_mean, embedding_cosine_min) = cosines(&|(a, b)| a.embedding.cosine(&b.embedding));
    let (trunk_cosine_mean, trunk_cosine_min) = cosines(&|(a, b)| a.trunk.cosine(&b.trunk));
    Ok(Evaluation {
        isa: fused.isa().as_str(),
        prompts: pairs.len(),
        embedding_cosine_mean,
        embedding_cosine_min,
        trunk_cosine_mean,
        trunk_cosine_min,
        same_decision: same.0 as f64 / (pairs.len() * args.quality.len().max(1)) as f64,
        same_task: same.1 as f64 / pairs.len() as f64,
    })
}

/// Decides as a service does that has no feedback yet.
struct Chooser {
    classifier: Classifier,
    fleet: Fleet,
    posterior: Posterior,
}

impl Chooser {
    fn new(encoder: &str, args: &EvaluateEncoderArgs) -> Result<Self> {
        let classifier = match &args.artefact {
            Some(folder) => Classifier::load(folder, encoder)?,
            None => Classifier::builtin(encoder)?,
        };
        let fleet = Fleet::new(&Catalog::builtin()?, &BTreeSet::from([args.provider.clone()]));
        ensure!(fleet.usable().next().is_some(), "provider {} has no usable model in the catalogue", args.provider);
        Ok(Self { classifier, fleet, posterior: Posterior::new(LearningRates::default()) })
    }

    /// The chosen model at each quality target, and the task type.
    fn choices(
        &self,
        prompt: &Prompt,
        text: &str,
        encoding: &Encoding,
        args: &EvaluateEncoderArgs,
    ) -> (Vec<Option<usize>>, String) {
        let seen = self.classifier.classify(prompt, text, encoding);
        let scored = |m: &FleetModel| -> Option<Scored> {
            let prior = policy::prior_quality(&seen.tasks, seen.difficulty, |t| m.ability(t));
            let belief = self.posterior.believe(&m.entry.id, prior, &policy::context_vector(prior, &seen.context));
            let output = (seen.output_tokens * m.entry.verbosity) as u32;
            let cost_usd = expected_cost(m.entry.price.as_ref()?, INPUT_TOKENS, 0, output).get();
            Some(Scored { mean: belief.mean, spread: belief.spread, cost_usd })
        };
        let candidates: Vec<Scored> = self.fleet.usable().filter_map(scored).collect();
        let choose = |&target: &f64| {
            let rule = RoutingRule {
                mode: DecisionMode::Floor,
                quality_target: Quality::clipped(target),
                kappa: 0.5,
                lambda_usd: 0.0,
                exploration: 0.0,
            };
            policy::greedy(&rule, &candidates).map(|(chosen, _)| chosen)
        };
        (args.quality.iter().map(choose).collect(), seen.tasks.top().as_str().to_owned())
    }
}
