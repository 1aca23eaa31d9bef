//! LiteLLM's logs: rows of `LiteLLM_SpendLogs`, or `StandardLoggingPayload`s as its callbacks write them
//! (<https://docs.litellm.ai/docs/proxy/logging_spec>), in JSON lines, JSON or CSV.
//!
//! | field | read from |
//! |---|---|
//! | `query_id` | `request_id`, `id`, `call_id`, `litellm_call_id` |
//! | `model` | `model`; `--column model=model_group` takes the name that callers use |
//! | `query` | the last user message of `messages`, or of `proxy_server_request`, where spend logs keep it |
//! | `cost_usd` | `spend`, `response_cost`; 0, the default of spend logs, counts as unknown |
//! | `prompt_tokens`, `completion_tokens` | the same |
//! | `task` | `--task-column`, which may be a path such as `metadata.task`; else `unknown` |
//! | `score` | `--scores`, else `score` or `feedback` at the top, in `metadata` or in what a caller put there |
//!
//! Prompts are in spend logs only with `general_settings.store_prompts_in_spend_logs`. Requests without a score or
//! without a prompt are counted and left out.

use super::{
    Field,
    cells::Cells,
    files::{self, Input},
    intake::{Intake, Observation},
    long::NO_TASK,
    options::Options,
    read::{self, Row},
    scores, some_rows, value,
};
use anyhow::Result;
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// Why a request is left out.
pub(super) const NO_SCORE: &str = "requests without a score";
/// Why a request is left out.
pub(super) const NO_PROMPT: &str = "requests without a prompt";
/// What to do about it.
pub(super) const SCORES_HINT: &str = "requests without a score: give scores with --scores FILE.csv (request_id, score)";
/// What to do about it.
pub(super) const PROMPT_HINT: &str =
    "requests without a prompt: LiteLLM keeps prompts with general_settings.store_prompts_in_spend_logs";
const UNUSED: &str = "scores of requests that are not in the log";

/// Where a payload may stand within a line.
const WRAPPERS: [&str; 3] = ["standard_logging_object", "standard_logging_payload", "kwargs.standard_logging_object"];
const IDS: [&str; 4] = ["request_id", "id", "call_id", "litellm_call_id"];
const COSTS: [&str; 2] = ["spend", "response_cost"];
const CONVERSATIONS: [&str; 4] =
    ["messages", "proxy_server_request.messages", "proxy_server_request.body.messages", "proxy_server_request.input"];
/// Objects that may hold a score.
const SCORED: [&str; 4] = ["", "metadata.", "metadata.requester_metadata.", "metadata.spend_logs_metadata."];
const SCORE_NAMES: [&str; 4] = ["score", "feedback.score", "feedback_score", "feedback"];
const REDACTED: &str = "redacted-by-litellm";

/// Scores by request, and those that found theirs.
#[derive(Default)]
struct Scores {
    by_request: HashMap<String, f64>,
    used: HashSet<String>,
}

/// Reads the scores, then file by file.
pub(super) fn read(inputs: &[Input], options: &Options) -> Vec<Intake> {
    let mut scores = Scores::default();
    let apart = options.scores.as_deref().map(|path| {
        let mut intake = Intake::named(&path.display().to_string());
        match scores::read(path, options.scale, &mut intake) {
            Ok(read) => scores.by_request = read,
            Err(error) => intake.fault(None, None, format_args!("{error:#}")),
        }
        intake
    });
    // The scores may lie in the folder of the log.
    let is_log = |input: &&Input| options.scores.as_deref().is_none_or(|path| !files::same(path, &input.path));
    let logs: Vec<Input> = inputs.iter().filter(is_log).cloned().collect();
    let mut intakes = super::each(&logs, |input, intake| file(input, options, &mut scores, intake));
    intakes.extend(apart.map(|mut intake| {
        intake.leave_out(scores.by_request.len() - scores.used.len(), UNUSED);
        intake
    }));
    intakes
}

fn file(input: &Input, options: &Options, scores: &mut Scores, intake: &mut Intake) -> Result<()> {
    let rows = read::each(input, &|_| true, intake, |cells| {
        let payload = payload(cells.row());
        request(&mut cells.over(&payload), options, scores);
    })?;
    intake.end(options.scale, "if scores run otherwise, say how with --score-scale, such as 1..5");
    some_rows(rows)
}

