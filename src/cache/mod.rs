//! Answers that are kept and given again.
//!
//! A [`Cache`] keeps whole chat completions in memory under the [`CacheKey`] of the request that they answer, and gives them to
//! whoever asks the same again, or, as a [`Question`], the same in other words: fresh ones within their time, stale ones only
//! where there is nothing else. It is bounded in bytes; the least useful entries go first. A tenant is part of every key, so that no answer ever reaches another. Nothing
//! here does IO or reads a clock: time is an argument. After a restart it is empty.

mod entry;
mod exact;
mod filter;
mod guard;
mod key;
mod semantic;
mod stats;

pub use entry::{Entry, Served, is_whole};
pub use filter::CacheFilter;
pub use guard::Guard;
pub use key::{CacheKey, Fingerprint, is_plain_messages, words_of};
pub use semantic::Question;
pub use stats::{CacheSize, CacheStats};

use crate::domain::{CacheMatch, DecisionId, UnixMillis, Usd};
use exact::ExactCache;
use semantic::{Bounds, SemanticCache};
use stats::Counters;
use std::{collections::HashSet, sync::Arc, time::Duration};

/// For how many times its time an answer is kept, to be given when nothing else can be had.
const STALE_TIMES: u32 = 24;
/// No single answer takes more than this share of the cache.
const LARGEST_SHARE: u64 = 8;

/// What bounds a cache.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CacheOptions {
    /// For how long an answer is given again.
    pub ttl: Duration,
    /// Bytes of answers to the same request; 0 keeps none.
    pub exact_bytes: u64,
    /// Least cosine of two messages that count as similar, 0 to 1.
    pub similarity: f64,
    /// Answers to similar requests; 0 keeps none.
    pub semantic_entries: usize,
    /// Bytes of them; 0 keeps none.
    pub semantic_bytes: u64,
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
    semantic: Option<SemanticCache>,
    counters: Counters,
}

impl Cache {
    /// An empty cache.
    #[must_use]
    pub fn new(options: CacheOptions) -> Self {
        let CacheOptions { ttl, exact_bytes, similarity, semantic_entries, semantic_bytes } = options;
        let bounds = Bounds { similarity: similarity as f32, entries: semantic_entries, bytes: semantic_bytes };
        let (exact, semantic) = (ExactCache::new(exact_bytes), SemanticCache::new(bounds));
        Self { inner: Arc::new(Inner { ttl, exact, semantic, counters: Counters::default() }) }
    }

    /// Whether anything is ever kept.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.inner.exact.is_some() || self.inner.semantic.is_some()
    }

    /// Whether answers to similar requests are ever kept.
    #[must_use]
    pub fn is_semantic(&self) -> bool {
        self.inner.semantic.is_some()
    }

    /// The largest answer that is kept, bytes of JSON.
    #[must_use]
    pub fn largest_answer(&self) -> usize {
        let exact = self.inner.exact.as_ref().map_or(0, ExactCache::capacity);
        let semantic = self.inner.semantic.as_ref().map_or(0, SemanticCache::capacity);
        usize::try_from(exact.max(semantic) / LARGEST_SHARE).unwrap_or(usize::MAX)
    }

    /// The answer to this request, if there is one that is not too old by `now` and is `fit` for who asks. What is too old even
    /// to be stale is forgotten.
    #[must_use]
    pub fn find(&self, key: &CacheKey, now: UnixMillis, fit: impl Fn(&Entry) -> bool) -> Option<Found> {
        let exact = self.inner.exact.as_ref()?;
        let entry = exact.get(key)?;
        if entry.age(now) > self.inner.ttl * STALE_TIMES {
            exact.remove(key);
            return None;
        }
        fit(&entry).then(|| self.found(entry, now))
    }

    /// The answer to the most similar request, likewise, with the cosine of the two messages. A fresh one goes before one that is
    /// more similar.
    #[must_use]
    pub fn find_similar(
        &self,
        question: &Question,
        now: UnixMillis,
        fit: impl Fn(&Entry) -> bool,
    ) -> Option<(Found, f32)> {
        let semantic = self.inner.semantic.as_ref()?;
        let of_age = |most: Duration| semantic.get(question, |entry| entry.age(now) <= most && fit(entry));
        let just_fresh = self.inner.ttl.saturating_sub(Duration::from_millis(1));
        let (entry, similarity) = of_age(just_fresh).or_else(|| of_age(self.inner.ttl * STALE_TIMES))?;
        Some((self.found(entry, now), similarity))
    }

    fn found(&self, entry: Arc<Entry>, now: UnixMillis) -> Found {
        if entry.age(now) < self.inner.ttl { Found::Fresh(entry) } else { Found::Stale(entry) }
    }

    /// Keeps an answer instead of any that was there, for similar requests as well if it has a `question`; one that is too large
    /// is not kept.
    pub fn keep(&self, key: CacheKey, question: Option<Question>, entry: Entry) {
        let fits = |capacity: u64| entry.answer_bytes() as u64 <= capacity / LARGEST_SHARE;
        let exact = self.inner.exact.as_ref().filter(|exact| fits(exact.capacity()));
        let semantic = self.inner.semantic.as_ref().filter(|semantic| fits(semantic.capacity()));
        let entry = Arc::new(entry);
        if let Some(exact) = exact {
            exact.insert(key, Arc::clone(&entry));
        }
        if let (Some(semantic), Some(question)) = (semantic, question) {
            semantic.insert(question, entry);
        }
    }

    /// The answer that this decision led to, if it is kept.
    #[must_use]
    pub fn of_decision(&self, decision: DecisionId) -> Option<Arc<Entry>> {
        let exact = self.inner.exact.as_ref().and_then(|exact| exact.of_decision(decision));
        exact.or_else(|| self.inner.semantic.as_ref()?.of_decision(decision))
    }

    /// Forgets the answer that this decision led to; says whether there was one.
    pub fn forget(&self, decision: DecisionId) -> bool {
        let exact = self.inner.exact.as_ref().is_some_and(|exact| exact.forget(decision));
        self.inner.semantic.as_ref().is_some_and(|semantic| semantic.forget(decision)) || exact
    }

    /// Forgets every answer that the filter covers; says how many those were.
    pub fn clear(&self, filter: &CacheFilter) -> usize {
        let mut gone: HashSet<DecisionId> = HashSet::new();
        gone.extend(self.inner.exact.as_ref().map(|exact| exact.clear(filter)).unwrap_or_default());
        gone.extend(self.inner.semantic.as_ref().map(|semantic| semantic.clear(filter)).unwrap_or_default());
        gone.len()
    }

    /// An answer was given again, which would have cost `saved` where that is known.
    pub fn count_given(&self, matched: CacheMatch, is_stale: bool, saved: Option<Usd>) {
        self.inner.counters.given(matched, is_stale, saved);
    }

    /// An answer was looked for and not found.
    pub fn count_missed(&self) {
        self.inner.counters.missed();
    }

    /// How it does.
    #[must_use]
    pub fn stats(&self) -> CacheStats {
        let exact = self.inner.exact.as_ref().map(ExactCache::size).unwrap_or_default();
        let semantic = self.inner.semantic.as_ref().map(SemanticCache::size).unwrap_or_default();
        self.inner.counters.stats(exact, semantic, self.inner.ttl)
    }
}

#[cfg(test)]
mod tests;
