//! Configuration: one TOML file, `SATISFICE_…` variables and flags become checked [`Settings`].
//!
//! Every fault is reported at once, each with its place and what to do about it. Raw input never leaves this module.
//! The settings are declared once, in `settings.rs` and `gateway.rs`; that declaration drives parsing, environment
//! overrides, the example file and the reference table. Reading the file and the process environment is the caller's.
//!
//! Precedence, highest first: flag, environment, file, default. A `[policies.NAME]` key that is given nowhere falls
//! back to `[routing]`.

mod addresses;
mod aws;
mod build;
mod credentials;
mod declare;
mod entries;
mod environment;
mod example;
mod file;
mod finding;
mod gateway;
mod settings;
mod suggest;
mod types;
mod values;

pub use addresses::addresses;
pub use aws::AwsCredentials;
pub use credentials::{Credentials, MAX_KEYS, Secret, credentials};
pub use example::{init_example, reference};
pub use finding::{ConfigFaults, Finding, Place};
pub use gateway::{CacheRule, CacheSettings, GatewaySettings};
pub(crate) use settings::DEFAULT_POLICY;
pub use settings::{
    AccessSettings, CatalogSettings, EncoderSettings, LearningSettings, LimitSettings, ModelLimitSettings,
    PolicyLimitSettings, PolicySettings, ProviderSettings, Settings, SimulatedSettings, StoreSettings, TenantSettings,
};
pub use types::{BaseUrl, CacheMode, Switch, VariableName};

use entries::Entries;
use std::{collections::BTreeMap, path::Path};

/// A configuration file that the caller has read.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// Its text.
    pub text: &'a str,
    /// Its name, as findings show it.
    pub origin: &'a str,
}

/// Settings given on the command line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flags {
    /// `--listen`.
    pub listen: Option<String>,
    /// `--data-dir`.
    pub data_dir: Option<String>,
}

/// Everything that settings are made from.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// The configuration file, where there is one.
    pub file: Option<Source<'a>>,
    /// The environment; only `SATISFICE_…` matters here.
    pub environment: &'a BTreeMap<String, String>,
    /// The command line.
    pub flags: &'a Flags,
    /// `data_dir` when nobody sets it.
    pub default_data_dir: &'a Path,
    /// Names of the providers in the built-in catalogue; others need a `base_url`.
    pub known_providers: &'a [&'a str],
}

/// Settings, with what deserves a warning.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The checked settings.
    pub settings: Settings,
    /// Things that are allowed and probably not meant, in the order of their places.
    pub warnings: Vec<Finding>,
}

/// Checks everything and makes the settings.
///
/// # Errors
/// [`ConfigFaults`] with every fault of every source; show it to the operator and do not start.
pub fn load(inputs: &Inputs<'_>) -> Result<Loaded, ConfigFaults> {
    let mut entries = Entries::default();
    if let Some(source) = inputs.file {
        file::read(source, &mut entries);
    }
    environment::read(inputs.environment, inputs.known_providers, &mut entries);
    environment::read_flags(inputs.flags, &mut entries);
    let built = build::settings(&mut entries, inputs);
    let (faults, warnings) = entries.into_findings();
    match built {
        Ok(settings) if faults.is_empty() => Ok(Loaded { settings, warnings }),
        Ok(_) => Err(ConfigFaults::new(faults)),
        Err(last) => Err(ConfigFaults::new(faults.into_iter().chain([last]).collect())),
    }
}

#[cfg(test)]
mod tests;
