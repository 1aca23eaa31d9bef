//! `satisfice-train features`: what the router sees of each query of outcome tables, as one table for other programs.

use crate::{embed::Embedder, tables};
use anyhow::{Context, Result};
use polars::prelude::{
    DataFrame, DataType, Float32Type, IntoColumn, IntoSeries, ListBuilderTrait, ListPrimitiveChunkedBuilder, NamedFrom,
    ParquetWriter, Series,
};
use satisfice::{
    classifier::Classifier,
    domain::Prompt,
    encoder::{DIMENSIONS, visible_text},
};
use std::path::PathBuf;

/// Arguments of `features`.
#[derive(Debug, Clone, clap::Args)]
pub struct FeaturesArgs {
    /// Outcome tables (parquet).
    #[arg(long, required = true)]
    pub outcomes: Vec<PathBuf>,
    /// Folder of the classifier's artefact; without it the one compiled in.
    #[arg(long)]
    pub artefact: Option<PathBuf>,
    /// Where to write the table (parquet).
    #[arg(long)]
    pub out: PathBuf,
    /// Folder of the embedding cache.
    #[arg(long)]
    pub cache: Option<PathBuf>,
}

/// Writes one row a query: `dataset, query_id, task, embedding (384), trunk (384), light (18), tasks (probability of each
/// served task type), context (30), difficulty, output_tokens`.
///
/// # Errors
/// A table can't be read, the encoder can't be had, or the result can't be written.
pub fn run(args: &FeaturesArgs) -> Result<()> {
    let mut embedder = Embedder::open(args.cache.as_deref())?;
    let classifier = match &args.artefact {
        Some(folder) => Classifier::load(folder, embedder.encoder_id())?,
        None => Classifier::builtin(embedder.encoder_id())?,
    };
    let (mut dataset, mut ids, mut task) = (Vec::new(), Vec::new(), Vec::new());
    let mut lists: Vec<(&str, Vec<Vec<f32>>)> =
        ["embedding", "trunk", "light", "tasks", "context"].map(|name| (name, Vec::new())).into();
    let (mut difficulty, mut output_tokens) = (Vec::new(), Vec::new());
    for path in &args.outcomes {
        let table = tables::outcomes(path)?;
        let prompts: Vec<Prompt> = table.queries.iter().map(|q| Prompt::user(q.clone())).collect();
        let inputs = embedder.inputs(&prompts.iter().collect::<Vec<_>>(), &table.dataset)?;
        for (i, (prompt, (inputs, encoding))) in prompts.iter().zip(&inputs).enumerate() {
            let seen = classifier.classify(prompt, &visible_text(prompt), encoding);
            dataset.push(table.dataset.clone());
            ids.push(table.query_ids[i].clone());
            task.push(table.tasks[i].clone());
            let light = inputs.dense[2 * DIMENSIONS..].to_vec();
            let tasks = seen.tasks.0.iter().map(|&(_, p)| p).collect();
            let (embedding, trunk) = (encoding.embedding.values().to_vec(), encoding.trunk.values().to_vec());
            for ((_, rows), row) in lists.iter_mut().zip([embedding, trunk, light, tasks, seen.context]) {
                rows.push(row);
            }
            difficulty.push(seen.difficulty.get());
            output_tokens.push(seen.output_tokens);
        }
    }
    let mut columns = vec![text("dataset", &dataset), text("query_id", &ids), text("task", &task)];
    columns.extend(lists.iter().map(|(name, rows)| list(name, rows)));
    columns.push(Series::new("difficulty".into(), difficulty));
    columns.push(Series::new("output_tokens".into(), output_tokens));
    let height = ids.len();
    let mut table = DataFrame::new(height, columns.into_iter().map(IntoColumn::into_column).collect())?;
    let file = std::fs::File::create(&args.out).with_context(|| format!("can't write {}", args.out.display()))?;
    ParquetWriter::new(file).finish(&mut table)?;
    println!("{height} queries in {}", args.out.display());
    Ok(())
}

fn text(name: &str, values: &[String]) -> Series {
    Series::new(name.into(), values)
}

fn list(name: &str, rows: &[Vec<f32>]) -> Series {
    let values = rows.iter().map(Vec::len).sum();
    let mut builder =
        ListPrimitiveChunkedBuilder::<Float32Type>::new(name.into(), rows.len(), values, DataType::Float32);
    rows.iter().for_each(|row| builder.append_slice(row));
    builder.finish().into_series()
}
