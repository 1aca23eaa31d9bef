//! `POST /v1/messages/count_tokens`: how long a request is about.

use super::{
    super::{
        App,
        body::{Body, view},
        envelope::MessagesErrors,
        error::ApiError,
        wire::{ChatBody, CountBody, TokenCount},
    },
    words,
};
use crate::dialect::{Wire, messages};
use axum::{Json, extract::State};
use serde_json::Value;

/// Estimate the input tokens of a message
///
/// An estimate: which model would answer is not decided, and each counts in its own way. It is the number that routing works
/// with: four bytes of text or schema a token and four tokens a message, above what most texts come to. Images and files are
/// not counted. Nothing is spent.
#[utoipa::path(
    post,
    path = "/v1/messages/count_tokens",
    operation_id = "count_message_tokens",
    tag = "routing",
    request_body = CountBody,
    responses((status = 200, description = "The estimate.", body = TokenCount), MessagesErrors)
)]
pub(in crate::http) async fn tokens(State(app): State<App>, body: Body) -> Result<Json<TokenCount>, ApiError> {
    let mut body = body.object()?;
    // Nothing is to be answered, so there is no limit to how long an answer may be.
    body.entry("max_tokens").or_insert(Value::from(1));
    let hub = messages::chat_request(&body)?;
    let is_policy = |name: &str| app.router.policies().contains_key(name);
    let asked = view::<ChatBody>(&hub).and_then(|body| body.into_asked(is_policy));
    let asked = asked.map_err(|error| words::of_callers(error, Wire::Messages))?;
    Ok(Json(TokenCount { input_tokens: asked.prompt.estimated_tokens() }))
}
