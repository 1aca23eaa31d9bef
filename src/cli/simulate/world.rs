//! The truth of the simulated world, which the router never sees: how good each model's answer is.

use super::super::prompts::LabelledPrompt;
use crate::{
    catalog::{Catalog, SimulatedBehaviour},
    domain::{DecisionId, ModelId, Quality, sigmoid},
    gateway::staging_score,
};
use anyhow::bail;
use std::{collections::BTreeMap, str::FromStr};
use uuid::Uuid;

/// A model that answers with another quality from some request on.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::cli) struct Degrade {
    /// The model.
    pub(in crate::cli) model: ModelId,
    /// Its quality from then on, whatever the prompt.
    pub(in crate::cli) quality: Quality,
    /// The first such request.
    pub(in crate::cli) from: u64,
}

impl FromStr for Degrade {
    type Err = String;

    /// Reads `MODEL=QUALITY` or `MODEL=QUALITY@N`.
    fn from_str(text: &str) -> Result<Self, String> {
        let form = || format!("{text:?} is not of the form MODEL=QUALITY@N, such as simulated/small=0.1@500");
        let (model, rest) = text.rsplit_once('=').ok_or_else(form)?;
        let (quality, from) = rest.split_once('@').unwrap_or((rest, "0"));
        let quality: f64 = quality.parse().map_err(|_| form())?;
        Ok(Self {
            model: ModelId::from(model),
            quality: Quality::new(quality).map_err(|e| e.to_string())?,
            from: from.parse().map_err(|_| form())?,
        })
    }
}

/// Who is how good at what.
#[derive(Debug, Clone)]
pub(in crate::cli) struct World {
    truths: BTreeMap<ModelId, SimulatedBehaviour>,
    degraded: Vec<Degrade>,
    seed: u64,
}

impl World {
    /// The world of a catalogue's simulated models.
    ///
    /// # Errors
    /// A degraded model is not simulated; the message names those that are.
    pub(in crate::cli) fn new(catalog: &Catalog, degraded: &[Degrade], seed: u64) -> anyhow::Result<Self> {
        let simulated = catalog.models().iter().filter_map(|m| Some((m.id.clone(), m.simulated.clone()?)));
        let truths: BTreeMap<_, _> = simulated.collect();
        if let Some(unknown) = degraded.iter().find(|d| !truths.contains_key(&d.model)) {
            let known: Vec<&str> = truths.keys().map(ModelId::as_str).collect();
            bail!("{} is not a simulated model; those are {}", unknown.model, known.join(", "));
        }
        Ok(Self { truths, degraded: degraded.to_vec(), seed })
    }

    /// The same world with one more degraded model.
    pub(in crate::cli) fn with(mut self, degrade: Degrade) -> Self {
        self.degraded.push(degrade);
        self
    }

    /// Seed of scores and of who gets feedback.
    pub(in crate::cli) const fn seed(&self) -> u64 {
        self.seed
    }

    /// The score of a model's answer to the `n`-th request; `None` for models that are not simulated. The luck of a
    /// request is the same for all models, so that comparing them is not a matter of luck.
    pub(in crate::cli) fn score(&self, model: &str, prompt: &LabelledPrompt, n: u64) -> Option<Quality> {
        let model = ModelId::from(model);
        let truth = self.truths.get(&model)?;
        let luck = DecisionId::from_uuid(Uuid::from_u128(u128::from(n)));
        let plain = || staging_score(truth, prompt.task, prompt.difficulty(), self.seed, luck);
        Some(self.degraded_to(&model, n).unwrap_or_else(plain))
    }

    /// The score to expect: [`staging_score`] draws a right answer with probability `p = σ(u − b)`, which scores 0.8 to
    /// 1, and else a wrong one of 0 to 0.4, both evenly; so `E = 0.9·p + 0.2·(1 − p)`.
    pub(in crate::cli) fn expected(&self, model: &str, prompt: &LabelledPrompt, n: u64) -> Option<f64> {
        let model = ModelId::from(model);
        let truth = self.truths.get(&model)?;
        let plain = || 0.2 + 0.7 * sigmoid(truth.ability(prompt.task) - prompt.difficulty().logit());
        Some(self.degraded_to(&model, n).map_or_else(plain, Quality::get))
    }

    /// The latest degradation counts.
    fn degraded_to(&self, model: &ModelId, n: u64) -> Option<Quality> {
        let of_model = self.degraded.iter().filter(|d| d.model == *model && d.from <= n);
        of_model.max_by_key(|d| d.from).map(|d| d.quality)
    }
}
