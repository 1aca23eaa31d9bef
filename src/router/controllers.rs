//! λ of each policy that keeps a mean. Reading λ and counting decisions and bills waits for nobody; observing gives way when
//! somebody else is at it.

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
    goal: MeanGoal,
    lambda: AtomicU64,
    controller: Mutex<TargetController>,
    /// Decisions that the controller has not counted yet, and the sum of what they are expected to give or cost.
    decisions: AtomicU64,
    total: AtomicU64,
}

impl Shared {
    /// USD per unit of quality.
    pub(super) fn lambda(&self) -> f64 {
        f64::from_bits(self.lambda.load(Ordering::Relaxed))
    }

    /// Shows the controller a request, unless another request is showing it one.
    pub(super) fn observe(&self, candidates: &[Scored]) {
        if let Ok(mut controller) = self.controller.try_lock() {
            let total = f64::from_bits(self.total.swap(0, Ordering::Relaxed));
            controller.decided_many(self.decisions.swap(0, Ordering::Relaxed), total);
            controller.observe(candidates);
            self.lambda.store(controller.lambda().to_bits(), Ordering::Relaxed);
        }
    }

    /// Notes a decision for the account.
    pub(super) fn decided(&self, chosen: &Scored) {
        self.decisions.fetch_add(1, Ordering::Relaxed);
        self.add(self.goal.of(chosen));
    }

    /// Adds to the sum of decisions; 0 has the bits of 0.0.
    fn add(&self, value: f64) {
        let sum = |bits: u64| Some((f64::from_bits(bits) + value).to_bits());
        // The closure never declines, so this can't fail.
        let _ = self.total.fetch_update(Ordering::Relaxed, Ordering::Relaxed, sum);
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
            goal,
            lambda: AtomicU64::new(controller.lambda().to_bits()),
            controller: Mutex::new(controller),
            decisions: AtomicU64::new(0),
            total: AtomicU64::new(0),
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
            if let Ok(mut controller) = shared.controller.lock() {
                controller.realised(predicted, score);
            }
        }
    }

    /// Tells the controller of a budget what a decision cost in the end.
    pub(super) fn spent(&self, scope: &Scope, rule: &RoutingRule, budget_usd: Option<f64>, expected: f64, actual: f64) {
        if rule.mode == DecisionMode::Budget
            && let Some(shared) = self.of(scope, rule, budget_usd)
        {
            shared.add(actual - expected);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Quality;

    fn rule() -> RoutingRule {
        RoutingRule {
            mode: DecisionMode::Budget,
            quality_target: Quality::clipped(0.8),
            kappa: 0.0,
            lambda_usd: 0.0,
            exploration: 0.0,
        }
    }

    fn candidates(i: u32) -> [Scored; 2] {
        let mean = 0.95 - f64::from(i % 10) / 20.0;
        [Scored { mean: 0.95, spread: 0.0, cost_usd: 1.0 }, Scored { mean, spread: 0.0, cost_usd: 0.1 }]
    }

    /// λ after some requests of half a dollar each that in the end cost `factor` times as much.
    fn lambda_after(factor: f64) -> f64 {
        let (controllers, scope) = (Controllers::default(), Scope::new("s"));
        let shared = controllers.of(&scope, &rule(), Some(0.5)).expect("a controller");
        for i in 0..128 {
            shared.observe(&candidates(i));
            shared.decided(&Scored { mean: 0.9, spread: 0.0, cost_usd: 0.5 });
            controllers.spent(&scope, &rule(), Some(0.5), 0.5, 0.5 * factor);
        }
        shared.lambda()
    }

    #[test]
    fn bills_reach_the_controller_and_lower_what_it_spends() {
        let (low, even) = (lambda_after(3.0), lambda_after(1.0));
        assert!(low < even, "{low} {even}");
    }

    #[test]
    fn counting_a_decision_does_not_wait_for_the_controller() {
        let (controllers, scope) = (Controllers::default(), Scope::new("s"));
        let shared = controllers.of(&scope, &rule(), Some(0.5)).expect("a controller");
        let held = shared.controller.lock().expect("nobody panicked");
        // Would wait for ever if it took the lock: this thread holds it.
        shared.decided(&candidates(0)[0]);
        controllers.spent(&scope, &rule(), Some(0.5), 1.0, 2.0);
        drop(held);
        assert_eq!(shared.decisions.load(Ordering::Relaxed), 1);
        assert_eq!(f64::from_bits(shared.total.load(Ordering::Relaxed)), 2.0);
    }
}
