//! Outcomes as rows.

use super::{
    StoreError,
    cells::{Cells, id_bytes},
    decisions::json,
    rows::Insert,
};
use crate::domain::Outcome;
use sqlx::sqlite::SqliteRow;

/// An outcome with its compound fields encoded; made by the caller, so that the writer only writes.
#[derive(Debug)]
pub(super) struct OutcomeRow {
    outcome: Outcome,
    attempts: Option<String>,
}

impl OutcomeRow {
    /// Encodes an outcome.
    ///
    /// # Errors
    /// [`StoreError::Unstorable`] for a number that is not finite, which SQLite would turn into NULL.
    pub(super) fn encode(outcome: Outcome) -> Result<Self, StoreError> {
        let times = [("first_byte_ms", outcome.first_byte_ms.unwrap_or(0.0)), ("latency_ms", outcome.latency_ms)];
        if let Some((what, value)) = times.into_iter().find(|(_, v)| !v.is_finite()) {
            return Err(StoreError::Unstorable { what, value: value.to_string() });
        }
        let attempts = outcome.attempts.as_ref().map(|attempts| json("attempts", attempts)).transpose()?;
        Ok(Self { outcome, attempts })
    }

    /// What was encoded.
    pub(super) const fn outcome(&self) -> &Outcome {
        &self.outcome
    }
}

const INSERT: &str = "
    INSERT INTO outcomes (
        served_model, completion_id, status, input_tokens, output_tokens, cost_usd, first_byte_ms, latency_ms, at_ms,
        cached_tokens, cache_write_tokens, reasoning_tokens, attempts, cost_is_estimate, decision_id)";

/// One row for [`INSERT`].
const VALUES: &str = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

/// Appends so many outcomes in their order, but for those whose decision is not in the log.
pub(super) fn insert(rows: usize) -> String {
    let values = vec![VALUES; rows].join(", ");
    format!("{INSERT} SELECT new.* FROM (VALUES {values}) AS new CROSS JOIN decisions ON decisions.id = new.column15")
}

/// Gives [`insert`] the values of its next row.
pub(super) fn bind<'q>(insert: Insert<'q>, row: &'q OutcomeRow) -> Insert<'q> {
    let outcome = &row.outcome;
    insert
        .bind(outcome.served_model.shared())
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
        .bind(row.attempts.as_deref())
        .bind(outcome.cost_is_estimate)
        .bind(id_bytes(outcome.decision_id))
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
