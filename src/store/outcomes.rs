//! Outcomes as rows.

use super::{
    StoreError,
    cells::{Cells, id_bytes},
};
use crate::domain::Outcome;
use sqlx::{SqliteConnection, sqlite::SqliteRow};

/// Numbers that SQLite would turn into NULL.
///
/// # Errors
/// [`StoreError::Unstorable`] for one that is not finite.
pub(super) fn check_finite(outcome: &Outcome) -> Result<(), StoreError> {
    let times = [("first_byte_ms", outcome.first_byte_ms.unwrap_or(0.0)), ("latency_ms", outcome.latency_ms)];
    match times.into_iter().find(|(_, v)| !v.is_finite()) {
        Some((what, value)) => Err(StoreError::Unstorable { what, value: value.to_string() }),
        None => Ok(()),
    }
}

const INSERT: &str = "
    INSERT INTO outcomes (
        decision_id, served_model, completion_id, status, input_tokens, output_tokens, cost_usd, first_byte_ms,
        latency_ms, at_ms, cached_tokens, cache_write_tokens, reasoning_tokens, attempts, cost_is_estimate)
    SELECT id, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM decisions WHERE id = ?";

/// Appends one outcome.
///
/// # Errors
/// [`StoreError::UnknownDecision`] when its decision is not in the log.
pub(super) async fn append(conn: &mut SqliteConnection, outcome: &Outcome) -> Result<(), StoreError> {
    let attempts = outcome.attempts.as_ref().map(serde_json::to_string).transpose();
    let attempts = attempts.map_err(|e| StoreError::Unstorable { what: "attempts", value: e.to_string() })?;
    let done = sqlx::query(INSERT)
        .bind(outcome.served_model.as_str())
        .bind(outcome.completion_id.as_deref())
        .bind(outcome.status.as_str())
        .bind(outcome.input_tokens)
        .bind(outcome.output_tokens)
        .bind(outcome.cost_usd.map(f64::from))
        .bind(outcome.first_byte_ms)
        .bind(outcome.latency_ms)
        .bind(outcome.at.0)
        .bind(outcome.cached_tokens)
        .bind(outcome.cache_write_tokens)
        .bind(outcome.reasoning_tokens)
        .bind(attempts)
        .bind(outcome.cost_is_estimate)
        .bind(id_bytes(outcome.decision_id))
        .execute(conn)
        .await?;
    if done.rows_affected() == 0 { Err(StoreError::UnknownDecision(outcome.decision_id)) } else { Ok(()) }
}

/// Reads a row of `SELECT * FROM outcomes`.
pub(super) fn read(row: &SqliteRow) -> Result<Outcome, StoreError> {
    let cells = Cells::new("outcomes", row);
    Ok(Outcome {
        decision_id: cells.id("decision_id")?,
        served_model: cells.name("served_model")?,
        completion_id: cells.get("completion_id")?,
        status: cells.variant("status")?,
        input_tokens: cells.checked_option::<i64, _>("input_tokens")?,
        cached_tokens: cells.checked_option::<i64, _>("cached_tokens")?,
        cache_write_tokens: cells.checked_option::<i64, _>("cache_write_tokens")?,
        output_tokens: cells.checked_option::<i64, _>("output_tokens")?,
        reasoning_tokens: cells.checked_option::<i64, _>("reasoning_tokens")?,
        attempts: cells.json_option("attempts")?,
        cost_usd: cells.checked_option::<f64, _>("cost_usd")?,
        cost_is_estimate: cells.get("cost_is_estimate")?,
        first_byte_ms: cells.get("first_byte_ms")?,
        latency_ms: cells.get("latency_ms")?,
        at: cells.at()?,
    })
}
