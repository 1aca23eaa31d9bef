//! Errors in Anthropic's words, on Anthropic's paths: whatever went wrong, its clients find the envelope that they know. All
//! other paths have OpenAI's.

use super::{
    error::{ChatErrors, ErrorBody},
    request_id::Id,
};
use axum::{
    body::Body,
    extract::Request,
    http::{HeaderName, HeaderValue, StatusCode},
    response::Response,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use utoipa::{
    IntoResponses, PartialSchema, ToSchema,
    openapi::{ContentBuilder, Ref, RefOr, Schema, response},
};

/// Where Anthropic's clients look for the id of a request.
const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
/// What lies below these speaks Anthropic's dialect.
const ROOT: &str = "/v1/messages";

/// Tells errors of Anthropic's paths in its envelope, whoever made them, and names the request in its header.
pub(super) async fn speak<F: Future<Output = Response>>(request: Request, next: impl FnOnce(Request) -> F) -> Response {
    if !is_anthropics(request.uri().path()) {
        return next(request).await;
    }
    let id = request.extensions().get::<Id>().cloned();
    let mut response = next(request).await;
    let status = response.status();
    if let Some(error) = response.extensions_mut().remove::<ErrorBody>() {
        let told = told(&error, status, id.as_ref());
        *response.body_mut() = Body::from(told.to_string());
    }
    if let Some(id) = id.and_then(|Id(id)| HeaderValue::from_str(id.as_str()).ok()) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

fn is_anthropics(path: &str) -> bool {
    path.strip_prefix(ROOT).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The fields of OpenAI's errors stay: `code` and `param` help whoever looks for them.
fn told(error: &ErrorBody, status: StatusCode, id: Option<&Id>) -> Value {
    let mut error = error.to_json();
    error["type"] = Value::from(kind(status));
    json!({"type": "error", "error": error, "request_id": id.map(|Id(id)| id.as_str())})
}

/// What Anthropic calls an error with this status.
pub(super) fn kind(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        503 | 529 => "overloaded_error",
        504 => "timeout_error",
        400..=499 => "invalid_request_error",
        _ => "api_error",
    }
}

/// Every answer of Anthropic's paths that is not a success.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct MessagesErrorEnvelope {
    /// Always `error`.
    #[schema(example = "error")]
    r#type: String,
    /// The error.
    error: MessagesErrorBody,
    /// The id of the request.
    request_id: Option<String>,
}

/// What is wrong and what to do about it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct MessagesErrorBody {
    /// The kind of error, by the status: `invalid_request_error`, `authentication_error`, `permission_error`,
    /// `not_found_error`, `request_too_large`, `rate_limit_error`, `api_error`, `overloaded_error`, `timeout_error`.
    #[schema(example = "invalid_request_error")]
    r#type: String,
    /// For people.
    #[schema(example = "max_tokens: must be given")]
    message: String,
    /// JSON path of the field that is wrong, or the name of the header.
    #[schema(example = "max_tokens")]
    param: Option<String>,
    /// For programs; does not change with the wording.
    #[schema(example = "invalid_value")]
    code: String,
}

/// Errors of a route that forwards for Anthropic's clients, for the document.
pub(crate) struct MessagesErrors;

impl IntoResponses for MessagesErrors {
    fn responses() -> BTreeMap<String, RefOr<response::Response>> {
        let content =
            || ContentBuilder::new().schema(Some(Ref::from_schema_name(MessagesErrorEnvelope::name()))).build();
        let mut responses = ChatErrors::responses();
        for response in responses.values_mut() {
            if let RefOr::T(response) = response {
                response.content.values_mut().for_each(|told| *told = content().into());
            }
        }
        responses
    }
}

/// Names and schemas that [`MessagesErrors`] refers to.
pub(super) fn schemas() -> Vec<(String, RefOr<Schema>)> {
    let mut all = vec![(MessagesErrorEnvelope::name().into_owned(), MessagesErrorEnvelope::schema())];
    MessagesErrorEnvelope::schemas(&mut all);
    all
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

    use super::{
        super::{error::ApiError, request_id::identify},
        *,
    };
    use axum::{
        Router,
        body::to_bytes,
        middleware::{self, Next},
        routing::get,
    };
    use tower::ServiceExt;

    /// The answer to a request for a path whose handler fails like this.
    async fn failing(path: &str, error: ApiError) -> (Response, Value) {
        let routes = Router::new().route("/{*path}", get(move || async move { error }));
        let named = |request, next: Next| identify(request, |request| speak(request, |request| next.run(request)));
        let service = routes.layer(middleware::from_fn(named));
        let request = Request::builder().uri(path).header("x-request-id", "r1").body(Body::empty()).unwrap();
        let mut response = service.oneshot(request).await.unwrap();
        let body = std::mem::take(response.body_mut());
        let told = serde_json::from_slice(&to_bytes(body, 10_000).await.unwrap()).unwrap();
        (response, told)
    }

    #[tokio::test]
    async fn anthropics_paths_have_anthropics_envelope_and_others_openais() {
        for (path, anthropics) in [
            ("/v1/messages", true),
            ("/v1/messages/count_tokens", true),
            ("/v1/messages/nothing", true),
            ("/v1/messagesx", false),
            ("/v1/responses", false),
            ("/v1/chat/completions", false),
        ] {
            let (response, told) = failing(path, ApiError::missing("max_tokens", "max_tokens: must be given")).await;
            assert_eq!(response.status(), 400);
            assert_eq!(response.headers().get("content-type").unwrap(), "application/json");
            let error = json!({"type": "invalid_request_error", "message": "max_tokens: must be given",
                               "param": "max_tokens", "code": "missing_field"});
            let expected = match anthropics {
                true => json!({"type": "error", "error": error, "request_id": "r1"}),
                false => json!({"error": error}),
            };
            assert_eq!(told, expected, "{path}");
            assert_eq!(response.headers().contains_key("request-id"), anthropics, "{path}");
            assert_eq!(response.headers().get("x-request-id").unwrap(), "r1");
        }
    }

    #[tokio::test]
    async fn anthropics_names_of_errors_follow_from_the_status() {
        let cases = [
            (400, "invalid_request_error"),
            (401, "authentication_error"),
            (403, "permission_error"),
            (404, "not_found_error"),
            (405, "invalid_request_error"),
            (413, "request_too_large"),
            (415, "invalid_request_error"),
            (429, "rate_limit_error"),
            (500, "api_error"),
            (502, "api_error"),
            (503, "overloaded_error"),
            (504, "timeout_error"),
            (529, "overloaded_error"),
        ];
        for (status, name) in cases {
            let error = ApiError::server(StatusCode::from_u16(status).unwrap(), "broken", "it broke");
            let wait = std::time::Duration::from_secs(3);
            let (response, told) = failing("/v1/messages", error.retry_after(wait)).await;
            assert_eq!((told["error"]["type"].as_str(), response.status().as_u16()), (Some(name), status));
            assert_eq!(response.headers().get("retry-after").unwrap(), "3", "other headers stay");
        }
    }
}
