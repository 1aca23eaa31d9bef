#![expect(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

use super::{body::Body as TextBody, error::ApiError, request_id::Id, *};
use crate::{
    encoder::EncodeError,
    gateway::GatewayError,
    router::RouteError,
    store::{FeedbackError, FeedbackTarget, StoreError},
};
use axum::{
    body::{Body, to_bytes},
    extract::Request,
    http::Method,
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::Value;
use std::convert::Infallible;
use tower::ServiceExt;

/// Routes of any service behind the layers that every service has.
fn edge() -> axum::Router {
    let routes = axum::Router::new()
        .route("/id", get(|Id(id): Id| async move { id.to_string() }))
        .route("/panic", get(|| async { panic_now() }));
    edge::finish(routes, Paths::default())
}

fn panic_now() -> &'static str {
    panic!("on purpose")
}

async fn call(service: &axum::Router, method: Method, path: &str) -> Response {
    let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
    service.clone().oneshot(request).await.unwrap()
}

async fn json(response: Response) -> Value {
    serde_json::from_slice(&to_bytes(response.into_body(), 1 << 20).await.unwrap()).unwrap()
}

fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers().get(name).map(|v| v.to_str().unwrap())
}

#[tokio::test]
async fn a_proper_request_id_is_echoed_and_another_is_replaced() {
    let long = "x".repeat(128);
    let longer = "x".repeat(129);
    for (given, kept) in [("abc-1", true), (&long, true), (&longer, false), ("", false), ("a b", false)] {
        let request = Request::builder().uri("/id").header("x-request-id", given).body(Body::empty()).unwrap();
        let response = edge().oneshot(request).await.unwrap();
        let answered = header(&response, "x-request-id").unwrap().to_owned();
        assert_eq!(answered == given, kept, "{given:?} became {answered:?}");
        assert!(!answered.is_empty());
        let seen = to_bytes(response.into_body(), 1024).await.unwrap();
        assert_eq!(seen, answered.as_bytes(), "the handler sees the same id");
    }
}

