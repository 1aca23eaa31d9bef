//! What the operator lays down: whether keys are asked for, and limits that are not a key's own.

use super::{LimitScope, rate::Claim};
use crate::domain::{ModelId, RateLimits, Tenant, Usd};
use std::collections::BTreeMap;

/// When callers must show a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum RequireKey {
    /// As soon as a key was ever made, or an admin key is set.
    #[default]
    Auto,
    /// Always; without keys nobody gets in.
    Always,
}

/// What all keys of a tenant may do together.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct TenantLimits {
    /// How fast.
    pub rates: RateLimits,
    /// For how much money in a calendar month (UTC).
    pub budget_usd_per_month: Option<Usd>,
}

/// What a group of models may serve, for all callers together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelLimits {
    /// Its name.
    pub name: String,
    /// Patterns of its models.
    pub models: Vec<String>,
    /// How fast.
    pub rates: RateLimits,
}

/// Everything that the configuration says of callers.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rules {
    /// When a key is asked for.
    pub require_key: RequireKey,
    /// Whether an admin key is set: keys can be made at any time then.
    pub has_admin: bool,
    /// Tenants with limits.
    pub tenants: BTreeMap<Tenant, TenantLimits>,
    /// Policies with limits, for all callers together.
    pub policies: BTreeMap<String, RateLimits>,
    /// Groups of models with limits.
    pub models: Vec<ModelLimits>,
}

impl Rules {
    pub(super) fn tenant(&self, tenant: &Tenant) -> TenantLimits {
        self.tenants.get(tenant).copied().unwrap_or_default()
    }

    pub(super) fn policy(&self, name: &str) -> Option<Claim> {
        let (name, limits) = self.policies.get_key_value(name)?;
        Some(Claim { scope: LimitScope::Policy(name.clone()), limits: *limits })
    }

    pub(super) fn groups_of(&self, model: &ModelId) -> Vec<Claim> {
        let groups = self.models.iter().filter(|group| group.models.iter().any(|pattern| model.matches(pattern)));
        groups.map(|group| Claim { scope: LimitScope::Models(group.name.clone()), limits: group.rates }).collect()
    }
}
