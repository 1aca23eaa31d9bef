//! How a cache does.

use crate::domain::{CacheMatch, Usd};
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// USD are summed in whole trillionths, as everywhere.
const PER_USD: f64 = 1e12;

/// How a cache does; counts are since the start of the service.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CacheStats {
    /// Answers to the same request.
    pub exact: CacheSize,
    /// Answers to similar requests; most of them are among the others, too.
    pub semantic: CacheSize,
    /// For how long an answer is given again.
    pub ttl: Duration,
    /// Answers given again in their time.
    pub hits: u64,
    /// Of these, to a similar request.
    pub semantic_hits: u64,
    /// Answers given after their time, as no other could be had.
    pub stale: u64,
    /// Times that none was found.
    pub misses: u64,
    /// What the answers that were given again had cost, USD.
    pub saved_usd: f64,
}

/// What a part of the cache holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CacheSize {
    /// Answers that are kept.
    pub entries: usize,
    /// What they take, bytes.
    pub bytes: u64,
    /// What they may take, bytes; 0: none are kept.
    pub capacity_bytes: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    hits: AtomicU64,
    semantic: AtomicU64,
    stale: AtomicU64,
    misses: AtomicU64,
    saved: AtomicU64,
}

impl Counters {
    pub(super) fn given(&self, matched: CacheMatch, is_stale: bool, saved: Option<Usd>) {
        let counter = if is_stale { &self.stale } else { &self.hits };
        counter.fetch_add(1, Ordering::Relaxed);
        if matched == CacheMatch::Semantic && !is_stale {
            self.semantic.fetch_add(1, Ordering::Relaxed);
        }
        let saved = saved.map_or(0.0, Usd::get) * PER_USD;
        self.saved.fetch_add(saved.round() as u64, Ordering::Relaxed);
    }

    pub(super) fn missed(&self) {
        self.misses.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn stats(&self, exact: CacheSize, semantic: CacheSize, ttl: Duration) -> CacheStats {
        CacheStats {
            exact,
            semantic,
            ttl,
            hits: self.hits.load(Ordering::Relaxed),
            semantic_hits: self.semantic.load(Ordering::Relaxed),
            stale: self.stale.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
            saved_usd: self.saved.load(Ordering::Relaxed) as f64 / PER_USD,
        }
    }
}
