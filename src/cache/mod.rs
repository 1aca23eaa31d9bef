//! Answers that are kept and given again.
//!
//! A [`Cache`] keeps whole chat completions in memory under the [`CacheKey`] of the request that they answer, and gives them to
//! whoever asks the same again: fresh ones within their time, stale ones only where there is nothing else. It is bounded in
//! bytes; the least useful entries go first. A tenant is part of every key, so that no answer ever reaches another. Nothing
//! here does IO or reads a clock: time is an argument. After a restart it is empty.

mod entry;
mod exact;
mod filter;
mod key;
mod stats;

pub use entry::{Entry, Served, is_whole};
pub use filter::CacheFilter;
pub use key::{CacheKey, Fingerprint};
pub use stats::CacheStats;

use crate::domain::{DecisionId, UnixMillis, Usd};
use exact::ExactCache;
use stats::Counters;
use std::{sync::Arc, time::Duration};

/// For how many times its time an answer is kept, to be given when nothing else can be had.
const STALE_TIMES: u32 = 24;
/// No single answer takes more than this share of the cache.
const LARGEST_SHARE: u64 = 8;

/// What bounds a cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheOptions {
    /// For how long an answer is given again.
    pub ttl: Duration,
    /// Bytes of answers to the same request; 0 keeps none.
    pub exact_bytes: u64,
}

/// An answer that was found.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// It may be given.
    Fresh(Arc<Entry>),
    /// Its time is over: it is better than no answer, and worse than any other.
    Stale(Arc<Entry>),
}

impl Found {
    /// The answer.
    #[must_use]
    pub const fn entry(&self) -> &Arc<Entry> {
        match self {
            Self::Fresh(entry) | Self::Stale(entry) => entry,
        }
    }
}

/// Answers in memory. Clones share them.
#[derive(Clone)]
pub struct Cache {
    inner: Arc<Inner>,
}

struct Inner {
    ttl: Duration,
    /// `None` where nothing is to be kept.
    exact: Option<ExactCache>,
    counters: Counters,
}

impl Cache {
    /// An empty cache.
    #[must_use]
    pub fn new(options: CacheOptions) -> Self {
        let CacheOptions { ttl, exact_bytes } = options;
        let inner = Inner { ttl, exact: ExactCache::new(exact_bytes), counters: Counters::default() };
        Self { inner: Arc::new(inner) }
    }

    /// Whether anything is ever kept.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.inner.exact.is_some()
    }

    /// The largest answer that is kept, bytes of JSON.
    #[must_use]
    pub fn largest_answer(&self) -> usize {
        let bytes = self.inner.exact.as_ref().map_or(0, ExactCache::capacity) / LARGEST_SHARE;
        usize::try_from(bytes).unwrap_or(usize::MAX)
    }

    /// The answer to this request, if there is one that is not too old by `now` and is `fit` for who asks. What is too old even
    /// to be stale is forgotten.
    #[must_use]
    pub fn find(&self, key: &CacheKey, now: UnixMillis, fit: impl Fn(&Entry) -> bool) -> Option<Found> {
        let exact = self.inner.exact.as_ref()?;
        let entry = exact.get(key)?;
        let age = entry.age(now);
        if age > self.inner.ttl * STALE_TIMES {
            exact.remove(key);
            return None;
        }
        if !fit(&entry) {
            return None;
        }
        Some(if age < self.inner.ttl { Found::Fresh(entry) } else { Found::Stale(entry) })
    }

    /// Keeps an answer instead of any that was there; one that is too large is not kept.
    pub fn keep(&self, key: CacheKey, entry: Entry) {
        if let Some(exact) = self.inner.exact.as_ref().filter(|_| entry.answer_bytes() <= self.largest_answer()) {
            exact.insert(key, Arc::new(entry));
        }
    }

    /// The answer that this decision led to, if it is kept.
    #[must_use]
    pub fn of_decision(&self, decision: DecisionId) -> Option<Arc<Entry>> {
        self.inner.exact.as_ref()?.of_decision(decision)
    }

    /// Forgets the answer that this decision led to; says whether there was one.
    pub fn forget(&self, decision: DecisionId) -> bool {
        self.inner.exact.as_ref().is_some_and(|exact| exact.forget(decision))
    }

    /// Forgets every answer that the filter covers; says how many those were.
    pub fn clear(&self, filter: &CacheFilter) -> usize {
        self.inner.exact.as_ref().map_or(0, |exact| exact.clear(filter))
    }

    /// An answer was given again, which would have cost `saved` where that is known.
    pub fn count_given(&self, is_stale: bool, saved: Option<Usd>) {
        self.inner.counters.given(is_stale, saved);
    }

    /// An answer was looked for and not found.
    pub fn count_missed(&self) {
        self.inner.counters.missed();
    }

    /// How it does.
    #[must_use]
    pub fn stats(&self) -> CacheStats {
        let size = self.inner.exact.as_ref().map(ExactCache::size).unwrap_or_default();
        self.inner.counters.stats(size, self.inner.ttl)
    }
}

#[cfg(test)]
mod tests;
