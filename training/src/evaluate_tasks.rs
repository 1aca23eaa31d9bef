//! `satisfice-train evaluate-tasks`: an artefact's task types on a labelled table.

use crate::{
    embed::Embedder,
    metrics::{Report, report},
    output::write_json,
    tables,
};
use anyhow::Result;
use satisfice::{
    classifier::{Classifier, heads::softmax},
    domain::{Prompt, TaskType},
};
use serde::Serialize;
use std::{collections::BTreeMap, path::PathBuf};

/// Arguments of `evaluate-tasks`.
#[derive(Debug, Clone, clap::Args)]
pub struct EvaluateTasksArgs {
    /// Folder of the artefact.
    #[arg(long)]
    pub artefact: PathBuf,
    /// Labelled prompts (parquet): `text, label`, optionally `source`.
    #[arg(long)]
    pub tasks: PathBuf,
    /// Where to write the report.
    #[arg(long)]
    pub json: Option<PathBuf>,
    /// Folder of the embedding cache.
    #[arg(long)]
    pub cache: Option<PathBuf>,
}

#[derive(Debug, Serialize)]
struct Evaluation {
    n: usize,
    accuracy: f64,
    macro_f1: f64,
    by_source: BTreeMap<String, SourceFigures>,
    confusion: BTreeMap<String, BTreeMap<String, usize>>,
    label_map: BTreeMap<TaskType, TaskType>,
    artefact: String,
}

#[derive(Debug, Serialize)]
struct SourceFigures {
    n: usize,
    accuracy: f64,
    macro_f1: f64,
}

impl From<&Report> for SourceFigures {
    fn from(report: &Report) -> Self {
        Self { n: report.n, accuracy: report.accuracy, macro_f1: report.macro_f1 }
    }
}

/// Evaluates and prints; labels go through the artefact's label map first.
///
/// # Errors
/// The artefact or the table can't be read.
pub fn run(args: &EvaluateTasksArgs) -> Result<()> {
    let mut embedder = Embedder::open(args.cache.as_deref())?;
    let classifier = Classifier::load(&args.artefact, embedder.encoder_id())?;
    let artefact = classifier.artefact();
    let rows = tables::task_corpus(&args.tasks)?;
    let prompts: Vec<&Prompt> = rows.iter().map(|row| &row.prompt).collect();
    let inputs = embedder.inputs(&prompts, "prompts")?;
    let predicted = inputs.iter().map(|(inputs, _)| {
        let p = softmax(&artefact.task.forward(inputs), artefact.temperature);
        artefact.labels[(0..p.len()).fold(0, |best, i| if p[i] > p[best] { i } else { best })]
    });
    let served = |t: TaskType| artefact.label_map.get(&t).copied().unwrap_or(t);
    let results: Vec<(&str, TaskType, TaskType)> =
        rows.iter().zip(predicted).map(|(row, p)| (row.source.as_str(), served(row.label), p)).collect();
    let of = |source: Option<&str>| {
        let chosen = results.iter().filter(|(s, _, _)| source.is_none_or(|x| x == *s));
        report(chosen.map(|(_, label, p)| (label.as_str(), p.as_str())))
    };
    let all = of(None);
    let sources: std::collections::BTreeSet<&str> = results.iter().map(|(s, _, _)| *s).collect();
    let by_source = sources.iter().map(|s| ((*s).to_owned(), SourceFigures::from(&of(Some(s))))).collect();
    let evaluation = Evaluation {
        n: all.n,
        accuracy: all.accuracy,
        macro_f1: all.macro_f1,
        by_source,
        confusion: all.confusion,
        label_map: artefact.label_map.clone(),
        artefact: classifier.version().to_owned(),
    };
    if let Some(path) = &args.json {
        write_json(path, &evaluation)?;
    }
    println!("{} prompts: accuracy {:.3}, macro F1 {:.3}", evaluation.n, evaluation.accuracy, evaluation.macro_f1);
    for (source, figures) in &evaluation.by_source {
        println!("  {source:36} n {:6}  accuracy {:.3}  macro F1 {:.3}", figures.n, figures.accuracy, figures.macro_f1);
    }
    Ok(())
}
