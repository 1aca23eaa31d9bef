//! `POST /v1/messages`: Anthropic's Messages.

use super::{
    super::{
        App,
        body::Body,
        envelope::MessagesErrors,
        error::ApiError,
        wire::{EventStream, MessagesBody},
    },
    Origin, OriginHeaders,
};
use crate::dialect::Wire;
use axum::{extract::State, response::Response};

/// Answer a conversation in Anthropic's dialect
///
/// Anthropic's Messages, answered by any provider; the same as `POST /v1/chat/completions` in all else, headers included.
/// What a provider's dialect has no words for is not lost: such a model is not asked, or the request is refused by the name of
/// the field. With `stream`, server-sent events end with `message_stop`, or with `error`.
#[utoipa::path(
    post,
    path = "/v1/messages",
    operation_id = "create_message",
    tag = "routing",
    request_body = MessagesBody,
    params(OriginHeaders),
    responses(
        (status = 200, description = "The message.", content(
            (Object = "application/json", example = json!({
                "id": "msg_1", "type": "message", "role": "assistant", "model": "anthropic/claude-haiku-4.5",
                "content": [{"type": "text", "text": "Paris."}], "stop_reason": "end_turn", "stop_sequence": null,
                "usage": {"input_tokens": 14, "output_tokens": 3}
            })),
            (EventStream = "text/event-stream")
        )),
        MessagesErrors,
    )
)]
pub(in crate::http) async fn create(State(app): State<App>, origin: Origin, body: Body) -> Result<Response, ApiError> {
    super::answer(&app, Wire::Messages, origin, body).await
}
