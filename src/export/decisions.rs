//! Decisions as a table: one row each, candidates and task probabilities as lists of structs.

use super::{ExportError, columns::Columns};
use crate::{
    domain::{Candidate, Decision, Exclusion, KeyId, Predicted, SessionId, TaskType},
    policy::CONTEXT_DIM,
};
use arrow::array::RecordBatch;

type Rows<'a> = &'a [(u64, Decision)];

/// Converts a page.
pub(super) fn batch(rows: Rows<'_>) -> Result<RecordBatch, ExportError> {
    let mut columns = Columns::default();
    identity(&mut columns, rows);
    rule(&mut columns, rows);
    prompt(&mut columns, rows)?;
    choice(&mut columns, rows)?;
    timings(&mut columns, rows);
    columns.batch()
}

fn each<'a, T>(rows: Rows<'a>, of: impl Fn(&'a Decision) -> T + Clone) -> impl Iterator<Item = T> + Clone {
    rows.iter().map(move |(_, decision)| of(decision))
}

fn identity(columns: &mut Columns, rows: Rows<'_>) {
    columns.count("seq", rows.iter().map(|(seq, _)| *seq));
    columns.text("id", each(rows, |d| d.id.to_string()));
    columns.text("request_id", each(rows, |d| d.request_id.as_str()));
    columns.text_option("session_id", each(rows, |d| d.session_id.as_ref().map(SessionId::as_str)));
    columns.text_option("key_id", each(rows, |d| d.caller.as_ref()?.key.as_ref().map(KeyId::as_str)));
    columns.text_option("tenant", each(rows, |d| d.caller.as_ref().map(|caller| caller.tenant.as_str())));
    columns.at(each(rows, |d| d.at));
    columns.text("scope", each(rows, |d| d.scope.as_str()));
    columns.text("policy", each(rows, |d| &d.policy));
    columns.count("policy_version", each(rows, |d| d.policy_version));
    columns.text("features_version", each(rows, |d| &d.features_version));
}

fn rule(columns: &mut Columns, rows: Rows<'_>) {
    columns.text("mode", each(rows, |d| d.rule.mode.as_str()));
    columns.number("quality_target", each(rows, |d| d.rule.quality_target.get()));
    columns.number("kappa", each(rows, |d| d.rule.kappa));
    columns.number("lambda_usd", each(rows, |d| d.rule.lambda_usd));
    columns.number("exploration", each(rows, |d| d.rule.exploration));
}

fn prompt(columns: &mut Columns, rows: Rows<'_>) -> Result<(), ExportError> {
    columns.text("task", each(rows, |d| d.tasks.top().as_str()));
    let all: Vec<&(TaskType, f32)> = rows.iter().flat_map(|(_, d)| &d.tasks.0).collect();
    let mut tasks = Columns::default();
    tasks.text("task", all.iter().map(|(task, _)| task.as_str()));
    tasks.number("probability", all.iter().map(|(_, p)| f64::from(*p)));
    columns.structs("tasks", each(rows, |d| d.tasks.0.len()), tasks)?;
    columns.number("difficulty", each(rows, |d| d.difficulty.get()));
    columns.tokens("input_tokens", each(rows, |d| d.input_tokens));
    columns.flag("needs_tools", each(rows, |d| d.requirements.tools));
    columns.flag("needs_json_schema", each(rows, |d| d.requirements.json_schema));
    columns.flag("needs_vision", each(rows, |d| d.requirements.vision));
    columns.tokens_option("max_output_tokens", each(rows, |d| d.requirements.max_output_tokens));
    context(columns, rows)
}

/// Without features, as where the caller named the model, the context is null.
fn context(columns: &mut Columns, rows: Rows<'_>) -> Result<(), ExportError> {
    let features = |d: &Decision| !d.context.is_empty();
    if let Some((_, odd)) = rows.iter().find(|(_, d)| features(d) && d.context.len() != CONTEXT_DIM) {
        let (decision, found) = (odd.id.to_string(), odd.context.len());
        return Err(ExportError::Context { decision, found, expected: CONTEXT_DIM });
    }
    columns.vectors_option("context", CONTEXT_DIM, each(rows, move |d| features(d).then_some(d.context.as_slice())))
}

fn choice(columns: &mut Columns, rows: Rows<'_>) -> Result<(), ExportError> {
    let all: Vec<&Candidate> = rows.iter().flat_map(|(_, d)| &d.candidates).collect();
    columns.structs("candidates", each(rows, |d| d.candidates.len()), candidates(&all))?;
    columns.text("chosen", each(rows, |d| d.chosen.as_str()));
    columns.number("propensity", each(rows, Decision::propensity));
    columns.text("greedy", each(rows, |d| d.greedy.as_str()));
    columns.flag("explored", each(rows, |d| d.explored));
    let fallbacks: Vec<Vec<&str>> = each(rows, |d| d.fallbacks.iter().map(|m| m.as_str()).collect()).collect();
    columns.texts("fallbacks", fallbacks.iter().map(Vec::as_slice))?;
    columns.flag("target_met", each(rows, |d| d.target_met));
    columns.text("reason", each(rows, |d| &d.reason));
    Ok(())
}

fn candidates(all: &[&Candidate]) -> Columns {
    let predicted = |of: fn(&Predicted) -> f64| all.iter().map(move |c| c.predicted.as_ref().map(of));
    let mut columns = Columns::default();
    columns.text("model", all.iter().map(|c| c.model.as_str()));
    columns.number("propensity", all.iter().map(|c| c.propensity.get()));
    columns.number_option("prior", predicted(|p| p.prior));
    columns.number_option("quality", predicted(|p| p.quality));
    columns.number_option("spread", predicted(|p| p.spread));
    columns.number_option("quality_low", predicted(|p| p.quality_low));
    columns.number_option("cost_usd", predicted(|p| p.cost_usd.get()));
    columns.number_option("latency_ms", predicted(|p| p.latency_ms));
    columns.tokens_option("output_tokens", all.iter().map(|c| c.predicted.as_ref().map(|p| p.output_tokens)));
    columns.text_option("excluded_by", all.iter().map(|c| c.excluded_by.as_ref().map(Exclusion::rule)));
    columns
}

fn timings(columns: &mut Columns, rows: Rows<'_>) {
    columns.count("queue_us", each(rows, |d| d.timings.queue_us));
    columns.count("encode_us", each(rows, |d| d.timings.encode_us));
    columns.count("classify_us", each(rows, |d| d.timings.classify_us));
    columns.count("decide_us", each(rows, |d| d.timings.decide_us));
    columns.count("total_us", each(rows, |d| d.timings.total_us));
}
