//! API keys as rows, and what their requests have cost.

use super::{
    StoreError,
    cells::{Cells, signed},
    error::WriteError,
};
use crate::domain::{CallerId, KeyHash, KeyId, KeyLimits, KeyRecord, RateLimits, Spent, Tenant, UnixMillis};
use sqlx::{SqliteConnection, SqlitePool, sqlite::SqliteRow};
use std::array::TryFromSliceError;

/// A change to the keys. Keys are never deleted: what they did stays in the log.
#[derive(Debug, Clone, PartialEq)]
pub enum KeyChange {
    /// A new key.
    Create(KeyRecord),
    /// A new key for the one that it names in `rotated_from`.
    Rotate {
        /// The new key.
        new: KeyRecord,
        /// From when on the old one no longer counts.
        old_expires: UnixMillis,
    },
    /// A key is taken back.
    Revoke {
        /// The key.
        id: KeyId,
        /// From when on it no longer counts.
        at: UnixMillis,
    },
}

impl KeyChange {
    /// Changes keys in memory as the log changes.
    pub fn apply(self, keys: &mut Vec<KeyRecord>) {
        match self {
            Self::Create(new) => keys.push(new),
            Self::Rotate { new, old_expires } => {
                if let Some(old) = keys.iter_mut().find(|key| Some(&key.id) == new.rotated_from.as_ref()) {
                    old.expires = Some(old_expires);
                }
                keys.push(new);
            }
            Self::Revoke { id, at } => {
                if let Some(key) = keys.iter_mut().find(|key| key.id == id) {
                    key.revoked = Some(at);
                }
            }
        }
    }
}

/// Why a key was not changed.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// There is no such key, or it was revoked.
    #[error("no API key that was not revoked has the id {0}")]
    Unknown(KeyId),
    /// The id is taken: draw another one.
    #[error("an API key with the id {0} is there already")]
    Taken(KeyId),
    /// The store itself failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for KeyError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl WriteError for KeyError {
    fn into_fault(self) -> Result<sqlx::Error, Self> {
        match self {
            Self::Store(StoreError::Database(fault)) => Ok(fault),
            other => Err(other),
        }
    }
}

/// Makes a change. One that is refused has changed nothing: other writes share its transaction.
///
/// # Errors
/// [`KeyError`]; only [`StoreError::Database`] leaves the transaction unusable.
pub(super) async fn change(conn: &mut SqliteConnection, change: &KeyChange) -> Result<(), KeyError> {
    match change {
        KeyChange::Create(new) => insert(conn, new).await,
        KeyChange::Rotate { new, old_expires } => rotate(conn, new, *old_expires).await,
        KeyChange::Revoke { id, at } => {
            let query = "UPDATE api_keys SET revoked_ms = ? WHERE id = ? AND revoked_ms IS NULL";
            let done = sqlx::query(query).bind(at.0).bind(id.as_str()).execute(conn).await?;
            if done.rows_affected() == 0 { Err(KeyError::Unknown(id.clone())) } else { Ok(()) }
        }
    }
}

async fn rotate(conn: &mut SqliteConnection, new: &KeyRecord, old_expires: UnixMillis) -> Result<(), KeyError> {
    let Some(old) = &new.rotated_from else { return insert(conn, new).await };
    let query = "SELECT COUNT(*) FROM api_keys WHERE id = ? AND revoked_ms IS NULL";
    let there: i64 = sqlx::query_scalar(query).bind(old.as_str()).fetch_one(&mut *conn).await?;
    if there == 0 {
        return Err(KeyError::Unknown(old.clone()));
    }
    insert(conn, new).await?;
    let query = "UPDATE api_keys SET expires_ms = ? WHERE id = ?";
    sqlx::query(query).bind(old_expires.0).bind(old.as_str()).execute(conn).await?;
    Ok(())
}

const INSERT: &str = "
    INSERT INTO api_keys (
        id, hash, name, tenant, created_ms, expires_ms, revoked_ms, rotated_from, requests_per_minute,
        tokens_per_minute, max_concurrent, budget_usd_per_month, models, policies)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO NOTHING";

