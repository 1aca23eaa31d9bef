//! Answers to the same request.

use super::{CacheFilter, CacheKey, Entry, stats::CacheSize};
use crate::domain::DecisionId;
use quick_cache::{DefaultHashBuilder, Lifecycle, Weighter, sync::Cache};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Bytes beside an answer: its key, names and pointers, its place in both tables.
const OVERHEAD: u64 = 512;
/// An entry's usual size, for the first guess at the number of entries.
const USUAL_BYTES: u64 = 2048;

type Answers = Cache<CacheKey, Arc<Entry>, Bytes, DefaultHashBuilder, Index>;

/// Sharded; bounded in bytes, the least useful entries go first (S3-FIFO).
pub(super) struct ExactCache {
    answers: Answers,
    index: Index,
}

/// Where the answer of each decision is. Whatever leaves the answers leaves it too. Its lock is never held while the
/// answers are asked for something, as they ask for it themselves.
#[derive(Clone, Default)]
struct Index(Arc<Mutex<HashMap<DecisionId, CacheKey>>>);

#[derive(Clone)]
struct Bytes;

impl Weighter<CacheKey, Arc<Entry>> for Bytes {
    fn weight(&self, _: &CacheKey, entry: &Arc<Entry>) -> u64 {
        entry.answer_bytes() as u64 + OVERHEAD
    }
}

impl Lifecycle<CacheKey, Arc<Entry>> for Index {
    type RequestState = ();

    fn begin_request(&self) {}

    fn on_evict(&self, (): &mut (), key: CacheKey, entry: Arc<Entry>) {
        self.remove(&entry, &key);
    }
}

impl Index {
    /// A table is whole between any two of its operations, so a panic elsewhere does no harm.
    fn lock(&self) -> MutexGuard<'_, HashMap<DecisionId, CacheKey>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remove(&self, entry: &Entry, key: &CacheKey) {
        let mut index = self.lock();
        if index.get(&entry.served().decision) == Some(key) {
            index.remove(&entry.served().decision);
        }
    }
}

impl ExactCache {
    /// `None` for no bytes: nothing is kept.
    pub(super) fn new(bytes: u64) -> Option<Self> {
        let entries = usize::try_from(bytes / USUAL_BYTES).unwrap_or(usize::MAX).max(1);
        let index = Index::default();
        let build = || Cache::with(entries, bytes, Bytes, DefaultHashBuilder::default(), index.clone());
        (bytes > 0).then(|| Self { answers: build(), index: index.clone() })
    }

    pub(super) fn capacity(&self) -> u64 {
        self.answers.capacity()
    }

    pub(super) fn size(&self) -> CacheSize {
        CacheSize { entries: self.answers.len(), bytes: self.answers.weight(), capacity_bytes: self.answers.capacity() }
    }

    pub(super) fn get(&self, key: &CacheKey) -> Option<Arc<Entry>> {
        self.answers.get(key)
    }

    pub(super) fn insert(&self, key: CacheKey, entry: Arc<Entry>) {
        if let Some(old) = self.answers.peek(&key) {
            self.index.remove(&old, &key);
        }
        // Before the answer itself: it may have to leave at once.
        self.index.lock().insert(entry.served().decision, key);
        self.answers.insert(key, entry);
    }

    pub(super) fn remove(&self, key: &CacheKey) -> bool {
        let removed = self.answers.remove(key);
        if let Some((key, entry)) = &removed {
            self.index.remove(entry, key);
        }
        removed.is_some()
    }

    pub(super) fn of_decision(&self, decision: DecisionId) -> Option<Arc<Entry>> {
        let key = self.index.lock().get(&decision).copied()?;
        self.answers.peek(&key).filter(|entry| entry.served().decision == decision)
    }

    pub(super) fn forget(&self, decision: DecisionId) -> bool {
        let key = self.index.lock().get(&decision).copied();
        key.is_some_and(|key| self.of_decision(decision).is_some() && self.remove(&key))
    }

    /// Forgets what the filter covers; the decisions that it came from.
    pub(super) fn clear(&self, filter: &CacheFilter) -> Vec<DecisionId> {
        let covered = self.answers.iter().filter(|(_, entry)| filter.covers(entry.served()));
        let covered: Vec<_> = covered.map(|(key, entry)| (key, entry.served().decision)).collect();
        covered.into_iter().filter(|(key, _)| self.remove(key)).map(|(_, decision)| decision).collect()
    }
}
