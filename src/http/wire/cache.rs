//! The cache as administrators see it.

use super::super::error::ApiError;
use crate::{
    cache::{CacheFilter, CacheSize, CacheStats},
    domain::Tenant,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// What the cache holds and does; counts are since the start of the service.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct CacheBody {
    /// `cache`.
    #[schema(example = "cache")]
    object: &'static str,
    /// Answers to the same request.
    exact: CacheSizeBody,
    /// Answers to similar requests; most of them are among the others, too.
    semantic: CacheSizeBody,
    /// Seconds for which an answer is given again.
    ttl_s: u64,
    /// Answers given again.
    hits: u64,
    /// Of these, to similar requests.
    semantic_hits: u64,
    /// Answers given after their time, as no other could be had.
    stale: u64,
    /// Times that none was found.
    misses: u64,
    /// What answers that were given again had cost, USD.
    saved_usd: f64,
}

impl From<&CacheStats> for CacheBody {
    fn from(stats: &CacheStats) -> Self {
        let CacheStats { exact, semantic, ttl, hits, semantic_hits, stale, misses, saved_usd } = *stats;
        let (exact, semantic) = (exact.into(), semantic.into());
        let ttl_s = ttl.as_secs();
        Self { object: "cache", exact, semantic, ttl_s, hits, semantic_hits, stale, misses, saved_usd }
    }
}

/// What a part of the cache holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct CacheSizeBody {
    /// Answers that are kept.
    entries: usize,
    /// Memory that they take, bytes.
    bytes: u64,
    /// Memory that they may take, bytes; 0: none are kept.
    capacity_bytes: u64,
}

impl From<CacheSize> for CacheSizeBody {
    fn from(CacheSize { entries, bytes, capacity_bytes }: CacheSize) -> Self {
        Self { entries, bytes, capacity_bytes }
    }
}

/// How many answers were forgotten.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct ClearedBody {
    /// Answers that are no longer kept.
    pub(crate) removed: usize,
}

/// Which answers are to be forgotten. A name that is not known is an error: it might have been meant to spare something.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct CacheQuery {
    /// Whose.
    #[serde(default)]
    #[param(min_length = 1, example = "acme")]
    tenant: Option<String>,
    /// Decided by this policy; `default` is that of `auto` and of models asked for by name.
    #[serde(default)]
    #[param(min_length = 1, example = "default")]
    policy: Option<String>,
    /// Given by this model, or by those that a pattern covers.
    #[serde(default)]
    #[param(min_length = 1, example = "anthropic/*")]
    model: Option<String>,
}

impl CacheQuery {
    /// The answers that are meant.
    ///
    /// # Errors
    /// 400 for an empty name.
    pub(crate) fn into_filter(self) -> Result<CacheFilter, ApiError> {
        let named = |field: &str, name: Option<String>| match name {
            Some(name) if name.is_empty() => {
                Err(ApiError::invalid(field, format!("{field} is empty; name one or leave it out")))
            }
            name => Ok(name),
        };
        Ok(CacheFilter {
            tenant: named("tenant", self.tenant)?.map(|name| Tenant::from(name.as_str())),
            policy: named("policy", self.policy)?,
            model: named("model", self.model)?,
        })
    }
}