async fn insert(conn: &mut SqliteConnection, key: &KeyRecord) -> Result<(), KeyError> {
    let KeyLimits { rates, budget_usd_per_month, models, policies } = &key.limits;
    let done = sqlx::query(INSERT)
        .bind(key.id.as_str())
        .bind(key.hash.0.as_slice())
        .bind(key.name.as_str())
        .bind(key.tenant.as_str())
        .bind(key.created.0)
        .bind(key.expires.map(|at| at.0))
        .bind(key.revoked.map(|at| at.0))
        .bind(key.rotated_from.as_ref().map(KeyId::as_str))
        .bind(limit("requests_per_minute", rates.requests_per_minute)?)
        .bind(limit("tokens_per_minute", rates.tokens_per_minute)?)
        .bind(limit("max_concurrent", rates.max_concurrent)?)
        .bind(budget_usd_per_month.map(f64::from))
        .bind(patterns(models)?)
        .bind(patterns(policies)?)
        .execute(conn)
        .await?;
    if done.rows_affected() == 0 { Err(KeyError::Taken(key.id.clone())) } else { Ok(()) }
}

fn limit(what: &'static str, value: Option<u64>) -> Result<Option<i64>, StoreError> {
    value.map(|value| signed(what, value)).transpose()
}

fn patterns(patterns: &[String]) -> Result<String, StoreError> {
    serde_json::to_string(patterns).map_err(|e| StoreError::Unstorable { what: "patterns", value: e.to_string() })
}

/// Every key, oldest first.
pub(super) async fn list(pool: &SqlitePool) -> Result<Vec<KeyRecord>, StoreError> {
    let rows = sqlx::query("SELECT * FROM api_keys ORDER BY seq").fetch_all(pool).await?;
    rows.iter().map(read).collect()
}

fn read(row: &SqliteRow) -> Result<KeyRecord, StoreError> {
    let cells = Cells::new("api_keys", row);
    let hash = cells.get::<&[u8]>("hash")?;
    let hash: [u8; 32] = hash.try_into().map_err(|e: TryFromSliceError| cells.corrupt("hash", e))?;
    Ok(KeyRecord {
        id: cells.name("id")?,
        hash: KeyHash(hash),
        name: cells.get("name")?,
        tenant: cells.name("tenant")?,
        created: cells.get("created_ms").map(UnixMillis)?,
        expires: cells.get::<Option<i64>>("expires_ms")?.map(UnixMillis),
        revoked: cells.get::<Option<i64>>("revoked_ms")?.map(UnixMillis),
        rotated_from: cells.get::<Option<&str>>("rotated_from")?.map(KeyId::from),
        limits: limits(&cells)?,
    })
}

fn limits(cells: &Cells<'_>) -> Result<KeyLimits, StoreError> {
    Ok(KeyLimits {
        rates: RateLimits {
            requests_per_minute: cells.checked_option::<i64, _>("requests_per_minute")?,
            tokens_per_minute: cells.checked_option::<i64, _>("tokens_per_minute")?,
            max_concurrent: cells.checked_option::<i64, _>("max_concurrent")?,
        },
        budget_usd_per_month: cells.checked_option::<f64, _>("budget_usd_per_month")?,
        models: cells.json("models")?,
        policies: cells.json("policies")?,
    })
}

/// By decision, so that a bill counts in the month in which it was reserved. A bill that nobody knows, as old logs have them,
/// counts at its prediction, unless the provider refused before the first byte.
const SPENT: &str = "
    SELECT key_id, tenant, SUM(usd) AS usd FROM (
        SELECT d.key_id, d.tenant,
               CASE WHEN o.cost_usd IS NOT NULL THEN o.cost_usd
                    WHEN o.status = 'upstream_error' AND o.first_byte_ms IS NULL THEN 0.0
                    ELSE COALESCE(d.predicted_cost_usd, 0.0) END AS usd
        FROM decisions d JOIN outcomes o ON o.decision_id = d.id
        WHERE d.tenant IS NOT NULL AND d.at_ms >= ?1
        UNION ALL
        SELECT key_id, tenant, COALESCE(cost_usd, 0.0) FROM embeddings WHERE at_ms >= ?1)
    GROUP BY key_id, tenant
    ORDER BY tenant, key_id";

/// What each caller's requests since a moment have cost.
pub(super) async fn spent(pool: &SqlitePool, since: UnixMillis) -> Result<Vec<Spent>, StoreError> {
    let rows = sqlx::query(SPENT).bind(since.0).fetch_all(pool).await?;
    let spent = rows.iter().map(|row| {
        let cells = Cells::new("decisions", row);
        let key = cells.get::<Option<&str>>("key_id")?.map(KeyId::from);
        let caller = CallerId { key, tenant: cells.name::<Tenant>("tenant")? };
        Ok(Spent { caller, usd: cells.checked::<f64, _>("usd")? })
    });
    spent.collect()
}
