//! The candidates of a request: who is eligible, who is not and why, and what is expected of each.

use super::{FleetModel, Inner, RouteOptions, RouteRequest, Speech, decide::Plan, sessions::Session};
use crate::{
    catalog::{self, Dialect, EligibilityQuery},
    classifier::Classification,
    dialect::{Inexpressible, converse, messages},
    domain::{Candidate, Exclusion, ModelId, Predicted, Propensity, Usd},
    gateway::expected_attempts,
    policy::{self, Choice, Posterior, Scored},
};
use std::time::{Duration, Instant};

/// The candidates of a request: all of them for the record, the eligible ones for the rule.
#[derive(Default)]
pub(super) struct Field<'a> {
    pub(super) candidates: Vec<Candidate>,
    /// Index into `candidates` of each eligible one.
    pub(super) eligible: Vec<usize>,
    pub(super) scored: Vec<Scored>,
    pub(super) models: Vec<&'a FleetModel>,
    /// Models that can't be chosen but may serve if the chosen one fails; among the candidates as well.
    pub(super) spare: Vec<ModelId>,
}

impl Inner {
    pub(super) fn field<'a>(
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
        let (warm, unsaid) = (self.warm(request, plan, input_tokens), self.unsaid(request, plan));
        let outlook = Outlook { classification, posterior, input_tokens, warm, unsaid, now };
        for model in self.fleet.usable() {
            let may_be_chosen = plan.only.as_ref().is_none_or(|id| *id == model.entry.id);
            if may_serve(model, request, plan) {
                let considered = self.consider(model, request, plan, &outlook).and_then(|predicted| {
                    let rest = self.gateway.rests(&model.entry.id, &model.entry.provider, now).filter(|_| only_well);
                    rest.map_or(Ok(predicted), |rest| Err(unwell(rest)))
                });
                field.push(model, considered, may_be_chosen);
            }
        }
        field
    }

    /// The model that the session is in, and how much of the request its provider is expected to have cached: another one would
    /// bill it in full.
    fn warm(&self, request: &RouteRequest, plan: &Plan<'_>, input_tokens: u32) -> Option<(ModelId, u32)> {
        let id = request.options.session_id.clone().filter(|_| plan.only.is_none())?;
        let used = self.sessions.used(&Session { tenant: request.caller.tenant(), id })?;
        let cached = used.cached(input_tokens, self.clock.now());
        Some((used.model, cached))
    }

    /// What of the request the other dialects have no words for.
    fn unsaid(&self, request: &RouteRequest, plan: &Plan<'_>) -> Unsaid {
        let Some(Speech { body, is_messages }) = &request.speech else { return Unsaid::default() };
        let is_spoken =
            |dialect| self.fleet.usable().any(|model| model.dialect == dialect && may_serve(model, request, plan));
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
        let Outlook { classification, posterior, input_tokens, ref warm, ref unsaid, now } = *outlook;
        let entry = &model.entry;
        let signals = self.gateway.signals();
        let latency = signals.latency(&entry.id, now).unwrap_or(entry.latency);
        let cost_factor = expected_attempts(signals.snapshot(&entry.id, now).error_rate);
        let cap = request.prompt.requirements.max_output_tokens;
        let output_tokens = entry.expected_output(classification.output_tokens, cap);
        let cached_tokens = warm.as_ref().filter(|(warm, _)| *warm == entry.id).map_or(0, |(_, cached)| *cached);
        let RouteOptions { max_cost_usd, max_latency_ms, models, exclude, providers, data, .. } = &request.options;
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
        model.handling.meet(&plan.policy.regions, plan.policy.data_policy)?;
        model.handling.meet(&data.regions, data.policy)?;
        catalog::eligible(
            entry,
            &EligibilityQuery {
                requirements: request.prompt.requirements,
                input_tokens,
                cached_tokens,
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
            cost_usd: times(catalog::expected_cost(price, input_tokens, cached_tokens, output_tokens), cost_factor),
            latency_ms: catalog::expected_latency_ms(&latency, output_tokens),
            output_tokens,
        })
    }
}
/// Whether the request leaves open that this model serves.
fn may_serve(model: &FleetModel, request: &RouteRequest, plan: &Plan<'_>) -> bool {
    let is_named = || request.options.fallbacks.iter().any(|pattern| model.entry.id.matches(pattern));
    plan.only.as_ref().is_none_or(|id| *id == model.entry.id) || is_named()
}

/// What all models are judged by.
struct Outlook<'a> {
    classification: &'a Classification,
    posterior: &'a Posterior,
    input_tokens: u32,
    warm: Option<(ModelId, u32)>,
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

    pub(super) fn set_propensities(&mut self, choice: &Choice) {
        for (&i, &p) in self.eligible.iter().zip(&choice.propensities) {
            // Sums of rounded numbers may leave [0, 1] by an ulp.
            if let Ok(p) = Propensity::new(p.clamp(0.0, 1.0)) {
                self.candidates[i].propensity = p;
            }
        }
    }

    /// What is expected of a model that is among the candidates and may serve.
    pub(super) fn predicted(&self, model: &ModelId) -> Option<Predicted> {
        self.candidates.iter().find(|candidate| candidate.model == *model)?.predicted
    }
}
