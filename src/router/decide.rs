//! From a prompt to a decision.

use super::{FleetModel, Inner, ModelChoice, RouteError, RouteOptions, RouteRequest, Router};
use crate::{
    catalog::{self, EligibilityQuery, ModelKind},
    classifier::Classification,
    config::{DEFAULT_POLICY, PolicySettings},
    domain::{
        Candidate, Decision, DecisionId, DecisionMode, Exclusion, ModelId, Predicted, Propensity, RoutingRule, Timings,
        Usd,
    },
    encoder::{Encoded, visible_text},
    policy::{self, Choice, ExplorationCaps, Posterior, Scored},
};
use std::time::{Duration, Instant};

impl Router {
    /// Decides without recording: the same as [`Router::route`] between the caller's limits and the log.
    ///
    /// # Errors
    /// [`RouteError`].
    pub async fn decide(&self, request: &RouteRequest) -> Result<Decision, RouteError> {
        let started = Instant::now();
        let inner = &self.inner;
        let plan = inner.plan(request)?;
        let text = visible_text(&request.prompt);
        let encoded = inner.encoder.embed(text.clone()).await?;
        let classifying = Instant::now();
        let classification = inner.classifier.classify(&request.prompt, &text, &encoded.encoding);
        let deciding = Instant::now();
        let mut decision = inner.decision(request, &plan, classification)?;
        decision.timings = timings(&encoded, deciding - classifying, deciding.elapsed(), started.elapsed());
        Ok(decision)
    }
}

fn timings(encoded: &Encoded, classify: Duration, decide: Duration, total: Duration) -> Timings {
    let us = |d: Duration| u64::try_from(d.as_micros()).unwrap_or(u64::MAX);
    Timings {
        queue_us: us(encoded.queued),
        encode_us: us(encoded.took),
        classify_us: us(classify),
        decide_us: us(decide),
        total_us: us(total),
    }
}

/// A request's rule and the models it may use.
struct Plan<'a> {
    name: &'a str,
    policy: &'a PolicySettings,
    rule: RoutingRule,
    /// The only model allowed, when the caller named one.
    only: Option<ModelId>,
}

/// The candidates of a request: all of them for the record, the eligible ones for the rule.
struct Field<'a> {
    candidates: Vec<Candidate>,
    /// Index into `candidates` of each eligible one.
    eligible: Vec<usize>,
    scored: Vec<Scored>,
    models: Vec<&'a FleetModel>,
}

