//! From a prompt to a decision.

use super::{FleetModel, Inner, ModelChoice, RouteError, RouteOptions, RouteRequest, Router, Speech};
use crate::{
    catalog::{self, Dialect, EligibilityQuery, ModelKind},
    classifier::Classification,
    config::{DEFAULT_POLICY, PolicySettings},
    dialect::{Inexpressible, converse, messages},
    domain::{
        Candidate, Decision, DecisionId, DecisionMode, Exclusion, ModelId, Predicted, Propensity, RoutingRule, Timings,
        Usd,
    },
    encoder::{Encoded, visible_text},
    gateway::expected_attempts,
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
#[derive(Default)]
struct Field<'a> {
    candidates: Vec<Candidate>,
    /// Index into `candidates` of each eligible one.
    eligible: Vec<usize>,
    scored: Vec<Scored>,
    models: Vec<&'a FleetModel>,
    /// Models that can't be chosen but may serve if the chosen one fails; among the candidates as well.
    spare: Vec<ModelId>,
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
        let is_known = |pattern: &String| self.fleet.all().iter().any(|model| model.entry.id.matches(pattern));
        if let Some(unknown) = request.options.fallbacks.iter().find(|pattern| !is_known(pattern)) {
            return Err(RouteError::UnknownModel(unknown.clone()));
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
        let ranked = policy::ranked(&rule, &field.scored, choice.chosen);
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
            fallbacks: self.fallbacks(request, ranked.into_iter().map(model), &field),
            target_met: choice.target_met,
            reason,
            tasks: classification.tasks,
            candidates: field.candidates,
            timings: Timings::default(),
        })
    }

    /// Models to try after the chosen one: the best of those that might have been chosen, or those that the caller named, as
    /// its wishes for providers have it.
    fn fallbacks(
        &self,
        request: &RouteRequest,
        ranked: impl Iterator<Item = ModelId>,
        field: &Field<'_>,
    ) -> Vec<ModelId> {
        let provider = |model: &ModelId| self.fleet.get(model).map(|model| model.entry.provider.as_str());
        let named = request.options.fallbacks.iter();
        let named = named.flat_map(|pattern| field.spare.iter().filter(|model| model.matches(pattern)).cloned());
        let mut fallbacks: Vec<ModelId> = ranked.collect();
        for model in named {
            if !fallbacks.contains(&model) {
                fallbacks.push(model);
            }
        }
        request.options.providers.arrange(fallbacks, provider)
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
        let field = self.field_of(request, plan, classification, posterior, input_tokens, plan.only.is_none());
        if !field.scored.is_empty() || plan.only.is_some() {
            return field;
        }
        // Nobody is well: whoever might be asked is better than nobody, and the gateway says when to come back.
        self.field_of(request, plan, classification, posterior, input_tokens, false)
    }

    /// The same; `only_well` leaves out what is left alone at the moment.
    fn field_of<'a>(
        &'a self,
        request: &RouteRequest,
        plan: &Plan<'_>,
        classification: &Classification,
        posterior: &Posterior,
        input_tokens: u32,
        only_well: bool,
    ) -> Field<'a> {
        let mut field = Field::default();
        let now = Instant::now();
        let outlook = Outlook { classification, posterior, input_tokens, unsaid: self.unsaid(request), now };
        let is_named = |model: &FleetModel| request.options.fallbacks.iter().any(|p| model.entry.id.matches(p));
        for model in self.fleet.usable() {
            let may_be_chosen = plan.only.as_ref().is_none_or(|id| *id == model.entry.id);
            if may_be_chosen || is_named(model) {
                let considered = self.consider(model, request, plan, &outlook).and_then(|predicted| {
                    let rest = self.gateway.rests(&model.entry.id, &model.entry.provider, now).filter(|_| only_well);
                    rest.map_or(Ok(predicted), |rest| Err(unwell(rest)))
                });
                field.push(model, considered, may_be_chosen);
            }
        }
        field
    }

    /// What of the request the other dialects have no words for.
    fn unsaid(&self, request: &RouteRequest) -> Unsaid {
        let Some(Speech { body, is_messages }) = &request.speech else { return Unsaid::default() };
        let is_spoken = |dialect| self.fleet.usable().any(|model| model.dialect == dialect);
        Unsaid {
            anthropic: (!is_messages && is_spoken(Dialect::Anthropic)).then(|| messages::inexpressible(body)).flatten(),
            bedrock: is_spoken(Dialect::Bedrock).then(|| converse::inexpressible(body)).flatten(),
        }
    }

    /// Eligibility first, then what is expected of the model.
    fn consider(
        &self,
        model: &FleetModel,
        request: &RouteRequest,
        plan: &Plan<'_>,
        outlook: &Outlook<'_>,
    ) -> Result<Predicted, Exclusion> {
        let Outlook { classification, posterior, input_tokens, ref unsaid, now } = *outlook;
        let entry = &model.entry;
        let signals = self.gateway.signals();
        let latency = signals.latency(&entry.id, now).unwrap_or(entry.latency);
        let cost_factor = expected_attempts(signals.snapshot(&entry.id, now).error_rate);
        let output_tokens = expected_output(model, request, classification.output_tokens);
        let RouteOptions { max_cost_usd, max_latency_ms, models, exclude, providers, .. } = &request.options;
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
        providers.admit(&entry.provider)?;
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
                latency,
                cost_factor,
            },
        )?;
        let price = entry.price.as_ref().ok_or(Exclusion::Unpriced)?;
        providers.afford(price)?;
        unsaid.by(model.dialect)?;
        let prior = policy::prior_quality(&classification.tasks, classification.difficulty, |t| model.ability(t));
        let psi = policy::context_vector(prior, &classification.context);
        let belief = posterior.believe(&entry.id, prior, &psi);
        Ok(Predicted {
            prior,
            quality: belief.mean,
            spread: belief.spread,
            quality_low: belief.mean - plan.rule.kappa * belief.spread,
            cost_usd: times(catalog::expected_cost(price, input_tokens, output_tokens), cost_factor),
            latency_ms: catalog::expected_latency_ms(&latency, output_tokens),
            output_tokens,
        })
    }
}

