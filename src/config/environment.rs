//! `SATISFICE_…` variables and flags.

use super::{
    Flags,
    declare::Setting,
    entries::Entries,
    finding::Place,
    settings::{SECTIONS, SectionInfo, section_named},
    suggest,
    values::Raw,
};
use std::collections::BTreeMap;

const PREFIX: &str = "SATISFICE_";

/// Variables that are not settings: read by the command line, the cache and the key check.
pub(super) const RESERVED: [&str; 5] = ["CONFIG", "LOG", "CACHE_DIR", "API_KEY", "ADMIN_KEY"];

/// The variable of a setting; `NAME` stands in for the name in named sections.
pub(super) fn variable(section: &SectionInfo, setting: &Setting) -> String {
    let path = match (section.path, section.named) {
        ("", _) => String::new(),
        (path, false) => format!("{path}_"),
        (path, true) => format!("{path}_name_"),
    };
    format!("{PREFIX}{}", format!("{path}{}", setting.key).to_ascii_uppercase())
}

/// The short variable of a setting, where it has one; named sections have none.
pub(super) fn short_variable(section: &SectionInfo, setting: &Setting) -> Option<String> {
    setting.alias.filter(|_| !section.named).map(|alias| format!("{PREFIX}{alias}"))
}

/// Puts the variables' values into the entries.
pub(super) fn read(environment: &BTreeMap<String, String>, known_providers: &[&str], entries: &mut Entries) {
    for (name, text) in environment {
        let Some(rest) = name.strip_prefix(PREFIX).filter(|rest| !RESERVED.contains(rest)) else { continue };
        let place = Place::Environment(name.clone());
        let target = plain_target(name).or_else(|| named_target(rest, known_providers, entries));
        match target {
            None => entries.fault(place, "unknown variable", unknown_remedy(name)),
            Some(target) if text.trim().is_empty() => {
                let remedy = format!("unset it, or give {}", target.setting.shape.words(target.setting.range));
                entries.warn(place, "it is empty and counts as not set", remedy);
            }
            Some(target) => put(target, text, place, entries),
        }
    }
}

/// Puts the flags' values into the entries.
pub(super) fn read_flags(flags: &Flags, entries: &mut Entries) {
    let given = [("listen", "--listen", &flags.listen), ("data_dir", "--data-dir", &flags.data_dir)];
    for (key, flag, text) in given {
        let setting = section_named("").and_then(|section| section.setting(key));
        if let (Some(setting), Some(text)) = (setting, text) {
            entries.put("", setting, Raw::Plain(text.clone()), Place::Flag(flag));
        }
    }
}

/// The setting that a variable means.
struct Target {
    /// Section with its name, such as `policies.careful`.
    path: String,
    /// For named sections: the section and the name.
    name: Option<(&'static str, String)>,
    setting: &'static Setting,
}

fn put(target: Target, text: &str, place: Place, entries: &mut Entries) {
    if let Some(Place::Environment(other)) = entries.given(&target.path, target.setting.key).map(|e| &e.place) {
        let problem = format!("{other} sets the same");
        return entries.fault(place, problem, "unset one of the two");
    }
    if let Some((section, name)) = &target.name {
        entries.declare(section, name, place.clone());
    }
    entries.put(&target.path, target.setting, Raw::Plain(text.to_owned()), place);
}

fn plain_settings() -> impl Iterator<Item = (&'static SectionInfo, &'static Setting)> {
    SECTIONS.iter().filter(|section| !section.named).flat_map(|s| s.settings().map(move |setting| (s, setting)))
}

fn plain_target(name: &str) -> Option<Target> {
    plain_settings()
        .find(|(section, setting)| {
            variable(section, setting) == name || short_variable(section, setting).as_deref() == Some(name)
        })
        .map(|(section, setting)| Target { path: section.path.to_owned(), name: None, setting })
}

/// `POLICIES_CAREFUL_KAPPA`. A variable can't tell `-` from `_`, so names known already are tried first.
fn named_target(rest: &str, known_providers: &[&str], entries: &Entries) -> Option<Target> {
    let (section, tail) = SECTIONS.iter().filter(|section| section.named).find_map(|section| {
        let tail = rest.strip_prefix(&section.path.to_ascii_uppercase())?.strip_prefix('_')?;
        Some((section, tail))
    })?;
    let (setting, upper) = section
        .settings()
        .filter_map(|setting| {
            let upper = tail.strip_suffix(&setting.key.to_ascii_uppercase())?.strip_suffix('_')?;
            Some((setting, upper)).filter(|_| !upper.is_empty())
        })
        .min_by_key(|(_, upper)| upper.len())?;
    let declared = entries.names(section.path).into_iter().map(|(name, _)| name);
    let policies =
        entries.names("policies").into_iter().filter(|_| section.path == "policy_limits").map(|(name, _)| name);
    let builtin = known_providers.iter().filter(|_| section.path == "providers").map(|name| (*name).to_owned());
    let name = declared
        .chain(policies)
        .chain(builtin)
        .find(|name| name.to_ascii_uppercase().replace('-', "_") == upper)
        .unwrap_or_else(|| upper.to_ascii_lowercase());
    Some(Target { path: format!("{}.{name}", section.path), name: Some((section.path, name)), setting })
}

fn unknown_remedy(name: &str) -> String {
    if name.starts_with("SATISFICE_PROVIDERS_") && name.ends_with("_KEY") {
        return "put the key in the provider's own variable; …_API_KEY_ENV names another one".to_owned();
    }
    let long = plain_settings().map(|(section, setting)| variable(section, setting));
    let short = plain_settings().filter_map(|(section, setting)| short_variable(section, setting));
    let reserved = RESERVED.iter().map(|rest| format!("{PREFIX}{rest}"));
    match suggest::nearest(name, long.chain(short).chain(reserved)) {
        Some(near) => format!("did you mean {near}?"),
        None => "unset it, or see `satisfice init` for the list of settings".to_owned(),
    }
}
