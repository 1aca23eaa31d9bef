//! From observations to one row per query and model.
//!
//! Queries with the same text, white space aside, are one query: it keeps the smallest of their ids and what is known
//! of that one. Observations of one query and model are averaged.

use super::intake::Observation;
use anyhow::{Result, bail};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// Contradictions that are told one by one.
const SHOWN: usize = 20;
/// A split that wins over any other: what was seen in training stays marked.
pub(super) const CONTAMINATED: &str = "contaminated";

/// What is known of a query.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Query {
    pub(super) dataset: String,
    pub(super) split: String,
    pub(super) text: Arc<str>,
    pub(super) task: String,
}

/// A mean over the values that are known.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Mean {
    sum: f64,
    count: u32,
}

impl Mean {
    fn add(&mut self, value: Option<f64>) {
        if let Some(value) = value {
            self.sum += value;
            self.count += 1;
        }
    }

    /// The mean, if any value is known.
    pub(super) fn mean(self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / f64::from(self.count))
    }
}

/// What a model did on a query.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Row {
    pub(super) score: Mean,
    pub(super) cost_usd: Mean,
    pub(super) prompt_tokens: Mean,
    pub(super) completion_tokens: Mean,
    pub(super) propensity: Mean,
    pub(super) policy: Option<String>,
}

/// An outcome table.
#[derive(Debug, Default)]
pub(super) struct Merged {
    /// By id.
    pub(super) queries: BTreeMap<String, Query>,
    /// By query and model.
    pub(super) rows: BTreeMap<(String, String), Row>,
    /// Observations that were averaged into another's row.
    pub(super) duplicates: usize,
}

/// Texts by number; those that differ in white space alone have the same.
#[derive(Default)]
struct Texts<'a> {
    as_found: HashMap<&'a str, usize>,
    normalised: HashMap<String, usize>,
}

impl<'a> Texts<'a> {
    fn number(&mut self, text: &'a str) -> usize {
        *self.as_found.entry(text).or_insert_with(|| {
            let normalised = text.split_whitespace().collect::<Vec<_>>().join(" ");
            let next = self.normalised.len();
            *self.normalised.entry(normalised).or_insert(next)
        })
    }
}

/// Merges; with `by_text` queries of the same text are one.
///
/// # Errors
/// Two texts bear one id; the rows are named.
pub(super) fn merge(observations: &[Observation], by_text: bool) -> Result<Merged> {
    let mut texts = Texts::default();
    let numbered: Vec<(&Observation, usize)> = observations.iter().map(|o| (o, texts.number(&o.query))).collect();
    consistent(&numbered)?;
    let ids = if by_text { smallest_ids(&numbered) } else { HashMap::new() };
    let id = |(o, text): &(&Observation, usize)| ids.get(text).copied().unwrap_or(&o.query_id).to_owned();
    let mut merged = Merged::default();
    for found in &numbered {
        merged.describe(found.0, &id(found));
    }
    for found in &numbered {
        merged.add(found.0, id(found));
    }
    Ok(merged)
}

/// The smallest id of each text; a text that is not known tells nothing.
fn smallest_ids<'a>(numbered: &[(&'a Observation, usize)]) -> HashMap<usize, &'a str> {
    let mut ids: HashMap<usize, &str> = HashMap::new();
    for (observation, text) in numbered.iter().filter(|(o, _)| !o.query.trim().is_empty()) {
        let id = ids.entry(*text).or_insert(&observation.query_id);
        *id = (*id).min(&observation.query_id);
    }
    ids
}

fn consistent(numbered: &[(&Observation, usize)]) -> Result<()> {
    let mut first: HashMap<&str, (&Observation, usize)> = HashMap::new();
    let mut faults = Vec::new();
    for (observation, text) in numbered {
        let (other, known) = *first.entry(&observation.query_id).or_insert((observation, *text));
        if known != *text {
            faults.push(contradiction(observation, other));
        }
    }
    if faults.is_empty() {
        return Ok(());
    }
    let count = faults.len();
    faults.truncate(SHOWN);
    let more = if count > SHOWN { format!("\nand {} more", count - SHOWN) } else { String::new() };
    bail!("nothing is written, rows contradict others ({count}):\n{}{more}", faults.join("\n"));
}

fn contradiction(one: &Observation, other: &Observation) -> String {
    let place = |o: &Observation| o.place.as_ref().map_or_else(String::new, ToString::to_string);
    format!(
        "{}, column `query_id`: `{}` has another text here than at {}: give each text its own id, or leave the ids out",
        place(one),
        one.query_id,
        place(other)
    )
}

impl Merged {
    /// Keeps what the first observation says that bears the id itself.
    fn describe(&mut self, observation: &Observation, id: &str) {
        if observation.query_id != id || self.queries.contains_key(id) {
            return;
        }
        let Observation { dataset, split, query, task, .. } = observation.clone();
        self.queries.insert(id.to_owned(), Query { dataset, split, text: query, task });
    }

    fn add(&mut self, observation: &Observation, id: String) {
        if let Some(query) = self.queries.get_mut(&id).filter(|_| observation.split == CONTAMINATED) {
            CONTAMINATED.clone_into(&mut query.split);
        }
        let row = self.rows.entry((id, observation.model.clone())).or_default();
        self.duplicates += usize::from(row.score.mean().is_some());
        row.score.add(Some(observation.score));
        row.cost_usd.add(observation.cost_usd);
        row.prompt_tokens.add(observation.prompt_tokens);
        row.completion_tokens.add(observation.completion_tokens);
        row.propensity.add(observation.propensity);
        row.policy = row.policy.take().or_else(|| observation.policy.clone());
    }
}
