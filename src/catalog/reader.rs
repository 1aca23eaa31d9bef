//! Reads TOML tables key by key: every wrong, missing or unknown key becomes a fault, and reading goes on.

use super::faults::Faults;
use std::collections::BTreeMap;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// A kind of value: how users call it, and how it is read.
pub(super) struct Kind<T> {
    pub(super) expected: &'static str,
    pub(super) read: fn(&DeValue<'_>) -> Option<T>,
}

/// A table that is being read. Keys are taken out of it; those left over at the end are unknown.
pub(super) struct Section<'a, 'i> {
    path: String,
    at: usize,
    left: BTreeMap<&'a str, (usize, &'a Spanned<DeValue<'i>>)>,
    asked: Vec<&'static str>,
}

impl<'a, 'i> Section<'a, 'i> {
    pub(super) fn new(path: String, at: usize, table: &'a DeTable<'i>) -> Self {
        let left = table.iter().map(|(key, value)| (key.get_ref().as_ref(), (key.span().start, value))).collect();
        Self { path, at, left, asked: Vec::new() }
    }

    /// The path of a key in this table.
    pub(super) fn key(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// Whether a key is there and not yet taken.
    pub(super) fn has(&self, key: &str) -> bool {
        self.left.contains_key(key)
    }

    /// Where a key that is not yet taken stands; the start of the table when it is absent.
    pub(super) fn place_of(&self, key: &str) -> usize {
        self.left.get(key).map_or(self.at, |&(at, _)| at)
    }

    fn take(&mut self, key: &'static str) -> Option<(usize, &'a Spanned<DeValue<'i>>)> {
        self.asked.push(key);
        self.left.remove(key)
    }

    /// The value of a key that may be absent; a wrong one is a fault and reads as absent.
    pub(super) fn optional<T>(&mut self, faults: &mut Faults<'_>, key: &'static str, kind: &Kind<T>) -> Option<T> {
        let (at, value) = self.take(key)?;
        let read = (kind.read)(value.get_ref());
        if read.is_none() {
            misfit(faults, at, self.key(key), value.get_ref(), kind.expected);
        }
        read
    }

    /// The value of a key that must be there.
    pub(super) fn required<T>(&mut self, faults: &mut Faults<'_>, key: &'static str, kind: &Kind<T>) -> Option<T> {
        if self.left.contains_key(key) {
            return self.optional(faults, key, kind);
        }
        self.asked.push(key);
        faults.add(self.at, self.key(key), "is missing".to_owned(), format!("give {}", kind.expected));
        None
    }

    /// A table under a key that may be absent.
    pub(super) fn table(&mut self, faults: &mut Faults<'_>, key: &'static str) -> Option<Section<'a, 'i>> {
        let (at, value) = self.take(key)?;
        self.section(faults, self.key(key), at, value)
    }

    /// The tables of an array under a key; none when it is absent.
    pub(super) fn tables(&mut self, faults: &mut Faults<'_>, key: &'static str) -> Vec<Section<'a, 'i>> {
        let Some((at, value)) = self.take(key) else { return Vec::new() };
        let DeValue::Array(items) = value.get_ref() else {
            let problem = format!("{} is not a list", shown(value.get_ref()));
            faults.add(at, self.key(key), problem, format!("write [[{}]] before each entry", self.key(key)));
            return Vec::new();
        };
        let items = items.iter().enumerate();
        items
            .filter_map(|(n, item)| self.section(faults, format!("{}[{n}]", self.key(key)), item.span().start, item))
            .collect()
    }

    fn section(
        &self,
        faults: &mut Faults<'_>,
        path: String,
        at: usize,
        value: &'a Spanned<DeValue<'i>>,
    ) -> Option<Section<'a, 'i>> {
        if let DeValue::Table(table) = value.get_ref() {
            return Some(Section::new(path, at, table));
        }
        faults.add(at, path, format!("{} is not a table", shown(value.get_ref())), "give a table");
        None
    }

    /// Every key left, read as a name of `K`: for tables whose keys are data.
    pub(super) fn entries<K: Ord, T>(
        mut self,
        faults: &mut Faults<'_>,
        name: impl Fn(&str) -> Option<K>,
        kind: &Kind<T>,
    ) -> BTreeMap<K, T> {
        let mut read = BTreeMap::new();
        for (key, (at, value)) in std::mem::take(&mut self.left) {
            match (name(key), (kind.read)(value.get_ref())) {
                (Some(name), Some(value)) => drop(read.insert(name, value)),
                (None, _) => faults.add(at, self.key(key), "is unknown".to_owned(), "remove it, or mend its name"),
                (_, None) => misfit(faults, at, self.key(key), value.get_ref(), kind.expected),
            }
        }
        read
    }

    /// Reports the keys that nobody asked for.
    pub(super) fn finish(self, faults: &mut Faults<'_>) {
        for (key, (at, _)) in &self.left {
            faults.add(*at, self.key(key), "is unknown".to_owned(), suggestion(key, &self.asked));
        }
    }
}

fn misfit(faults: &mut Faults<'_>, at: usize, key: String, value: &DeValue<'_>, expected: &str) {
    faults.add(at, key, format!("{} does not fit", shown(value)), format!("give {expected}"));
}

/// What to write instead of `key`: the nearest of `known`, or all of them.
fn suggestion(key: &str, known: &[&str]) -> String {
    let near = known.iter().map(|name| (strsim::damerau_levenshtein(key, name), name)).min();
    match near {
        Some((distance, name)) if distance <= 2 => format!("did you mean `{name}`?"),
        _ => format!("remove it, or use one of {}", known.join(", ")),
    }
}

/// A value as faults show it.
fn shown(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("{:?}", text.chars().take(60).collect::<String>()),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(date) => date.to_string(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}
