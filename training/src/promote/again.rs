//! Deciding logged requests again with what another classifier says of their prompts.

use crate::replay::{log::Logged, policy::Variant};
use satisfice::{
    catalog::expected_cost,
    classifier::Classification,
    domain::{Decision, Predicted, clip01},
    policy::{Scored, prior_quality},
    router::{Fleet, FleetModel},
};

/// How far a prior that is computed again may be from the logged one: encodings differ in the last digits between processors.
const SAME_PRIOR: f64 = 0.01;
/// The same for expected output tokens, as a share.
const SAME_OUTPUT: f64 = 0.05;

/// What two classifiers say of one prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct Readings {
    /// The one that served when the decision was made.
    pub serving: Classification,
    /// The other.
    pub other: Classification,
}

/// Whether prompt, classifier and catalogue are those of the decision: they give the priors and lengths that it logged. What
/// does not, another classifier can't be judged on.
#[must_use]
pub fn reproduces(decision: &Decision, serving: &Classification, fleet: &Fleet) -> bool {
    eligible(decision).all(|(id, predicted)| {
        fleet.get(id).is_some_and(|model| {
            let (prior, tokens) = (prior(serving, model), f64::from(output(serving, model, decision)));
            let logged = f64::from(predicted.output_tokens);
            (prior - predicted.prior).abs() <= SAME_PRIOR && (tokens - logged).abs() <= 1.0 + SAME_OUTPUT * logged
        })
    })
}

/// The candidates of a round as the other classifier has them judged. What feedback had taught, `μ − q0` and s, is taken over as
/// it was; cost follows the expected length of the answer. `None` for a model that the catalogue lacks.
#[must_use]
pub fn rescored(decision: &Decision, other: &Classification, fleet: &Fleet) -> Option<Vec<Scored>> {
    let all = eligible(decision).map(|(id, predicted)| {
        let model = fleet.get(id)?;
        Some(Scored {
            mean: clip01(prior(other, model) + predicted.quality - predicted.prior),
            spread: predicted.spread,
            cost_usd: predicted.cost_usd.get() * cost_ratio(predicted, output(other, model, decision), model, decision),
        })
    });
    all.collect()
}

/// The probabilities with which the service's rule chooses in each round, from other scores. Where a session went on with its
/// model nothing was decided, and nothing is now.
#[must_use]
pub fn decided(rounds: &[Logged], decisions: &[Decision], scores: Vec<Vec<Scored>>) -> Vec<Vec<f64>> {
    let again = rounds.iter().zip(scores).map(|(round, scored)| Logged { scored, ..round.clone() });
    let (mut probabilities, _) = Variant::default().probabilities(&again.collect::<Vec<_>>());
    for ((row, round), decision) in probabilities.iter_mut().zip(rounds).zip(decisions) {
        if went_on(decision) {
            row.clone_from(&round.propensities);
        }
    }
    probabilities
}

/// A session's tool result goes to its model with certainty, and its rule says that it did not explore.
fn went_on(decision: &Decision) -> bool {
    decision.session_id.is_some() && decision.rule.exploration == 0.0 && decision.propensity() >= 1.0
}

fn eligible(decision: &Decision) -> impl Iterator<Item = (&satisfice::domain::ModelId, &Predicted)> {
    decision.candidates.iter().filter_map(|c| Some((&c.model, c.predicted.as_ref()?)))
}

fn prior(reading: &Classification, model: &FleetModel) -> f64 {
    prior_quality(&reading.tasks, reading.difficulty, |task| model.ability(task))
}

fn output(reading: &Classification, model: &FleetModel, decision: &Decision) -> u32 {
    model.entry.expected_output(reading.output_tokens, decision.requirements.max_output_tokens)
}

/// By how much another length changes the cost; what was cached and retried stays a share of it.
fn cost_ratio(predicted: &Predicted, output_tokens: u32, model: &FleetModel, decision: &Decision) -> f64 {
    let Some(price) = &model.entry.price else { return 1.0 };
    let cost = |output| expected_cost(price, decision.input_tokens, 0, output).get();
    let before = cost(predicted.output_tokens);
    if before > 0.0 { cost(output_tokens) / before } else { 1.0 }
}
