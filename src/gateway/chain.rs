//! Which models are tried, and when it is enough: the chosen one, perhaps a hedge, then the fallbacks.

use super::{
    ChatCall, ChatReply, Forwarded, Gateway, GatewayError, Leg,
    serve::{Errand, Failure, Journey},
};
use crate::catalog::{Dialect, Rate};
use std::{pin::pin, time::Duration};

impl Gateway {
    /// Calls the models in their order until one answers; returns when a whole answer, or the first content of a streamed
    /// one, is there. The first leg is the chosen one. Nothing has reached the caller before that, and nothing else is tried
    /// after it.
    pub async fn chat(&self, legs: &[Leg<'_>], call: &ChatCall) -> Forwarded {
        let journey = Journey::new(self, Errand::Chat(call));
        let order = self.affordable(legs);
        let mut errors = Vec::new();
        let mut next = 0;
        while let Some(&leg) = order.get(next) {
            // An answer that comes whole has no first token to wait for.
            let may_hedge = |&other: &usize| next == 0 && call.stream && self.may_hedge(legs, other);
            let hedge = order.get(next + 1).copied().filter(may_hedge);
            let tried = match (self.inner.options.hedge_after, hedge) {
                (Some(after), Some(other)) => Box::pin(hedged(&journey, legs, [leg, other], after)).await,
                _ => Tried::of(leg, journey.serve(&legs[leg]).await),
            };
            next += tried.used;
            match tried.answer {
                Some((leg, reply)) => return Forwarded { attempts: journey.attempts(), leg, reply: Ok(reply) },
                None => errors.extend(tried.failures),
            }
            if errors.last().is_some_and(|failure| failure.is_final) {
                break;
            }
        }
        let attempts = journey.attempts();
        let is_last = |leg: &Leg<'_>| attempts.last().is_some_and(|last| last.model == leg.model.id);
        let leg = legs.iter().position(is_last).unwrap_or(0);
        Forwarded { attempts, leg, reply: Err(verdict(errors, legs)) }
    }

    /// Indices of the legs that may be tried: the first, and others that don't cost too much more. Nothing is so many times
    /// as dear as what is free: after that a sum of money is the bound.
    fn affordable(&self, legs: &[Leg<'_>]) -> Vec<usize> {
        let options = &self.inner.options;
        let is_free = legs.first().is_some_and(is_free);
        let fallbacks = (1..legs.len()).filter(|&leg| match is_free {
            true => legs[leg].expected_cost.get() <= options.max_fallback_cost_usd,
            false => is_within(legs, leg, options.max_fallback_cost_ratio),
        });
        (0..legs.len().min(1)).chain(fallbacks.take(options.fallbacks)).collect()
    }

    fn may_hedge(&self, legs: &[Leg<'_>], leg: usize) -> bool {
        is_within(legs, leg, self.inner.options.hedge_max_cost_ratio)
    }
}

/// Whether a model costs nothing whatever it does. Simulated models stand in for others that do cost.
fn is_free(leg: &Leg<'_>) -> bool {
    let price = leg.model.price.as_ref();
    leg.dialect != Dialect::Simulated && price.is_some_and(|price| [price.input, price.output] == [Rate::FREE; 2])
}

/// Whether a leg costs no more than so many times the first.
fn is_within(legs: &[Leg<'_>], leg: usize, ratio: f64) -> bool {
    // A little slack, so that rounding does not forbid an equal price.
    legs[leg].expected_cost.get() <= legs[0].expected_cost.get() * ratio * (1.0 + 1e-9)
}

/// The error to tell: a final one as it is.
fn verdict(failures: Vec<Failure>, legs: &[Leg<'_>]) -> GatewayError {
    let nobody = || GatewayError::NoAccess(legs.first().map(|leg| leg.model.provider.clone()).unwrap_or_default());
    match failures.last() {
        Some(last) if last.is_final => last.error.clone(),
        _ => GatewayError::of_many(failures.into_iter().map(|failure| failure.error).collect()).unwrap_or_else(nobody),
    }
}

/// What came of trying one leg, or two at once.
struct Tried {
    /// Legs that were tried.
    used: usize,
    /// Who answered, and what.
    answer: Option<(usize, ChatReply)>,
    failures: Vec<Failure>,
}

impl Tried {
    fn of(leg: usize, result: Result<ChatReply, Vec<Failure>>) -> Self {
        match result {
            Ok(reply) => Self { used: 1, answer: Some((leg, reply)), failures: Vec::new() },
            Err(failures) => Self { used: 1, answer: None, failures },
        }
    }
}

/// Tries the first leg, and after a while the second one as well; the first answer counts and the other call is dropped.
async fn hedged(journey: &Journey<'_>, legs: &[Leg<'_>], pair: [usize; 2], after: Duration) -> Tried {
    let [one, two] = pair;
    let mut first = pin!(journey.serve(&legs[one]));
    let pause = pin!(tokio::time::sleep(after));
    tokio::select! {
        biased;
        done = &mut first => return Tried::of(one, done),
        () = pause => {}
    }
    let mut second = pin!(journey.serve(&legs[two]));
    let (mut first_runs, mut second_runs) = (true, true);
    let mut failures = Vec::new();
    while first_runs || second_runs {
        let (leg, done) = tokio::select! {
            biased;
            done = &mut first, if first_runs => {
                first_runs = false;
                (one, done)
            }
            done = &mut second, if second_runs => {
                second_runs = false;
                (two, done)
            }
        };
        match done {
            Ok(reply) => return Tried { used: 2, answer: Some((leg, reply)), failures },
            // What the chosen one finds fault with ends it; what a hedge does leaves the chosen one at work.
            Err(more) if leg == one && more.last().is_some_and(|failure| failure.is_final) => {
                failures.extend(more);
                break;
            }
            Err(more) => failures.extend(more),
        }
    }
    Tried { used: 2, answer: None, failures }
}
