#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod book;
mod budgets;
mod doors;
mod keys;
mod months;
mod rates;

use super::*;
use crate::domain::{CallerId, KeyLimits, RateLimits, Tenant, Usd};
use std::time::Duration;

/// 2026-11-23T12:00:00Z.
const NOON: UnixMillis = UnixMillis(1_795_435_200_000);

fn after(milliseconds: i64) -> UnixMillis {
    UnixMillis(NOON.0 + milliseconds)
}

fn usd(sum: f64) -> Usd {
    Usd::new(sum).unwrap()
}

/// The `n`-th key that these tests make.
fn key(n: u8) -> ApiKey {
    ApiKey::from_bytes(&[n; KEY_BYTES])
}

fn record(n: u8, limits: KeyLimits) -> KeyRecord {
    KeyRecord {
        id: key(n).id().clone(),
        hash: key(n).hash(),
        name: format!("key {n}"),
        tenant: Tenant::from("acme"),
        created: NOON,
        expires: None,
        revoked: None,
        rotated_from: None,
        limits,
    }
}

fn access(rules: Rules, keys: Vec<KeyRecord>) -> Access {
    Access::new(rules, keys, &[], NOON)
}

fn caller(access: &Access, n: u8) -> Caller {
    access.authenticate(Some(key(n).expose()), NOON).unwrap()
}

fn requests(requests_per_minute: u64) -> RateLimits {
    RateLimits { requests_per_minute: Some(requests_per_minute), ..RateLimits::default() }
}

fn with_rates(rates: RateLimits) -> KeyLimits {
    KeyLimits { rates, ..KeyLimits::default() }
}

fn with_budget(sum: f64) -> KeyLimits {
    KeyLimits { budget_usd_per_month: Some(usd(sum)), ..KeyLimits::default() }
}

/// A request for the default policy.
fn asking(tokens: u64, now: UnixMillis) -> Admission {
    Admission { named: Named::Policy("default".to_owned()), tokens, now }
}
