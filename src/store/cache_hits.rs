//! Answers that were given again as rows.

use super::{
    StoreError,
    cells::{Cells, id_bytes},
};
use crate::domain::{CacheHit, CallerId, KeyId};
use sqlx::{SqliteConnection, sqlite::SqliteRow};

/// A number that SQLite would turn into NULL.
///
/// # Errors
/// [`StoreError::Unstorable`] for one that is not finite.
pub(super) fn check_finite(hit: &CacheHit) -> Result<(), StoreError> {
    match hit.similarity {
        Some(odd) if !odd.is_finite() => Err(StoreError::Unstorable { what: "similarity", value: odd.to_string() }),
        _ => Ok(()),
    }
}

const INSERT: &str = "
    INSERT INTO cache_hits (
        at_ms, request_id, key_id, tenant, mode, is_stale, decision_id, served_model, similarity, saved_usd)
    SELECT ?, ?, ?, ?, ?, ?, id, ?, ?, ? FROM decisions WHERE id = ?";

/// Appends one hit.
///
/// # Errors
/// [`StoreError::UnknownDecision`] when the decision is not in the log.
pub(super) async fn append(conn: &mut SqliteConnection, hit: &CacheHit) -> Result<(), StoreError> {
    let done = sqlx::query(INSERT)
        .bind(hit.at.0)
        .bind(hit.request_id.as_str())
        .bind(hit.caller.key.as_ref().map(KeyId::as_str))
        .bind(hit.caller.tenant.as_str())
        .bind(hit.matched.as_str())
        .bind(hit.is_stale)
        .bind(hit.served_model.as_str())
        .bind(hit.similarity)
        .bind(hit.saved_usd.map(f64::from))
        .bind(id_bytes(hit.decision_id))
        .execute(conn)
        .await?;
    if done.rows_affected() == 0 { Err(StoreError::UnknownDecision(hit.decision_id)) } else { Ok(()) }
}

/// Reads a row of `SELECT * FROM cache_hits`.
pub(super) fn read(row: &SqliteRow) -> Result<CacheHit, StoreError> {
    let cells = Cells::new("cache_hits", row);
    let key = cells.get::<Option<&str>>("key_id")?.map(KeyId::from);
    Ok(CacheHit {
        request_id: cells.name("request_id")?,
        caller: CallerId { key, tenant: cells.name("tenant")? },
        matched: cells.variant("mode")?,
        is_stale: cells.get("is_stale")?,
        decision_id: cells.id("decision_id")?,
        served_model: cells.name("served_model")?,
        similarity: cells.get("similarity")?,
        saved_usd: cells.checked_option::<f64, _>("saved_usd")?,
        at: cells.at()?,
    })
}
