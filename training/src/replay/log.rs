//! The service's log, as rounds that a policy can be tried on.

use crate::ope::Round;
use anyhow::{Context, Result, bail, ensure};
use satisfice::{
    domain::{Decision, DecisionId, FeedbackSource, ModelId, Outcome, Quality, Reward, RoutingRule},
    policy::Scored,
    store::{Reader, Store},
};
use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

/// Rows read at a time.
const PAGE: u32 = 4096;

/// A decision among several models, with what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Logged {
    /// The rule it was decided by.
    pub rule: RoutingRule,
    /// Eligible models.
    pub models: Vec<ModelId>,
    /// What was believed of each.
    pub scored: Vec<Scored>,
    /// π0 of each.
    pub propensities: Vec<f64>,
    /// Choice, score and cost.
    pub round: Round,
}

/// What was read and what was left out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Read {
    /// Decisions in the order of time.
    pub rounds: Vec<Logged>,
    /// Decisions with one eligible model: there was nothing to decide.
    pub without_choice: usize,
    /// Decisions that another model served in the end.
    pub served_by_another: usize,
}

/// Reads a log: the database file, or the data folder of a service. The service may be running.
///
/// # Errors
/// There is no log, or it can't be read.
pub fn read(path: &Path, scope: Option<&str>) -> Result<Read> {
    let file = if path.is_dir() { path.join(satisfice::app::STORE_FILE) } else { path.to_path_buf() };
    ensure!(file.exists(), "there is no log at {}", file.display());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let log = Store::open_read_only(&file).await.with_context(|| format!("can't open {}", file.display()))?;
        let (outcomes, scores) = (outcomes(&log).await?, scores(&log).await?);
        let mut read = Read::default();
        let mut after = 0;
        loop {
            let page = log.decisions_after(after, PAGE).await?;
            let Some((last, _)) = page.last() else { break };
            after = *last;
            for (_, decision) in page {
                if scope.is_none_or(|s| decision.scope.as_str() == s) {
                    read.take(&decision, outcomes.get(&decision.id), scores.get(&decision.id));
                }
            }
        }
        if read.rounds.is_empty() {
            bail!(
                "{}: no decision with a choice{}",
                file.display(),
                scope.map_or(String::new(), |s| format!(" in scope {s}"))
            );
        }
        Ok(read)
    })
}

impl Read {
    fn take(&mut self, decision: &Decision, outcome: Option<&Outcome>, score: Option<&Score>) {
        let eligible: Vec<_> = decision.candidates.iter().filter_map(|c| Some((c, c.predicted.as_ref()?))).collect();
        let Some(chosen) = eligible.iter().position(|(c, _)| c.model == decision.chosen) else { return };
        if eligible.len() < 2 {
            self.without_choice += 1;
            return;
        }
        if outcome.is_some_and(|o| o.served_model != decision.chosen) {
            self.served_by_another += 1;
            return;
        }
        let expected = eligible[chosen].1.cost_usd;
        self.rounds.push(Logged {
            rule: decision.rule,
            models: eligible.iter().map(|(c, _)| c.model.clone()).collect(),
            scored: eligible
                .iter()
                .map(|(_, p)| Scored { mean: p.quality, spread: p.spread, cost_usd: p.cost_usd.get() })
                .collect(),
            propensities: eligible.iter().map(|(c, _)| c.propensity.get()).collect(),
            round: Round {
                arms: eligible.len(),
                chosen,
                propensity: eligible[chosen].0.propensity,
                reward: score.filter(|s| s.model == decision.chosen).and_then(Score::mean),
                cost_usd: outcome.and_then(|o| o.cost_usd).unwrap_or(expected),
            },
        });
    }
}

/// The last forwarding of each decision.
async fn outcomes(log: &Reader) -> Result<HashMap<DecisionId, Outcome>> {
    let (mut all, mut after) = (HashMap::new(), 0);
    loop {
        let page = log.outcomes_after(after, PAGE).await?;
        let Some((last, _)) = page.last() else { return Ok(all) };
        after = *last;
        all.extend(page.into_iter().map(|(_, outcome)| (outcome.decision_id, outcome)));
    }
}

/// The last word of each source about a decision.
#[derive(Debug, Clone)]
struct Score {
    model: ModelId,
    by_source: BTreeMap<&'static str, (f64, Option<Quality>)>,
}

impl Score {
    /// Sources weighted by the inverse of their noise.
    fn mean(&self) -> Option<Quality> {
        let known = self.by_source.values().filter_map(|(noise, score)| Some((1.0 / noise, (*score)?.get())));
        let (sum, weight) = known.fold((0.0, 0.0), |(sum, total), (w, score)| (sum + w * score, total + w));
        (weight > 0.0).then(|| Quality::clipped(sum / weight))
    }
}

async fn scores(log: &Reader) -> Result<HashMap<DecisionId, Score>> {
    let (mut all, mut after) = (HashMap::new(), 0);
    loop {
        let page = log.feedback_after(after, PAGE).await?;
        let Some((last, _)) = page.last() else { return Ok(all) };
        after = *last;
        for (_, row) in page {
            let said = row.feedback;
            let of = all
                .entry(said.decision_id)
                .or_insert_with(|| Score { model: said.model.clone(), by_source: BTreeMap::new() });
            let score = match said.reward {
                Reward::Score(score) => Some(score),
                Reward::Revoked => None,
            };
            of.by_source.insert(source_name(said.source), (said.source.noise_variance(), score));
        }
    }
}

const fn source_name(source: FeedbackSource) -> &'static str {
    match source {
        FeedbackSource::User => "user",
        FeedbackSource::Judge => "judge",
        FeedbackSource::Tests => "tests",
    }
}
