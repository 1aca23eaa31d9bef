//! Feedback as a table; a score that is missing is a revocation.

use super::{ExportError, columns::Columns};
use crate::{domain::Reward, store::FeedbackRow};
use arrow::array::RecordBatch;

/// Converts a page.
pub(super) fn batch(rows: &[(u64, FeedbackRow)]) -> Result<RecordBatch, ExportError> {
    let all = || rows.iter().map(|(_, row)| row);
    let said = || all().map(|row| &row.feedback);
    let mut columns = Columns::default();
    columns.count("seq", rows.iter().map(|(seq, _)| *seq));
    columns.text("scope", all().map(|row| row.scope.as_str()));
    columns.count("number", all().map(|row| row.number));
    columns.count_option("supersedes", all().map(|row| row.supersedes));
    columns.text("decision_id", said().map(|f| f.decision_id.to_string()));
    columns.text("model", said().map(|f| f.model.as_str()));
    columns.text("source", said().map(|f| f.source.as_str()));
    columns.number_option("score", said().map(|f| score(f.reward)));
    columns.text_option("idempotency_key", said().map(|f| f.idempotency_key.as_deref()));
    columns.text_option("comment", said().map(|f| f.comment.as_deref()));
    columns.at(said().map(|f| f.at));
    columns.batch()
}

fn score(reward: Reward) -> Option<f64> {
    match reward {
        Reward::Score(quality) => Some(quality.get()),
        Reward::Revoked => None,
    }
}
