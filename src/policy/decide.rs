//! The decision rule: who would be chosen without exploration, and who was.

use super::{ExplorationCaps, distribution, draw};
use crate::domain::{DecisionMode, RoutingRule};

/// An eligible model as the rule sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    /// Mean quality μ, 0 to 1.
    pub mean: f64,
    /// Standard deviation s.
    pub spread: f64,
    /// Expected cost in USD, finite and at least 0.
    pub cost_usd: f64,
}

impl Scored {
    /// `μ − κs`.
    #[must_use]
    pub fn low(&self, kappa: f64) -> f64 {
        self.mean - kappa * self.spread
    }

    /// `μ + κs`.
    #[must_use]
    pub fn high(&self, kappa: f64) -> f64 {
        self.mean + kappa * self.spread
    }
}

/// A choice among candidates, with the whole distribution it was drawn from.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// Index of the chosen candidate.
    pub chosen: usize,
    /// Index that exploitation alone would have chosen.
    pub greedy: usize,
    /// Whether the greedy choice is judged to meet the target.
    pub target_met: bool,
    /// Probability of each candidate; sums to 1.
    pub propensities: Vec<f64>,
}

/// There was nothing to choose from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no model is eligible")]
pub struct NoCandidates;

/// Decides: greedy choice, exploration around it, one draw keyed by `(seed, key)`.
///
/// # Errors
/// [`NoCandidates`] when the slice is empty.
pub fn choose(
    rule: &RoutingRule,
    caps: &ExplorationCaps,
    candidates: &[Scored],
    seed: u64,
    key: u128,
) -> Result<Choice, NoCandidates> {
    let (best, target_met) = greedy(rule, candidates).ok_or(NoCandidates)?;
    let propensities = distribution(rule, caps, candidates, best);
    let chosen = draw(&propensities, seed, key).unwrap_or(best);
    Ok(Choice { chosen, greedy: best, target_met, propensities })
}

/// Goes on with a candidate that was chosen before: with certainty, so there is nothing to explore and nothing to draw.
#[must_use]
pub fn keep(rule: &RoutingRule, candidates: &[Scored], kept: usize) -> Choice {
    let propensities = (0..candidates.len()).map(|i| if i == kept { 1.0 } else { 0.0 }).collect();
    let target_met = candidates[kept].low(rule.kappa) >= rule.quality_target.get();
    Choice { chosen: kept, greedy: kept, target_met, propensities }
}

/// The greedy choice and whether it meets the target.
///
/// - `floor`: the cheapest with `μ − κs ≥ τ`; when none is, the highest μ.
/// - `average`, `budget`: the least `c − λ(μ − κs)`.
#[must_use]
pub fn greedy(rule: &RoutingRule, candidates: &[Scored]) -> Option<(usize, bool)> {
    let target = rule.quality_target.get();
    let meets = |c: &Scored| c.low(rule.kappa) >= target;
    let best = match rule.mode {
        DecisionMode::Floor => least(candidates, |c| if meets(c) { c.cost_usd } else { f64::INFINITY })
            .filter(|&i| meets(&candidates[i]))
            .or_else(|| least(candidates, |c| -c.mean)),
        DecisionMode::Average | DecisionMode::Budget => {
            least(candidates, |c| c.cost_usd - rule.lambda_usd * c.low(rule.kappa))
        }
    }?;
    Some((best, meets(&candidates[best])))
}

/// Index of the least key; of equals the better, then the first.
fn least(candidates: &[Scored], key: impl Fn(&Scored) -> f64) -> Option<usize> {
    let mut best: Option<(usize, f64)> = None;
    for (i, candidate) in candidates.iter().enumerate() {
        let k = key(candidate);
        let better = match best {
            None => true,
            Some((b, least)) => k < least || (k == least && candidate.mean > candidates[b].mean),
        };
        if better {
            best = Some((i, k));
        }
    }
    best.map(|(i, _)| i)
}

/// Order in which to try the others when the chosen one fails: those that meet the target by cost, then the rest by quality.
#[must_use]
pub fn ranked(rule: &RoutingRule, candidates: &[Scored], chosen: usize) -> Vec<usize> {
    let target = rule.quality_target.get();
    let mut order: Vec<usize> = (0..candidates.len()).filter(|&i| i != chosen).collect();
    order.sort_by(|&a, &b| {
        let (a, b) = (&candidates[a], &candidates[b]);
        match (a.low(rule.kappa) >= target, b.low(rule.kappa) >= target) {
            (true, true) => a.cost_usd.total_cmp(&b.cost_usd),
            (false, false) => b.mean.total_cmp(&a.mean),
            (true, false) => std::cmp::Ordering::Less,
            (false, true) => std::cmp::Ordering::Greater,
        }
    });
    order
}
