//! Requests for embeddings as a table.

use super::{ExportError, columns::Columns};
use crate::domain::{EmbeddingRecord, KeyId, Usd};
use arrow::array::RecordBatch;

/// Converts a page.
pub(super) fn batch(rows: &[(u64, EmbeddingRecord)]) -> Result<RecordBatch, ExportError> {
    let all = || rows.iter().map(|(_, record)| record);
    let mut columns = Columns::default();
    columns.count("seq", rows.iter().map(|(seq, _)| *seq));
    columns.text("request_id", all().map(|r| r.request_id.as_str()));
    columns.text_option("key_id", all().map(|r| r.caller.key.as_ref().map(KeyId::as_str)));
    columns.text("tenant", all().map(|r| r.caller.tenant.as_str()));
    columns.text("model", all().map(|r| r.model.as_str()));
    columns.text("status", all().map(|r| r.status.as_str()));
    columns.tokens_option("input_tokens", all().map(|r| r.input_tokens));
    columns.number_option("cost_usd", all().map(|r| r.cost_usd.map(Usd::get)));
    columns.flag("cost_is_estimate", all().map(|r| r.cost_is_estimate));
    columns.tokens("attempts", all().map(|r| u32::try_from(r.attempts.len()).unwrap_or(u32::MAX)));
    columns.number("latency_ms", all().map(|r| r.latency_ms));
    columns.at(all().map(|r| r.at));
    columns.batch()
}
