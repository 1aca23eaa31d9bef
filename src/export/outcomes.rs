//! Outcomes as a table.

use super::{ExportError, columns::Columns};
use crate::domain::{Outcome, Usd};
use arrow::array::RecordBatch;

/// Converts a page.
pub(super) fn batch(rows: &[(u64, Outcome)]) -> Result<RecordBatch, ExportError> {
    let all = || rows.iter().map(|(_, outcome)| outcome);
    let mut columns = Columns::default();
    columns.count("seq", rows.iter().map(|(seq, _)| *seq));
    columns.text("decision_id", all().map(|o| o.decision_id.to_string()));
    columns.text("served_model", all().map(|o| o.served_model.as_str()));
    columns.text_option("completion_id", all().map(|o| o.completion_id.as_deref()));
    columns.text("status", all().map(|o| o.status.as_str()));
    columns.tokens_option("input_tokens", all().map(|o| o.input_tokens));
    columns.tokens_option("output_tokens", all().map(|o| o.output_tokens));
    columns.tokens_option("cached_tokens", all().map(|o| o.cached_tokens));
    columns.tokens_option("cache_write_tokens", all().map(|o| o.cache_write_tokens));
    columns.tokens_option("reasoning_tokens", all().map(|o| o.reasoning_tokens));
    columns.tokens_option("attempts", all().map(|o| o.attempts.as_ref().map(|a| a.len() as u32)));
    columns.number_option("cost_usd", all().map(|o| o.cost_usd.map(Usd::get)));
    columns.flag("cost_is_estimate", all().map(|o| o.cost_is_estimate));
    columns.number_option("first_byte_ms", all().map(|o| o.first_byte_ms));
    columns.number("latency_ms", all().map(|o| o.latency_ms));
    columns.at(all().map(|o| o.at));
    columns.batch()
}
