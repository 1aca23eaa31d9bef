//! `POST /v1/responses`: OpenAI's Responses.

use super::{
    super::{
        App,
        body::Body,
        error::{ApiError, ChatErrors},
        wire::{EventStream, ResponsesBody},
    },
    Origin, OriginHeaders,
};
use crate::dialect::Wire;
use axum::{extract::State, response::Response};

/// Answer a conversation in the dialect of OpenAI's Responses
///
/// OpenAI's Responses, answered by any provider; the same as `POST /v1/chat/completions` in all else, headers included.
/// Nothing is stored, so each request holds its whole conversation, and no tool is run here. With `stream`, server-sent events
/// end with `response.completed`, `response.incomplete` or `response.failed`.
#[utoipa::path(
    post,
    path = "/v1/responses",
    operation_id = "create_response",
    tag = "routing",
    request_body = ResponsesBody,
    params(OriginHeaders),
    responses(
        (status = 200, description = "The response.", content(
            (Object = "application/json", example = json!({
                "id": "resp_chatcmpl-1", "object": "response", "status": "completed", "model": "openai/gpt-5-mini",
                "output": [{"id": "msg_chatcmpl-1", "type": "message", "role": "assistant", "status": "completed",
                            "content": [{"type": "output_text", "text": "Paris.", "annotations": []}]}],
                "usage": {"input_tokens": 14, "output_tokens": 3, "total_tokens": 17}
            })),
            (EventStream = "text/event-stream")
        )),
        ChatErrors,
    )
)]
pub(in crate::http) async fn create(State(app): State<App>, origin: Origin, body: Body) -> Result<Response, ApiError> {
    super::answer(&app, Wire::Responses, origin, body).await
}
