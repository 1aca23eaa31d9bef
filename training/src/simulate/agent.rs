//! The service's own policy on a stream: belief, decision, exploration, controller and learning as in `satisfice::policy`.

use super::world::{Step, World};
use crate::routing::{Predictions, RoutingTable};
use satisfice::{
    domain::{DecisionMode, FeedbackSource, ModelId, Quality, Reward, RoutingRule},
    policy::{
        self, Event, ExplorationCaps, LearningRates, MeanGoal, Posterior, Scored, TargetController, context_vector,
    },
};
use std::collections::VecDeque;

/// What is asked of the policy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Goal {
    /// The decision rule.
    pub mode: DecisionMode,
    /// τ; not used for a budget.
    pub quality_target: f64,
    /// USD a request; used for a budget alone.
    pub budget_usd: f64,
    /// USD that one unit of quality is worth, above 0; held fixed in place of a target or a budget (mode `average`).
    pub lambda_usd: Option<f64>,
}

/// How it learns and explores.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Habits {
    /// Forgetting and firmness of the prior.
    pub rates: LearningRates,
    /// Share of requests explored.
    pub exploration: f64,
    /// κ of the lower bound.
    pub kappa: f64,
}

/// What one request came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lived {
    /// Third of the stream.
    pub phase: usize,
    /// The model that served.
    pub model: usize,
    /// Predicted quality of it.
    pub predicted: f64,
    /// Its score.
    pub score: f64,
    /// Its cost in USD.
    pub cost_usd: f64,
    /// Whether the rule judged the target met.
    pub target_met: bool,
}

/// A score that will be seen.
struct Pending {
    due: usize,
    row: usize,
    model: usize,
    predicted: f64,
    score: f64,
}

/// One policy on one stream.
pub struct Agent<'a> {
    table: &'a RoutingTable,
    prior: &'a Predictions,
    models: Vec<ModelId>,
    posterior: Posterior,
    controller: Option<TargetController>,
    rule: RoutingRule,
    pending: VecDeque<Pending>,
    number: u64,
    seed: u64,
}

impl<'a> Agent<'a> {
    /// Starts with beliefs about the stream's queries, and requests seen before for the controller.
    #[must_use]
    pub fn new(
        table: &'a RoutingTable,
        prior: &'a Predictions,
        before: &Predictions,
        goal: Goal,
        habits: Habits,
        seed: u64,
    ) -> Self {
        let rule = RoutingRule {
            mode: goal.mode,
            quality_target: Quality::clipped(goal.quality_target),
            kappa: habits.kappa,
            lambda_usd: goal.lambda_usd.unwrap_or(0.0),
            exploration: habits.exploration,
        };
        let controller = match goal.mode {
            _ if goal.lambda_usd.is_some() => None,
            DecisionMode::Floor => None,
            DecisionMode::Average => Some(MeanGoal::Quality(goal.quality_target)),
            DecisionMode::Budget => Some(MeanGoal::Cost(goal.budget_usd)),
        };
        let mut agent = Self {
            table,
            prior,
            models: table.models.iter().map(|m| ModelId::from(m.as_str())).collect(),
            posterior: Posterior::new(habits.rates),
            controller: controller.map(|goal| TargetController::new(goal, habits.kappa)),
            rule,
            pending: VecDeque::new(),
            number: 0,
            seed,
        };
        agent.warm_up(before);
        agent
    }

    fn warm_up(&mut self, before: &Predictions) {
        let spread = 0.0;
        let row = |r: usize| -> Vec<Scored> {
            let each = before.quality.row(r).iter().zip(before.cost.row(r));
            each.map(|(&mean, &cost_usd)| Scored { mean, spread, cost_usd }).collect()
        };
        let rows: Vec<Vec<Scored>> = (0..before.quality.rows()).map(row).collect();
        if let Some(controller) = &mut self.controller {
            controller.warm_up(rows.iter().map(Vec::as_slice));
        }
    }

    /// Lives through a stream.
    pub fn live(&mut self, world: &mut World<'_>) -> Vec<Lived> {
        let steps = world.steps().to_vec();
        let mut lived = Vec::with_capacity(steps.len());
        for (t, &step) in steps.iter().enumerate() {
            self.learn(t);
            lived.push(self.serve(world, step, t));
        }
        lived
    }

    /// What is believed of every model on a query, at today's prices.
    fn candidates(&self, world: &World<'_>, step: Step) -> Vec<Scored> {
        let each = self.models.iter().enumerate().map(|(m, model)| {
            let prior = self.prior.quality.row(step.row)[m];
            let psi = context_vector(prior, &self.table.queries[step.row].context);
            let belief = self.posterior.believe(model, prior, &psi);
            let cost_usd = self.prior.cost.row(step.row)[m].max(0.0) * world.price(step, m);
            Scored { mean: belief.mean, spread: belief.spread, cost_usd }
        });
        each.collect()
    }

    fn serve(&mut self, world: &mut World<'_>, step: Step, t: usize) -> Lived {
        let candidates = self.candidates(world, step);
        if let Some(controller) = &mut self.controller {
            self.rule.lambda_usd = controller.lambda();
            controller.observe(&candidates);
        }
        let caps = ExplorationCaps::default();
        let choice = policy::choose(&self.rule, &caps, &candidates, self.seed, t as u128);
        let (model, target_met) = choice.map_or((0, false), |c| (c.chosen, c.target_met));
        let chosen = candidates[model];
        let (score, cost_usd) = world.outcome(step, model);
        if let Some(controller) = &mut self.controller {
            controller.decided(&chosen);
            if self.rule.mode == DecisionMode::Budget {
                controller.realised(chosen.cost_usd, cost_usd);
            }
        }
        if let Some((seen, delay)) = world.seen(score) {
            let pending = Pending { due: t + 1 + delay, row: step.row, model, predicted: chosen.mean, score: seen };
            self.pending.push_back(pending);
        }
        Lived { phase: step.phase, model, predicted: chosen.mean, score, cost_usd, target_met }
    }

