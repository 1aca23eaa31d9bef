//! Limits on requests, tokens and concurrency. Pure but for one lock; time is an argument.

use super::{
    LimitScope, Quantity, Refusal,
    window::{MINUTE_MS, Window},
};
use crate::domain::{RateLimits, UnixMillis};
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// How a limit stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// How many in a minute.
    pub limit: u64,
    /// How many of them are left now.
    pub remaining: u64,
    /// Until all of them are left again, if nothing more comes.
    pub reset: Duration,
}

/// The limits nearest to being reached among those that hold for a caller; `None` where nothing is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Headroom {
    /// Of requests.
    pub requests: Option<Allowance>,
    /// Of tokens.
    pub tokens: Option<Allowance>,
}

/// A limit that holds for a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) scope: LimitScope,
    pub(super) limits: RateLimits,
}

/// What every limited scope has used. Clones share it.
///
/// A request passes all its limits or none, and is counted in all or none: one lock is held over both, for as long as a
/// few look-ups take.
#[derive(Clone, Default)]
pub(super) struct Rates(Arc<Mutex<Meters>>);

#[derive(Default)]
struct Meters {
    /// The latest time seen, milliseconds since the epoch.
    now: i64,
    meters: HashMap<LimitScope, Meter>,
}

#[derive(Default)]
struct Meter {
    requests: Window,
    tokens: Window,
    running: u64,
}

/// How long a limit bars a request.
struct Wait<'a> {
    milliseconds: i64,
    scope: &'a LimitScope,
    quantity: Quantity,
    limit: u64,
}

/// A request's place within its limits. Its concurrency ends when it is dropped; its tokens stay as they were estimated
/// unless it is settled.
pub struct Permit {
    rates: Rates,
    claims: Vec<Claim>,
    at: i64,
    tokens: u64,
    headroom: Headroom,
}

impl Rates {
    /// Lets a request of about `tokens` through all its limits, or through none.
    ///
    /// # Errors
    /// [`Refusal::TooLarge`], [`Refusal::RateLimited`] or [`Refusal::TooManyConcurrent`].
    pub(super) fn admit(&self, mut claims: Vec<Claim>, tokens: u64, now: UnixMillis) -> Result<Permit, Refusal> {
        claims.retain(|claim| !claim.limits.is_unlimited());
        let mut meters = self.lock();
        let at = meters.advance(now, &claims);
        meters.check(&claims, tokens)?;
        for claim in &claims {
            meters.of(claim).enter(&claim.limits, at, tokens);
        }
        let headroom = meters.headroom(&claims);
        drop(meters);
        Ok(Permit { rates: self.clone(), claims, at, tokens, headroom })
    }

    /// Meters are whole between any two operations, so a panic elsewhere does no harm.
    fn lock(&self) -> MutexGuard<'_, Meters> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Meters {
    /// Moves to `now` and forgets what these limits no longer count; gives the time to record at.
    ///
    /// Threads read the clock before they get here, so times may be a little out of order: then time stands still. A clock
    /// that was set back by a whole window or more takes everything recorded with it, or the limits would stay shut.
    fn advance(&mut self, now: UnixMillis, claims: &[Claim]) -> i64 {
        let behind = self.now.saturating_sub(now.0);
        if behind >= MINUTE_MS {
            self.meters.values_mut().for_each(|meter| meter.set_back(behind));
            self.now = now.0;
        }
        self.now = self.now.max(now.0);
        let now = self.now;
        claims.iter().for_each(|claim| self.of(claim).slide(now));
        now
    }

    fn of(&mut self, claim: &Claim) -> &mut Meter {
        self.meters.entry(claim.scope.clone()).or_default()
    }

    fn check(&self, claims: &[Claim], tokens: u64) -> Result<(), Refusal> {
        if let Some(Wait { milliseconds, scope, quantity, limit }) = self.longest_wait(claims, tokens)? {
            let (scope, retry_after, headroom) =
                (scope.clone(), duration(milliseconds), Box::new(self.headroom(claims)));
            return Err(Refusal::RateLimited { scope, quantity, limit, retry_after, headroom });
        }
        for (Claim { scope, limits }, meter) in self.used(claims) {
            if let Some(limit) = limits.max_concurrent.filter(|&limit| meter.running >= limit) {
                let headroom = Box::new(self.headroom(claims));
                return Err(Refusal::TooManyConcurrent { scope: scope.clone(), limit, headroom });
            }
        }
        Ok(())
    }

