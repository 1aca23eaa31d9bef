//! Who may serve a request, at what price and how well: providers, models, prices with source and date, limits,
//! capabilities, and prior ability per task type.
//!
//! Everything here is pure: the caller hands in texts and dates. A [`Catalog`] that exists is consistent: ids are unique,
//! every model's provider is known, every price carries its source and the day it was read.

mod ability;
mod benchmarks;
mod eligibility;
mod faults;
pub mod import;
mod model;
mod parse;
mod price;
mod provider;
mod reader;
mod simulated;
mod write;

pub use ability::{Ability, Basis};
pub use benchmarks::BenchmarkName;
pub use eligibility::{EligibilityQuery, eligible, expected_cost, expected_latency_ms};
pub use faults::{CatalogFault, CatalogFaults};
pub use model::{Benchmark, Capabilities, Latency, ModelEntry, ModelKind, Tier};
pub use price::{BilledTokens, LongContext, Price, Rate};
pub use provider::{Dialect, KeyHeader, Provider};
pub use simulated::SimulatedBehaviour;
pub use write::{models_to_toml, providers_to_toml};

use crate::domain::ModelId;
use std::collections::HashMap;

/// The catalogue of real models that is compiled in: `models/catalog.toml`.
pub const BUILTIN_TOML: &str = include_str!("../../models/catalog.toml");
/// The built-in staging provider and its models: `models/simulated.toml`.
pub const SIMULATED_TOML: &str = include_str!("../../models/simulated.toml");

/// Providers and models, consistent by construction.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Catalog {
    providers: Vec<Provider>,
    models: Vec<ModelEntry>,
    index: HashMap<ModelId, usize>,
}

impl Catalog {
    /// Reads a catalogue that stands on its own. `origin` names the text in faults, e.g. a file name.
    ///
    /// # Errors
    /// [`CatalogFaults`] with every fault found, each with its line, key and remedy; show them to whoever wrote the file.
    pub fn parse(toml: &str, origin: &str) -> Result<Self, CatalogFaults> {
        Self::default().merge(toml, origin)
    }

    /// The built-in models of `models/catalog.toml` and the simulated ones of `models/simulated.toml`.
    ///
    /// # Errors
    /// [`CatalogFaults`] if the files compiled in are at fault, which a test rules out.
    pub fn builtin() -> Result<Self, CatalogFaults> {
        Self::parse(BUILTIN_TOML, "models/catalog.toml")?.merge(SIMULATED_TOML, "models/simulated.toml")
    }

    /// This catalogue with an operator's file laid over it. An entry whose id is known replaces the old one whole, in
    /// its place; others are appended. The file may refer to providers of this catalogue.
    ///
    /// # Errors
    /// [`CatalogFaults`] with every fault in the file; this catalogue stays as it was.
    pub fn merge(&self, toml: &str, origin: &str) -> Result<Self, CatalogFaults> {
        let (providers, models) = parse::read(toml, origin, &self.providers)?;
        let mut merged = self.clone();
        for provider in providers {
            match merged.providers.iter_mut().find(|known| known.id == provider.id) {
                Some(known) => *known = provider,
                None => merged.providers.push(provider),
            }
        }
        for model in models {
            merged.put(model);
        }
        Ok(merged)
    }

    fn put(&mut self, model: ModelEntry) {
        if let Some(&at) = self.index.get(&model.id) {
            self.models[at] = model;
        } else {
            self.index.insert(model.id.clone(), self.models.len());
            self.models.push(model);
        }
    }

    /// Providers in the order of the files.
    #[must_use]
    pub fn providers(&self) -> &[Provider] {
        &self.providers
    }

    /// Models in the order of the files.
    #[must_use]
    pub fn models(&self) -> &[ModelEntry] {
        &self.models
    }

    /// The model of this id.
    #[must_use]
    pub fn model(&self, id: &ModelId) -> Option<&ModelEntry> {
        self.index.get(id).map(|&at| &self.models[at])
    }

    /// The provider of this id.
    #[must_use]
    pub fn provider(&self, id: &str) -> Option<&Provider> {
        self.providers.iter().find(|provider| provider.id == id)
    }

    /// This catalogue as TOML; [`Catalog::parse`] reads it back to an equal catalogue.
    #[must_use]
    pub fn to_toml(&self) -> String {
        format!("{}{}", providers_to_toml(&self.providers), models_to_toml(&self.models))
    }
}

#[cfg(test)]
mod tests;
