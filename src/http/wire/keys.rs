//! API keys as administrators see them.

use super::{super::error::ApiError, count, record::rfc3339};
use crate::{
    access::{Account, ApiKey, IssuedKey, KeyUsage, NewKey, TenantUsage, Usage},
    domain::{KeyLimits, KeyRecord, RateLimits, Tenant, UnixMillis, Usd},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ArrayBuilder, ObjectBuilder, RefOr, Schema, Type},
};

/// How long a rotated key goes on counting unless the request says.
const GRACE_SECONDS: u64 = 3600;
/// The longest that it may.
const LONGEST_GRACE_SECONDS: u64 = 30 * 86_400;

/// A pattern for names of models or policies. The rules for keys are those of `access`; here they are told.
const PATTERN: &str = r"^[^\s\x00-\x1F\x7F-\x9F]+$";
/// Most patterns in a list.
const MOST_PATTERNS: usize = 100;

/// The schema of a list of patterns.
struct Patterns;

impl PartialSchema for Patterns {
    fn schema() -> RefOr<Schema> {
        let pattern = ObjectBuilder::new().schema_type(Type::String).pattern(Some(PATTERN));
        ArrayBuilder::new().items(pattern).max_items(Some(MOST_PATTERNS)).into()
    }
}

impl ToSchema for Patterns {}

/// What a new key shall be.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "billing service", "tenant": "acme", "requests_per_minute": 600, "budget_usd_per_month": 50}))]
pub(crate) struct NewKeyBody {
    /// What people will call it.
    #[schema(
        min_length = 1,
        max_length = 64,
        pattern = r"^[^\x00-\x1F\x7F-\x9F]*[^\s\x00-\x1F\x7F-\x9F][^\x00-\x1F\x7F-\x9F]*$"
    )]
    name: String,
    /// Who pays; `default` unless given.
    #[serde(default)]
    #[schema(pattern = "^[a-z0-9_-]{1,64}$")]
    tenant: Option<String>,
    /// From when on it no longer counts, RFC 3339; unset, it counts until it is revoked.
    #[serde(default)]
    #[schema(format = "date-time", example = "2999-01-01T00:00:00Z")]
    expires_at: Option<String>,
    /// Requests in any 60 seconds.
    #[serde(default, deserialize_with = "count::natural")]
    #[schema(minimum = 1, maximum = 9_223_372_036_854_775_807_u64)]
    requests_per_minute: Option<u64>,
    /// Tokens in any 60 seconds, input and output together.
    #[serde(default, deserialize_with = "count::natural")]
    #[schema(minimum = 1, maximum = 9_223_372_036_854_775_807_u64)]
    tokens_per_minute: Option<u64>,
    /// Requests at the same time.
    #[serde(default, deserialize_with = "count::natural")]
    #[schema(minimum = 1, maximum = 9_223_372_036_854_775_807_u64)]
    max_concurrent: Option<u64>,
    /// US dollars in a calendar month (UTC).
    #[serde(default)]
    #[schema(value_type = Option<f64>, minimum = 0)]
    budget_usd_per_month: Option<Usd>,
    /// Models that may serve it, patterns such as `anthropic/*`; all unless given.
    #[serde(default)]
    #[schema(value_type = Patterns)]
    models: Vec<String>,
    /// Policies that it may ask for, patterns; all unless given. A key with policies may name models only if it lists them.
    #[serde(default)]
    #[schema(value_type = Patterns)]
    policies: Vec<String>,
}

impl NewKeyBody {
    /// The key that is wished for.
    ///
    /// # Errors
    /// 400 that names the field.
    pub(crate) fn into_new(self) -> Result<NewKey, ApiError> {
        let expires = self.expires_at.as_deref().map(time).transpose()?;
        let rates = RateLimits {
            requests_per_minute: self.requests_per_minute,
            tokens_per_minute: self.tokens_per_minute,
            max_concurrent: self.max_concurrent,
        };
        let budget_usd_per_month = self.budget_usd_per_month;
        let limits = KeyLimits { rates, budget_usd_per_month, models: self.models, policies: self.policies };
        let tenant = self.tenant.map(Tenant::new).unwrap_or_default();
        Ok(NewKey { name: self.name, tenant, expires, limits })
    }
}

fn time(text: &str) -> Result<UnixMillis, ApiError> {
    let parsed: Timestamp =
        text.parse().map_err(|e| ApiError::invalid("expires_at", format!("expires_at: {e}; give RFC 3339")))?;
    Ok(UnixMillis(parsed.as_millisecond()))
}

/// How a key is replaced.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RotationBody {
    /// How long the old key goes on counting, so that its holders can change over: an hour unless given, 30 days at most.
    #[serde(default, deserialize_with = "count::natural")]
    #[schema(maximum = 2592000, example = 3600)]
    grace_seconds: Option<u64>,
}

impl RotationBody {
    /// How long the old key goes on counting.
    ///
    /// # Errors
    /// 400 when it is too long.
    pub(crate) fn grace(&self) -> Result<Duration, ApiError> {
        match self.grace_seconds.unwrap_or(GRACE_SECONDS) {
            seconds @ 0..=LONGEST_GRACE_SECONDS => Ok(Duration::from_secs(seconds)),
            long => {
                let message = format!("grace_seconds is {long}, at most {LONGEST_GRACE_SECONDS} (30 days) are taken");
                Err(ApiError::invalid("grace_seconds", message))
            }
        }
    }
}

/// Whether a key counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum KeyStatus {
    /// It does.
    Active,
    /// Its time is over.
    Expired,
    /// It was taken back.
    Revoked,
}

