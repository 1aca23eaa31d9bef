//! λ of each policy that keeps a mean. Reading λ waits for nobody; observing gives way when somebody else is at it.

use crate::{
    domain::{DecisionMode, RoutingRule, Scope},
    policy::{MeanGoal, Scored, TargetController},
};
use arc_swap::ArcSwap;
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

/// Different targets that callers may ask for before the oldest-named is reused.
const MAX_CONTROLLERS: usize = 64;

/// One controller for each scope, mode and goal in use.
#[derive(Default)]
pub(super) struct Controllers {
    all: ArcSwap<BTreeMap<Key, Arc<Shared>>>,
}

/// Goals are kept in steps: targets of 0.005, budgets of one part in 20.
type Key = (Scope, DecisionMode, i64);

pub(super) struct Shared {
    lambda: AtomicU64,
    controller: Mutex<TargetController>,
}

impl Shared {
    /// USD per unit of quality.
    pub(super) fn lambda(&self) -> f64 {
        f64::from_bits(self.lambda.load(Ordering::Relaxed))
    }

    /// Shows the controller a request, unless another request is showing it one.
    pub(super) fn observe(&self, candidates: &[Scored]) {
        if let Ok(mut controller) = self.controller.try_lock() {
            controller.observe(candidates);
            self.lambda.store(controller.lambda().to_bits(), Ordering::Relaxed);
        }
    }

    /// Counts a decision on the account.
    pub(super) fn decided(&self, chosen: &Scored) {
        if let Ok(mut controller) = self.controller.lock() {
            controller.decided(chosen);
        }
    }

    fn realised(&self, predicted: f64, actual: f64) {
        if let Ok(mut controller) = self.controller.lock() {
            controller.realised(predicted, actual);
        }
    }
}

impl Controllers {
    /// The controller for a rule; `None` in mode `floor`, which needs none, and in `budget` without a budget.
    pub(super) fn of(&self, scope: &Scope, rule: &RoutingRule, budget_usd: Option<f64>) -> Option<Arc<Shared>> {
        let (step, goal) = match rule.mode {
            DecisionMode::Floor => return None,
            DecisionMode::Average => {
                let target = rule.quality_target.get();
                ((target * 200.0).round() as i64, MeanGoal::Quality(target))
            }
            DecisionMode::Budget => {
                let budget = budget_usd?;
                ((budget.max(1e-12).ln() * 20.0).round() as i64, MeanGoal::Cost(budget))
            }
        };
        let key = (scope.clone(), rule.mode, step);
        if let Some(found) = self.all.load().get(&key) {
            return Some(Arc::clone(found));
        }
        let controller = TargetController::new(goal, rule.kappa);
        let fresh = Arc::new(Shared {
            lambda: AtomicU64::new(controller.lambda().to_bits()),
            controller: Mutex::new(controller),
        });
        self.all.rcu(|all| {
            let mut next = BTreeMap::clone(all);
            if next.len() >= MAX_CONTROLLERS {
                next.pop_first();
            }
            next.entry(key.clone()).or_insert_with(|| Arc::clone(&fresh));
            next
        });
        self.all.load().get(&key).cloned()
    }

    /// Tells every quality controller of a scope how a prediction came out.
    pub(super) fn realised(&self, scope: &Scope, predicted: f64, score: f64) {
        let all = self.all.load();
        let of_scope = all.iter().filter(|((s, mode, _), _)| s == scope && *mode == DecisionMode::Average);
        for (_, shared) in of_scope {
            shared.realised(predicted, score);
        }
    }

    /// Tells the controller of a budget what a decision cost in the end.
    pub(super) fn spent(&self, scope: &Scope, rule: &RoutingRule, budget_usd: Option<f64>, expected: f64, actual: f64) {
        if rule.mode == DecisionMode::Budget
            && let Some(shared) = self.of(scope, rule, budget_usd)
        {
            shared.realised(expected, actual);
        }
    }
}
