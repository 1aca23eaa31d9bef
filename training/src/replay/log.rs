//! The service's log, as rounds that a policy can be tried on.

use crate::ope::Round;
use anyhow::{Context, Result, bail, ensure};
use satisfice::{
    domain::{Decision, DecisionId, Feedback, ModelId, Outcome, Quality, Reward, RoutingRule},
    export::read as exported,
    policy::Scored,
    store::{Reader, Store},
};
use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
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
    /// The decisions of `rounds`, where they were asked for.
    pub decisions: Vec<Decision>,
}

/// Reads a log: the database file, the data folder of a service, which may be running, or tables that `satisfice export` wrote.
///
/// # Errors
/// There is no log, or it can't be read.
pub fn read(path: &Path, scope: Option<&str>) -> Result<Read> {
    read_with(path, scope, false)
}

/// The same, and the decisions themselves: what was known of each prompt and model.
///
/// # Errors
/// There is no log, or it can't be read.
pub fn read_decisions(path: &Path, scope: Option<&str>) -> Result<Read> {
    read_with(path, scope, true)
}

fn read_with(path: &Path, scope: Option<&str>, keep_decisions: bool) -> Result<Read> {
    let mut read = Read::default();
    let mut take = |decision: Decision, known: &Known| {
        if scope.is_none_or(|s| decision.scope.as_str() == s) {
            let (outcome, score) = (known.outcomes.get(&decision.id), known.scores.get(&decision.id));
            if read.take(&decision, outcome, score) && keep_decisions {
                read.decisions.push(decision);
            }
        }
    };
    match Place::of(path)? {
        Place::Database(file) => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let log =
                    Store::open_read_only(&file).await.with_context(|| format!("can't open {}", file.display()))?;
                let known = Known::from_store(&log).await?;
                let mut after = 0;
                loop {
                    let page = log.decisions_after(after, PAGE).await?;
                    let Some((last, _)) = page.last() else { return anyhow::Ok(()) };
                    after = *last;
                    page.into_iter().for_each(|(_, decision)| take(decision, &known));
                }
            })?;
        }
        Place::Tables(folder) => {
            let known = Known::from_tables(&folder)?;
            exported::decisions(&table(&folder, "decisions")?)?.into_iter().for_each(|d| take(d, &known));
        }
    }
    if read.rounds.is_empty() {
        let of = scope.map_or(String::new(), |s| format!(" in scope {s}"));
        bail!("{}: no decision with a choice{of}", path.display());
    }
    Ok(read)
}

/// Where a log is.
pub(crate) enum Place {
    /// The service's database.
    Database(PathBuf),
    /// A folder of tables that `satisfice export` wrote.
    Tables(PathBuf),
}

impl Place {
    /// Of a data folder, a database, a folder with `decisions.parquet`, or one of the files in it.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn of(path: &Path) -> Result<Self> {
        let database = path.join(satisfice::app::STORE_FILE);
        let tables = path.join("decisions.parquet");
        Ok(match (path.is_dir(), path.extension().is_some_and(|e| e == "parquet")) {
            (true, _) if !database.exists() && tables.exists() => Self::Tables(path.to_path_buf()),
            (true, _) if database.exists() => Self::Database(database),
            (false, true) if path.exists() => Self::Tables(path.parent().unwrap_or(Path::new("")).to_path_buf()),
            (false, false) if path.exists() => Self::Database(path.to_path_buf()),
            _ => bail!(
                "there is no log at {}: name the service's data folder, the database file in it, or a folder with \
                 decisions.parquet, outcomes.parquet and feedback.parquet",
                path.display()
            ),
        })
    }
}

/// One of the exported tables.
fn table(folder: &Path, what: &str) -> Result<PathBuf> {
    let path = folder.join(format!("{what}.parquet"));
    let command = format!("satisfice export --what {what} --format parquet --out {}", path.display());
    ensure!(path.exists(), "there is no {}: {command}", path.display());
    Ok(path)
}

impl Read {
    /// Whether it is among the rounds now.
    fn take(&mut self, decision: &Decision, outcome: Option<&Outcome>, score: Option<&Score>) -> bool {
        let eligible: Vec<_> = decision.candidates.iter().filter_map(|c| Some((c, c.predicted.as_ref()?))).collect();
        let Some(chosen) = eligible.iter().position(|(c, _)| c.model == decision.chosen) else { return false };
        if eligible.len() < 2 {
            self.without_choice += 1;
            return false;
        }
        if outcome.is_some_and(|o| o.served_model != decision.chosen) {
            self.served_by_another += 1;
            return false;
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
        true
    }
}

/// What came of the decisions.
#[derive(Default)]
struct Known {
    /// The last forwarding of each.
    outcomes: HashMap<DecisionId, Outcome>,
    scores: HashMap<DecisionId, Score>,
}

impl Known {
    async fn from_store(log: &Reader) -> Result<Self> {
        let (mut known, mut after) = (Self::default(), 0);
        loop {
            let page = log.outcomes_after(after, PAGE).await?;
            let Some((last, _)) = page.last() else { break };
            after = *last;
            page.into_iter().for_each(|(_, outcome)| known.ended(outcome));
        }
        after = 0;
        loop {
            let page = log.feedback_after(after, PAGE).await?;
            let Some((last, _)) = page.last() else { return Ok(known) };
            after = *last;
            page.into_iter().for_each(|(_, row)| known.said(row.feedback));
        }
    }

    fn from_tables(folder: &Path) -> Result<Self> {
        let mut known = Self::default();
        exported::outcomes(&table(folder, "outcomes")?)?.into_iter().for_each(|outcome| known.ended(outcome));
        exported::feedback(&table(folder, "feedback")?)?.into_iter().for_each(|row| known.said(row.feedback));
        Ok(known)
    }

    fn ended(&mut self, outcome: Outcome) {
        self.outcomes.insert(outcome.decision_id, outcome);
    }

    fn said(&mut self, said: Feedback) {
        let of = self
            .scores
            .entry(said.decision_id)
            .or_insert_with(|| Score { model: said.model.clone(), by_source: BTreeMap::new() });
        let score = match said.reward {
            Reward::Score(score) => Some(score),
            Reward::Revoked => None,
        };
        of.by_source.insert(said.source.as_str(), (said.source.noise_variance(), score));
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
