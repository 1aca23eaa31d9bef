//! Provider keys, from the environment alone.

use super::{
    aws::{self, AwsCredentials},
    finding::{Finding, Place},
    settings::Settings,
};
use crate::catalog::{Dialect, Provider};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// Keys that one provider can have.
pub const MAX_KEYS: usize = 64;

/// A text that is never printed: `Debug` and `Display` hide it.
#[derive(Clone, PartialEq, Eq)]
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

/// The keys of the enabled providers that have some.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    keys: BTreeMap<String, Vec<Secret>>,
    aws: BTreeMap<String, Vec<AwsCredentials>>,
}

impl Credentials {
    /// A provider's keys, in the order of their variable, each once; none for Bedrock.
    #[must_use]
    pub fn keys(&self, provider: &str) -> &[Secret] {
        self.keys.get(provider).map_or(&[], Vec::as_slice)
    }

    /// How AWS knows us, for a provider that is Bedrock.
    #[must_use]
    pub fn aws(&self, provider: &str) -> &[AwsCredentials] {
        self.aws.get(provider).map_or(&[], Vec::as_slice)
    }

    /// Providers that have a key, sorted.
    pub fn providers(&self) -> impl Iterator<Item = &str> {
        self.keys.keys().chain(self.aws.keys()).map(String::as_str).collect::<BTreeSet<_>>().into_iter()
    }

    /// Whether no provider has a key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.aws.is_empty()
    }
}

/// Finds each enabled provider's keys: in the variable that the settings name, else in the first of the catalogue's
/// variables that holds one. A variable holds several with commas between them. The findings are warnings: an empty or
/// unusable key counts as absent, and so do the keys of Bedrock without a region to call.
pub fn credentials<'a>(
    environment: &BTreeMap<String, String>,
    catalogue: impl IntoIterator<Item = &'a Provider>,
    settings: &Settings,
) -> (Credentials, Vec<Finding>) {
    let (mut found, mut warnings) = (Credentials::default(), Vec::new());
    for (provider, source) in sources(catalogue, settings) {
        let variables = source.variables.iter();
        let keys = variables.map(|name| usable_keys(environment, name, &mut warnings)).find(|keys| !keys.is_empty());
        let keys = keys.unwrap_or_default();
        if source.is_aws {
            let known = aws::credentials(environment, keys, source.is_named, &mut warnings);
            found.aws.extend((!known.is_empty()).then_some((provider, known)));
        } else if !keys.is_empty() {
            found.keys.insert(provider, keys);
        }
    }
    warnings.extend(unset(environment, settings));
    warnings.sort();
    warnings.dedup();
    (found, warnings)
}

/// Where a provider's keys are looked for.
#[derive(Default)]
struct KeySource {
    variables: Vec<String>,
    is_aws: bool,
    /// Whether the settings name the variable: then no other is looked at.
    is_named: bool,
}

/// The variables of each enabled provider.
fn sources<'a>(catalogue: impl IntoIterator<Item = &'a Provider>, settings: &Settings) -> BTreeMap<String, KeySource> {
    let source = |provider: &Provider| {
        let is_aws = provider.dialect == Dialect::Bedrock;
        (provider.id.clone(), KeySource { variables: provider.key_env.clone(), is_aws, is_named: false })
    };
    let mut sources: BTreeMap<_, _> = catalogue.into_iter().map(source).collect();
    for (name, provider) in &settings.providers {
        if let Some(variable) = &provider.api_key_env {
            let source = sources.entry(name.clone()).or_default();
            source.variables = vec![variable.as_str().to_owned()];
            source.is_named = true;
        }
    }
    sources.retain(|name, _| settings.providers.get(name).is_none_or(|provider| provider.enabled));
    sources
}

/// The keys in a variable, each once.
fn usable_keys(environment: &BTreeMap<String, String>, name: &str, warnings: &mut Vec<Finding>) -> Vec<Secret> {
    let Some(text) = environment.get(name) else { return Vec::new() };
    let mut warn = |problem: String, remedy: &str| {
        warnings.push(Finding::new(Place::Environment(name.to_owned()), problem, remedy));
    };
    let mut keys = Vec::new();
    let several = text.contains(',');
    for (n, key) in (1..).zip(text.split(',').map(str::trim)) {
        let key = Secret::new(key);
        match unusable(&key) {
            Some(problem) if several => warn(format!("key {n} of it {problem}: it is left out"), "mend or remove it"),
            Some(problem) => {
                warn(format!("it {problem}: the provider counts as having no key"), "put the key in it, or unset it");
            }
            None if !keys.contains(&key) => keys.push(key),
            None => {}
        }
    }
    if keys.len() > MAX_KEYS {
        let problem = format!("it holds {} keys, and {MAX_KEYS} is the most: none of them is used", keys.len());
        warn(problem, "leave some out");
        keys.clear();
    }
    keys
}

/// What keeps a key from being one.
pub(super) fn unusable(key: &Secret) -> Option<&'static str> {
    if key.expose().is_empty() {
        Some("is empty")
    } else if key.expose().bytes().any(|byte| !byte.is_ascii_graphic()) {
        Some("holds characters that no key has")
    } else {
        None
    }
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
