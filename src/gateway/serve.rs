//! One model: call after call with its provider's keys, until it answers or there is no use in going on.

use super::{
    ChatCall, ChatReply, EmbeddingsCall, Gate, Gateway, GatewayError, Leg,
    breaker::{Pass, Permission},
    keyring::{KeySet, Pick},
    provider::ProviderState,
    retry::{self, KeyFault, Next},
    simulated::uniform,
};
use crate::{
    catalog::Dialect,
    domain::{Attempt, DecisionId},
};
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// What calls are made for.
#[derive(Clone, Copy)]
pub(super) enum Errand<'a> {
    Chat(&'a ChatCall),
    Embeddings(&'a EmbeddingsCall),
}

impl Errand<'_> {
    pub(super) const fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Chat(call) => call.deadline,
            Self::Embeddings(call) => call.deadline,
        }
    }

    pub(super) fn gate(&self) -> &dyn Gate {
        match self {
            Self::Chat(call) => &*call.gate,
            Self::Embeddings(call) => &*call.gate,
        }
    }

    const fn id(&self) -> DecisionId {
        match self {
            Self::Chat(call) => call.decision,
            Self::Embeddings(call) => call.decision,
        }
    }
}

/// A failed call, and whether it is the end.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: GatewayError,
    /// It would fail everywhere, or there is no time left.
    pub(super) is_final: bool,
}

/// All calls for one errand.
pub(super) struct Journey<'a> {
    pub(super) gateway: &'a Gateway,
    pub(super) errand: Errand<'a>,
    attempts: Mutex<Vec<Attempt>>,
}

/// What to do after a failed call.
enum Then {
    /// The same call again.
    Again,
    /// With another key.
    OtherKey,
    /// Nothing more with this model; nothing at all if that is final.
    Leave { is_final: bool },
}

impl<'a> Journey<'a> {
    pub(super) fn new(gateway: &'a Gateway, errand: Errand<'a>) -> Self {
        Self { gateway, errand, attempts: Mutex::default() }
    }

    /// The calls made so far.
    pub(super) fn attempts(&self) -> Vec<Attempt> {
        self.log().clone()
    }

    /// A list is whole between any two changes, so a panic elsewhere does no harm.
    pub(super) fn log(&self) -> MutexGuard<'_, Vec<Attempt>> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls the model until it answers.
    ///
    /// # Errors
    /// Every failure, in their order; at least one.
    pub(super) async fn serve(&self, leg: &Leg<'_>) -> Result<ChatReply, Vec<Failure>> {
        let Some(provider) = self.gateway.provider(leg) else {
            let error = GatewayError::NoAccess(leg.model.provider.clone());
            return Err(vec![Failure { error, is_final: false }]);
        };
        let mut failures = Vec::new();
        let mut turn = Turn::default();
        loop {
            let (key, passes) = match turn.next(self, leg, provider) {
                Ok(go) => go,
                Err(refused) => {
                    failures.extend(refused.map(|error| Failure { error, is_final: false }));
                    return Err(failures);
                }
            };
            let error = match self.attempt(leg, provider, key).await {
                Ok(reply) => {
                    passes.succeeded();
                    provider.keys.worked(key, &leg.model.id, Instant::now());
                    return Ok(reply);
                }
                Err(error) => error,
            };
            let is_late = self.errand.deadline().is_some_and(|deadline| Instant::now() >= deadline);
            if !is_late {
                self.blame(leg, provider, key, passes, &error);
            }
            let then = if is_late { Then::Leave { is_final: true } } else { self.then(leg, &turn, &error).await };
            let is_final = matches!(then, Then::Leave { is_final: true });
            failures.push(Failure { error, is_final });
            match then {
                Then::Again => turn.again(key),
                Then::OtherKey => turn.other(key),
                Then::Leave { .. } => return Err(failures),
            }
        }
    }

