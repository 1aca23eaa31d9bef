//! What a limit is for.

use crate::domain::{KeyId, Tenant};
use std::fmt;

/// Whose limit it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LimitScope {
    /// An API key's, with those that it replaced: the first of them names it.
    Key(KeyId),
    /// A tenant's: all its keys together.
    Tenant(Tenant),
    /// A policy's: everybody who asks for it together.
    Policy(String),
    /// Of a group of models (`[model_limits.NAME]`): everybody whom they serve together.
    Models(String),
}

impl fmt::Display for LimitScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(id) => write!(f, "API key {id}"),
            Self::Tenant(tenant) => write!(f, "tenant {tenant}"),
            Self::Policy(name) => write!(f, "policy {name}"),
            Self::Models(name) => write!(f, "model group {name}"),
        }
    }
}
