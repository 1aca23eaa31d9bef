//! `POST /v1/chat/completions`: OpenAI's chat completions.

use super::{
    super::{
        App,
        body::Body,
        error::{ApiError, ChatErrors},
        wire::{ChatBody, EventStream},
    },
    Origin, OriginHeaders,
};
use crate::dialect::Wire;
use axum::{extract::State, response::Response};

/// Answer a conversation with the cheapest model that is good enough
///
/// OpenAI's chat completions. The answer is the provider's, with `model` set to the name that this service knows the
/// model by. The headers `x-satisfice-decision-id`, `-model`, `-policy-version`, `-overhead-ms`, `-attempts` and, for
/// whole answers, `-cost-usd` say what was decided, also when the provider fails. With `stream`, server-sent events end with
/// `data: [DONE]`; an error after the first of them is the last one.
#[utoipa::path(
    post,
    path = "/v1/chat/completions",
    operation_id = "create_chat_completion",
    tag = "routing",
    request_body = ChatBody,
    params(OriginHeaders),
    responses(
        (status = 200, description = "The completion.", content(
            (Object = "application/json", example = json!({
                "id": "chatcmpl-1", "object": "chat.completion", "created": 1_764_000_000, "model": "openai/gpt-5-mini",
                "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Paris."}}],
                "usage": {"prompt_tokens": 14, "completion_tokens": 3, "total_tokens": 17}
            })),
            (EventStream = "text/event-stream")
        )),
        ChatErrors,
    )
)]
pub(in crate::http) async fn completions(
    State(app): State<App>,
    origin: Origin,
    body: Body,
) -> Result<Response, ApiError> {
    super::answer(&app, Wire::Chat, origin, body).await
}
