//! What the command line asks for, checked once.

use super::{Field, ImportArgs, Scale};
use anyhow::{Result, ensure};
use std::{collections::BTreeMap, path::PathBuf};

/// Where outcomes come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Source {
    /// RouteLLM's evaluation data
    Routellm,
    /// RouterBench's wide table
    Routerbench,
    /// One row per query and model, as CSV
    Csv,
    /// One row per query and model, as JSON lines
    Jsonl,
    /// What `satisfice export` writes
    SatisficeLog,
    /// LiteLLM's logs
    LitellmLog,
}

impl Source {
    /// Name on the command line, and of the data set where nothing else names it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Routellm => "routellm",
            Self::Routerbench => "routerbench",
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
            Self::SatisficeLog => "satisfice-log",
            Self::LitellmLog => "litellm-log",
        }
    }

    const fn is_wide(self) -> bool {
        matches!(self, Self::Routellm | Self::Routerbench)
    }
}

/// Arguments that fit the source.
#[derive(Debug)]
pub(super) struct Options {
    pub(super) source: Source,
    pub(super) dataset: Option<String>,
    columns: BTreeMap<Field, String>,
    pub(super) scale: Scale,
    pub(super) model_columns: Vec<String>,
    pub(super) scores: Option<PathBuf>,
}

impl Options {
    /// Checks arguments.
    ///
    /// # Errors
    /// Arguments contradict each other, or the source has no use for them.
    pub(super) fn new(args: &ImportArgs) -> Result<Self> {
        let mut faults = misplaced(args);
        let columns = columns(args, &mut faults);
        ensure!(faults.is_empty(), "{}", faults.join("\n"));
        Ok(Self {
            source: args.from,
            dataset: args.dataset.clone(),
            columns,
            scale: args.score_scale.unwrap_or(Scale::UNIT),
            model_columns: args.model_columns.clone(),
            scores: args.scores.clone(),
        })
    }

    /// The column that the caller named for a field.
    pub(super) fn named(&self, field: Field) -> Option<&str> {
        self.columns.get(&field).map(String::as_str)
    }

    /// The column of a field: the one named, else the field's own.
    pub(super) fn column(&self, field: Field) -> &str {
        self.named(field).unwrap_or(field.as_str())
    }

    /// Name of the data set where the rows don't tell.
    pub(super) fn dataset(&self) -> &str {
        self.dataset.as_deref().unwrap_or(self.source.as_str())
    }
}

fn columns(args: &ImportArgs, faults: &mut Vec<String>) -> BTreeMap<Field, String> {
    let task = args.task_column.iter().map(|name| (Field::Task, name));
    let mut columns = BTreeMap::new();
    for (field, name) in args.columns.iter().map(|r| (r.field, &r.column)).chain(task) {
        if columns.insert(field, name.clone()).is_some() {
            faults.push(format!("a column for `{}` is given twice", field.as_str()));
        }
    }
    columns
}

/// Arguments that the source has no use for.
fn misplaced(args: &ImportArgs) -> Vec<String> {
    let from = args.from;
    let long = matches!(from, Source::Csv | Source::Jsonl | Source::LitellmLog);
    let uses = [
        ("--column", args.columns.is_empty() || long, "for a task `--task-column` does it"),
        ("--task-column", args.task_column.is_none() || from != Source::SatisficeLog, "the log says the task"),
        ("--score-scale", args.score_scale.is_none() || long || from == Source::Routerbench, "its scores are known"),
        ("--model-column", args.model_columns.is_empty() || from.is_wide(), "it has one row per model"),
        ("--scores", args.scores.is_none() || from == Source::LitellmLog, "its rows carry their scores"),
    ];
    let wrong = uses.iter().filter(|(_, fits, _)| !fits);
    wrong.map(|(name, _, why)| format!("{name} has no use with --from {}: {why}", from.as_str())).collect()
}
