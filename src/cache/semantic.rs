//! Answers to similar requests: those that differ in nothing but how the last user message is put.

use super::{CacheFilter, CacheKey, Entry, guard::Guard, stats::CacheSize};
use crate::domain::DecisionId;
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

/// Entries that one frame holds at most: all of them are looked at for a request.
const FRAME_ENTRIES: usize = 1024;
/// Bytes beside an answer: names and pointers, its place in the tables.
const OVERHEAD: u64 = 512;

/// What a request asks, for comparison with others.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    frame: CacheKey,
    guard: Guard,
    /// Unit norm.
    embedding: Box<[f32]>,
}

impl Question {
    /// `frame` is all of the request but the words of its last user message; `embedding`, of unit norm, and `guard` are of
    /// these words.
    #[must_use]
    pub fn new(frame: CacheKey, guard: Guard, embedding: &[f32]) -> Self {
        Self { frame, guard, embedding: embedding.into() }
    }

    /// Cosine of the two messages; 0 for embeddings that can't be compared.
    fn similarity(&self, other: &Self) -> f32 {
        if self.embedding.len() != other.embedding.len() {
            return 0.0;
        }
        self.embedding.iter().zip(&other.embedding).map(|(a, b)| a * b).sum()
    }

    fn bytes(&self) -> u64 {
        (self.guard.bytes() + size_of_val(&*self.embedding) + size_of::<Self>()) as u64
    }
}

/// Bounds of a [`SemanticCache`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bounds {
    /// Least cosine of two messages that count as similar.
    pub(super) similarity: f32,
    pub(super) entries: usize,
    pub(super) bytes: u64,
}

/// Bounded in entries and bytes; the oldest leave first. Reading takes a shared lock, as every request that finds no answer to
/// itself reads.
pub(super) struct SemanticCache {
    bounds: Bounds,
    table: RwLock<Table>,
}

#[derive(Default)]
struct Table {
    frames: HashMap<CacheKey, Vec<Kept>>,
    /// The frame of each decision's answer.
    frame_of: HashMap<DecisionId, CacheKey>,
    /// Every entry's number with its frame, oldest first; also of entries that left before their turn.
    order: VecDeque<(u64, CacheKey)>,
    next: u64,
    bytes: u64,
    entries: usize,
}

struct Kept {
    number: u64,
    question: Question,
    entry: Arc<Entry>,
}

impl Kept {
    fn bytes(&self) -> u64 {
        self.entry.answer_bytes() as u64 + self.question.bytes() + OVERHEAD
    }
}

impl SemanticCache {
    /// `None` where nothing would be kept.
    pub(super) fn new(bounds: Bounds) -> Option<Self> {
        (bounds.entries > 0 && bounds.bytes > 0).then(|| Self { bounds, table: RwLock::default() })
    }

    pub(super) const fn capacity(&self) -> u64 {
        self.bounds.bytes
    }

    pub(super) fn size(&self) -> CacheSize {
        let table = self.read();
        CacheSize { entries: table.entries, bytes: table.bytes, capacity_bytes: self.bounds.bytes }
    }

    /// The answer to the most similar question of those that are similar enough, agree and are `fit`, with their cosine.
    pub(super) fn get(&self, question: &Question, fit: impl Fn(&Entry) -> bool) -> Option<(Arc<Entry>, f32)> {
        let table = self.read();
        let kept = table.frames.get(&question.frame)?.iter();
        // Words are compared sooner than embeddings.
        let agreeing = kept.filter(|kept| kept.question.guard.agrees(&question.guard) && fit(&kept.entry));
        let similar = agreeing.map(|kept| (kept, kept.question.similarity(question)));
        let similar = similar.filter(|(_, similarity)| *similarity >= self.bounds.similarity);
        let (kept, similarity) = similar.max_by(|(_, one), (_, other)| one.total_cmp(other))?;
        // Rounding may exceed what a cosine can be.
        Some((Arc::clone(&kept.entry), similarity.min(1.0)))
    }

