//! Requests for embeddings as rows.

use super::{StoreError, cells::Cells};
use crate::domain::{CallerId, EmbeddingRecord, KeyId};
use sqlx::{SqliteConnection, sqlite::SqliteRow};

/// A number that SQLite would turn into NULL.
///
/// # Errors
/// [`StoreError::Unstorable`] for one that is not finite.
pub(super) fn check_finite(record: &EmbeddingRecord) -> Result<(), StoreError> {
    match record.latency_ms {
        finite if finite.is_finite() => Ok(()),
        odd => Err(StoreError::Unstorable { what: "latency_ms", value: odd.to_string() }),
    }
}

const INSERT: &str = "
    INSERT INTO embeddings (
        at_ms, request_id, key_id, tenant, model, status, input_tokens, cost_usd, cost_is_estimate, attempts,
        latency_ms)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

/// Appends one record.
pub(super) async fn append(conn: &mut SqliteConnection, record: &EmbeddingRecord) -> Result<(), StoreError> {
    let attempts = serde_json::to_string(&record.attempts);
    let attempts = attempts.map_err(|e| StoreError::Unstorable { what: "attempts", value: e.to_string() })?;
    sqlx::query(INSERT)
        .bind(record.at.0)
        .bind(record.request_id.as_str())
        .bind(record.caller.key.as_ref().map(KeyId::as_str))
        .bind(record.caller.tenant.as_str())
        .bind(record.model.as_str())
        .bind(record.status.as_str())
        .bind(record.input_tokens)
        .bind(record.cost_usd.map(f64::from))
        .bind(record.cost_is_estimate)
        .bind(attempts)
        .bind(record.latency_ms)
        .execute(conn)
        .await?;
    Ok(())
}

/// Reads a row of `SELECT * FROM embeddings`.
pub(super) fn read(row: &SqliteRow) -> Result<EmbeddingRecord, StoreError> {
    let cells = Cells::new("embeddings", row);
    let key = cells.get::<Option<&str>>("key_id")?.map(KeyId::from);
    Ok(EmbeddingRecord {
        request_id: cells.name("request_id")?,
        caller: CallerId { key, tenant: cells.name("tenant")? },
        model: cells.name("model")?,
        status: cells.variant("status")?,
        input_tokens: cells.checked_option::<i64, _>("input_tokens")?,
        cost_usd: cells.checked_option::<f64, _>("cost_usd")?,
        cost_is_estimate: cells.get("cost_is_estimate")?,
        attempts: cells.json("attempts")?,
        latency_ms: cells.get("latency_ms")?,
        at: cells.at()?,
    })
}
