//! Encodings of texts seen before.

use super::Encoding;
use quick_cache::{Weighter, sync::Cache};
use std::sync::Arc;

/// Bytes beside a text and its encoding: keys, pointers, the cache's own.
const OVERHEAD: u64 = 160;
/// An entry's usual size, for the first guess at the number of entries.
const USUAL_BYTES: usize = 3600;

/// What the cache keeps of a text.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) encoding: Encoding,
    pub(super) tokens: usize,
}

/// Exact: a hit is the same text to the byte. Sharded; bounded in bytes, the least useful entries go first (S3-FIFO).
#[derive(Clone)]
pub(super) struct EncodingCache(Arc<Cache<Arc<str>, Arc<Kept>, Bytes>>);

#[derive(Clone)]
struct Bytes;

impl Weighter<Arc<str>, Arc<Kept>> for Bytes {
    fn weight(&self, text: &Arc<str>, _: &Arc<Kept>) -> u64 {
        (text.len() + size_of::<Kept>() + 2 * super::DIMENSIONS * size_of::<f32>()) as u64 + OVERHEAD
    }
}

impl EncodingCache {
    /// `None` for no bytes: nothing is kept.
    pub(super) fn new(bytes: usize) -> Option<Self> {
        let entries = bytes / USUAL_BYTES;
        (bytes > 0).then(|| Self(Arc::new(Cache::with_weighter(entries.max(1), bytes as u64, Bytes))))
    }

    pub(super) fn get(&self, text: &str) -> Option<Arc<Kept>> {
        self.0.get(text)
    }

    pub(super) fn put(&self, text: Arc<str>, kept: Kept) {
        self.0.insert(text, Arc::new(kept));
    }
}
