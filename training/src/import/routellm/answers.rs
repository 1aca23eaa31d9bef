//! Answers to a benchmark: a row per prompt, a column per model.

use super::Context;
use crate::import::{
    Field, Scale,
    files::Input,
    intake::{Intake, Observation},
    options::Options,
    read::{self, Shape},
    some_rows,
    wide::{self, ModelColumn},
};
use anyhow::{Result, ensure};
use std::path::Path;

/// Columns that are about the query.
const ABOUT: [&str; 14] = [
    "",
    "Unnamed: 0",
    "index",
    "id",
    "idx",
    "query_id",
    "question_id",
    "prompt",
    "task",
    "subject",
    "category",
    "answer",
    "label",
    "split",
];

/// The columns that could be models'.
pub(super) fn guess(shape: &Shape, task: Option<&str>) -> Vec<String> {
    wide::numeric(shape, |name| {
        ABOUT.contains(&name) || name.ends_with("_response") || name.contains('|') || task == Some(name)
    })
}

/// Reads a file.
///
/// # Errors
/// No column is a model's, or the task's is missing.
pub(super) fn read(
    input: &Input,
    shape: &Shape,
    context: &Context,
    options: &Options,
    intake: &mut Intake,
) -> Result<()> {
    let task = options.named(Field::Task);
    ensure!(task.is_none_or(|task| shape.has(task)), "no column `{}`", task.unwrap_or_default());
    let models = wide::models(shape, options, |shape| guess(shape, task))?;
    let keep = |name: &str| name == "prompt" || task == Some(name) || ModelColumn::any(&models, name);
    let (benchmark, prefix) = benchmark(&input.path);
    let mut index = 0;
    let rows = read::each(input, &keep, intake, |cells| {
        let query_id = format!("{prefix}:{index}");
        index += 1;
        let task = task.map_or_else(|| Some(benchmark.clone()), |task| cells.text(task));
        let (Some(query), Some(task)) = (cells.text("prompt"), task) else { return };
        let split = context.split(std::slice::from_ref(&query));
        let dataset = options.dataset().to_owned();
        let query = query.into();
        let described = Observation { dataset, query_id, split, query, task, ..Observation::default() };
        wide::observe(cells, &models, Scale::UNIT, &described);
    })?;
    intake.end(Scale::UNIT, wide::REMEDY);
    some_rows(rows)
}

/// Task, and prefix of the ids, by the file's name.
fn benchmark(path: &Path) -> (String, String) {
    let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let name = stem.strip_suffix("_responses").unwrap_or(&stem);
    match name.strip_prefix("mmlu_") {
        Some(subject) => (format!("mmlu/{subject}"), format!("mmlu:{subject}")),
        None => (name.to_owned(), name.to_owned()),
    }
}
