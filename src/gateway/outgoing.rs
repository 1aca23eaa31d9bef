//! A request's body with some fields replaced, written without copying the rest.

use crate::dialect::Object;
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::Value;

/// A body on its way out.
pub(super) struct Outgoing<'a> {
    body: &'a Object,
    replaced: Vec<(&'static str, Value)>,
    removed: Option<&'static str>,
}

impl<'a> Outgoing<'a> {
    /// As it is.
    pub(super) const fn new(body: &'a Object) -> Self {
        Self { body, replaced: Vec::new(), removed: None }
    }

    /// With another value of a field, which need not have been there.
    pub(super) fn with(mut self, field: &'static str, value: Value) -> Self {
        self.replaced.push((field, value));
        self
    }

    /// Without a field; only the last one named is left out.
    pub(super) const fn without(mut self, field: &'static str) -> Self {
        self.removed = Some(field);
        self
    }

    /// As JSON.
    pub(super) fn bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_else(|e| unreachable!("JSON that was read can be written: {e}"))
    }
}

impl Serialize for Outgoing<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let is_replaced =
            |field: &str| self.removed == Some(field) || self.replaced.iter().any(|(name, _)| *name == field);
        for (field, value) in self.body.iter().filter(|(field, _)| !is_replaced(field)) {
            map.serialize_entry(field, value)?;
        }
        for (field, value) in &self.replaced {
            map.serialize_entry(field, value)?;
        }
        map.end()
    }
}
