//! `POST /v1/chat/completions`: decide, forward, stream.

use super::{
    App, auth,
    body::Body,
    deadline::ProviderDeadline,
    error::{ApiError, ChatErrors},
    headers,
    request_id::Id,
    wire::{Asked, ChatBody},
};
use crate::{
    access::Caller,
    router::{self, ChatRequest, ChatResponse, ChatStream},
};
use axum::{
    Extension, Json,
    extract::State,
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use futures::StreamExt;
use serde_json::{Map, Value};
use std::convert::Infallible;

/// Tells reverse proxies to pass events on as they come.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Answer a conversation with the cheapest model that is good enough
///
/// OpenAI's chat completions. The answer is the provider's, with `model` set to the name that this service knows the
/// model by. The headers `x-satisfice-decision-id`, `-model`, `-policy-version`, `-overhead-ms`, `-attempts` and, for
/// whole answers, `-cost-usd` say what was decided, also when the provider fails. With `stream`, server-sent events end with `data: [DONE]`.
#[utoipa::path(
    post,
    path = "/v1/chat/completions",
    operation_id = "create_chat_completion",
    tag = "routing",
    request_body = ChatBody,
    responses(
        (status = 200, description = "The completion.", content(
            (Object = "application/json", example = json!({
                "id": "chatcmpl-1", "object": "chat.completion", "created": 1_764_000_000, "model": "openai/gpt-5-mini",
                "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Paris."}}],
                "usage": {"prompt_tokens": 14, "completion_tokens": 3, "total_tokens": 17}
            })),
            (String = "text/event-stream")
        )),
        ChatErrors,
    )
)]
pub(super) async fn completions(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Id(request_id): Id,
    ProviderDeadline(deadline): ProviderDeadline,
    body: Body,
) -> Result<Response, ApiError> {
    let asked = body.json::<ChatBody>()?.into_asked(|name| app.router.policies().contains_key(name))?;
    let Asked { prompt, choice, options, stream, .. } = asked;
    let body = forwarded(body.json()?);
    let request = ChatRequest { request_id, caller, prompt, choice, options, body, stream, deadline };
    Ok(render(app.router.chat(request).await?))
}

/// The body without our own fields.
fn forwarded(mut body: Map<String, Value>) -> Map<String, Value> {
    body.remove("route");
    body
}

fn render(response: ChatResponse) -> Response {
    let mut headers = headers::of_decision(&response.decision, &response.served);
    headers.extend(auth::rate_headers(&response.headroom));
    let attempts = response.attempts;
    match response.body {
        router::ChatBody::Whole { body, cost_usd } => {
            headers::add_forwarding(&mut headers, attempts, cost_usd);
            (headers, Json(body)).into_response()
        }
        router::ChatBody::Stream(events) => {
            headers::add_forwarding(&mut headers, attempts, None);
            (headers, streamed(events)).into_response()
        }
    }
}

fn streamed(events: ChatStream) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (ACCEL_BUFFERING, HeaderValue::from_static("no")),
    ];
    (headers, axum::body::Body::from_stream(events.map(Ok::<_, Infallible>))).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_fields_are_not_forwarded_and_unknown_ones_are() {
        let body = serde_json::json!({"model": "auto", "messages": [], "route": {"explain": true}, "top_k": 7});
        let Value::Object(body) = body else { unreachable!("an object literal") };
        let body = forwarded(body);
        assert!(!body.contains_key("route"));
        assert_eq!(body.get("top_k"), Some(&Value::from(7)));
    }
}
