//! Entries to settings, and the checks that look at more than one key.

use super::{
    ConfigFaults, Inputs,
    declare::{Reader, Section},
    entries::Entries,
    finding::{Finding, Place},
    settings::{DEFAULT_POLICY, PolicySettings, ServiceSettings, Settings},
    suggest,
    types::{NAME_WORDS, is_name},
};
use crate::domain::DecisionMode;
use std::{collections::BTreeMap, net::SocketAddr};

/// Policy names that mean `[routing]` already.
const RESERVED_POLICIES: [&str; 2] = ["auto", DEFAULT_POLICY];

/// Makes the settings; faults go to the entries. Only usable if there are none.
pub(super) fn settings(entries: &mut Entries, inputs: &Inputs<'_>) -> Result<Settings, Finding> {
    check_names(entries);
    check_policy_limits(entries);
    let service: ServiceSettings = read(entries, &[""])?;
    let settings = Settings {
        listen: service.listen,
        exposed: is_exposed(service.listen),
        data_dir: service.data_dir.unwrap_or_else(|| inputs.default_data_dir.to_owned()),
        log_format: service.log_format,
        encoder: read(entries, &["encoder"])?,
        routing: policy(entries, &["routing"])?,
        named_policies: policies(entries)?,
        learning: read(entries, &["learning"])?,
        store: read(entries, &["store"])?,
        limits: read(entries, &["limits"])?,
        access: read(entries, &["access"])?,
        tenants: named(entries, "tenants")?,
        policy_limits: named(entries, "policy_limits")?,
        model_limits: named(entries, "model_limits")?,
        providers: named(entries, "providers")?,
        simulated: read(entries, &["simulated"])?,
        catalog: read(entries, &["catalog"])?,
        gateway: read(entries, &["gateway"])?,
        cache: read(entries, &["cache"])?,
        provider_places: entries.names("providers").into_iter().collect(),
    };
    check_groups(&settings, entries);
    warn_if_exposed(&settings, entries);
    check_caching(&settings, entries);
    warn_if_never_hedged(&settings, entries);
    // With a catalogue file the providers are known only when it has been read; the caller checks then.
    if settings.catalog.file.is_none() && !entries.faulty("catalog", "file") {
        check_providers(&settings, inputs.known_providers, entries);
    }
    Ok(settings)
}

impl Settings {
    /// Checks that every configured provider is in the catalogue or has an address. [`load`](super::load) does this
    /// itself unless `[catalog] file` is set: then call it with the merged catalogue's providers.
    ///
    /// # Errors
    /// [`ConfigFaults`] with every provider that is neither; show it to the operator and do not start.
    pub fn check_providers(&self, known: &[&str]) -> Result<(), ConfigFaults> {
        let mut entries = Entries::default();
        check_providers(self, known, &mut entries);
        let (faults, _) = entries.into_findings();
        if faults.is_empty() { Ok(()) } else { Err(ConfigFaults::new(faults)) }
    }
}

fn read<S: Section>(entries: &Entries, sections: &[&str]) -> Result<S, Finding> {
    S::read(&Reader::new(entries, sections))
}

fn policies(entries: &mut Entries) -> Result<BTreeMap<String, PolicySettings>, Finding> {
    let names = entries.names("policies").into_iter();
    names.map(|(name, _)| Ok((name.clone(), policy(entries, &[&format!("policies.{name}"), "routing"])?))).collect()
}

/// Named sections that stand each for itself.
fn named<S: Section>(entries: &Entries, section: &str) -> Result<BTreeMap<String, S>, Finding> {
    let names = entries.names(section).into_iter();
    names.map(|(name, _)| Ok((name.clone(), read(entries, &[&format!("{section}.{name}")])?))).collect()
}

/// A policy, checked; the same fault reached through several policies is reported once.
fn policy(entries: &mut Entries, sections: &[&str]) -> Result<PolicySettings, Finding> {
    let rule: PolicySettings = read(entries, sections)?;
    if rule.mode == DecisionMode::Budget && rule.budget_usd.is_none() && !any_faulty(entries, sections, "budget_usd") {
        let place = place_of(entries, sections, "mode");
        entries.fault(place, "mode budget needs budget_usd", "set budget_usd beside it or in [routing]");
    }
    if rule.allow.is_empty() {
        let place = place_of(entries, sections, "allow");
        entries.fault(place, "no model is allowed", "list patterns such as \"*\", or leave it out");
    }
    Ok(rule)
}

