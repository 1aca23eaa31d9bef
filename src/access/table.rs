//! The keys in force, looked up by their public part.

use crate::domain::{KeyId, KeyRecord};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// A key and where its limits are counted.
#[derive(Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) record: KeyRecord,
    /// The first key of its line of rotations: keys of a line share budget and limits, or rotating would renew them.
    pub(super) root: KeyId,
}

/// All keys in the order of the log, also those that no longer count: the service never opens again because the last one
/// was revoked.
#[derive(Debug, Default)]
pub(super) struct KeyTable {
    entries: Vec<Arc<Entry>>,
    places: HashMap<KeyId, usize>,
}

impl KeyTable {
    pub(super) fn new(records: Vec<KeyRecord>) -> Self {
        let parents: HashMap<KeyId, KeyId> =
            records.iter().filter_map(|record| Some((record.id.clone(), record.rotated_from.clone()?))).collect();
        let places = records.iter().enumerate().map(|(place, record)| (record.id.clone(), place)).collect();
        let entry = |record: KeyRecord| Arc::new(Entry { root: root(&parents, &record.id), record });
        Self { entries: records.into_iter().map(entry).collect(), places }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn get(&self, id: &KeyId) -> Option<&Arc<Entry>> {
        self.places.get(id).map(|&place| &self.entries[place])
    }

    /// Oldest first.
    pub(super) fn all(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().map(AsRef::as_ref)
    }

    /// The last key of each line, oldest first.
    pub(super) fn heads(&self) -> Vec<&Entry> {
        let replaced: HashSet<&KeyId> = self.all().filter_map(|entry| entry.record.rotated_from.as_ref()).collect();
        self.all().filter(|entry| !replaced.contains(&entry.record.id)).collect()
    }
}

/// Follows rotations back; a ring, which only a tampered log holds, is left after one round.
fn root(parents: &HashMap<KeyId, KeyId>, id: &KeyId) -> KeyId {
    let mut root = id;
    for _ in 0..parents.len() {
        match parents.get(root) {
            Some(parent) => root = parent,
            None => break,
        }
    }
    root.clone()
}
