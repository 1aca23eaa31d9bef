//! The model card: figures of a fit, as JSON and as a page for people.

use crate::metrics::Report;
use anyhow::{Context, Result};
use satisfice::{classifier::Artefact, domain::TaskType};
use serde::Serialize;
use std::{collections::BTreeMap, fmt::Write, path::Path};

/// Agreement between the first and the second labels.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Agreement {
    /// Prompts labelled twice.
    pub n: usize,
    /// Share with the same task type.
    pub task: f64,
    /// Cohen's kappa of the task type.
    pub task_kappa: f64,
    /// Share with the same difficulty level.
    pub level: f64,
    /// Share within one level.
    pub level_within_one: f64,
}

/// Held-out figures of a fit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Card {
    /// Temperature fitted on held-out logits.
    pub temperature: f64,
    /// Our own prompts, each author held out in turn.
    pub own: Report,
    /// TF-IDF baseline, likewise.
    pub own_tfidf: Report,
    /// Each source held out.
    pub by_source: BTreeMap<String, Report>,
    /// TF-IDF baseline, likewise.
    pub tfidf_by_source: BTreeMap<String, Report>,
    /// AUC of level 5 against level 1 by language, each author held out in turn.
    pub difficulty: BTreeMap<String, f64>,
    /// Spearman correlation with item-response difficulty on each outcome table, held out.
    pub outcome_spearman: BTreeMap<String, f64>,
    /// Agreement of the labels.
    pub agreement: Agreement,
    /// Served labels.
    pub served: Vec<TaskType>,
}

#[derive(serde::Deserialize)]
struct Label {
    id: String,
    label: TaskType,
    difficulty: u8,
}

/// Compares the second labels with the first; all zero when there are none.
///
/// # Errors
/// A file can't be read.
pub fn agreement(prompts: &Path, second: &Path) -> Result<Agreement> {
    if !second.exists() {
        return Ok(Agreement::default());
    }
    let read = |path: &Path| -> Result<BTreeMap<String, (TaskType, u8)>> {
        let text = std::fs::read_to_string(path).with_context(|| format!("can't read {}", path.display()))?;
        let lines = text.lines().filter(|l| !l.trim().is_empty());
        lines
            .map(|line| {
                let l: Label = serde_json::from_str(line).with_context(|| path.display().to_string())?;
                Ok((l.id, (l.label, l.difficulty)))
            })
            .collect()
    };
    let (first, second) = (read(prompts)?, read(second)?);
    let pairs: Vec<_> = second.iter().filter_map(|(id, b)| Some((first.get(id)?, b))).collect();
    let n = pairs.len() as f64;
    let share = |count: usize| count as f64 / n;
    let task = share(pairs.iter().filter(|(a, b)| a.0 == b.0).count());
    let chance: f64 = TaskType::ALL
        .iter()
        .map(|t| {
            let first = pairs.iter().filter(|(a, _)| a.0 == *t).count();
            let second = pairs.iter().filter(|(_, b)| b.0 == *t).count();
            share(first) * share(second)
        })
        .sum();
    Ok(Agreement {
        n: pairs.len(),
        task,
        task_kappa: (task - chance) / (1.0 - chance),
        level: share(pairs.iter().filter(|(a, b)| a.1 == b.1).count()),
        level_within_one: share(pairs.iter().filter(|(a, b)| a.1.abs_diff(b.1) <= 1).count()),
    })
}

impl Card {
    /// The figures in a few lines.
    #[must_use]
    pub fn summary(&self) -> String {
        format!(
            "own prompts, author held out: accuracy {:.3} (TF-IDF {:.3}), macro F1 {:.3}; difficulty 5 against 1: AUC {:.3}; temperature {:.2}",
            self.own.accuracy,
            self.own_tfidf.accuracy,
            self.own.macro_f1,
            self.difficulty.get("all").copied().unwrap_or(f64::NAN),
            self.temperature,
        )
    }

    /// The page.
    #[must_use]
    pub fn to_markdown(&self, artefact: &Artefact) -> String {
        let mut page = String::from(INTRODUCTION);
        let _ = writeln!(page, "\n## Labels\n\nServed: {}.\n", names(&self.served));
        for (from, to) in artefact.label_map.iter().filter(|(from, to)| from != to) {
            let _ = writeln!(page, "- `{from}` is served as `{to}`");
        }
        page.push_str("\n## Task type on held-out data\n\nEach row: everything of that source left out of training. Own prompts are left out by author.\n\n| held out | prompts | accuracy | macro F1 | TF-IDF accuracy |\n|---|---|---|---|---|\n");
        let total = ("**our own prompts, all authors**".to_owned(), &self.own, self.own_tfidf.accuracy);
        let each = self.by_source.iter().map(|(s, r)| (s.clone(), r, self.tfidf_by_source[s].accuracy));
        for (name, report, tfidf) in std::iter::once(total).chain(each) {
            let _ = writeln!(
                page,
                "| {name} | {} | {:.3} | {:.3} | {tfidf:.3} |",
                report.n, report.accuracy, report.macro_f1
            );
        }
        page.push_str("\n## Difficulty on held-out data\n\nOur own prompts, author left out: AUC of level 5 (expert) against level 1 (trivial), by language.\n\n| language | AUC |\n|---|---|\n");
        self.difficulty.iter().for_each(|(l, a)| page.push_str(&format!("| {l} | {a:.3} |\n")));
        page.push_str("\nOutcome tables, table left out: Spearman correlation with the item-response difficulty of its queries.\n\n| table | correlation |\n|---|---|\n");
        self.outcome_spearman.iter().for_each(|(t, s)| page.push_str(&format!("| {t} | {s:.3} |\n")));
        let a = &self.agreement;
        let _ = writeln!(
            page,
            "\n## Agreement of the labels\n\n{} of our own prompts were labelled a second time, blind: task type equal on {:.1} % (Cohen's kappa {:.3}), difficulty equal on {:.1} %, within one level on {:.1} %.",
            a.n,
            100.0 * a.task,
            a.task_kappa,
            100.0 * a.level,
            100.0 * a.level_within_one
        );
        page.push_str(LIMITS);
        let _ = writeln!(page, "\n## Provenance\n\n```");
        artefact.provenance.iter().for_each(|(k, v)| page.push_str(&format!("{k} = {v}\n")));
        page.push_str("```\n");
        page
    }
}

fn names(labels: &[TaskType]) -> String {
    labels.iter().map(|l| format!("`{l}`")).collect::<Vec<_>>().join(", ")
}

const INTRODUCTION: &str = include_str!("card/introduction.md");
const LIMITS: &str = include_str!("card/limits.md");
