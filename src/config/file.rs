//! The TOML file.

use super::{
    Source,
    declare::Setting,
    entries::Entries,
    finding::Place,
    settings::{SECTIONS, SectionInfo, section_named},
    suggest,
    values::Raw,
};
use std::{collections::BTreeSet, ops::Range};
use toml::{
    Spanned,
    de::{DeTable, DeValue, Error},
};

/// Puts the file's values into the entries.
pub(super) fn read(source: Source<'_>, entries: &mut Entries) {
    let (table, errors) = DeTable::parse_recoverable(source.text);
    let mut walk = Walk { source, broken: BTreeSet::new(), entries };
    for error in &errors {
        walk.syntax(error);
    }
    walk.root(table.get_ref());
}

struct Walk<'a> {
    source: Source<'a>,
    /// Lines that are not TOML: what recovery makes of them is not worth a second fault.
    broken: BTreeSet<usize>,
    entries: &'a mut Entries,
}

impl Walk<'_> {
    fn root(&mut self, table: &DeTable<'_>) {
        let Some(top) = section_named("") else { return };
        for (key, value) in table.iter() {
            match section_named(key.get_ref()).filter(|section| !section.path.is_empty()) {
                Some(section) if section.named => self.named(section, value),
                Some(section) => self.keys(section, section.path, value),
                None => self.key(top, "", key, value),
            }
        }
    }

    /// `[policies]`: a table of sections.
    fn named(&mut self, section: &'static SectionInfo, value: &Spanned<DeValue<'_>>) {
        let Some(table) = self.table(section.path, value) else { return };
        for (name, value) in table.iter() {
            let path = format!("{}.{}", section.path, name.get_ref());
            self.entries.declare(section.path, name.get_ref(), self.place(name.span(), &path));
            self.keys(section, &path, value);
        }
    }

    fn keys(&mut self, section: &'static SectionInfo, path: &str, value: &Spanned<DeValue<'_>>) {
        let Some(table) = self.table(path, value) else { return };
        for (key, value) in table.iter() {
            self.key(section, path, key, value);
        }
    }

    fn key(&mut self, section: &SectionInfo, path: &str, key: &Spanned<impl AsRef<str>>, value: &Spanned<DeValue<'_>>) {
        let name = key.get_ref().as_ref();
        let dotted = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        match section.setting(name) {
            Some(setting) => self.value(path, setting, self.place(value.span(), &dotted), value.get_ref()),
            None => self.unknown(section, name, self.place(key.span(), &dotted)),
        }
    }

    fn value(&mut self, path: &str, setting: &Setting, place: Place, value: &DeValue<'_>) {
        if self.is_broken(&place) {
            self.entries.put_unread(path, setting, place);
        } else {
            self.entries.put(path, setting, raw(value), place);
        }
    }

    fn unknown(&mut self, section: &SectionInfo, name: &str, place: Place) {
        if self.is_broken(&place) {
            return;
        }
        if let Some(variable) = literal_key(section, name) {
            let remedy = format!("delete it here and put the key in {variable}");
            self.entries.fault(place, "a key does not belong in a file", remedy);
        } else {
            self.entries.fault(place, "unknown setting", unknown_remedy(section, name));
        }
    }

    fn table<'v, 'i>(&mut self, path: &str, value: &'v Spanned<DeValue<'i>>) -> Option<&'v DeTable<'i>> {
        let table = value.get_ref().as_table();
        if table.is_none() {
            let place = self.place(value.span(), path);
            let remedy = format!("write its settings under a line [{path}]");
            self.entries.fault(place, format!("{path} is not a section"), remedy);
        }
        table
    }

    fn syntax(&mut self, error: &Error) {
        let span = error.span().unwrap_or(0..0);
        let place = self.place(span.clone(), "");
        if let Place::File { line, .. } = place {
            self.broken.insert(line);
        }
        let snippet = self.source.text.get(span).unwrap_or_default();
        match error.message() {
            "duplicate key" => self.entries.fault(place, format!("{snippet} is given twice"), "keep one of the two"),
            message => self.entries.fault(place, message.replace('\n', ", "), "correct the TOML here"),
        }
    }

    fn is_broken(&self, place: &Place) -> bool {
        matches!(place, Place::File { line, .. } if self.broken.contains(line))
    }

    fn place(&self, span: Range<usize>, path: &str) -> Place {
        let before = self.source.text.get(..span.start).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |text| text.chars().count()) + 1;
        Place::File { origin: self.source.origin.to_owned(), line, column, path: path.to_owned() }
    }
}

/// What a TOML value is to the settings.
fn raw(value: &DeValue<'_>) -> Raw {
    match value {
        DeValue::String(text) => Raw::Text(text.to_string()),
        DeValue::Integer(digits) => i128::from_str_radix(digits.as_str(), digits.radix())
            .map_or(Raw::Unfit("an integer of more than 127 bits"), Raw::Integer),
        DeValue::Float(digits) => digits.as_str().parse().map_or(Raw::Unfit("an unreadable float"), Raw::Float),
        DeValue::Boolean(value) => Raw::Bool(*value),
        DeValue::Datetime(_) => Raw::Unfit("a date"),
        DeValue::Table(_) => Raw::Unfit("a table"),
        DeValue::Array(items) => items
            .iter()
            .map(|item| item.get_ref().as_str().map(str::to_owned))
            .collect::<Option<Vec<_>>>()
            .map_or(Raw::Unfit("an array that holds more than strings"), Raw::List),
    }
}

/// For a key that looks like a secret: where it belongs instead.
fn literal_key(section: &SectionInfo, name: &str) -> Option<&'static str> {
    match (section.path, name) {
        ("providers", "api_key" | "apikey" | "key" | "token" | "secret" | "password") => {
            Some("an environment variable; api_key_env takes the variable's name if it is not the usual one")
        }
        ("", "api_key") => Some("the environment variable SATISFICE_API_KEY"),
        ("", "admin_key") => Some("the environment variable SATISFICE_ADMIN_KEY"),
        _ => None,
    }
}

fn unknown_remedy(section: &SectionInfo, name: &str) -> String {
    let mut known: Vec<&str> = section.settings().map(|setting| setting.key).collect();
    if section.path.is_empty() {
        known.extend(SECTIONS.iter().map(|section| section.path).filter(|path| !path.is_empty()));
    }
    if suggest::nearest(name, &known).is_some() {
        return suggest::remedy(name, "known here are", &known);
    }
    let homes = SECTIONS.iter().filter(|home| !home.named && home.setting(name).is_some()).map(|home| home.path);
    match homes.collect::<Vec<_>>().as_slice() {
        [] => suggest::remedy(name, "known here are", &known),
        [""] => "move it to the top, above the first [section]".to_owned(),
        homes => format!("move it into [{}]", homes.join("] or [")),
    }
}
