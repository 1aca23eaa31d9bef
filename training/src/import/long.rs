//! Tables with one row per query and model, as CSV or JSON.
//!
//! Needed are `query`, `model` and `score`, under these names or those that `--column` gives. Without a `query_id` the
//! text names the query, without a `task` it is `unknown`, without a `dataset` it is the file's name.

use super::{
    Field,
    cells::Cells,
    files::Input,
    intake::{Intake, Observation},
    options::Options,
    read::{self, Shape},
    some_rows,
};
use anyhow::Result;
use satisfice::encoder::fetch::sha256_hex;

/// Columns that a table can't do without.
const NEEDED: [Field; 3] = [Field::Query, Field::Model, Field::Score];
/// Task of queries that name none.
pub(super) const NO_TASK: &str = "unknown";
const REMEDY: &str = "if scores run otherwise, say how with --score-scale, such as 1..5";

/// Reads a file.
///
/// # Errors
/// The file can't be opened or is not of its format.
pub(super) fn read(input: &Input, options: &Options, intake: &mut Intake) -> Result<()> {
    let shape = read::shape(input)?;
    if !complete(&shape, options, intake) {
        return Ok(());
    }
    let stem = input.path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let keep = |name: &str| Field::ALL.iter().any(|f| options.column(*f) == name);
    let rows = read::each(input, &keep, intake, |cells| observe(cells, options, &stem))?;
    intake.end(options.scale, REMEDY);
    some_rows(rows)
}

/// Whether the columns are there that are needed, and those that the caller named.
fn complete(shape: &Shape, options: &Options, intake: &mut Intake) -> bool {
    if shape.columns.is_empty() {
        intake.fault(None, None, "holds no columns");
        return false;
    }
    let wanted = |f: &Field| NEEDED.contains(f) || options.named(*f).is_some();
    let absent = |f: &Field| !shape.has(options.column(*f));
    let absent: Vec<Field> = Field::ALL.into_iter().filter(|f| wanted(f) && absent(f)).collect();
    for field in &absent {
        let there = shape.columns.join("`, `");
        let remedy = format!("say which it is with --column {}=NAME; the columns are `{there}`", field.as_str());
        intake.fault(None, Some(options.column(*field)), format_args!("not in the file: {remedy}"));
    }
    absent.is_empty()
}

fn observe(cells: &mut Cells<'_>, options: &Options, stem: &str) {
    let (query, model) = (cells.text(options.column(Field::Query)), cells.text(options.column(Field::Model)));
    let score = cells.score(options.column(Field::Score), options.scale);
    let cost_usd = cells.cost(options.column(Field::CostUsd));
    let prompt_tokens = cells.tokens(options.column(Field::PromptTokens));
    let completion_tokens = cells.tokens(options.column(Field::CompletionTokens));
    let optional = |field: Field| cells.optional_text(options.column(field));
    let (Some(query), Some(model), Some(score)) = (query, model, score) else { return };
    let dataset = options.dataset.clone().or_else(|| optional(Field::Dataset));
    let observation = Observation {
        dataset: dataset.unwrap_or_else(|| stem.to_owned()),
        query_id: optional(Field::QueryId).unwrap_or_else(|| id_of(&query)),
        split: optional(Field::Split).unwrap_or_default(),
        task: optional(Field::Task).unwrap_or_else(|| NO_TASK.to_owned()),
        query: query.into(),
        model,
        score,
        cost_usd,
        prompt_tokens,
        completion_tokens,
        ..Observation::default()
    };
    cells.observe(observation);
}

/// The id of a query that has none: the same for the same text.
fn id_of(query: &str) -> String {
    format!("q-{}", &sha256_hex(query.as_bytes())[..16])
}
