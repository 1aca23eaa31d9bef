//! Another policy than the one that wrote the log: what differs, and what it would have chosen.

use super::log::Logged;
use anyhow::{Context, Result, ensure};
use satisfice::{
    domain::{DecisionMode, ModelId, Quality, RoutingRule},
    policy::{self, ExplorationCaps, MeanGoal, Scored, TargetController},
};
use serde::Deserialize;
use std::{collections::BTreeMap, path::Path};

/// A policy as a TOML file says it; whatever it does not name stays as it was at each decision.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// Name in the report; the file's name without one.
    pub name: Option<String>,
    /// `floor`, `average` or `budget`.
    pub mode: Option<DecisionMode>,
    /// τ, 0 to 1.
    pub quality_target: Option<f64>,
    /// USD a request, for mode `budget`.
    pub budget_usd: Option<f64>,
    /// κ of the lower bound.
    pub kappa: Option<f64>,
    /// Share explored, 0 to 0.5.
    pub exploration: Option<f64>,
    /// Models that may not be chosen.
    #[serde(default)]
    pub without: Vec<ModelId>,
    /// Factors on models' prices.
    #[serde(default)]
    pub price_factors: BTreeMap<ModelId, f64>,
}

impl Variant {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// It can't be read, has an unknown key, or a value is out of range; the key is named.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("can't read {}", path.display()))?;
        let mut variant: Self = toml::from_str(&text).with_context(|| path.display().to_string())?;
        variant.check().with_context(|| path.display().to_string())?;
        if variant.name.is_none() {
            variant.name = path.file_stem().map(|s| s.to_string_lossy().into_owned());
        }
        Ok(variant)
    }

    fn check(&self) -> Result<()> {
        let within = |name: &str, value: Option<f64>, low: f64, high: f64| {
            ensure!(value.is_none_or(|v| v >= low && v <= high), "{name} must be between {low} and {high}");
            Ok(())
        };
        within("quality_target", self.quality_target, 0.0, 1.0)?;
        within("exploration", self.exploration, 0.0, 0.5)?;
        within("kappa", self.kappa, 0.0, 10.0)?;
        ensure!(self.budget_usd.is_none_or(|b| b > 0.0 && b.is_finite()), "budget_usd must be above 0");
        for (model, factor) in &self.price_factors {
            ensure!(*factor > 0.0 && factor.is_finite(), "price_factors.{model} must be above 0");
        }
        Ok(())
    }

    /// Factor on a model's price.
    #[must_use]
    pub fn price_factor(&self, model: &ModelId) -> f64 {
        self.price_factors.get(model).copied().unwrap_or(1.0)
    }

    /// Its probabilities for each candidate of each round, in order: a mode that keeps a mean tunes λ as it goes, on what it
    /// would have chosen. Also the number of rounds where it may choose none.
    #[must_use]
    pub fn probabilities(&self, rounds: &[Logged]) -> (Vec<Vec<f64>>, usize) {
        let mut controllers: BTreeMap<(u8, u64), TargetController> = BTreeMap::new();
        let mut stuck = 0;
        let all = rounds.iter().map(|round| {
            let allowed: Vec<usize> =
                (0..round.models.len()).filter(|&i| !self.without.contains(&round.models[i])).collect();
            if allowed.is_empty() {
                stuck += 1;
                return round.propensities.clone();
            }
            let scored: Vec<Scored> = allowed.iter().map(|&i| self.repriced(round, i)).collect();
            let mut rule = self.rule(&round.rule);
            let controller = self
                .goal(&rule)
                .map(|(key, goal)| controllers.entry(key).or_insert_with(|| TargetController::new(goal, rule.kappa)));
            if let Some(controller) = &controller {
                rule.lambda_usd = controller.lambda();
            }
            let best = policy::greedy(&rule, &scored).map_or(0, |(best, _)| best);
            if let Some(controller) = controller {
                controller.observe(&scored);
                controller.decided(&scored[best]);
            }
            let among = policy::distribution(&rule, &ExplorationCaps::default(), &scored, best);
            let mut out = vec![0.0; round.models.len()];
            allowed.iter().zip(among).for_each(|(&i, p)| out[i] = p);
            out
        });
        (all.collect(), stuck)
    }

    fn repriced(&self, round: &Logged, i: usize) -> Scored {
        let scored = round.scored[i];
        Scored { cost_usd: scored.cost_usd * self.price_factor(&round.models[i]), ..scored }
    }

    fn rule(&self, logged: &RoutingRule) -> RoutingRule {
        RoutingRule {
            mode: self.mode.unwrap_or(logged.mode),
            quality_target: self.quality_target.map_or(logged.quality_target, Quality::clipped),
            kappa: self.kappa.unwrap_or(logged.kappa),
            exploration: self.exploration.unwrap_or(logged.exploration),
            ..*logged
        }
    }

    /// The mean that is kept, where the log's own λ does not fit any more.
    fn goal(&self, rule: &RoutingRule) -> Option<((u8, u64), MeanGoal)> {
        match (rule.mode, self.budget_usd) {
            (DecisionMode::Average, _) => {
                let target = rule.quality_target.get();
                Some(((0, target.to_bits()), MeanGoal::Quality(target)))
            }
            (DecisionMode::Budget, Some(budget)) => Some(((1, budget.to_bits()), MeanGoal::Cost(budget))),
            _ => None,
        }
    }
}
