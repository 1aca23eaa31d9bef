//! API keys as they are kept, and who is behind a request.

use super::{KeyId, ModelId, Tenant, UnixMillis, Usd, covers};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Who sent a request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CallerId {
    /// The key that was shown; `None` where the service asks for none.
    pub key: Option<KeyId>,
    /// Who pays.
    pub tenant: Tenant,
}

/// How much may go through; `None` is no limit. A minute is any 60 seconds, not a minute of the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RateLimits {
    /// Requests in a minute, at least 1.
    pub requests_per_minute: Option<u64>,
    /// Tokens in a minute, input and output together, at least 1.
    pub tokens_per_minute: Option<u64>,
    /// Requests at the same time, at least 1.
    pub max_concurrent: Option<u64>,
}

impl RateLimits {
    /// Whether nothing is limited.
    #[must_use]
    pub fn is_unlimited(&self) -> bool {
        *self == Self::default()
    }
}

/// What a key may do.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct KeyLimits {
    /// How fast.
    pub rates: RateLimits,
    /// For how much money in a calendar month (UTC).
    pub budget_usd_per_month: Option<Usd>,
    /// Which models may serve it: patterns such as `anthropic/*`; empty means all.
    pub models: Vec<String>,
    /// Which policies it may ask for: patterns; empty means all.
    pub policies: Vec<String>,
}

impl KeyLimits {
    /// Whether this model may serve.
    #[must_use]
    pub fn allows_model(&self, model: &ModelId) -> bool {
        self.models.is_empty() || self.models.iter().any(|pattern| model.matches(pattern))
    }

    /// Whether a request may name this model instead of a policy. A key with a list of policies is bound to them, so it
    /// may name only models that it lists as well.
    #[must_use]
    pub fn allows_naming(&self, model: &ModelId) -> bool {
        self.allows_model(model) && (self.policies.is_empty() || !self.models.is_empty())
    }

    /// Whether a request may ask for this policy.
    #[must_use]
    pub fn allows_policy(&self, policy: &str) -> bool {
        self.policies.is_empty() || self.policies.iter().any(|pattern| covers(pattern, policy))
    }
}

/// SHA-256 of a key's whole text; never printed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyHash(pub [u8; 32]);

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash(hidden)")
    }
}

/// An API key as it is kept: everything but the key.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyRecord {
    /// The public part.
    pub id: KeyId,
    /// Proves the secret part.
    pub hash: KeyHash,
    /// What people call it.
    pub name: String,
    /// Who pays.
    pub tenant: Tenant,
    /// When it was made.
    pub created: UnixMillis,
    /// From when on it no longer counts.
    pub expires: Option<UnixMillis>,
    /// When it was taken back; from then on it no longer counts.
    pub revoked: Option<UnixMillis>,
    /// The key that it replaces. Both spend from one budget and share their limits.
    pub rotated_from: Option<KeyId>,
    /// What it may do.
    pub limits: KeyLimits,
}

impl KeyRecord {
    /// Whether it opens the door at this time.
    #[must_use]
    pub fn counts_at(&self, now: UnixMillis) -> bool {
        self.revoked.is_none() && self.expires.is_none_or(|at| now < at)
    }
}

/// What one caller's requests have cost.
#[derive(Debug, Clone, PartialEq)]
pub struct Spent {
    /// Who.
    pub caller: CallerId,
    /// How much; what a provider did not say is taken at the prediction.
    pub usd: Usd,
}
