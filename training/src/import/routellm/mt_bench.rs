//! MT-Bench as RouteLLM keeps it: questions with two turns, and a judge's rating of each answer.

use super::Context;
use crate::import::{
    Scale,
    cells::Cells,
    files::Input,
    intake::{Intake, Observation},
    options::Options,
    read::{self, Position},
    some_rows, value,
};
use anyhow::{Result, ensure};
use serde_json::Value;
use std::collections::BTreeMap;

const NO_RATING: &str = "answers that the judge gave no rating";

/// A question, its turns at least one.
#[derive(Debug)]
pub(super) struct Question {
    category: String,
    turns: Vec<String>,
}

/// Reads questions.
///
/// # Errors
/// The file can't be read or holds none.
pub(super) fn questions(input: &Input, context: &mut Context, intake: &mut Intake) -> Result<()> {
    let rows = read::each(input, &|_| true, intake, |cells| {
        let turns = cells.get("turns").map(|turns| value::unfolded(&turns).into_owned());
        let turns: Vec<String> =
            turns.as_ref().and_then(Value::as_array).into_iter().flatten().filter_map(value::text).collect();
        if turns.is_empty() {
            return cells.fault("turns", "a list of texts is expected");
        }
        let category = cells.optional_text("category");
        let question = Question { category: category.unwrap_or_else(|| "unknown".to_owned()), turns };
        context.questions.extend(cells.text("question_id").map(|id| (id, question)));
    })?;
    some_rows(rows)
}

/// Ratings of one model's answers to one question.
struct Ratings {
    at: Position,
    sum: f64,
    turns: u32,
}

/// Reads judgements: the mean rating of each model on each question.
///
/// # Errors
/// The file can't be read or there are no questions.
pub(super) fn judgements(input: &Input, context: &Context, options: &Options, intake: &mut Intake) -> Result<()> {
    ensure!(!context.questions.is_empty(), "its questions are missing: give MT-Bench's question.jsonl as well");
    let mut ratings: BTreeMap<(String, String), Ratings> = BTreeMap::new();
    let keep = |name: &str| ["question_id", "model", "score"].contains(&name);
    let rows = read::each(input, &keep, intake, |cells| {
        if let Some((question, model, score)) = rating(cells, context) {
            let ratings = ratings.entry((question, model)).or_insert(Ratings { at: cells.at(), sum: 0.0, turns: 0 });
            ratings.sum += score;
            ratings.turns += 1;
        }
    })?;
    for ((id, model), Ratings { at, sum, turns }) in ratings {
        let Some(question) = context.questions.get(&id) else { continue };
        let observation = Observation {
            dataset: options.dataset().to_owned(),
            query_id: format!("mt_bench:{id}"),
            split: context.split(&question.turns),
            query: question.turns[0].as_str().into(),
            task: format!("mt_bench/{}", question.category),
            model,
            score: sum / f64::from(turns),
            ..Observation::default()
        };
        intake.observe(at, observation);
    }
    intake.end(Scale::MT_BENCH, "ratings of MT-Bench are read here; import others with --from jsonl");
    some_rows(rows)
}

fn rating(cells: &mut Cells<'_>, context: &Context) -> Option<(String, String, f64)> {
    let (question, model) = (cells.text("question_id"), cells.text("model"));
    // FastChat writes −1 where it finds no rating in what the judge said.
    if cells.get("score").as_ref().is_some_and(|score| value::number(score) == Ok(Some(-1.0))) {
        cells.leave_out(NO_RATING);
        return None;
    }
    let score = cells.score("score", Scale::MT_BENCH);
    let question = question?;
    if !context.questions.contains_key(&question) {
        cells.fault("question_id", &format!("no question `{question}` in question.jsonl"));
        return None;
    }
    Some((question, model?, score?))
}
