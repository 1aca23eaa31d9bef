//! λ for the modes that keep a mean: how many USD one unit of quality is worth, so that the mean over requests meets its goal.

use super::Scored;
use std::collections::VecDeque;

/// Requests remembered.
const RING: usize = 256;
/// After this many requests λ is tuned again; earlier while few are known.
const EVERY: u64 = 32;
/// Requests over which a surplus or a debt of budget is worked off.
const BUDGET_HORIZON: f64 = 100.0;
/// Requests over which a surplus or a debt of quality is worked off: scores are noisy, and an aim that follows their noise buys
/// quality where it is dear.
const QUALITY_HORIZON: f64 = 600.0;
/// Bounds on the share of the budget that is aimed at while working off.
const BUDGET_SHARE: (f64, f64) = (0.2, 1.5);
/// Surplus in requests' budgets that is aimed at, against bills that can't be foreseen.
const BUDGET_RESERVE: f64 = 5.0;
/// Surplus that may be kept, in requests' budgets: a quiet hour is not spent in the next.
const BUDGET_SURPLUS: f64 = 30.0;
/// A budget within this factor of what the cheapest models cost allows nothing else: what is spent there can't be earned back.
const BUDGET_EDGE: f64 = 1.05;
/// Bound on how far the aim leaves the quality target while working off.
const MAX_CORRECTION: f64 = 0.02;
/// Surplus of quality that is aimed at, in sums of scores.
const QUALITY_RESERVE: f64 = 1.2;
/// Surplus of quality that may be kept, in sums of scores.
const QUALITY_SURPLUS: f64 = 4.0;
/// Scores that the bias of predictions is averaged over, and how many count as seen at zero before the first.
const BIAS_WINDOW: (f64, f64) = (2000.0, 400.0);

/// What the mean must meet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MeanGoal {
    /// Mean quality of at least τ.
    Quality(f64),
    /// Mean cost of at most B, USD a request.
    Cost(f64),
}

impl MeanGoal {
    /// The number whose mean is kept: predicted quality, or expected cost in USD.
    #[must_use]
    pub fn of(self, chosen: &Scored) -> f64 {
        match self {
            Self::Quality(_) => chosen.mean,
            Self::Cost(_) => chosen.cost_usd,
        }
    }
}

/// Keeps λ: bisection over a ring of recent candidates for an aim that works off what the account says.
///
/// The account is the sum of what was got beyond the goal: predictions as decisions are made, corrected when the actual is
/// known. A surplus is capped, a debt is not forgiven, so the mean holds over any stretch and not only over all time.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetController {
    goal: MeanGoal,
    kappa: f64,
    ring: VecDeque<Vec<Scored>>,
    seen: u64,
    /// Sum of what was got beyond the goal: scores, or requests' budgets.
    account: f64,
    /// Mean of score − prediction, and how many scores it rests on.
    bias: (f64, f64),
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
        let ring = VecDeque::with_capacity(RING);
        Self { goal, kappa, ring, seen: 0, account: 0.0, bias: (0.0, BIAS_WINDOW.1), lambda }
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
        self.remember(candidates);
        self.seen += 1;
        if self.seen.is_multiple_of(EVERY) || (self.seen < EVERY && self.seen.is_power_of_two()) {
            self.tune();
        }
    }

    /// Remembers candidates of earlier requests, so that the first decision has a λ that fits.
    pub fn warm_up<'a>(&mut self, requests: impl IntoIterator<Item = &'a [Scored]>) {
        requests.into_iter().filter(|c| !c.is_empty()).for_each(|c| self.remember(c));
        if !self.ring.is_empty() {
            self.tune();
        }
    }

    fn remember(&mut self, candidates: &[Scored]) {
        if self.ring.len() == RING {
            self.ring.pop_front();
        }
        self.ring.push_back(candidates.to_vec());
    }

    /// Counts a decision as predicted.
    pub fn decided(&mut self, chosen: &Scored) {
        self.decided_many(1, self.goal.of(chosen));
    }

    /// Counts decisions by the sum of what [`MeanGoal::of`] says of their choices.
    pub fn decided_many(&mut self, decisions: u64, total: f64) {
        let n = decisions as f64;
        match self.goal {
            MeanGoal::Quality(target) => self.count(total + n * (self.bias.0 - target)),
            MeanGoal::Cost(budget) => self.count(n - total / budget),
        }
    }

    /// Takes a realised score against what was predicted, or for a budget the actual cost in USD against the expected.
    pub fn realised(&mut self, predicted: f64, actual: f64) {
        match self.goal {
            MeanGoal::Quality(_) => {
                let error = actual - predicted;
                self.count(error - self.bias.0);
                self.bias.1 = (self.bias.1 + 1.0).min(BIAS_WINDOW.0);
                self.bias.0 += (error - self.bias.0) / self.bias.1;
            }
            MeanGoal::Cost(budget) => self.count((predicted - actual) / budget),
        }
    }

    fn count(&mut self, surplus: f64) {
        let cap = match self.goal {
            MeanGoal::Quality(_) => QUALITY_SURPLUS,
            MeanGoal::Cost(_) => BUDGET_SURPLUS,
        };
        self.account = (self.account + surplus).min(cap);
    }

    /// Bisects λ on a log scale; 40 halvings of [1e-9, 1e4].
    fn tune(&mut self) {
        let (mut low, mut high) = (LAMBDA_MIN.ln(), LAMBDA_MAX.ln());
        let aim = self.aim();
        for _ in 0..40 {
            let middle = f64::midpoint(low, high);
            // Larger λ buys more quality at more cost.
            let enough = match self.goal {
                MeanGoal::Quality(_) => self.means(middle.exp()).0 >= aim,
                MeanGoal::Cost(_) => self.means(middle.exp()).1 > aim,
            };
            if enough { high = middle } else { low = middle }
        }
        self.lambda = match self.goal {
            MeanGoal::Quality(_) => high.exp(),
            MeanGoal::Cost(_) => low.exp(),
        };
    }

    /// The mean of predictions that brings the account where it should be.
    fn aim(&self) -> f64 {
        match self.goal {
            MeanGoal::Quality(target) => {
                let debt = (QUALITY_RESERVE - self.account) / QUALITY_HORIZON;
                target - self.bias.0 + debt.clamp(-MAX_CORRECTION, MAX_CORRECTION)
            }
            MeanGoal::Cost(budget) if budget <= BUDGET_EDGE * self.cheapest() => 0.0,
            MeanGoal::Cost(budget) => {
                let share = 1.0 + (self.account - BUDGET_RESERVE) / BUDGET_HORIZON;
                budget * share.clamp(BUDGET_SHARE.0, BUDGET_SHARE.1)
            }
        }
    }

    /// Mean cost over the ring of the cheapest candidate.
    fn cheapest(&self) -> f64 {
        let least = |candidates: &Vec<Scored>| candidates.iter().map(|c| c.cost_usd).fold(f64::INFINITY, f64::min);
        self.ring.iter().map(least).sum::<f64>() / self.ring.len().max(1) as f64
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
