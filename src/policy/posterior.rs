//! Quality posterior of every model in one scope: a deterministic fold over the feedback log.

use super::{Features, Level, LinearGaussian, context_vector};
use crate::domain::{FeedbackSource, ModelId, Reward, clip01};
use std::{collections::BTreeMap, sync::Arc};

/// Share of the linear model kept after a drift alarm.
const KEEP_AFTER_ALARM: f64 = 0.25;

/// How fast old feedback fades and how firmly the prior is held.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LearningRates {
    /// γ: weight kept by a feedback after each later one in its scope, 0.9 to 1.
    pub forgetting: f64,
    /// Strength of the prior; 20 is neutral.
    pub prior_strength: f64,
}

impl Default for LearningRates {
    fn default() -> Self {
        Self { forgetting: 0.9995, prior_strength: 20.0 }
    }
}

/// What is believed of a model on a prompt.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Belief {
    /// Mean quality μ, 0 to 1.
    pub mean: f64,
    /// Standard deviation s.
    pub spread: f64,
}

/// One row of the feedback log, with what the decision knew.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Place in the scope's log, from 1, without gaps.
    pub number: u64,
    /// The model that served.
    pub model: ModelId,
    /// Who scored.
    pub source: FeedbackSource,
    /// The score, or that an earlier one is taken back.
    pub reward: Reward,
    /// The decision's context.
    pub context: Vec<f32>,
    /// The model's prior quality at the decision.
    pub prior: f64,
    /// The row that this one replaces.
    pub superseded: Option<Superseded>,
}

/// An earlier row of the same decision and source.
#[derive(Debug, Clone, PartialEq)]
pub struct Superseded {
    /// Its place in the log.
    pub number: u64,
    /// The model it was credited to.
    pub model: ModelId,
    /// What it said.
    pub reward: Reward,
    /// That model's prior quality at the decision.
    pub prior: f64,
}

/// State of one model.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Arm {
    pub(super) linear: LinearGaussian,
    pub(super) level: Level,
    /// Feedbacks that count.
    pub(super) observations: u64,
    /// Number of the last row folded into this arm.
    pub(super) last: u64,
}

/// The posterior of a scope. Cloning shares the arms, so a snapshot is cheap to publish.
#[derive(Debug, Clone, PartialEq)]
pub struct Posterior {
    pub(super) rates: LearningRates,
    pub(super) arms: BTreeMap<ModelId, Arc<Arm>>,
    pub(super) fresh: Arc<Arm>,
    pub(super) number: u64,
}

impl Posterior {
    /// Nothing observed yet.
    #[must_use]
    pub fn new(rates: LearningRates) -> Self {
        let linear = LinearGaussian::prior(rates.prior_strength);
        let fresh = Arc::new(Arm { linear, level: Level::default(), observations: 0, last: 0 });
        Self { rates, arms: BTreeMap::new(), fresh, number: 0 }
    }

    /// Number of the last log row that is folded in: the policy version.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.number
    }

    /// The rates it folds with.
    #[must_use]
    pub fn rates(&self) -> LearningRates {
        self.rates
    }

    /// Feedbacks that count for a model.
    #[must_use]
    pub fn observations(&self, model: &ModelId) -> u64 {
        self.arm(model).observations
    }

    /// The level filter of a model.
    #[must_use]
    pub fn level(&self, model: &ModelId) -> Level {
        self.arm(model).level
    }

    /// Models with feedback.
    pub fn models(&self) -> impl Iterator<Item = &ModelId> {
        self.arms.keys()
    }

    fn arm(&self, model: &ModelId) -> &Arm {
        self.arms.get(model).unwrap_or(&self.fresh)
    }

    /// μ and s of a model whose prior quality on this prompt is `prior`:
    /// `μ = clip(q0 + θᵀψ + δ)`, `s² = ψᵀA⁻¹ψ + P`.
    #[must_use]
    pub fn believe(&self, model: &ModelId, prior: f64, psi: &Features) -> Belief {
        let arm = self.arm(model);
        let mean = clip01(prior + arm.linear.mean(psi) + arm.level.offset);
        Belief { mean, spread: (arm.linear.variance(psi) + arm.level.variance).sqrt() }
    }

    /// Folds one row. Rows at or below [`Posterior::version`] are already in and are passed over, so a tail may overlap.
    pub fn fold(&mut self, event: &Event) {
        if event.number <= self.number {
            return;
        }
        self.number = event.number;
        if let Some(old) = &event.superseded {
            self.take_back(event, old);
        }
        if let Reward::Score(score) = event.reward {
            self.learn(event, score.get());
        }
    }

    fn learn(&mut self, event: &Event, score: f64) {
        let psi = context_vector(event.prior, &event.context);
        let (rates, number) = (self.rates, event.number);
        let arm = self.arm_mut(&event.model, number);
        let weight = weight(event.source, event.prior);
        let residual = score - event.prior;
        let unexplained = residual - arm.linear.mean(&psi);
        // A row that replaces another is no news about the level; `take_back` has moved it.
        let alarm =
            event.superseded.is_none() && arm.level.observe(unexplained, 1.0 / weight, arm.linear.variance(&psi));
        if alarm {
            arm.linear.forget(KEEP_AFTER_ALARM, rates.prior_strength);
        }
        arm.linear.add(&psi, residual, weight);
        arm.observations += 1;
    }

    /// Subtracts what is left of a replaced row, and moves the level by the change of score.
    fn take_back(&mut self, event: &Event, old: &Superseded) {
        let Reward::Score(before) = old.reward else { return };
        let psi = context_vector(old.prior, &event.context);
        let age = event.number - old.number;
        let forgetting = self.rates.forgetting;
        let arm = self.arm_mut(&old.model, event.number);
        let full = weight(event.source, old.prior);
        arm.linear.add(&psi, before.get() - old.prior, -full * power(forgetting, age));
        arm.observations = arm.observations.saturating_sub(1);
        let after = match event.reward {
            Reward::Score(score) if event.model == old.model => score.get(),
            _ => old.prior,
        };
        arm.level.correct(after - before.get(), 1.0 / full, age);
    }

    /// The arm with forgetting brought up to row `number`.
    fn arm_mut(&mut self, model: &ModelId, number: u64) -> &mut Arm {
        let rates = self.rates;
        let shared = self.arms.entry(model.clone()).or_insert_with(|| {
            let mut arm = (*self.fresh).clone();
            arm.last = number;
            Arc::new(arm)
        });
        let arm = Arc::make_mut(shared);
        arm.linear.forget(power(rates.forgetting, number - arm.last), rates.prior_strength);
        arm.last = number;
        arm
    }
}

/// `w = 1/(σ_source² + q(1−q))`: inverse variance of one score.
fn weight(source: FeedbackSource, prior: f64) -> f64 {
    let q = prior.clamp(0.05, 0.95);
    1.0 / (source.noise_variance() + q * (1.0 - q))
}

/// `base^n` by squaring: the same bits on every platform, unlike `powf`.
fn power(base: f64, mut n: u64) -> f64 {
    let (mut result, mut factor) = (1.0, base);
    while n > 0 {
        if n & 1 == 1 {
            result *= factor;
        }
        factor *= factor;
        n >>= 1;
    }
    result
}
