//! Several keys of one provider: in turn, while those that were refused rest.
//!
//! A key that is refused rests for every model. One that asked too much rests for the model that it asked: providers count
//! requests and tokens for each model, and with one model at its limit the others are still to be had.
//!
//! A ring knows keys by number only; the keys themselves stay with whoever makes the calls.

use crate::domain::ModelId;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Keys that a ring can hold.
pub(super) const MAX_KEYS: usize = 64;
/// The longest rest that a provider can impose: after it the key is tried again, whatever was said.
const LONGEST_STATED_REST: Duration = Duration::from_secs(3600);

/// How long keys rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct KeyRules {
    /// After the first 429 that does not say how long. Each further one doubles that, until the key works again.
    pub(super) first_rest: Duration,
    /// What the doubling ends at.
    pub(super) longest_rest: Duration,
    /// After a 401, 402 or 403: somebody has to renew the key or pay, which takes a while.
    pub(super) refused_rest: Duration,
}

impl Default for KeyRules {
    /// One second, one minute, five minutes.
    fn default() -> Self {
        Self {
            first_rest: Duration::from_secs(1),
            longest_rest: Duration::from_secs(60),
            refused_rest: Duration::from_secs(300),
        }
    }
}

/// The keys that a request has used up: each failed it, and won't be asked again for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct KeySet(u64);

impl KeySet {
    /// With this key too. Numbers from [`MAX_KEYS`] on are no keys.
    pub(super) fn insert(&mut self, key: usize) {
        self.0 |= Self::bit(key);
    }

    /// Whether this key is among them.
    pub(super) fn contains(self, key: usize) -> bool {
        self.0 & Self::bit(key) != 0
    }

    fn bit(key: usize) -> u64 {
        u32::try_from(key).ok().and_then(|key| 1_u64.checked_shl(key)).unwrap_or(0)
    }
}

/// What a ring has to offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pick {
    /// Use this key.
    Key(usize),
    /// There are keys left to try, but all of them rest.
    Resting {
        /// When the first of them is back.
        until: Instant,
    },
    /// The request tried every key.
    Exhausted,
}

/// The keys of a provider. The lock is held for a look over the keys.
#[derive(Debug)]
pub(super) struct KeyRing {
    rules: KeyRules,
    turn: Mutex<Turn>,
}

#[derive(Debug)]
struct Turn {
    next: usize,
    keys: Vec<Key>,
}

#[derive(Debug, Clone, Default)]
struct Key {
    /// For all models.
    rests_until: Option<Instant>,
    /// Limits met lately, by their model; those of models that answered since and rest no more are dropped.
    limits: HashMap<ModelId, Limit>,
}

/// A limit on one model.
#[derive(Debug, Clone, Copy, Default)]
struct Limit {
    rests_until: Option<Instant>,
    /// 429 in a row.
    count: u32,
}

impl KeyRing {
    /// A ring of this many keys; a provider that wants no key has a ring of one. At most [`MAX_KEYS`] are used.
    pub(super) fn new(keys: usize) -> Self {
        Self::with_rules(keys, KeyRules::default())
    }

    /// The same with other rests.
    pub(super) fn with_rules(keys: usize, rules: KeyRules) -> Self {
        let keys = vec![Key::default(); keys.clamp(1, MAX_KEYS)];
        Self { rules, turn: Mutex::new(Turn { next: 0, keys }) }
    }

    /// The next key in turn that neither rests for this model nor was `tried`.
    pub(super) fn pick(&self, model: &ModelId, now: Instant, tried: KeySet) -> Pick {
        let mut turn = self.lock();
        let count = turn.keys.len();
        let mut until: Option<Instant> = None;
        for key in (turn.next..count).chain(0..turn.next).filter(|&key| !tried.contains(key)) {
            match turn.keys[key].rest(model, now) {
                None => {
                    turn.next = (key + 1) % count;
                    return Pick::Key(key);
                }
                Some(back) => until = Some(until.map_or(back, |first| first.min(back))),
            }
        }
        until.map_or(Pick::Exhausted, |until| Pick::Resting { until })
    }

    /// When the first key is back for this model, while all of them rest. Takes no turn, so it suits looking ahead.
    pub(super) fn resting_until(&self, model: &ModelId, now: Instant) -> Option<Instant> {
        let rests: Option<Vec<Instant>> = self.lock().keys.iter().map(|key| key.rest(model, now)).collect();
        rests?.into_iter().min()
    }

    /// The key got a 429 for this model, perhaps with a `retry-after`.
    pub(super) fn rate_limited(&self, key: usize, model: &ModelId, now: Instant, retry_after: Option<Duration>) {
        let rules = self.rules;
        self.change(key, |key| {
            let is_refused = key.rests_until.is_some_and(|until| until > now);
            let limit = key.limits.entry(model.clone()).or_default();
            let doubled = rules.first_rest.saturating_mul(2_u32.saturating_pow(limit.count));
            let stated = retry_after.map(|stated| stated.min(LONGEST_STATED_REST));
            // Calls that were under way together are refused together: that is one refusal.
            if !is_refused && limit.rests_until.is_none_or(|until| until <= now) {
                limit.count = limit.count.saturating_add(1);
                sleep(&mut limit.rests_until, now, stated.unwrap_or(doubled.min(rules.longest_rest)));
            } else if let Some(stated) = stated {
                sleep(&mut limit.rests_until, now, stated);
            }
        });
    }

    /// The provider does not accept the key, or its account is empty: no model is to be had with it.
    pub(super) fn refused(&self, key: usize, now: Instant) {
        let rest = self.rules.refused_rest;
        self.change(key, |key| sleep(&mut key.rests_until, now, rest));
    }

    /// The key got an answer of this model. A rest goes on: the call may be from before it began.
    pub(super) fn worked(&self, key: usize, model: &ModelId, now: Instant) {
        self.change(key, |key| {
            let Some(limit) = key.limits.get_mut(model) else { return };
            limit.count = 0;
            if limit.rests_until.is_none_or(|until| until <= now) {
                key.limits.remove(model);
            }
        });
    }

    fn change(&self, key: usize, change: impl FnOnce(&mut Key)) {
        if let Some(key) = self.lock().keys.get_mut(key) {
            change(key);
        }
    }

    /// A key is whole between any two changes, so a panic elsewhere does no harm.
    fn lock(&self) -> MutexGuard<'_, Turn> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Key {
    /// Until when it rests for this model.
    fn rest(&self, model: &ModelId, now: Instant) -> Option<Instant> {
        let limited = self.limits.get(model).and_then(|limit| limit.rests_until);
        self.rests_until.max(limited).filter(|&until| until > now)
    }
}

/// Rests that overlap end with the longer one.
fn sleep(rests_until: &mut Option<Instant>, now: Instant, rest: Duration) {
    *rests_until = (*rests_until).max(now.checked_add(rest));
}

#[cfg(test)]
mod tests;
