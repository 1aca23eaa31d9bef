//! Raw values by section and key, the highest source on top, with the findings so far.

use super::{
    declare::Setting,
    finding::{Finding, Place},
    values::Raw,
};
use std::collections::BTreeMap;

/// A value that was given.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) raw: Raw,
    pub(super) place: Place,
    /// False for a value with a fault that was reported already.
    sound: bool,
}

/// Everything given.
#[derive(Debug, Default)]
pub(super) struct Entries {
    values: BTreeMap<(String, &'static str), Entry>,
    /// Named sections such as `("policies", "careful")`, where they first appear.
    names: BTreeMap<(&'static str, String), Place>,
    faults: Vec<Finding>,
    warnings: Vec<Finding>,
}

impl Entries {
    /// Takes a value, over those of lower sources; reports it if it does not fit.
    pub(super) fn put(&mut self, section: &str, setting: &Setting, raw: Raw, place: Place) {
        let checked = (setting.check)(&raw, setting.range);
        let sound = checked.is_ok();
        if let Err(problem) = checked {
            self.fault(place.clone(), problem, setting.remedy());
        }
        self.values.insert((section.to_owned(), setting.key), Entry { raw, place, sound });
    }

    /// Notes that a value was given which could not even be read.
    pub(super) fn put_unread(&mut self, section: &str, setting: &Setting, place: Place) {
        let entry = Entry { raw: Raw::Unfit("unread"), place, sound: false };
        self.values.insert((section.to_owned(), setting.key), entry);
    }

    /// Notes a named section.
    pub(super) fn declare(&mut self, section: &'static str, name: &str, place: Place) {
        self.names.entry((section, name.to_owned())).or_insert(place);
    }

    /// The names declared in a section.
    pub(super) fn names(&self, section: &str) -> Vec<(String, Place)> {
        let of_section = self.names.iter().filter(|((s, _), _)| *s == section);
        of_section.map(|((_, name), place)| (name.clone(), place.clone())).collect()
    }

    /// The value given, sound or not.
    pub(super) fn given(&self, section: &str, key: &'static str) -> Option<&Entry> {
        self.values.get(&(section.to_owned(), key))
    }

    /// The value given, if it is sound.
    pub(super) fn sound(&self, section: &str, key: &'static str) -> Option<&Entry> {
        self.given(section, key).filter(|entry| entry.sound)
    }

    /// Whether a value was given and found wrong.
    pub(super) fn faulty(&self, section: &str, key: &'static str) -> bool {
        self.given(section, key).is_some_and(|entry| !entry.sound)
    }

    pub(super) fn fault(&mut self, place: Place, problem: impl Into<String>, remedy: impl Into<String>) {
        self.faults.push(Finding::new(place, problem, remedy));
    }

    pub(super) fn warn(&mut self, place: Place, problem: impl Into<String>, remedy: impl Into<String>) {
        self.warnings.push(Finding::new(place, problem, remedy));
    }

    /// Faults and warnings, the latter sorted.
    pub(super) fn into_findings(mut self) -> (Vec<Finding>, Vec<Finding>) {
        self.warnings.sort();
        (self.faults, self.warnings)
    }
}