/// The row itself, or the payload that it wraps.
fn payload(row: &Row) -> Row {
    match WRAPPERS.iter().find_map(|path| read::get(row, path)) {
        Some(Value::Object(inner)) => inner,
        _ => row.clone(),
    }
}

fn request(cells: &mut Cells<'_>, options: &Options, scores: &mut Scores) {
    let ids: Vec<String> = match options.named(Field::QueryId) {
        Some(column) => cells.text(column).into_iter().collect(),
        None => IDS.iter().filter_map(|name| cells.optional_text(name)).collect(),
    };
    let Some(score) = score(cells, &ids, options, scores) else { return };
    let Some(query) = prompt(cells, options) else { return cells.leave_out(NO_PROMPT) };
    let column = |field| options.column(field);
    let cost_usd = cost(cells, options);
    let prompt_tokens = cells.tokens(column(Field::PromptTokens));
    let completion_tokens = cells.tokens(column(Field::CompletionTokens));
    let Some(model) = cells.text(column(Field::Model)) else { return };
    let Some(query_id) = ids.into_iter().next() else { return cells.fault("request_id", "no id of the request") };
    let optional = |field| options.named(field).and_then(|name| cells.optional_text(name));
    let observation = Observation {
        dataset: options
            .dataset
            .clone()
            .or_else(|| optional(Field::Dataset))
            .unwrap_or_else(|| options.dataset().to_owned()),
        split: optional(Field::Split).unwrap_or_default(),
        task: optional(Field::Task).unwrap_or_else(|| NO_TASK.to_owned()),
        query_id,
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

/// The request's score, 0 to 1; one that is given apart counts before one in the log.
fn score(cells: &mut Cells<'_>, ids: &[String], options: &Options, scores: &mut Scores) -> Option<f64> {
    if let Some((id, score)) = ids.iter().find_map(|id| Some((id, *scores.by_request.get(id)?))) {
        scores.used.insert(id.clone());
        return Some(score);
    }
    let column = score_column(cells, options);
    if column.is_none() {
        cells.leave_out(NO_SCORE);
    }
    cells.score(&column?, options.scale)
}

/// The column or path where the row has its score.
fn score_column(cells: &Cells<'_>, options: &Options) -> Option<String> {
    let is_there = |path: &String| cells.get(path).as_ref().is_some_and(value::is_numeric);
    if let Some(column) = options.named(Field::Score) {
        return cells.optional_text(column).map(|_| column.to_owned());
    }
    SCORED.iter().flat_map(|head| SCORE_NAMES.map(|name| format!("{head}{name}"))).find(is_there)
}

fn cost(cells: &mut Cells<'_>, options: &Options) -> Option<f64> {
    let column = options.named(Field::CostUsd).or_else(|| COSTS.into_iter().find(|name| cells.get(name).is_some()))?;
    cells.cost(column).filter(|cost| *cost > 0.0)
}

/// The text of the last user message.
fn prompt(cells: &Cells<'_>, options: &Options) -> Option<String> {
    let conversation = |path: &str| last_user(&value::unfolded(&cells.get(path)?));
    match options.named(Field::Query) {
        Some(column) => conversation(column),
        None => CONVERSATIONS.iter().find_map(|path| conversation(path)),
    }
}

fn last_user(conversation: &Value) -> Option<String> {
    let is_user = |message: &&Value| message.get("role").and_then(Value::as_str) == Some("user");
    let text = match conversation {
        Value::String(text) => text.clone(),
        Value::Array(messages) => content(messages.iter().rev().find(is_user)?.get("content")?)?,
        _ => return None,
    };
    Some(text).filter(|text| !text.trim().is_empty() && text != REDACTED)
}

/// A message's text; the text parts of one that has several, joined by newlines.
fn content(content: &Value) -> Option<String> {
    match content {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => {
            let texts: Vec<&str> = parts.iter().filter_map(|part| part.get("text").and_then(Value::as_str)).collect();
            Some(texts.join("\n"))
        }
        _ => None,
    }
}
