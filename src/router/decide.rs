//! From a prompt to a decision.

use super::{
    Inner, ModelChoice, RouteError, RouteRequest, Router,
    field::Field,
    reason::{nothing_eligible, reason},
    sessions::Session,
};
use crate::{
    catalog::{Dialect, ModelKind},
    classifier::Classification,
    config::{DEFAULT_POLICY, PolicySettings},
    domain::{Decision, DecisionId, DecisionMode, Difficulty, ModelId, RoutingRule, TaskProbabilities, Timings, Usd},
    encoder::{Encoded, visible_text},
    policy::{self, Choice, ExplorationCaps, Scored},
};
use std::time::{Duration, Instant};

/// What stands for the version of the features of a prompt that nobody looked at.
const UNREAD: &str = "unread";
/// Expected output for a prompt that nobody looked at, tokens.
const UNREAD_OUTPUT_TOKENS: f64 = 256.0;

impl Router {
    /// Decides without recording: the same as [`Router::route`] between the caller's limits and the log.
    ///
    /// # Errors
    /// [`RouteError`].
    pub async fn decide(&self, request: &RouteRequest) -> Result<Decision, RouteError> {
        let started = Instant::now();
        let inner = &self.inner;
        let plan = inner.plan(request)?;
        let (classification, timings) = inner.read(request).await?;
        let deciding = Instant::now();
        let mut decision = inner.decision(request, &plan, classification)?;
        decision.features_version = inner.classifier.version().to_owned();
        decision.timings = Timings { decide_us: us(deciding.elapsed()), total_us: us(started.elapsed()), ..timings };
        Ok(decision)
    }

    /// The decision for a model that is asked for by name, made without a look at the prompt; `None` where there is a
    /// choice, and for the staging provider.
    ///
    /// # Errors
    /// [`RouteError`].
    pub(super) fn decide_unread(&self, request: &RouteRequest) -> Result<Option<Decision>, RouteError> {
        let started = Instant::now();
        let plan = self.inner.plan(request)?;
        let named = plan.only.as_ref().and_then(|id| self.inner.fleet.get(id));
        // The staging provider's answers depend on what was found.
        if named.is_none_or(|model| model.dialect == Dialect::Simulated) {
            return Ok(None);
        }
        let mut decision = self.inner.decision(request, &plan, unread())?;
        decision.timings.decide_us = us(started.elapsed());
        decision.timings.total_us = decision.timings.decide_us;
        Ok(Some(decision))
    }

    /// Looks at the prompt of a decision that was made without: what is predicted and what can be learned follow from it, the
    /// choice stands. As it was when the encoder has no place.
    pub(super) async fn read_late(&self, request: &RouteRequest, unread: Decision) -> Decision {
        let inner = &self.inner;
        let Ok(plan) = inner.plan(request) else { return unread };
        let Ok((classification, timings)) = inner.read(request).await else { return unread };
        let posterior = inner.posteriors[&plan.policy.scope].load();
        let field = inner.field(request, &plan, &classification, &posterior, unread.input_tokens);
        let Timings { decide_us, total_us, .. } = unread.timings;
        let mut decision = Decision {
            policy_version: posterior.version(),
            features_version: inner.classifier.version().to_owned(),
            difficulty: classification.difficulty,
            context: classification.context,
            tasks: classification.tasks,
            timings: Timings { decide_us, total_us, ..timings },
            ..unread
        };
        for candidate in decision.candidates.iter_mut().filter(|candidate| candidate.predicted.is_some()) {
            candidate.predicted = field.predicted(&candidate.model).or(candidate.predicted);
        }
        decision
    }
}

/// What is said of a prompt that nobody looked at: nothing in particular. From its empty context the
/// learner knows.
fn unread() -> Classification {
    Classification {
        tasks: TaskProbabilities::default(),
        difficulty: Difficulty::clipped(0.5),
        output_tokens: UNREAD_OUTPUT_TOKENS,
        context: Vec::new(),
    }
}

fn us(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn timings(encoded: &Encoded, classify: Duration) -> Timings {
    Timings {
        queue_us: us(encoded.queued),
        encode_us: us(encoded.took),
        classify_us: us(classify),
        ..Timings::default()
    }
}

/// A request's rule and the models it may use.
pub(super) struct Plan<'a> {
    pub(super) name: &'a str,
    pub(super) policy: &'a PolicySettings,
    pub(super) rule: RoutingRule,
    /// The only model allowed, when the caller named one.
    pub(super) only: Option<ModelId>,
}

impl Inner {
    /// Encodes and classifies; with the times that took.
    async fn read(&self, request: &RouteRequest) -> Result<(Classification, Timings), RouteError> {
        let prompt = request.prompt.without_harness();
        let text = visible_text(&prompt);
        let encoded = self.encoder.embed(text.clone()).await?;
        let classifying = Instant::now();
        let classification = self.classifier.classify(&prompt, &text, &encoded.encoding);
        Ok((classification, timings(&encoded, classifying.elapsed())))
    }

    fn plan(&self, request: &RouteRequest) -> Result<Plan<'_>, RouteError> {
        let (name, only) = match &request.choice {
            ModelChoice::Auto => (DEFAULT_POLICY, None),
            ModelChoice::Policy(name) => (name.as_str(), None),
            ModelChoice::Model(id) => (DEFAULT_POLICY, Some(ModelId::from(id.as_str()))),
        };
        if let Some(id) = &only {
            let model = self.fleet.get(id).ok_or_else(|| self.unknown(id.as_str(), &request.caller))?;
            if model.entry.kind == ModelKind::Embedding {
                let reason = "it is an embedding model, which does not chat".to_owned();
                return Err(RouteError::ModelExcluded { model: id.to_string(), reason });
            }
        }
        let is_known = |pattern: &String| self.fleet.all().iter().any(|model| model.entry.id.matches(pattern));
        if let Some(unknown) = request.options.fallbacks.iter().find(|pattern| !is_known(pattern)) {
            return Err(self.unknown(unknown, &request.caller));
        }
        if self.fleet.usable().next().is_none() {
            return Err(RouteError::NothingEnabled);
        }
        let (name, policy) = self.policies.get_key_value(name).ok_or_else(|| self.unknown(name, &request.caller))?;
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
            features_version: UNREAD.to_owned(),
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
        let id = request.options.session_id.clone()?;
        if plan.only.is_some() || !request.prompt.ends_with_tool_result() {
            return None;
        }
        let model = self.sessions.model(&Session { tenant: request.caller.tenant(), id })?;
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
}
