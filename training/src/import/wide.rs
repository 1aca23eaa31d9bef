//! Tables with a row per query and a column per model.

use super::{Scale, cells::Cells, intake::Observation, options::Options, read::Shape, value};
use anyhow::{Result, bail, ensure};

/// What to do about scores off the scale.
pub(super) const REMEDY: &str = "if that is no model's column, name those that are with --model-column";
const NO_SCORE: &str = "cells without a score";

/// A model's columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ModelColumn {
    /// The model, and the column of its scores.
    pub(super) name: String,
    /// The column of what its answers cost.
    pub(super) cost: Option<String>,
}

impl ModelColumn {
    /// Whether a column belongs to any of the models.
    pub(super) fn any(models: &[Self], name: &str) -> bool {
        models.iter().any(|model| model.name == name || model.cost.as_deref() == Some(name))
    }
}

/// The models of a table: those named with `--model-column`, else those that `guess` finds.
///
/// # Errors
/// A column that was named is not there, or there is none.
pub(super) fn models(
    shape: &Shape,
    options: &Options,
    guess: impl FnOnce(&Shape) -> Vec<String>,
) -> Result<Vec<ModelColumn>> {
    let names = if options.model_columns.is_empty() { guess(shape) } else { options.model_columns.clone() };
    if let Some(absent) = names.iter().find(|name| !shape.has(name)) {
        bail!("no column `{absent}`: the columns are `{}`", shape.columns.join("`, `"));
    }
    ensure!(
        !names.is_empty(),
        "no column holds a model's scores: name them with --model-column; the columns are `{}`",
        shape.columns.join("`, `")
    );
    let cost = |name: &str| Some(format!("{name}|total_cost")).filter(|cost| shape.has(cost));
    Ok(names.into_iter().map(|name| ModelColumn { cost: cost(&name), name }).collect())
}

/// Columns that could hold scores: at least one of the first rows has a number there.
pub(super) fn numeric(shape: &Shape, reserved: impl Fn(&str) -> bool) -> Vec<String> {
    let counts = |name: &str| shape.sample.iter().filter_map(|row| row.get(name)).any(value::is_numeric);
    shape.columns.iter().filter(|name| !reserved(name) && counts(name)).cloned().collect()
}

/// Takes in what every model scored on the row's query, which `query` describes.
pub(super) fn observe(cells: &mut Cells<'_>, models: &[ModelColumn], scale: Scale, query: &Observation) {
    for model in models {
        let cell = cells.get(&model.name).unwrap_or_default();
        let score = match value::number(&cell) {
            Ok(Some(score)) if !score.is_nan() => cells.rescale(&model.name, score, scale),
            // NaN is how pandas writes a cell that is missing.
            Ok(_) => {
                cells.leave_out(NO_SCORE);
                continue;
            }
            Err(problem) => {
                cells.fault(&model.name, &format!("{problem}; {REMEDY}"));
                continue;
            }
        };
        let cost_usd = model.cost.as_deref().and_then(|column| cells.cost(column));
        if let Some(score) = score {
            cells.observe(Observation { model: model.name.clone(), score, cost_usd, ..query.clone() });
        }
    }
}
