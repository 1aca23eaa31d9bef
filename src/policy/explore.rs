//! Exploration: inverse-gap weighting over a safe set, capped, with exact propensities. Choosing the distribution and drawing
//! from it are two functions.

use super::Scored;
use crate::domain::{DecisionMode, RoutingRule};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

/// Bounds on what exploration may cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExplorationCaps {
    /// γ of inverse-gap weighting: how strongly worse candidates are avoided.
    pub gap_weight: f64,
    /// A candidate may cost at most this many times the greedy choice.
    pub max_cost_ratio: f64,
    /// Bound on the expected loss of quality per request.
    pub max_quality_loss: f64,
    /// Bound on the expected extra spend per request, as a share of the greedy choice's cost.
    pub max_extra_spend: f64,
    /// A candidate is safe while `μ + this·s` reaches the target.
    pub optimism: f64,
}

impl Default for ExplorationCaps {
    fn default() -> Self {
        Self { gap_weight: 50.0, max_cost_ratio: 5.0, max_quality_loss: 0.005, max_extra_spend: 0.02, optimism: 2.0 }
    }
}

/// Probability of each candidate: `p_a = 1/(|S| + γ(u_b − u_a))` for a ≠ b in the safe set S (Abe & Long 1999; SquareCB of
/// Foster & Rakhlin, arXiv 2002.04926), scaled down to the caps on share, expected quality loss and expected extra spend; the
/// rest on the greedy choice b. Sums to one.
#[must_use]
pub fn distribution(rule: &RoutingRule, caps: &ExplorationCaps, candidates: &[Scored], greedy: usize) -> Vec<f64> {
    let mut p = vec![0.0; candidates.len()];
    let best = &candidates[greedy];
    let dearest = candidates.iter().map(|c| c.cost_usd).fold(0.0, f64::max);
    let safe = |c: &Scored| {
        c.high(caps.optimism) >= rule.quality_target.get().min(best.mean)
            && c.cost_usd <= caps.max_cost_ratio * best.cost_usd
    };
    let size = 1 + candidates.iter().enumerate().filter(|(i, c)| *i != greedy && safe(c)).count();
    let top = utility(rule, best, dearest);
    let (mut share, mut loss, mut spend) = (0.0, 0.0, 0.0);
    for (i, c) in candidates.iter().enumerate().filter(|(i, c)| *i != greedy && safe(c)) {
        let gap = (top - utility(rule, c, dearest)).max(0.0);
        p[i] = 1.0 / (size as f64 + caps.gap_weight * gap);
        share += p[i];
        loss += p[i] * (best.mean - c.mean).max(0.0);
        spend += p[i] * (c.cost_usd - best.cost_usd).max(0.0);
    }
    let scale = [
        cap(rule.exploration, share),
        cap(caps.max_quality_loss, loss),
        cap(caps.max_extra_spend * best.cost_usd, spend),
    ];
    let scale = scale.into_iter().fold(1.0, f64::min);
    p.iter_mut().for_each(|x| *x *= scale);
    p[greedy] = 1.0 - p.iter().sum::<f64>();
    p
}

/// The factor that brings `value` down to `bound`.
fn cap(bound: f64, value: f64) -> f64 {
    if value > bound { bound / value } else { 1.0 }
}

/// What a candidate is worth, in units of quality.
fn utility(rule: &RoutingRule, c: &Scored, dearest: f64) -> f64 {
    match rule.mode {
        DecisionMode::Floor => {
            let cost = if dearest > 0.0 { c.cost_usd / dearest } else { 0.0 };
            c.mean.min(rule.quality_target.get()) - 0.1 * cost
        }
        DecisionMode::Average | DecisionMode::Budget => {
            let price = rule.lambda_usd.max(1e-12);
            c.low(rule.kappa) - (c.cost_usd / price).min(1e3)
        }
    }
}

/// Draws an index with a counter-based generator keyed by `(seed, key)`: the same inputs give the same draw anywhere. `None`
/// for an empty distribution.
#[must_use]
pub fn draw(probabilities: &[f64], seed: u64, key: u128) -> Option<usize> {
    let mut material = [0u8; 32];
    material[..8].copy_from_slice(&seed.to_le_bytes());
    material[8..24].copy_from_slice(&key.to_le_bytes());
    let mut rng = ChaCha8Rng::from_seed(material);
    // 53 random bits: every value below 1 is exact.
    let u = (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
    let mut sum = 0.0;
    let mut last = None;
    for (i, &p) in probabilities.iter().enumerate().filter(|(_, p)| **p > 0.0) {
        sum += p;
        last = Some(i);
        if u < sum {
            break;
        }
    }
    last
}