    /// Says to breakers, signals and keys what a failure means for them.
    fn blame(&self, leg: &Leg<'_>, provider: &ProviderState, key: usize, passes: Passes, error: &GatewayError) {
        let now = Instant::now();
        match retry::key_fault(error) {
            Some(KeyFault::RateLimited { retry_after }) => {
                provider.keys.rate_limited(key, &leg.model.id, now, retry_after);
            }
            Some(KeyFault::Refused) => provider.keys.refused(key, now),
            None if retry::counts_against_breaker(error) => {
                self.gateway.inner.signals.observe_failure(&leg.model.id, now);
                passes.failed(error, now);
            }
            // Nothing was sent, so nothing is known.
            None if !error.was_sent() => drop(passes),
            // Whoever finds fault with a request is well.
            None => passes.succeeded(),
        }
    }

    /// What comes next; waits where a pause belongs before it.
    async fn then(&self, leg: &Leg<'_>, turn: &Turn, error: &GatewayError) -> Then {
        let options = &self.gateway.inner.options;
        match retry::next(error, true) {
            // The staging provider's dice fall the same way again.
            Next::SameKey if turn.retries < options.retries && leg.dialect != Dialect::Simulated => {
                let uniform = uniform(u64::from(turn.retries), self.errand.id());
                let (wait, deadline) = (retry::retry_after(error), self.errand.deadline());
                match options.backoff().pause(turn.retries, uniform, wait, Instant::now(), deadline) {
                    Some(Duration::ZERO) => Then::Again,
                    Some(pause) => {
                        tokio::time::sleep(pause).await;
                        Then::Again
                    }
                    None => Then::Leave { is_final: false },
                }
            }
            Next::OtherKey => Then::OtherKey,
            Next::SameKey | Next::OtherModel => Then::Leave { is_final: false },
            Next::GiveUp => Then::Leave { is_final: true },
        }
    }
}

/// Where a model's turn stands.
#[derive(Default)]
struct Turn {
    /// Keys that failed the request.
    tried: KeySet,
    /// Calls repeated with the same key.
    retries: u32,
    /// The key to use again.
    same: Option<usize>,
}

impl Turn {
    /// The key of the next call with the right to make it.
    ///
    /// # Errors
    /// No call can be made, and why, unless that was said already.
    fn next(
        &self,
        journey: &Journey<'_>,
        leg: &Leg<'_>,
        provider: &ProviderState,
    ) -> Result<(usize, Passes), Option<GatewayError>> {
        let now = Instant::now();
        let unavailable = |problem, retry_after| {
            let provider = leg.model.provider.clone();
            GatewayError::Unavailable { provider, problem, retry_after }
        };
        let passes = Passes::of(journey.gateway, leg, provider, now);
        let passes = passes.map_err(|wait| Some(unavailable("it kept failing", wait)))?;
        let key = match self.same {
            Some(key) => key,
            None => match provider.keys.pick(&leg.model.id, now, self.tried) {
                Pick::Key(key) => key,
                Pick::Resting { until } => {
                    let wait = until.saturating_duration_since(now);
                    return Err(Some(unavailable("it limits or refuses all of its keys", wait)));
                }
                Pick::Exhausted => return Err(None),
            },
        };
        Ok((key, passes))
    }

    fn again(&mut self, key: usize) {
        self.retries += 1;
        self.same = Some(key);
    }

    fn other(&mut self, key: usize) {
        self.tried.insert(key);
        self.same = None;
    }
}

/// The right to make one call: the provider can be reached, and the model is well.
pub(super) struct Passes {
    provider: Pass,
    model: Option<Pass>,
}

impl Passes {
    fn of(gateway: &Gateway, leg: &Leg<'_>, provider: &ProviderState, now: Instant) -> Result<Self, Duration> {
        let granted = |permission| match permission {
            Permission::Yes(pass) | Permission::Probe(pass) => Ok(pass),
            Permission::No { retry_after } => Err(retry_after),
        };
        let provider = granted(provider.breaker.allow(now))?;
        let model = gateway.inner.breakers.get(&leg.model.id).map(|breaker| granted(breaker.allow(now)));
        Ok(Self { provider, model: model.transpose()? })
    }

    fn succeeded(self) {
        self.provider.succeeded();
        if let Some(model) = self.model {
            model.succeeded();
        }
    }

    /// A connection that can't be made is no matter of one model.
    fn failed(self, error: &GatewayError, now: Instant) {
        if error.is_unreachable() {
            self.provider.failed(now);
        } else {
            self.provider.succeeded();
        }
        if let Some(model) = self.model {
            model.failed(now);
        }
    }
}
