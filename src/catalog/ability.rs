//! Prior ability of a model for a task type, before any feedback.
//!
//! The scale is that of item-response theory: `P(good answer) = σ(u − b)` with ability u and difficulty b of the prompt.

use super::{BenchmarkName, ModelEntry, Tier};
use crate::domain::{TaskType, logit};
use serde::Serialize;

/// Scores are kept this far from 0 and 1: a benchmark solved whole says "at least", not "infinitely able".
const MARGIN: f64 = 0.02;

/// What an ability rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Public figures of these benchmarks, shrunk towards the tier's default.
    Benchmark(Vec<BenchmarkName>),
    /// The tier alone.
    Tier,
}

/// Ability for one task type.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ability {
    /// u on the item-response scale.
    pub logit: f64,
    /// What it rests on.
    pub basis: Basis,
}

impl Tier {
    /// The ability u to assume of a model of this tier.
    #[must_use]
    pub const fn ability(self) -> f64 {
        match self {
            Self::Nano => 0.2,
            Self::Small => 1.0,
            Self::Medium => 1.9,
            Self::Large => 2.8,
            Self::Frontier => 3.8,
        }
    }
}

impl ModelEntry {
    /// The prior ability for a task type: with n benchmarks that speak for it,
    /// `u = n/(n+1)·mean(logit(score) + b) + 1/(n+1)·u_tier`. Merged types take the mean of their members.
    ///
    /// It depends on the catalogue alone; whoever needs it at every request should keep it.
    #[must_use]
    pub fn ability(&self, task: TaskType) -> Ability {
        let Some(logit) = mean_over_members(task, |member| self.member_ability(member).logit) else {
            return self.member_ability(task);
        };
        Ability { logit, basis: basis(members(task).iter().flat_map(|&member| self.speaking_for(member))) }
    }

    fn member_ability(&self, task: TaskType) -> Ability {
        let (n, sum) = self.observed(task).fold((0.0, 0.0), |(n, sum), u| (n + 1.0, sum + u));
        Ability { logit: (sum + self.tier.ability()) / (n + 1.0), basis: basis(self.speaking_for(task)) }
    }

    /// Abilities read off the benchmarks that speak for a task type.
    fn observed(&self, task: TaskType) -> impl Iterator<Item = f64> + '_ {
        let speaking = self.benchmarks.iter().filter(move |figure| figure.name.tasks().contains(&task));
        speaking.map(|figure| logit(figure.score.clamp(MARGIN, 1.0 - MARGIN)) + figure.name.difficulty())
    }

    fn speaking_for(&self, task: TaskType) -> impl Iterator<Item = BenchmarkName> + '_ {
        self.benchmarks.iter().map(|figure| figure.name).filter(move |name| name.tasks().contains(&task))
    }
}

fn basis(names: impl Iterator<Item = BenchmarkName>) -> Basis {
    let mut names: Vec<_> = names.collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() { Basis::Tier } else { Basis::Benchmark(names) }
}

/// The corpus labels that a merged type was made of; none for a label of the corpus.
const fn members(task: TaskType) -> &'static [TaskType] {
    use TaskType::{
        BusinessWriting, Classification, ConstrainedGeneration, CreativeWriting, Extraction, QuestionGeneration,
        TextAnalysis, Writing,
    };
    match task {
        TextAnalysis => &[Classification, Extraction],
        Writing => &[BusinessWriting, CreativeWriting, ConstrainedGeneration, QuestionGeneration],
        _ => &[],
    }
}

/// The mean of `of` over the members of a merged type; `None` for a label of the corpus.
pub(super) fn mean_over_members(task: TaskType, of: impl Fn(TaskType) -> f64) -> Option<f64> {
    let members = members(task);
    let sum: f64 = members.iter().map(|&member| of(member)).sum();
    (!members.is_empty()).then(|| sum / members.len() as f64)
}
