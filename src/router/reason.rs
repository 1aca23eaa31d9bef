//! Decisions and refusals in words.

use super::{RouteError, decide::Plan, field::Field};
use crate::{
    dialect::Inexpressible,
    domain::{Candidate, DecisionMode, Exclusion, RoutingRule},
    policy::Choice,
};

/// Why nobody can serve.
pub(super) fn nothing_eligible(plan: &Plan<'_>, field: &Field<'_>) -> RouteError {
    let asked_for = |candidate: &&Candidate| plan.only.as_ref().is_none_or(|id| *id == candidate.model);
    let reasons: Vec<String> = field
        .candidates
        .iter()
        .filter(asked_for)
        .filter_map(|c| c.excluded_by.as_ref().map(|e| format!("{}: {e}", c.model)))
        .take(8)
        .collect();
    match (&plan.only, reasons.as_slice()) {
        (Some(model), []) => {
            RouteError::ModelExcluded { model: model.to_string(), reason: "its provider is not enabled".to_owned() }
        }
        (Some(_), [_, ..]) if inexpressible(plan, field).is_some() => {
            inexpressible(plan, field).map_or(RouteError::NothingEnabled, RouteError::Inexpressible)
        }
        (Some(model), [reason, ..]) => {
            let reason = reason.split_once(": ").map_or(reason.as_str(), |(_, r)| r).to_owned();
            RouteError::ModelExcluded { model: model.to_string(), reason }
        }
        (None, []) => RouteError::NothingEnabled,
        (None, _) => RouteError::NoneEligible(reasons.join("; ")),
    }
}

/// What keeps the model that was named from being told the request.
fn inexpressible(plan: &Plan<'_>, field: &Field<'_>) -> Option<Inexpressible> {
    let named = field.candidates.iter().find(|candidate| plan.only.as_ref() == Some(&candidate.model))?;
    match named.excluded_by.as_ref()? {
        Exclusion::Inexpressible { field, problem } => Some(Inexpressible::new(field.as_str(), problem.as_str())),
        _ => None,
    }
}

/// One sentence for people.
pub(super) fn reason(rule: &RoutingRule, field: &Field<'_>, choice: &Choice, named: bool) -> String {
    let chosen = &field.scored[choice.chosen];
    let name = |i: usize| field.models[i].entry.id.as_str();
    if named {
        return format!("{} was asked for by name", name(choice.chosen));
    }
    let low = chosen.low(rule.kappa);
    let target = rule.quality_target.get();
    if choice.chosen != choice.greedy {
        return format!(
            "explored {} with probability {:.4} instead of {}",
            name(choice.chosen),
            choice.propensities[choice.chosen],
            name(choice.greedy),
        );
    }
    let of = field.scored.len();
    match (rule.mode, choice.target_met) {
        (DecisionMode::Floor, true) => {
            format!("cheapest of {of} eligible models with a quality of at least {target:.2} (lower bound {low:.3})")
        }
        (DecisionMode::Floor, false) => {
            format!(
                "no eligible model is sure to reach {target:.2}; the best of {of} is expected at {:.3}",
                chosen.mean
            )
        }
        (DecisionMode::Average, _) => format!(
            "best value of {of} eligible models to keep a mean quality of {target:.2} (expected {:.3})",
            chosen.mean
        ),
        (DecisionMode::Budget, _) => {
            format!("highest value of {of} eligible models within the budget (expected {:.3})", chosen.mean)
        }
    }
}