impl Inner {
    fn plan(&self, request: &RouteRequest) -> Result<Plan<'_>, RouteError> {
        let (name, only) = match &request.choice {
            ModelChoice::Auto => (DEFAULT_POLICY, None),
            ModelChoice::Policy(name) => (name.as_str(), None),
            ModelChoice::Model(id) => (DEFAULT_POLICY, Some(ModelId::from(id.as_str()))),
        };
        if let Some(id) = &only {
            let model = self.fleet.get(id).ok_or_else(|| RouteError::UnknownModel(id.to_string()))?;
            if model.entry.kind == ModelKind::Embedding {
                let reason = "it is an embedding model, which does not chat".to_owned();
                return Err(RouteError::ModelExcluded { model: id.to_string(), reason });
            }
        }
        if self.fleet.usable().next().is_none() {
            return Err(RouteError::NothingEnabled);
        }
        let (name, policy) =
            self.policies.get_key_value(name).ok_or_else(|| RouteError::UnknownModel(name.to_owned()))?;
        let mut rule = RoutingRule {
            mode: request.options.mode.unwrap_or(policy.mode),
            quality_target: request.options.quality_target.unwrap_or(policy.quality_target),
            kappa: policy.kappa,
            lambda_usd: 0.0,
            exploration: if only.is_some() { 0.0 } else { policy.exploration },
        };
        if rule.mode == DecisionMode::Budget && policy.budget_usd.is_none() {
            rule.mode = DecisionMode::Floor;
        }
        Ok(Plan { name, policy, rule, only })
    }

    fn decision(
        &self,
        request: &RouteRequest,
        plan: &Plan<'_>,
        classification: Classification,
    ) -> Result<Decision, RouteError> {
        let posterior = self.posteriors[&plan.policy.scope].load();
        let input_tokens = request.prompt.estimated_tokens();
        let mut rule = plan.rule;
        let mut field = self.field(request, plan, &classification, &posterior, input_tokens);
        if field.scored.is_empty() {
            return Err(nothing_eligible(plan, &field));
        }
        let id = self.clock.decision_id();
        let kept = self.kept(request, plan, &field);
        let choice = self.choose(plan, &mut rule, &field.scored, kept, id)?;
        field.set_propensities(&choice);
        let reason = match kept {
            Some(kept) => format!("{} goes on: its session hands back a tool's result", field.models[kept].entry.id),
            None => reason(&rule, &field, &choice, plan.only.is_some()),
        };
        let model = |i: usize| field.candidates[field.eligible[i]].model.clone();
        Ok(Decision {
            id,
            request_id: request.request_id.clone(),
            session_id: request.options.session_id.clone(),
            caller: Some(request.caller.id()),
            at: self.clock.now(),
            scope: plan.policy.scope.clone(),
            policy: plan.name.to_owned(),
            policy_version: posterior.version(),
            features_version: self.classifier.version().to_owned(),
            rule,
            difficulty: classification.difficulty,
            input_tokens,
            requirements: request.prompt.requirements,
            context: classification.context,
            chosen: model(choice.chosen),
            greedy: model(choice.greedy),
            explored: choice.chosen != choice.greedy,
            fallbacks: policy::ranked(&rule, &field.scored, choice.chosen).into_iter().map(model).collect(),
            target_met: choice.target_met,
            reason,
            tasks: classification.tasks,
            candidates: field.candidates,
            timings: Timings::default(),
        })
    }

    /// The model that the session is in the middle of a tool call with, while it is eligible and no other is named: another
    /// one would be billed for the whole context, which the provider of this one has cached.
    fn kept(&self, request: &RouteRequest, plan: &Plan<'_>, field: &Field<'_>) -> Option<usize> {
        let session = request.options.session_id.as_ref()?;
        if plan.only.is_some() || !request.prompt.ends_with_tool_result() {
            return None;
        }
        let model = self.sessions.model(session)?;
        field.models.iter().position(|candidate| candidate.entry.id == model)
    }

    /// Lets the rule choose, unless the choice was made before; then there is nothing to tune on, but it counts.
    fn choose(
        &self,
        plan: &Plan<'_>,
        rule: &mut RoutingRule,
        scored: &[Scored],
        kept: Option<usize>,
        id: DecisionId,
    ) -> Result<Choice, RouteError> {
        let budget = plan.policy.budget_usd.map(Usd::get);
        let controller = self.controllers.of(&plan.policy.scope, rule, budget);
        rule.lambda_usd = controller.as_ref().map_or(0.0, |controller| controller.lambda());
        if let Some(kept) = kept {
            rule.exploration = 0.0;
            if let Some(controller) = controller {
                controller.decided(&scored[kept]);
            }
            return Ok(policy::keep(rule, scored, kept));
        }
        if let Some(controller) = &controller {
            controller.observe(scored);
        }
        let caps = ExplorationCaps { max_cost_ratio: plan.policy.max_exploration_cost_ratio, ..Default::default() };
        let choice = policy::choose(rule, &caps, scored, plan.policy.seed, id.as_u128())
            .map_err(|e| RouteError::NoneEligible(e.to_string()))?;
        if let Some(controller) = controller {
            controller.decided(&scored[choice.chosen]);
        }
        Ok(choice)
    }

    fn field<'a>(
        &'a self,
        request: &RouteRequest,
        plan: &Plan<'_>,
        classification: &Classification,
        posterior: &Posterior,
        input_tokens: u32,
    ) -> Field<'a> {
        let mut field = Field { candidates: Vec::new(), eligible: Vec::new(), scored: Vec::new(), models: Vec::new() };
        for model in self.fleet.usable() {
            let candidate = if plan.only.as_ref().is_some_and(|id| *id != model.entry.id) {
                continue;
            } else {
                consider(model, request, plan, classification, posterior, input_tokens)
            };
            field.push(model, candidate);
        }
        field
    }
}