    /// Folds the scores that are due.
    fn learn(&mut self, t: usize) {
        while let Some(due) = self.pending.pop_front_if(|p| p.due <= t) {
            self.number += 1;
            self.posterior.fold(&Event {
                number: self.number,
                model: self.models[due.model].clone(),
                source: FeedbackSource::Judge,
                reward: Reward::Score(Quality::clipped(due.score)),
                context: self.table.queries[due.row].context.to_vec(),
                prior: self.prior.quality.row(due.row)[due.model],
                superseded: None,
            });
            if self.rule.mode == DecisionMode::Average
                && let Some(controller) = &mut self.controller
            {
                controller.realised(due.predicted, due.score);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        routing::table::fixtures,
        simulate::world::{Drift, Feedback},
    };

    /// The dear model scores .9; the cheap one the less, the harder the request; predictions are right.
    fn world() -> (RoutingTable, Predictions) {
        let hard = |i: usize| (i % 20) as f64 / 40.0;
        let scores: Vec<Vec<f64>> = (0..1200).map(|i| vec![0.9 - hard(i), 0.9]).collect();
        let table = fixtures::table(&scores, &vec![vec![0.1, 1.0]; 1200]);
        let prior = Predictions { quality: table.score.clone(), cost: table.cost.clone() };
        (table, prior)
    }

    fn lived(goal: Goal, drift: &Drift, strength: f64) -> Vec<Lived> {
        let (table, prior) = world();
        let rates = LearningRates { prior_strength: strength, ..LearningRates::default() };
        let habits = Habits { rates, exploration: 0.0, kappa: 0.0 };
        let mut world = World::new(&table, drift, 400, Feedback::Full, 1).expect("a world");
        Agent::new(&table, &prior, &prior, goal, habits, 1).live(&mut world)
    }

    fn mean(lived: &[Lived], of: fn(&Lived) -> f64) -> f64 {
        lived.iter().map(of).sum::<f64>() / lived.len() as f64
    }

    fn budget(budget_usd: f64) -> Goal {
        Goal { mode: DecisionMode::Budget, quality_target: 0.0, budget_usd, lambda_usd: None }
    }

    #[test]
    fn a_budget_is_kept_and_buys_more_than_the_cheap_model_gives() {
        let all = lived(budget(0.5), &Drift::None, 20_000.0);
        let (cost, score) = (mean(&all, |l| l.cost_usd), mean(&all, |l| l.score));
        assert!((0.45..=0.505).contains(&cost), "{cost}");
        // The cheap model alone gives .66; a random half of dear calls .77.
        assert!(score > 0.80, "{score}");
    }

    #[test]
    fn a_quality_target_is_met_at_less_than_the_dear_models_cost() {
        let goal = Goal { mode: DecisionMode::Average, quality_target: 0.8, budget_usd: 0.0, lambda_usd: None };
        let all = lived(goal, &Drift::None, 20_000.0);
        let (cost, score) = (mean(&all, |l| l.cost_usd), mean(&all, |l| l.score));
        assert!((0.798..0.815).contains(&score) && cost < 0.6, "{score} {cost}");
    }

    #[test]
    fn a_fixed_worth_of_quality_decides_each_request_on_its_own() {
        // The dear model costs .9 more; at 3 USD a unit of quality it is worth that where the cheap one is .3 behind.
        let goal = Goal { lambda_usd: Some(3.0), ..Goal { mode: DecisionMode::Average, ..budget(0.0) } };
        let all = lived(goal, &Drift::None, 20_000.0);
        // Hardness is 0 to .475 in twenty steps; from .3 up (eight of twenty) the dear one pays, at .3 both are worth the same.
        let dear = mean(&all, |l| f64::from(u8::from(l.model == 1)));
        assert!((0.34..=0.41).contains(&dear), "{dear}");
    }

    #[test]
    fn a_model_that_goes_bad_is_left() {
        let drift = "regression,model=m1,score=0.2,cost=1".parse().expect("a drift");
        let all = lived(budget(0.5), &drift, 20_000.0);
        let share = |range: std::ops::Range<usize>| mean(&all[range], |l| f64::from(u8::from(l.model == 1)));
        assert!(share(300..400) > 0.3, "before {}", share(300..400));
        assert!(share(600..800) < 0.1, "while bad {}", share(600..800));
    }

    #[test]
    fn a_price_change_acts_on_the_next_decision() {
        let drift = "price,model=m1,factor=0.1".parse().expect("a drift");
        let all = lived(
            Goal { mode: DecisionMode::Floor, quality_target: 0.85, budget_usd: 0.0, lambda_usd: None },
            &drift,
            20_000.0,
        );
        // Equally cheap, the better one is taken for every request, from the first of the second phase on.
        assert!(all[400..800].iter().all(|l| l.model == 1 || l.score == 0.9), "{:?}", &all[400..404]);
        assert!(all[..400].iter().any(|l| l.model == 0));
    }
}