/// What all models are judged by.
struct Outlook<'a> {
    classification: &'a Classification,
    posterior: &'a Posterior,
    input_tokens: u32,
    unsaid: Unsaid,
    now: Instant,
}

/// What can't be said to a provider, by its dialect.
#[derive(Default)]
struct Unsaid {
    anthropic: Option<Inexpressible>,
    bedrock: Option<Inexpressible>,
}

impl Unsaid {
    fn by(&self, dialect: Dialect) -> Result<(), Exclusion> {
        let unsaid = match dialect {
            Dialect::Anthropic => &self.anthropic,
            Dialect::Bedrock => &self.bedrock,
            Dialect::OpenAi | Dialect::Simulated => &None,
        };
        unsaid.as_ref().map_or(Ok(()), |Inexpressible { field, problem }| {
            Err(Exclusion::Inexpressible { field: field.clone(), problem: problem.clone() })
        })
    }
}

fn unwell(rest: Duration) -> Exclusion {
    Exclusion::Unwell { retry_after_ms: u64::try_from(rest.as_millis()).unwrap_or(u64::MAX) }
}

/// An amount so many times; what no amount can be stays as it was.
fn times(amount: Usd, factor: f64) -> Usd {
    Usd::new(amount.get() * factor).unwrap_or(amount)
}

/// Expected output tokens of this model: the prompt's, times its verbosity, within its and the caller's limits.
fn expected_output(model: &FleetModel, request: &RouteRequest, plain: f64) -> u32 {
    let expected = (plain * model.entry.verbosity).clamp(1.0, f64::from(model.entry.max_output_tokens)) as u32;
    request.prompt.requirements.max_output_tokens.map_or(expected, |cap| expected.min(cap))
}

impl<'a> Field<'a> {
    fn push(&mut self, model: &'a FleetModel, considered: Result<Predicted, Exclusion>, may_be_chosen: bool) {
        let (predicted, excluded_by) = match considered {
            Ok(p) if !may_be_chosen => {
                self.spare.push(model.entry.id.clone());
                (Some(p), None)
            }
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