fn any_faulty(entries: &Entries, sections: &[&str], key: &'static str) -> bool {
    sections.iter().any(|section| entries.faulty(section, key))
}

fn place_of(entries: &Entries, sections: &[&str], key: &'static str) -> Place {
    let entry = sections.iter().find_map(|section| entries.sound(section, key));
    entry.map_or(Place::Default(key), |entry| entry.place.clone())
}

fn check_names(entries: &mut Entries) {
    for section in ["policies", "providers", "tenants", "policy_limits", "model_limits"] {
        for (name, place) in entries.names(section) {
            if !is_name(&name) {
                entries.fault(place, format!("{name:?} can't be a name here"), format!("choose {NAME_WORDS}"));
            } else if section == "policies" && RESERVED_POLICIES.contains(&name.as_str()) {
                let problem = format!("the name {name} stands for [routing]");
                entries.fault(place, problem, "choose another name, or set the keys in [routing]");
            }
        }
    }
}

/// A limit on a policy that does not exist would limit nothing, and nobody would notice.
fn check_policy_limits(entries: &mut Entries) {
    let mut known: Vec<String> = entries.names("policies").into_iter().map(|(name, _)| name).collect();
    known.push(DEFAULT_POLICY.to_owned());
    for (name, place) in entries.names("policy_limits") {
        if is_name(&name) && !known.contains(&name) {
            let names: Vec<&str> = known.iter().map(String::as_str).collect();
            entries.fault(place, format!("there is no policy {name}"), suggest::remedy(&name, "policies are", &names));
        }
    }
}

fn check_groups(settings: &Settings, entries: &mut Entries) {
    for name in settings.model_limits.iter().filter(|(_, group)| group.models.is_empty()).map(|(name, _)| name) {
        let place = place_of(entries, &[&format!("model_limits.{name}")], "models");
        entries.fault(
            place,
            "no model is in this group",
            "list patterns such as \"anthropic/*\", or leave it out for all",
        );
    }
}

fn check_providers(settings: &Settings, known: &[&str], entries: &mut Entries) {
    for (name, provider) in &settings.providers {
        let has_address = provider.base_url.is_some() || entries.faulty(&format!("providers.{name}"), "base_url");
        if has_address || known.contains(&name.as_str()) {
            continue;
        }
        let place = settings.provider_places.get(name).cloned().unwrap_or(Place::Default("providers"));
        let hint =
            suggest::nearest(name, known).map(|near| format!("did you mean {near}? Otherwise ")).unwrap_or_default();
        let remedy = format!("{hint}set base_url to the address of its OpenAI-compatible API");
        entries.fault(place, format!("no provider {name} is in the catalogue"), remedy);
    }
}

/// A policy that caches more than its requests may ask for contradicts itself.
fn check_caching(settings: &Settings, entries: &mut Entries) {
    for (name, policy) in settings.policies() {
        let rule = settings.caching(&policy);
        if rule.mode <= rule.at_most {
            continue;
        }
        let place = match policy.cache {
            Some(_) => place_of(entries, &[&format!("policies.{name}"), "routing"], "cache"),
            None => place_of(entries, &["cache"], "mode"),
        };
        let problem = format!("{} is more than requests may ask for, which is {}", rule.mode, rule.at_most);
        entries.fault(place, problem, "raise at_most in [cache], or cache_at_most in the policy, or lower this");
    }
}

fn warn_if_never_hedged(settings: &Settings, entries: &mut Entries) {
    let gateway = &settings.gateway;
    if gateway.hedge_after_ms.is_some_and(|after| after >= gateway.first_token_timeout_ms) {
        let place = place_of(entries, &["gateway"], "hedge_after_ms");
        let problem = "no other model is ever called as well: the first call has timed out by then";
        entries.warn(place, problem, "make it less than first_token_timeout_ms, or leave it out");
    }
}

fn is_exposed(listen: SocketAddr) -> bool {
    !listen.ip().to_canonical().is_loopback()
}

fn warn_if_exposed(settings: &Settings, entries: &mut Entries) {
    if settings.exposed {
        let place = place_of(entries, &[""], "listen");
        let problem =
            format!("{} can be reached from other machines, and API keys travel unencrypted", settings.listen);
        entries.warn(place, problem, "listen on 127.0.0.1, or let only a proxy that speaks HTTPS reach it");
    }
}
