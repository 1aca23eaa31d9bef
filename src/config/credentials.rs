//! Provider keys, from the environment alone.

use super::{
    finding::{Finding, Place},
    settings::Settings,
};
use std::{collections::BTreeMap, fmt};

/// A text that is never printed: `Debug` and `Display` hide it.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    #[must_use]
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// The secret itself, for the one place that sends it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

/// The keys of the enabled providers that have one.
#[derive(Debug, Clone, Default)]
pub struct Credentials(BTreeMap<String, Secret>);

impl Credentials {
    /// A provider's key.
    #[must_use]
    pub fn get(&self, provider: &str) -> Option<&Secret> {
        self.0.get(provider)
    }

    /// Providers that have a key, sorted.
    pub fn providers(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Whether no provider has a key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Finds each enabled provider's key: in the variable that the settings name, else in the first of the catalogue's
/// variables that holds one. `catalogue` gives each provider's name with its variables. The findings are warnings:
/// an empty or unusable key counts as absent.
pub fn credentials<'a>(
    environment: &BTreeMap<String, String>,
    catalogue: impl IntoIterator<Item = (&'a str, &'a [String])>,
    settings: &Settings,
) -> (Credentials, Vec<Finding>) {
    let (mut keys, mut warnings) = (BTreeMap::new(), Vec::new());
    for (provider, variables) in variables(catalogue, settings) {
        let mut usable = variables.iter().filter_map(|name| usable_key(environment, name, &mut warnings));
        if let Some(key) = usable.next() {
            keys.insert(provider, key);
        }
    }
    warnings.extend(unset(environment, settings));
    warnings.sort();
    warnings.dedup();
    (Credentials(keys), warnings)
}

/// The variables of each enabled provider.
fn variables<'a>(
    catalogue: impl IntoIterator<Item = (&'a str, &'a [String])>,
    settings: &Settings,
) -> BTreeMap<String, Vec<String>> {
    let mut variables: BTreeMap<_, _> =
        catalogue.into_iter().map(|(name, variables)| (name.to_owned(), variables.to_vec())).collect();
    for (name, provider) in &settings.providers {
        if let Some(variable) = &provider.api_key_env {
            variables.insert(name.clone(), vec![variable.as_str().to_owned()]);
        }
    }
    variables.retain(|name, _| settings.providers.get(name).is_none_or(|provider| provider.enabled));
    variables
}

fn usable_key(environment: &BTreeMap<String, String>, name: &str, warnings: &mut Vec<Finding>) -> Option<Secret> {
    let key = environment.get(name)?.trim();
    let problem = if key.is_empty() {
        "it is empty: the provider counts as having no key"
    } else if key.bytes().any(|byte| !byte.is_ascii_graphic()) {
        "it holds characters that no key has: the provider counts as having none"
    } else {
        return Some(Secret::new(key));
    };
    warnings.push(Finding::new(Place::Environment(name.to_owned()), problem, "put the key in it, or unset it"));
    None
}

/// Variables that the settings name and that are not set.
fn unset<'a>(environment: &BTreeMap<String, String>, settings: &'a Settings) -> impl Iterator<Item = Finding> + 'a {
    let enabled = settings.providers.iter().filter(|(_, provider)| provider.enabled);
    let missing: Vec<_> = enabled
        .filter_map(|(name, provider)| Some((name, provider.api_key_env.as_ref()?.as_str())))
        .filter(|(_, variable)| !environment.contains_key(*variable))
        .collect();
    missing.into_iter().map(|(name, variable)| {
        let problem = format!("it is not set: providers.{name}, whose api_key_env names it, has no key");
        Finding::new(Place::Environment(variable.to_owned()), problem, "put the key in it, or switch the provider off")
    })
}
