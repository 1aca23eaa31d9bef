//! λ for the modes that keep a mean: how many USD one unit of quality is worth, so that the mean over requests meets its goal.

use super::Scored;
use std::collections::VecDeque;

/// Requests remembered.
const RING: usize = 256;
/// After this many requests λ is tuned again; earlier while few are known.
const EVERY: u64 = 32;
/// Integral gain of the correction by realised quality.
const GAIN: f64 = 0.01;
/// Bound on that correction.
const MAX_CORRECTION: f64 = 0.05;

/// What the mean must meet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MeanGoal {
    /// Mean quality of at least τ.
    Quality(f64),
    /// Mean cost of at most B, USD a request.
    Cost(f64),
}

/// Keeps λ: bisection over a ring of recent candidates, with an integral correction from realised quality.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetController {
    goal: MeanGoal,
    kappa: f64,
    ring: VecDeque<Vec<Scored>>,
    seen: u64,
    correction: f64,
    lambda: f64,
}

impl TargetController {
    /// Starts without history: quality first (λ high) for a quality goal, cost first for a budget.
    #[must_use]
    pub fn new(goal: MeanGoal, kappa: f64) -> Self {
        let lambda = match goal {
            MeanGoal::Quality(_) => LAMBDA_MAX,
            MeanGoal::Cost(_) => LAMBDA_MIN,
        };
        Self { goal, kappa, ring: VecDeque::with_capacity(RING), seen: 0, correction: 0.0, lambda }
    }

    /// USD per unit of quality at the moment.
    #[must_use]
    pub fn lambda(&self) -> f64 {
        self.lambda
    }

    /// Remembers the eligible candidates of a request; tunes λ at requests 1, 2, 4, 8, 16 and then every 32nd.
    pub fn observe(&mut self, candidates: &[Scored]) {
        if candidates.is_empty() {
            return;
        }
        if self.ring.len() == RING {
            self.ring.pop_front();
        }
        self.ring.push_back(candidates.to_vec());
        self.seen += 1;
        if self.seen.is_multiple_of(EVERY) || (self.seen < EVERY && self.seen.is_power_of_two()) {
            self.tune();
        }
    }

    /// Takes a realised score against what was predicted: a mean below the prediction asks for more next time.
    pub fn realised(&mut self, predicted: f64, score: f64) {
        self.correction = (self.correction + GAIN * (predicted - score)).clamp(-MAX_CORRECTION, MAX_CORRECTION);
    }

    /// Bisects λ on a log scale; 40 halvings of [1e-9, 1e4].
    fn tune(&mut self) {
        let (mut low, mut high) = (LAMBDA_MIN.ln(), LAMBDA_MAX.ln());
        for _ in 0..40 {
            let middle = f64::midpoint(low, high);
            // Larger λ buys more quality at more cost.
            let enough = match self.goal {
                MeanGoal::Quality(target) => self.means(middle.exp()).0 >= target + self.correction,
                MeanGoal::Cost(budget) => self.means(middle.exp()).1 > budget,
            };
            if enough { high = middle } else { low = middle }
        }
        self.lambda = match self.goal {
            MeanGoal::Quality(_) => high.exp(),
            MeanGoal::Cost(_) => low.exp(),
        };
    }

    /// Mean predicted quality and cost over the ring when decided with λ.
    fn means(&self, lambda: f64) -> (f64, f64) {
        let (mut quality, mut cost) = (0.0, 0.0);
        for candidates in &self.ring {
            let value = |c: &Scored| c.cost_usd - lambda * c.low(self.kappa);
            if let Some(best) = candidates.iter().min_by(|a, b| value(a).total_cmp(&value(b))) {
                quality += best.mean;
                cost += best.cost_usd;
            }
        }
        let n = self.ring.len().max(1) as f64;
        (quality / n, cost / n)
    }
}

const LAMBDA_MIN: f64 = 1e-9;
const LAMBDA_MAX: f64 = 1e4;