/// A key, without its secret.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct KeyBody {
    /// The public part, which names it in logs.
    #[schema(example = "k3hq7xv2mzpa")]
    id: String,
    /// What people call it.
    name: String,
    /// Who pays.
    #[schema(example = "acme")]
    tenant: String,
    /// Whether it counts.
    status: KeyStatus,
    /// When it was made, RFC 3339.
    created_at: String,
    /// From when on it no longer counts.
    expires_at: Option<String>,
    /// When it was taken back.
    revoked_at: Option<String>,
    /// The key that it replaces; both spend from one budget.
    rotated_from: Option<String>,
    /// Requests in any 60 seconds; null is no limit, as below.
    requests_per_minute: Option<u64>,
    /// Tokens in any 60 seconds.
    tokens_per_minute: Option<u64>,
    /// Requests at the same time.
    max_concurrent: Option<u64>,
    /// US dollars in a calendar month (UTC).
    budget_usd_per_month: Option<f64>,
    /// Models that may serve it; empty means all.
    models: Vec<String>,
    /// Policies that it may ask for; empty means all.
    policies: Vec<String>,
}

impl KeyBody {
    /// Renders a key as it stands at a time.
    pub(crate) fn new(key: &KeyRecord, now: UnixMillis) -> Self {
        let KeyLimits { rates, budget_usd_per_month, models, policies } = &key.limits;
        Self {
            id: key.id.to_string(),
            name: key.name.clone(),
            tenant: key.tenant.to_string(),
            status: status(key, now),
            created_at: rfc3339(key.created),
            expires_at: key.expires.map(rfc3339),
            revoked_at: key.revoked.map(rfc3339),
            rotated_from: key.rotated_from.as_ref().map(ToString::to_string),
            requests_per_minute: rates.requests_per_minute,
            tokens_per_minute: rates.tokens_per_minute,
            max_concurrent: rates.max_concurrent,
            budget_usd_per_month: budget_usd_per_month.map(Usd::get),
            models: models.clone(),
            policies: policies.clone(),
        }
    }
}

fn status(key: &KeyRecord, now: UnixMillis) -> KeyStatus {
    match (key.revoked, key.expires) {
        (Some(_), _) => KeyStatus::Revoked,
        (None, Some(at)) if at <= now => KeyStatus::Expired,
        _ => KeyStatus::Active,
    }
}

/// A new key, with its secret for the first and last time.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct IssuedKeyBody {
    /// The whole key. It is kept nowhere: whoever loses it has to rotate it.
    #[schema(example = "sat-k3hq7xv2mzpa-qx7m2c5tzaafd3wke4h6yjrnlbgopsuv2i7qx7m2c5tzaafd")]
    key: String,
    /// The rest of it.
    #[serde(flatten)]
    record: KeyBody,
}

impl IssuedKeyBody {
    /// Renders a key that was just made.
    pub(crate) fn new(issued: &IssuedKey, now: UnixMillis) -> Self {
        Self { key: ApiKey::expose(&issued.key).to_owned(), record: KeyBody::new(&issued.record, now) }
    }
}

/// All keys.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct KeyList {
    /// Always `list`.
    #[schema(example = "list")]
    pub(crate) object: &'static str,
    /// The keys, oldest first, also those that no longer count.
    pub(crate) data: Vec<KeyBody>,
}

/// What a key or tenant has spent this month.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub(crate) struct SpendingBody {
    /// Billed, or taken as billed where a provider did not say.
    #[schema(example = 12.34)]
    spent_usd: f64,
    /// Put aside for requests that still run.
    #[schema(example = 0.02)]
    reserved_usd: f64,
    /// What may be spent in a month; null is no limit.
    #[schema(example = 50.0)]
    budget_usd: Option<f64>,
}

/// What a key has spent, those that it replaced included.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct KeyUsageBody {
    /// The public part.
    id: String,
    /// What people call it.
    name: String,
    /// Who pays.
    tenant: String,
    /// How much.
    #[serde(flatten)]
    spending: SpendingBody,
}

/// What a tenant has spent.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct TenantUsageBody {
    /// Its name.
    tenant: String,
    /// How much.
    #[serde(flatten)]
    spending: SpendingBody,
}

/// Spending in this calendar month (UTC).
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct UsageBody {
    /// When the month began, RFC 3339.
    #[schema(example = "2026-11-01T00:00:00Z")]
    since: String,
    /// When the next one begins and budgets start anew.
    #[schema(example = "2026-12-01T00:00:00Z")]
    resets_at: String,
    /// Of each key, oldest first.
    keys: Vec<KeyUsageBody>,
    /// Of each tenant, by name.
    tenants: Vec<TenantUsageBody>,
}

impl From<&Usage> for UsageBody {
    fn from(usage: &Usage) -> Self {
        let key = |of: &KeyUsage| KeyUsageBody {
            id: of.id.to_string(),
            name: of.name.clone(),
            tenant: of.tenant.to_string(),
            spending: spending(of.account, of.budget),
        };
        let tenant = |of: &TenantUsage| TenantUsageBody {
            tenant: of.tenant.to_string(),
            spending: spending(of.account, of.budget),
        };
        Self {
            since: rfc3339(usage.since),
            resets_at: rfc3339(usage.resets_at),
            keys: usage.keys.iter().map(key).collect(),
            tenants: usage.tenants.iter().map(tenant).collect(),
        }
    }
}

fn spending(account: Account, budget: Option<Usd>) -> SpendingBody {
    SpendingBody {
        spent_usd: account.spent.get(),
        reserved_usd: account.reserved.get(),
        budget_usd: budget.map(Usd::get),
    }
}
