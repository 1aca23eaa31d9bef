//! Decisions, what served them, and what was said about it.

use crate::import::{
    intake::{Intake, Observation},
    options::Options,
    read::Position,
};
use satisfice::domain::FeedbackSource;
use std::collections::{BTreeMap, HashMap, HashSet};

const REVOKED: &str = "scores that were taken back";
const NO_DECISION: &str = "scores of decisions that are not in these files";
const NO_FEEDBACK: &str = "decisions without feedback";

/// What was decided.
pub(super) struct Decision {
    pub(super) task: String,
    pub(super) chosen: String,
    pub(super) propensity: Option<f64>,
    pub(super) policy: Option<String>,
    pub(super) query: String,
    pub(super) split: String,
}

/// One forwarding to a model.
#[derive(Default)]
pub(super) struct Served {
    /// One that went well counts before any that did not, then the later.
    pub(super) rank: (bool, u64),
    pub(super) input_tokens: Option<f64>,
    pub(super) output_tokens: Option<f64>,
    pub(super) cost_usd: Option<f64>,
}

/// One word of a source.
pub(super) struct Said {
    pub(super) seq: u64,
    pub(super) at: Position,
    /// The model that is credited.
    pub(super) model: String,
    pub(super) source: FeedbackSource,
    /// `None` takes the earlier score back.
    pub(super) score: Option<f64>,
}

/// Scores of several sources, weighted by 1 / variance.
struct Weighted {
    at: Position,
    sum: f64,
    weight: f64,
}

/// The three tables, by decision.
#[derive(Default)]
pub(super) struct Log {
    decisions: HashMap<String, Decision>,
    served: HashMap<(String, String), Served>,
    said: BTreeMap<(String, &'static str), Said>,
}

impl Log {
    /// Adds a decision.
    pub(super) fn decided(&mut self, id: String, decision: Decision) {
        self.decisions.insert(id, decision);
    }

    /// Adds a forwarding; the better one of a decision and model is kept.
    pub(super) fn served(&mut self, id: String, model: String, served: Served) {
        let kept = self.served.entry((id, model)).or_default();
        if served.rank >= kept.rank {
            *kept = served;
        }
    }

    /// Adds a word; the last one of a decision and source is kept.
    pub(super) fn said(&mut self, id: String, said: Said) {
        let key = (id, said.source.as_str());
        if self.said.get(&key).is_none_or(|last| last.seq <= said.seq) {
            self.said.insert(key, said);
        }
    }

    /// Joins the tables into observations.
    pub(super) fn join(self, options: &Options, intake: &mut Intake) {
        for ((id, model), weighted) in self.weighted(intake) {
            let Some(decision) = self.decisions.get(id) else {
                intake.leave_out(1, NO_DECISION);
                continue;
            };
            intake.observe(weighted.at, self.observation(id, model, decision, &weighted, options));
        }
        let heard: HashSet<&str> = self.said.keys().map(|(id, _)| id.as_str()).collect();
        let silent = self.decisions.keys().filter(|id| !heard.contains(id.as_str())).count();
        intake.leave_out(silent, NO_FEEDBACK);
    }

    /// The score of each decision and model that is credited.
    fn weighted(&self, intake: &mut Intake) -> BTreeMap<(&str, &str), Weighted> {
        let mut scores = BTreeMap::new();
        for ((id, _), said) in &self.said {
            let Some(score) = said.score else {
                intake.leave_out(1, REVOKED);
                continue;
            };
            let key = (id.as_str(), said.model.as_str());
            let all = scores.entry(key).or_insert(Weighted { at: said.at, sum: 0.0, weight: 0.0 });
            let weight = said.source.noise_variance().recip();
            all.sum += weight * score;
            all.weight += weight;
        }
        scores
    }

    fn observation(
        &self,
        id: &str,
        model: &str,
        decision: &Decision,
        weighted: &Weighted,
        options: &Options,
    ) -> Observation {
        let served = self.served.get(&(id.to_owned(), model.to_owned()));
        Observation {
            dataset: options.dataset().to_owned(),
            query_id: id.to_owned(),
            split: decision.split.clone(),
            query: decision.query.as_str().into(),
            task: decision.task.clone(),
            model: model.to_owned(),
            score: weighted.sum / weighted.weight,
            cost_usd: served.and_then(|s| s.cost_usd),
            prompt_tokens: served.and_then(|s| s.input_tokens),
            completion_tokens: served.and_then(|s| s.output_tokens),
            propensity: decision.propensity.filter(|_| decision.chosen == model),
            policy: decision.policy.clone(),
            ..Observation::default()
        }
    }
}
