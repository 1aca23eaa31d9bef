//! What is said about an import.

use super::{
    intake::{Counts, Intake},
    litellm,
    merge::Merged,
};
use std::{collections::BTreeSet, path::Path};

/// Files that are told one by one.
const SHOWN: usize = 100;

/// A line for every file that gave or left out anything.
pub(super) fn files(intakes: &[Intake]) -> Vec<String> {
    let line = |intake: &Intake| {
        let (counts, left_out) = (intake.counts(), left_out(intake));
        let silent = counts == Counts::default() && left_out.is_empty();
        (!silent).then(|| format!("{}: {}{left_out}", intake.name(), amounts(counts)))
    };
    let mut lines: Vec<String> = intakes.iter().filter_map(line).collect();
    let more = lines.len().saturating_sub(SHOWN);
    if more > 0 {
        lines.truncate(SHOWN);
        lines.push(format!("and {more} more files"));
    }
    lines
}

fn amounts(counts: Counts) -> String {
    let Counts { queries, models, rows, priced } = counts;
    let share = (100 * priced).checked_div(rows).unwrap_or(0);
    let count = |n, one, many| format!("{n} {}", if n == 1 { one } else { many });
    let (queries, models) = (count(queries, "query", "queries"), count(models, "model", "models"));
    format!("{queries}, {models}, {}, {share} % priced", count(rows, "row", "rows"))
}

fn left_out(intake: &Intake) -> String {
    let reasons: Vec<String> = intake.left_out().iter().map(|(why, rows)| format!("{why}: {rows}")).collect();
    if reasons.is_empty() { String::new() } else { format!("; left out: {}", reasons.join(", ")) }
}

/// The line about the whole table.
pub(super) fn total(merged: &Merged, out: &Path) -> String {
    let models: BTreeSet<&String> = merged.rows.keys().map(|(_, model)| model).collect();
    let priced = merged.rows.values().filter(|mean| mean.cost_usd.mean().is_some()).count();
    let counts = Counts { queries: merged.queries.len(), models: models.len(), rows: merged.rows.len(), priced };
    let duplicates = match merged.duplicates {
        0 => String::new(),
        n => format!("; duplicates averaged: {n}"),
    };
    format!("{}: {}{duplicates}", out.display(), amounts(counts))
}

/// What to do about rows that were left out.
pub(super) fn hints(intakes: &[Intake]) -> Vec<String> {
    let is_left_out = |why| intakes.iter().any(|intake| intake.left_out().contains_key(why));
    let known = [(litellm::NO_SCORE, litellm::SCORES_HINT), (litellm::NO_PROMPT, litellm::PROMPT_HINT)];
    known.iter().filter(|(why, _)| is_left_out(*why)).map(|(_, hint)| (*hint).to_owned()).collect()
}

/// What a reader of the table should know.
pub(super) fn remarks(merged: &Merged) -> Vec<String> {
    let mut remarks = Vec::new();
    let datasets: BTreeSet<&str> = merged.queries.values().map(|q| q.dataset.as_str()).collect();
    if datasets.len() > 1 {
        let names = datasets.into_iter().collect::<Vec<_>>().join(", ");
        remarks.push(format!("the table holds several data sets ({names}); --dataset NAME gives it one name"));
    }
    if merged.queries.values().any(|q| q.text.is_empty()) {
        remarks.push("queries without text: good for costs and off-policy evaluation, not for fitting".to_owned());
    }
    remarks
}