    /// Keeps an answer instead of those that would have been found for the same question.
    pub(super) fn insert(&self, question: Question, entry: Arc<Entry>) {
        let least = self.bounds.similarity;
        let mut table = self.write();
        let frame = question.frame;
        table.retain(&frame, |kept| {
            !kept.question.guard.agrees(&question.guard) || kept.question.similarity(&question) < least
        });
        if table.frames.get(&frame).is_some_and(|kept| kept.len() >= FRAME_ENTRIES) {
            let oldest = table.frames[&frame].iter().map(|kept| kept.number).min();
            table.retain(&frame, |kept| Some(kept.number) != oldest);
        }
        table.insert(question, entry);
        while table.entries > self.bounds.entries || table.bytes > self.bounds.bytes {
            let Some((number, frame)) = table.order.pop_front() else { break };
            table.retain(&frame, |kept| kept.number != number);
        }
        table.tidy();
    }

    pub(super) fn of_decision(&self, decision: DecisionId) -> Option<Arc<Entry>> {
        let table = self.read();
        let frame = table.frame_of.get(&decision)?;
        let kept = table.frames.get(frame)?.iter().find(|kept| kept.entry.served().decision == decision)?;
        Some(Arc::clone(&kept.entry))
    }

    pub(super) fn forget(&self, decision: DecisionId) -> bool {
        let mut table = self.write();
        let Some(frame) = table.frame_of.get(&decision).copied() else { return false };
        table.retain(&frame, |kept| kept.entry.served().decision != decision) > 0
    }

    /// Forgets what the filter covers; the decisions that it came from.
    pub(super) fn clear(&self, filter: &CacheFilter) -> Vec<DecisionId> {
        let mut table = self.write();
        let entries = table.frames.values().flatten().map(|kept| kept.entry.served());
        let covered: Vec<DecisionId> = entries.filter(|served| filter.covers(served)).map(|s| s.decision).collect();
        for decision in &covered {
            if let Some(frame) = table.frame_of.get(decision).copied() {
                table.retain(&frame, |kept| kept.entry.served().decision != *decision);
            }
        }
        table.tidy();
        covered
    }

    /// A table is whole between any two of its operations, so a panic elsewhere does no harm.
    fn read(&self) -> RwLockReadGuard<'_, Table> {
        self.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Table> {
        self.table.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn insert(&mut self, question: Question, entry: Arc<Entry>) {
        let (number, frame) = (self.next, question.frame);
        self.next += 1;
        let kept = Kept { number, question, entry };
        self.bytes += kept.bytes();
        self.entries += 1;
        self.order.push_back((number, frame));
        self.frame_of.insert(kept.entry.served().decision, frame);
        self.frames.entry(frame).or_default().push(kept);
    }

    /// Leaves in a frame what is to stay; says how many left.
    fn retain(&mut self, frame: &CacheKey, stays: impl Fn(&Kept) -> bool) -> usize {
        let Some(kept) = self.frames.get_mut(frame) else { return 0 };
        let gone: Vec<Kept> = kept.extract_if(.., |kept| !stays(kept)).collect();
        if kept.is_empty() {
            self.frames.remove(frame);
        }
        for kept in &gone {
            self.bytes -= kept.bytes();
            self.entries -= 1;
            self.frame_of.remove(&kept.entry.served().decision);
        }
        gone.len()
    }

    /// Drops the numbers of entries that left before their turn, once they are many.
    fn tidy(&mut self) {
        if self.order.len() > 2 * self.entries + FRAME_ENTRIES {
            let frames = &self.frames;
            self.order.retain(|(number, frame)| {
                frames.get(frame).is_some_and(|kept| kept.iter().any(|kept| kept.number == *number))
            });
        }
    }
}

#[cfg(test)]
mod tests;
