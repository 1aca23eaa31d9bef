//! The catalogue as this service can use it: which models may be chosen, and why the others may not.

use crate::{
    catalog::{Catalog, Dialect, ModelEntry, ModelKind, Provider},
    domain::{DataHandling, ModelId, TaskType},
};
use std::collections::BTreeSet;

/// A model with what is looked up for every request.
#[derive(Debug, Clone)]
pub struct FleetModel {
    /// Its catalogue entry.
    pub entry: ModelEntry,
    /// How its provider is spoken to.
    pub dialect: Dialect,
    /// Where and how its provider handles what it is sent.
    pub handling: DataHandling,
    /// Ability u for each of [`TaskType::ALL`], in that order.
    abilities: Vec<f64>,
    /// Why it can't be used at all, in words; `None` when it can.
    pub disabled: Option<String>,
}

impl FleetModel {
    /// Ability for a task type on the item-response scale.
    #[must_use]
    pub fn ability(&self, task: TaskType) -> f64 {
        self.abilities[task as usize]
    }

    /// Why requests are never routed to it, in words; `None` when they may be.
    #[must_use]
    pub fn unroutable(&self) -> Option<&str> {
        let embeds = (self.entry.kind == ModelKind::Embedding).then_some("an embedding model");
        self.disabled.as_deref().or(embeds)
    }
}

/// All models of the catalogue.
#[derive(Debug, Clone)]
pub struct Fleet {
    models: Vec<FleetModel>,
}

impl Fleet {
    /// Marks as usable what has a provider among `enabled` and a price.
    #[must_use]
    pub fn new(catalog: &Catalog, enabled: &BTreeSet<String>) -> Self {
        let models = catalog.models().iter().map(|entry| {
            let provider = catalog.provider(&entry.provider);
            let needs = provider.map(Provider::needs).unwrap_or_default();
            let disabled = if !enabled.contains(&entry.provider) {
                Some(match (entry.simulated.is_some(), needs.is_empty()) {
                    (true, _) => "the simulated provider is off".to_owned(),
                    (false, true) => format!("provider {} is not enabled", entry.provider),
                    (false, false) => format!("no {needs}"),
                })
            } else if entry.price.is_none() {
                Some("no price is known".to_owned())
            } else if entry.deprecated {
                Some("withdrawn by its provider".to_owned())
            } else {
                None
            };
            FleetModel {
                entry: entry.clone(),
                dialect: provider.map_or(Dialect::OpenAi, |p| p.dialect),
                handling: provider.map(|p| p.handling.clone()).unwrap_or_default(),
                abilities: TaskType::ALL.iter().map(|&t| entry.ability(t).logit).collect(),
                disabled,
            }
        });
        Self { models: models.collect() }
    }

    /// Every model.
    #[must_use]
    pub fn all(&self) -> &[FleetModel] {
        &self.models
    }

    /// Models that requests may be routed to.
    pub fn usable(&self) -> impl Iterator<Item = &FleetModel> {
        self.models.iter().filter(|m| m.unroutable().is_none())
    }

    /// A model that embeds, by its id; it can be used if it is not `disabled`.
    #[must_use]
    pub fn embedding(&self, id: &ModelId) -> Option<&FleetModel> {
        self.get(id).filter(|m| m.entry.kind == ModelKind::Embedding)
    }

    /// A model by its id.
    #[must_use]
    pub fn get(&self, id: &ModelId) -> Option<&FleetModel> {
        self.models.iter().find(|m| m.entry.id == *id)
    }
}

#[cfg(test)]
mod tests;