#[tokio::test]
async fn what_no_handler_answers_has_the_envelope_and_an_id() {
    let cases = [
        (Method::GET, "/nowhere", 404, "not_found_error", "route_not_found"),
        (Method::POST, "/id", 405, "invalid_request_error", "method_not_allowed"),
        (Method::GET, "/panic", 500, "server_error", "internal_error"),
    ];
    for (method, path, status, r#type, code) in cases {
        let response = call(&edge(), method, path).await;
        assert_eq!(response.status(), status, "{path}");
        assert!(header(&response, "x-request-id").is_some(), "{path}");
        if status == 405 {
            assert_eq!(header(&response, "allow"), Some("GET,HEAD"));
        }
        let body = json(response).await;
        assert_eq!((&body["error"]["type"], &body["error"]["code"]), (&r#type.into(), &code.into()));
        assert!(!body["error"]["message"].as_str().unwrap().contains("on purpose"), "panics are for the log");
    }
}

#[tokio::test]
async fn a_place_is_held_until_the_last_byte_of_the_answer() {
    let endless = || async { Body::from_stream(futures::stream::pending::<Result<Bytes, Infallible>>()) };
    let limiter = Limiter::new(1);
    let placed = move |request: Request<Body>, next: middleware::Next| {
        let limiter = limiter.clone();
        async move { limit::limit(&limiter, request, |request| next.run(request)).await }
    };
    let routes = axum::Router::new().route("/", get(endless)).layer(middleware::from_fn(placed));
    let first = call(&routes, Method::GET, "/").await;
    assert_eq!(first.status(), 200);

    let second = call(&routes, Method::GET, "/").await;
    assert_eq!(second.status(), 503);
    assert_eq!((header(&second, "retry-after"), header(&second, "retry-after-ms")), (Some("1"), Some("500")));
    assert_eq!(json(second).await["error"]["code"], "overloaded");

    drop(first);
    assert_eq!(call(&routes, Method::GET, "/").await.status(), 200);
}

#[tokio::test]
async fn a_body_that_is_compressed_too_large_or_not_text_is_refused() {
    let request = |header: Option<(&str, &str)>, body: Body| {
        let builder = Request::builder().method(Method::POST);
        let builder = header.into_iter().fold(builder, |b, (name, value)| b.header(name, value));
        builder.body(body).unwrap()
    };
    let chunks = || Body::from_stream(futures::stream::iter(["{\"a\":", "1}       "].map(Ok::<_, Infallible>)));
    let cases = [
        (request(None, Body::from("{}")), None),
        (request(Some(("content-encoding", "identity")), Body::from("{}")), None),
        (request(Some(("content-type", "application/x-www-form-urlencoded")), Body::from("{}")), None),
        (request(Some(("content-encoding", "gzip")), Body::from("{}")), Some((415, "unsupported_content_encoding"))),
        (request(Some(("content-length", "11")), Body::from("{}")), Some((413, "body_too_large"))),
        (request(None, chunks()), Some((413, "body_too_large"))),
        (request(None, Body::from(&b"{\"\xff\":1}"[..])), Some((400, "invalid_utf8"))),
    ];
    for (request, refused) in cases {
        let headers = format!("{:?}", request.headers());
        let received = TextBody::receive(request, 10).await;
        assert_eq!(received.err().map(|e| (e.status().as_u16(), e.code())), refused, "{headers}");
    }
}

#[test]
fn every_failure_has_its_status_and_code() {
    let upstream = |status| GatewayError::Status {
        provider: "p".to_owned(),
        status,
        message: "no".to_owned(),
        retry_after: Some(7),
    };
    let unknown = FeedbackTarget::Completion("c".to_owned());
    let retry_after = Duration::from_secs(7);
    let unavailable = GatewayError::Unavailable { provider: "p".to_owned(), problem: "it failed", retry_after };
    let inexpressible = GatewayError::Inexpressible { field: "n".to_owned(), problem: "must be 1".to_owned() };
    let cases: Vec<(ApiError, u16, &str, Option<&str>)> = vec![
        (RouteError::UnknownModel { name: "m".to_owned(), near: Vec::new() }.into(), 404, "model_not_found", None),
        (RouteError::NothingEnabled.into(), 503, "no_model_enabled", Some("5")),
        (RouteError::NoneEligible("none".to_owned()).into(), 400, "no_eligible_model", None),
        (RouteError::from(EncodeError::QueueFull(8)).into(), 429, "encoder_overloaded", Some("1")),
        (EncodeError::Failed("x".to_owned()).into(), 500, "encoder_failed", None),
        (StoreError::Overloaded { capacity: 8 }.into(), 503, "store_overloaded", Some("1")),
        (StoreError::Closed.into(), 503, "shutting_down", Some("1")),
        (StoreError::Locked { path: "/secret/log.db".into() }.into(), 500, "store_failed", None),
        (FeedbackError::UnknownDecision(unknown).into(), 404, "decision_not_found", None),
        (FeedbackError::Store(StoreError::Overloaded { capacity: 8 }).into(), 503, "store_overloaded", Some("1")),
        (GatewayError::Timeout { provider: "p".to_owned(), after_ms: 5 }.into(), 504, "upstream_timeout", None),
        (unavailable.into(), 503, "provider_unavailable", Some("7")),
        (inexpressible.into(), 400, "invalid_value", None),
        (upstream(429).into(), 429, "upstream_rate_limited", Some("7")),
        (upstream(400).into(), 400, "upstream_rejected", None),
        (upstream(401).into(), 502, "upstream_refused_key", None),
        (upstream(500).into(), 502, "upstream_error", None),
    ];
    for (error, status, code, retry_after) in cases {
        assert_eq!((error.status().as_u16(), error.code()), (status, code));
        assert!(!error.message().contains("/secret"), "paths are for the log: {}", error.message());
        assert_eq!(header(&error.into_response(), "retry-after"), retry_after, "{code}");
    }
}

#[test]
fn an_unknown_name_in_feedback_is_named() {
    let error = ApiError::from(FeedbackError::UnknownDecision(FeedbackTarget::Request("r".into())));
    assert_eq!(error.param(), Some("request_id"));
    assert_eq!(error.within("feedback[3]").param(), Some("feedback[3].request_id"));
}

#[test]
fn a_refused_item_of_a_batch_shows_status_and_error_only() {
    let result = wire::BatchResult::new(3, Err(ApiError::missing("score", "none")));
    let shown = serde_json::to_value(&result).unwrap();
    let keys: Vec<_> = shown.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["error", "status"]);
    assert_eq!((&shown["status"], &shown["error"]["param"]), (&400.into(), &"feedback[3].score".into()));
}

#[test]
fn the_document_lists_every_endpoint_with_its_errors() {
    let document: Value = serde_json::from_str(&openapi()).unwrap();
    assert_eq!(document["info"]["title"], "Satisfice");
    assert_eq!(document["info"]["license"]["identifier"], "Apache-2.0");
    let paths = document["paths"].as_object().unwrap();
    let mut listed: Vec<_> =
        paths.iter().flat_map(|(path, item)| operations(item).map(move |(m, _)| (m, &**path))).collect();
    listed.sort_unstable();
    let expected = [
        ("delete", "/admin/cache"),
        ("delete", "/admin/keys/{id}"),
        ("get", "/admin/cache"),
        ("get", "/admin/keys"),
        ("get", "/admin/keys/{id}"),
        ("get", "/admin/models"),
        ("get", "/admin/usage"),
        ("get", "/healthz"),
        ("get", "/metrics"),
        ("get", "/openapi.json"),
        ("get", "/readyz"),
        ("get", "/v1/decisions/{id}"),
        ("get", "/v1/models"),
        ("get", "/v1/models/{id}"),
        ("post", "/admin/keys"),
        ("post", "/admin/keys/{id}/rotate"),
        ("post", "/v1/chat/completions"),
        ("post", "/v1/embeddings"),
        ("post", "/v1/feedback"),
        ("post", "/v1/feedback/batch"),
        ("post", "/v1/messages"),
        ("post", "/v1/messages/count_tokens"),
        ("post", "/v1/responses"),
        ("post", "/v1/route"),
    ];
    assert_eq!(listed, expected);
    for (path, item) in paths.iter().filter(|(_, item)| item.get("post").is_some()) {
        for status in ["200", "400", "401", "413", "415", "500", "503"] {
            assert!(item["post"]["responses"].get(status).is_some(), "{path} says nothing of {status}");
        }
    }
}

fn operations(item: &Value) -> impl Iterator<Item = (&str, &Value)> {
    item.as_object().unwrap().iter().map(|(method, operation)| (method.as_str(), operation))
}

#[test]
fn the_document_says_what_is_checked() {
    let document: Value = serde_json::from_str(&openapi()).unwrap();
    let schema = |name: &str| &document["components"]["schemas"][name];
    let chat = &schema("ChatBody")["properties"];
    assert_eq!(chat["messages"]["minItems"], 1);
    assert_eq!((&chat["max_tokens"]["minimum"], &chat["max_tokens"]["maximum"]), (&1.into(), &u32::MAX.into()));
    assert_eq!(schema("TextPart")["properties"]["text"]["type"], "string");
    assert_eq!(schema("Wishes")["properties"]["session_id"]["pattern"], "^[^\\x00-\\x1F\\x7F-\\x9F]+$");
    let feedback = schema("FeedbackBody")["allOf"].as_array().unwrap();
    assert_eq!(feedback.iter().filter(|rule| rule["oneOf"].is_array()).count(), 2, "one subject, one score");
    let parameter = |path: &str, method: &str| document["paths"][path][method]["parameters"][0]["schema"].clone();
    assert_eq!(parameter("/v1/decisions/{id}", "get")["format"], "uuid");
    for path in ["/v1/feedback", "/v1/feedback/batch"] {
        let key = parameter(path, "post");
        assert_eq!((&key["minLength"], &key["maxLength"], key["pattern"].is_string()), (&1.into(), &255.into(), true));
    }
    for path in ["/v1/chat/completions", "/v1/messages", "/v1/responses"] {
        let content = &document["paths"][path]["post"]["responses"]["200"]["content"];
        assert!(content["application/json"].is_object(), "{path}");
        assert_eq!(content["text/event-stream"]["schema"]["$ref"], "#/components/schemas/EventStream", "{path}");
        let [timeout, session] = [0, 1].map(|at| document["paths"][path]["post"]["parameters"][at].clone());
        assert_eq!(
            (&timeout["name"], &session["name"]),
            (&"x-satisfice-timeout-ms".into(), &"x-satisfice-session".into())
        );
        assert_eq!((&timeout["required"], &timeout["schema"]["minimum"]), (&false.into(), &1.into()), "{path}");
        assert_eq!(session["schema"]["maxLength"], 128, "{path}");
    }
    let new_key = &schema("NewKeyBody")["properties"];
    assert_eq!(new_key["requests_per_minute"]["minimum"], 1);
    assert_eq!(
        (&schema("Patterns")["maxItems"], schema("Patterns")["items"]["pattern"].is_string()),
        (&100.into(), true)
    );
    let error = |path: &str| {
        document["paths"][path]["post"]["responses"]["400"]["content"]["application/json"]["schema"]["$ref"].clone()
    };
    assert_eq!(error("/v1/messages"), "#/components/schemas/MessagesErrorEnvelope");
    assert_eq!(error("/v1/responses"), "#/components/schemas/ErrorEnvelope");
}

#[test]
fn the_document_refers_to_nothing_that_is_not_there() {
    let document: Value = serde_json::from_str(&openapi()).unwrap();
    let mut references = Vec::new();
    collect_references(&document, &mut references);
    assert!(references.len() > 20, "{}", references.len());
    for reference in references {
        let pointer = reference.trim_start_matches('#');
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
}

fn collect_references<'a>(value: &'a Value, into: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) => {
            into.extend(fields.get("$ref").and_then(Value::as_str));
            fields.values().for_each(|v| collect_references(v, into));
        }
        Value::Array(items) => items.iter().for_each(|v| collect_references(v, into)),
        _ => {}
    }
}
