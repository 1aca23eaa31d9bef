//! RouterBench (Hu et al. 2024, arXiv 2403.12031; `withmartian/routerbench`): a row per prompt with `sample_id`,
//! `prompt`, `eval_name`, and for every model the columns `MODEL` (score, 0 to 1), `MODEL|model_response` and
//! `MODEL|total_cost` (USD).
//!
//! It is published as pickles; their CSV or parquet export is read. A prompt is kept there as a Python list of turns,
//! which are joined by newlines here.

use super::{
    Field,
    files::Input,
    intake::{Intake, Observation},
    options::Options,
    python_list,
    read::{self, Shape},
    some_rows,
    wide::{self, ModelColumn},
};
use anyhow::{Result, ensure};

const TEXTS: [&str; 3] = ["sample_id", "prompt", "eval_name"];
const REMEDY: &str = "rescale with --score-scale, or name the models' columns with --model-column";
const OTHERS: [&str; 3] = ["oracle_model_to_route_to", "Unnamed: 0", ""];

/// Reads a file.
///
/// # Errors
/// The file can't be opened, or one of its columns is missing.
pub(super) fn read(input: &Input, options: &Options, intake: &mut Intake) -> Result<()> {
    let shape = read::shape(input)?;
    let task = options.named(Field::Task).unwrap_or("eval_name");
    let absent: Vec<&str> = ["sample_id", "prompt", task].into_iter().filter(|name| !shape.has(name)).collect();
    let there = shape.columns.join("`, `");
    ensure!(absent.is_empty(), "no column `{}`, which RouterBench has; the columns are `{there}`", absent.join("`, `"));
    let models = wide::models(&shape, options, guess)?;
    let keep = |name: &str| TEXTS.contains(&name) || name == task || ModelColumn::any(&models, name);
    let rows = read::each(input, &keep, intake, |cells| {
        let (id, prompt) = (cells.text("sample_id"), cells.text("prompt"));
        let (Some(query_id), Some(prompt), Some(task)) = (id, prompt, cells.text(task)) else { return };
        let query = python_list::strings(&prompt).map_or(prompt, |turns| turns.join("\n")).into();
        let dataset = options.dataset().to_owned();
        let described = Observation { dataset, query_id, query, task, ..Observation::default() };
        wide::observe(cells, &models, options.scale, &described);
    })?;
    intake.end(options.scale, REMEDY);
    some_rows(rows)
}

/// Models have their costs or responses beside their scores; an export that was slimmed may have neither.
fn guess(shape: &Shape) -> Vec<String> {
    let accompanied = |name: &str| ["model_response", "total_cost"].iter().any(|s| shape.has(&format!("{name}|{s}")));
    let named: Vec<String> = shape.columns.iter().filter(|name| accompanied(name)).cloned().collect();
    if !named.is_empty() {
        return named;
    }
    wide::numeric(shape, |name| TEXTS.contains(&name) || OTHERS.contains(&name) || name.contains('|'))
}
