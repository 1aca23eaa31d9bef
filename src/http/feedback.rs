//! `POST /v1/feedback` and `/v1/feedback/batch`: what an answer was worth.

use super::{
    App,
    body::{Body, parse_value},
    error::{ApiError, BodyErrors, FeedbackErrors},
    wire::{BatchBody, BatchReceipt, BatchResult, FeedbackBody, FeedbackSchema, MAX_BATCH, MAX_KEY, ReceiptBody},
};
use crate::{access::Caller, domain::UnixMillis, telemetry::names};
use axum::{
    Extension, Json,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use futures::future::join_all;
use serde_json::Value;

const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Say what an answer was worth
///
/// Answered after the commit. Repeats are no-ops that answer alike; a new score of the same source replaces the old;
/// `"score": null` takes it back. A key scores the decisions of its own tenant; those of others are not found.
#[utoipa::path(
    post,
    path = "/v1/feedback",
    operation_id = "create_feedback",
    tag = "feedback",
    request_body = FeedbackSchema,
    params((
        "Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, pattern = "^[!-~]([ -~]*[!-~])?$",
        description = "The same as the field `idempotency_key`."
    )),
    responses((status = 200, description = "It is in the log.", body = ReceiptBody), FeedbackErrors)
)]
pub(super) async fn one(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<ReceiptBody>, ApiError> {
    let key = header_key(&headers)?;
    submit(&app, &caller, body.json()?, key, app.router.clock().now()).await.map(Json)
}

/// Say what many answers were worth
///
/// Each feedback is accepted or refused on its own: 200 when all were accepted, else 207, with a status for each. A key
/// in the header stands for each feedback without one, with its place in the batch appended.
#[utoipa::path(
    post,
    path = "/v1/feedback/batch",
    operation_id = "create_feedback_batch",
    tag = "feedback",
    request_body = BatchBody,
    params((
        "Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, pattern = "^[!-~]([ -~]*[!-~])?$",
        description = "Makes a repeat of the whole batch safe."
    )),
    responses(
        (status = 200, description = "All of them are in the log.", body = BatchReceipt),
        (status = 207, description = "Some were refused.", body = BatchReceipt),
        BodyErrors,
    )
)]
pub(super) async fn batch(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<BatchReceipt>), ApiError> {
    let key = header_key(&headers)?;
    let BatchBody { feedback } = body.json()?;
    if !(1..=MAX_BATCH).contains(&feedback.len()) {
        let message = format!("feedback has {} items; 1 to {MAX_BATCH} are taken", feedback.len());
        return Err(ApiError::invalid("feedback", message));
    }
    let at = app.router.clock().now();
    // All are queued before the first is waited for, so one commit serves them; in order, so the last of a kind stands.
    let submit = |(i, item)| item_result(&app, &caller, i, item, key.as_deref(), at);
    let results = join_all(feedback.into_iter().enumerate().map(submit)).await;
    let all = results.iter().all(|r| matches!(r, BatchResult::Accepted(_)));
    let status = if all { StatusCode::OK } else { StatusCode::MULTI_STATUS };
    Ok((status, Json(BatchReceipt { results })))
}

async fn item_result(
    app: &App,
    caller: &Caller,
    index: usize,
    item: Value,
    key: Option<&str>,
    at: UnixMillis,
) -> BatchResult {
    let submitted = async {
        let item: FeedbackBody = parse_value(item)?;
        // A key of its own goes before the header's.
        let key = if item.has_key() { None } else { key.map(|key| format!("{key}#{index}")) };
        submit(app, caller, item, key, at).await
    };
    BatchResult::new(index, submitted.await)
}

async fn submit(
    app: &App,
    caller: &Caller,
    item: FeedbackBody,
    key: Option<String>,
    at: UnixMillis,
) -> Result<ReceiptBody, ApiError> {
    let feedback = item.into_new(caller, key, at)?;
    let source = feedback.source.as_str();
    let result = app.router.feedback(feedback).await;
    let outcome = match &result {
        Ok(receipt) if receipt.repeated => "repeated",
        Ok(_) => "accepted",
        Err(_) => "refused",
    };
    metrics::counter!(names::FEEDBACK, "source" => source, "result" => outcome).increment(1);
    Ok(result?.into())
}

fn header_key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    match value.to_str() {
        // A tab is text to a header.
        Ok(key) if (1..=MAX_KEY).contains(&key.len()) && !key.contains('\t') => Ok(Some(key.to_owned())),
        _ => Err(ApiError::invalid(IDEMPOTENCY_KEY, format!("the header is not 1 to {MAX_KEY} visible characters"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn a_key_in_the_header_is_visible_text() {
        let key = |bytes: &[u8]| {
            let value = HeaderValue::from_bytes(bytes).expect("a header can hold it");
            header_key(&HeaderMap::from_iter([(axum::http::HeaderName::from_static(IDEMPOTENCY_KEY), value)]))
        };
        assert_eq!(header_key(&HeaderMap::new()), Ok(None));
        for good in ["k", "import 7", &"k".repeat(255)] {
            assert_eq!(key(good.as_bytes()), Ok(Some(good.to_owned())));
        }
        for bad in ["", "a\tb", "caf\u{e9}", &"k".repeat(256)] {
            assert_eq!(key(bad.as_bytes()).expect_err(bad).param(), Some(IDEMPOTENCY_KEY));
        }
    }
}
