//! A world with known truth: 6 contexts, 4 arms of which the dearer are better, more so where it is hard.

use crate::ope::{Evaluation, Log, Metric, Policy, Predictions, Round, Scheme, WeightBound, cross_fit};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};
use satisfice::domain::{Propensity, Quality, Usd};
use std::num::NonZeroUsize;

pub(super) const CONTEXTS: usize = 6;
pub(super) const ARMS: usize = 4;
/// Mean cost of each arm in USD; a request costs half to three halves of it.
const COSTS: [f64; ARMS] = [0.001, 0.003, 0.01, 0.03];
/// Least propensity of the logging policy.
pub(super) const FLOOR: f64 = 0.1;
/// Dearest request.
pub(super) const COST_AT_MOST: f64 = 0.045;
/// A reward is its mean and at most this much more or less.
const NOISE: f64 = 0.15;

/// Seeded chance.
pub(super) struct Dice(ChaCha8Rng);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// In [0, 1).
    pub(super) fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Below `n`.
    pub(super) fn below(&mut self, n: usize) -> usize {
        (self.uniform() * n as f64) as usize
    }

    fn index(&mut self, probabilities: &[f64; ARMS]) -> usize {
        let mut u = self.uniform();
        for (i, p) in probabilities.iter().enumerate().take(ARMS - 1) {
            if u < *p {
                return i;
            }
            u -= p;
        }
        ARMS - 1
    }
}

pub(super) struct World {
    /// Mean reward, all within `NOISE` of the ends so that noise is never cut off and means are exact.
    quality: [[f64; ARMS]; CONTEXTS],
}

impl World {
    pub(super) fn new() -> Self {
        let mean = |context: usize, arm: usize| 0.82 - 0.12 * context as f64 * (1.0 - arm as f64 / 3.5);
        Self { quality: std::array::from_fn(|c| std::array::from_fn(|a| mean(c, a))) }
    }

    /// Mostly the second arm, the others explored.
    pub(super) fn logging(_context: usize) -> [f64; ARMS] {
        [FLOOR, 1.0 - 3.0 * FLOOR, FLOOR, FLOOR]
    }

    /// The cheapest arm where it is easy, the third where it is hard, a little of each: weights up to 7.
    pub(super) fn target(context: usize) -> [f64; ARMS] {
        let mut row = [0.1; ARMS];
        row[if context < 3 { 0 } else { 2 }] = 0.7;
        row
    }

    /// `V(π) = mean_x Σ_a π(a|x) E[r|x, a]`; contexts are uniform.
    pub(super) fn value(&self, policy: impl Fn(usize) -> [f64; ARMS]) -> f64 {
        let each = (0..CONTEXTS).map(|c| dot(&policy(c), &self.quality[c]));
        each.sum::<f64>() / CONTEXTS as f64
    }

    /// Mean cost of a policy, USD.
    pub(super) fn cost(policy: impl Fn(usize) -> [f64; ARMS]) -> f64 {
        (0..CONTEXTS).map(|c| dot(&policy(c), &COSTS)).sum::<f64>() / CONTEXTS as f64
    }

    pub(super) fn log(&self, rounds: usize, seed: u64) -> Logged {
        let mut dice = Dice::new(seed);
        let contexts: Vec<usize> = (0..rounds).map(|_| dice.below(CONTEXTS)).collect();
        let rounds = contexts.iter().map(|&context| self.round(context, &mut dice)).collect();
        Logged { log: Log::new(rounds).unwrap(), contexts }
    }

    fn round(&self, context: usize, dice: &mut Dice) -> Round {
        let logging = Self::logging(context);
        let chosen = dice.index(&logging);
        let reward = self.quality[context][chosen] + NOISE * (2.0 * dice.uniform() - 1.0);
        Round {
            arms: ARMS,
            chosen,
            propensity: Propensity::new(logging[chosen]).unwrap(),
            reward: Some(Quality::new(reward).unwrap()),
            cost_usd: Usd::new(COSTS[chosen] * (0.5 + dice.uniform())).unwrap(),
        }
    }
}

fn dot(a: &[f64; ARMS], b: &[f64; ARMS]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// A log with its contexts.
pub(super) struct Logged {
    pub(super) log: Log,
    pub(super) contexts: Vec<usize>,
}

impl Logged {
    pub(super) fn policy(&self, of: impl Fn(usize) -> [f64; ARMS]) -> Policy {
        Policy::new(self.contexts.iter().map(|&c| of(c).to_vec()).collect()).unwrap()
    }

    pub(super) fn quality<'a>(&'a self, predictions: Option<&'a Predictions>) -> Evaluation<'a> {
        let bound = WeightBound::from_floor(FLOOR).unwrap();
        Evaluation::new(&self.log, Metric::Quality, bound, predictions).unwrap()
    }

    pub(super) fn cost<'a>(&'a self, predictions: Option<&'a Predictions>) -> Evaluation<'a> {
        let (bound, metric) = (WeightBound::from_floor(FLOOR).unwrap(), Metric::CostUsd { at_most: COST_AT_MOST });
        Evaluation::new(&self.log, metric, bound, predictions).unwrap()
    }

    /// Mean costs, as a price list would give them.
    pub(super) fn cost_predictions(&self) -> Predictions {
        Predictions(vec![COSTS.to_vec(); self.contexts.len()])
    }

    /// The mean reward of each arm in each context, shrunk to 0.5 as by two rounds, cross-fitted in five blocks.
    pub(super) fn predictions(&self, scheme: Scheme) -> Predictions {
        let blocks = NonZeroUsize::new(5).unwrap();
        cross_fit(
            self.contexts.len(),
            blocks,
            scheme,
            |from| self.means(from),
            |means, round| means[self.contexts[round]].to_vec(),
        )
    }

    fn means(&self, from: &[usize]) -> [[f64; ARMS]; CONTEXTS] {
        let mut sums = [[(1.0, 2.0); ARMS]; CONTEXTS];
        for &i in from {
            let round = &self.log.rounds()[i];
            let cell = &mut sums[self.contexts[i]][round.chosen];
            cell.0 += round.reward.unwrap().get();
            cell.1 += 1.0;
        }
        sums.map(|row| row.map(|(sum, count)| sum / count))
    }
}