    /// The wait for the limit that will last longest; `None` when all of them have room.
    fn longest_wait<'a>(&self, claims: &'a [Claim], tokens: u64) -> Result<Option<Wait<'a>>, Refusal> {
        let mut longest: Option<Wait<'a>> = None;
        for (Claim { scope, limits }, meter) in self.used(claims) {
            for (quantity, milliseconds, limit) in meter.waits(limits, self.now, tokens) {
                let Some(milliseconds) = milliseconds else {
                    return Err(Refusal::TooLarge { scope: scope.clone(), limit, tokens });
                };
                if milliseconds > longest.as_ref().map_or(0, |longest| longest.milliseconds) {
                    longest = Some(Wait { milliseconds, scope, quantity, limit });
                }
            }
        }
        Ok(longest)
    }

    fn headroom(&self, claims: &[Claim]) -> Headroom {
        let of = |limit: fn(&RateLimits) -> Option<u64>, window: fn(&Meter) -> &Window| {
            let limited = self.used(claims).filter_map(|(claim, meter)| Some((limit(&claim.limits)?, window(meter))));
            limited.map(|(limit, window)| allowance(limit, window, self.now)).min_by_key(|a| (a.remaining, a.limit))
        };
        Headroom {
            requests: of(|limits| limits.requests_per_minute, |meter| &meter.requests),
            tokens: of(|limits| limits.tokens_per_minute, |meter| &meter.tokens),
        }
    }

    fn used<'a, 'c>(&'a self, claims: &'c [Claim]) -> impl Iterator<Item = (&'c Claim, &'a Meter)> {
        claims.iter().filter_map(|claim| Some((claim, self.meters.get(&claim.scope)?)))
    }
}

impl Meter {
    fn slide(&mut self, now: i64) {
        self.requests.slide(now);
        self.tokens.slide(now);
    }

    fn set_back(&mut self, by: i64) {
        self.requests.set_back(by);
        self.tokens.set_back(by);
    }

    /// For each limit on what a minute holds: what, how long it bars one more request (`None` for ever), and how many.
    fn waits(
        &self,
        limits: &RateLimits,
        now: i64,
        tokens: u64,
    ) -> impl Iterator<Item = (Quantity, Option<i64>, u64)> + use<> {
        let of = |quantity, window: &Window, amount, limit: Option<u64>| {
            limit.map(|limit| (quantity, window.wait(now, amount, limit), limit))
        };
        let requests = of(Quantity::Requests, &self.requests, 1, limits.requests_per_minute);
        let tokens = of(Quantity::Tokens, &self.tokens, tokens, limits.tokens_per_minute);
        requests.into_iter().chain(tokens)
    }

    fn enter(&mut self, limits: &RateLimits, at: i64, tokens: u64) {
        self.running += 1;
        if limits.requests_per_minute.is_some() {
            self.requests.add(at, 1);
        }
        if limits.tokens_per_minute.is_some() {
            self.tokens.add(at, tokens);
        }
    }
}

impl Permit {
    /// How the limits stood once this request was counted.
    #[must_use]
    pub const fn headroom(&self) -> &Headroom {
        &self.headroom
    }

    /// Ends the request with the tokens that it really used. Fewer than estimated are given back to the moment they were
    /// taken from; more count from `now` on.
    pub fn settle(self, tokens: u64, now: UnixMillis) {
        let mut meters = self.rates.lock();
        let now = meters.advance(now, &self.claims);
        for claim in self.claims.iter().filter(|claim| claim.limits.tokens_per_minute.is_some()) {
            let window = &mut meters.of(claim).tokens;
            if tokens > self.tokens {
                window.add(now, tokens - self.tokens);
            } else {
                window.take_back(self.at, self.tokens - tokens);
            }
        }
        drop(meters);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut meters = self.rates.lock();
        for claim in &self.claims {
            let running = &mut meters.of(claim).running;
            *running = running.saturating_sub(1);
        }
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { claims, at, tokens, .. } = self;
        f.debug_struct("Permit").field("claims", claims).field("at", at).field("tokens", tokens).finish()
    }
}

fn allowance(limit: u64, window: &Window, now: i64) -> Allowance {
    Allowance { limit, remaining: limit.saturating_sub(window.sum()), reset: duration(window.empty_in(now)) }
}

fn duration(milliseconds: i64) -> Duration {
    Duration::from_millis(u64::try_from(milliseconds).unwrap_or(0))
}