/// Eligibility first, then what is expected of the model.
fn consider(
    model: &FleetModel,
    request: &RouteRequest,
    plan: &Plan<'_>,
    classification: &Classification,
    posterior: &Posterior,
    input_tokens: u32,
) -> Result<Predicted, Exclusion> {
    let entry = &model.entry;
    let output_tokens = expected_output(model, request, classification.output_tokens);
    let RouteOptions { max_cost_usd, max_latency_ms, models, exclude, .. } = &request.options;
    let allowed = |patterns: &[String]| patterns.is_empty() || patterns.iter().any(|p| entry.id.matches(p));
    if plan.only.is_none() && !allowed(&plan.policy.allow) {
        return Err(Exclusion::Denied);
    }
    if !request.caller.may_be_served_by(&entry.id) {
        return Err(Exclusion::NotAllowed);
    }
    if plan.policy.deny.iter().any(|p| entry.id.matches(p)) {
        return Err(Exclusion::Denied);
    }
    catalog::eligible(
        entry,
        &EligibilityQuery {
            requirements: request.prompt.requirements,
            input_tokens,
            expected_output_tokens: output_tokens,
            allow: models,
            deny: exclude,
            provider_enabled: true,
            max_cost_usd: *max_cost_usd,
            max_latency_ms: *max_latency_ms,
            latency: entry.latency,
            cost_factor: 1.0,
        },
    )?;
    let price = entry.price.as_ref().ok_or(Exclusion::Unpriced)?;
    let prior = policy::prior_quality(&classification.tasks, classification.difficulty, |t| model.ability(t));
    let psi = policy::context_vector(prior, &classification.context);
    let belief = posterior.believe(&entry.id, prior, &psi);
    Ok(Predicted {
        prior,
        quality: belief.mean,
        spread: belief.spread,
        quality_low: belief.mean - plan.rule.kappa * belief.spread,
        cost_usd: catalog::expected_cost(price, input_tokens, output_tokens),
        latency_ms: catalog::expected_latency_ms(&entry.latency, output_tokens),
        output_tokens,
    })
}

/// Expected output tokens of this model: the prompt's, times its verbosity, within its and the caller's limits.
fn expected_output(model: &FleetModel, request: &RouteRequest, plain: f64) -> u32 {
    let expected = (plain * model.entry.verbosity).clamp(1.0, f64::from(model.entry.max_output_tokens)) as u32;
    request.prompt.requirements.max_output_tokens.map_or(expected, |cap| expected.min(cap))
}

impl<'a> Field<'a> {
    fn push(&mut self, model: &'a FleetModel, considered: Result<Predicted, Exclusion>) {
        let (predicted, excluded_by) = match considered {
            Ok(p) => {
                self.eligible.push(self.candidates.len());
                self.scored.push(Scored { mean: p.quality, spread: p.spread, cost_usd: p.cost_usd.get() });
                self.models.push(model);
                (Some(p), None)
            }
            Err(exclusion) => (None, Some(exclusion)),
        };
        let none = Propensity::new(0.0).unwrap_or_else(|_| unreachable!("0 is a propensity"));
        self.candidates.push(Candidate { model: model.entry.id.clone(), predicted, propensity: none, excluded_by });
    }

    fn set_propensities(&mut self, choice: &Choice) {
        for (&i, &p) in self.eligible.iter().zip(&choice.propensities) {
            // Sums of rounded numbers may leave [0, 1] by an ulp.
            if let Ok(p) = Propensity::new(p.clamp(0.0, 1.0)) {
                self.candidates[i].propensity = p;
            }
        }
    }
}

fn nothing_eligible(plan: &Plan<'_>, field: &Field<'_>) -> RouteError {
    let reasons: Vec<String> = field
        .candidates
        .iter()
        .filter_map(|c| c.excluded_by.as_ref().map(|e| format!("{}: {e}", c.model)))
        .take(8)
        .collect();
    match (&plan.only, reasons.as_slice()) {
        (Some(model), []) => {
            RouteError::ModelExcluded { model: model.to_string(), reason: "its provider is not enabled".to_owned() }
        }
        (Some(model), [reason, ..]) => {
            let reason = reason.split_once(": ").map_or(reason.as_str(), |(_, r)| r).to_owned();
            RouteError::ModelExcluded { model: model.to_string(), reason }
        }
        (None, []) => RouteError::NothingEnabled,
        (None, _) => RouteError::NoneEligible(reasons.join("; ")),
    }
}

/// One sentence for people.
fn reason(rule: &RoutingRule, field: &Field<'_>, choice: &Choice, named: bool) -> String {
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
