#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use super::{
    super::{
        entrance::{Entrance, administrators, callers},
        limit::Limiter,
    },
    *,
};
use crate::{
    access::{ApiKey, KEY_BYTES, LimitScope, NewKey, Quantity, Rules},
    domain::{DecisionId, Tenant, UnixMillis, Usd},
    store::Store,
};
use axum::{
    Extension, Router,
    body::{Body, to_bytes},
    middleware,
    routing::get,
};
use serde_json::Value;
use tower::ServiceExt;
use uuid::Uuid;

const NOON: UnixMillis = UnixMillis(1_795_435_200_000);
const ADMIN: &str = "9f86d081884c7d659a2feaa0c55ad015";

struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> UnixMillis {
        NOON
    }

    fn decision_id(&self) -> DecisionId {
        DecisionId::from_uuid(Uuid::nil())
    }
}

/// A service with one key, made of ones.
async fn door(admin: Option<&str>) -> (Door, String) {
    let keys = KeyBook::load(Store::in_memory().await.unwrap(), Rules::default(), NOON).await.unwrap();
    let new = NewKey { name: "app".to_owned(), tenant: Tenant::from("acme"), ..NewKey::default() };
    let issued = keys.create(new, &[1; KEY_BYTES], NOON).await.unwrap();
    let admin = admin.map(|text| AdminKey::new(text).unwrap());
    (Door::new(keys, admin, Arc::new(Stopped)), issued.key.expose().to_owned())
}

fn entrance(door: &Door) -> Arc<Entrance> {
    Arc::new(Entrance { gate: door.gate.clone(), timeout: Duration::from_secs(60), limiter: Limiter::new(8) })
}

/// `/v1` says who calls; `/admin` is there.
fn service(door: &Door) -> Router {
    let who = |Extension(caller): Extension<Caller>| async move { caller.tenant().to_string() };
    let v1 = Router::new().route("/v1", get(who)).route_layer(middleware::from_fn_with_state(entrance(door), callers));
    let admin = Router::new()
        .route("/admin", get(|| async { "admin" }))
        .route_layer(middleware::from_fn_with_state(entrance(door), administrators));
    v1.merge(admin)
}

async fn call(service: &Router, path: &str, headers: &[(&str, &str)]) -> (StatusCode, HeaderMap, String) {
    let request =
        headers.iter().fold(Request::builder().uri(path), |request, (name, value)| request.header(*name, *value));
    let response = service.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let text = String::from_utf8(to_bytes(body, 1 << 20).await.unwrap().to_vec()).unwrap();
    (parts.status, parts.headers, text)
}

fn error_of(text: &str) -> (String, String) {
    let body: Value = serde_json::from_str(text).unwrap();
    let field = |name: &str| body["error"][name].as_str().unwrap().to_owned();
    (field("type"), field("code"))
}

#[tokio::test]
async fn a_key_is_taken_as_a_bearer_token_or_as_x_api_key() {
    let (door, key) = door(None).await;
    let service = service(&door);
    let bearer = format!("Bearer {key}");
    for headers in [
        vec![("authorization", bearer.as_str())],
        vec![("authorization", &format!("bearer  {key}"))],
        vec![("x-api-key", &key)],
        vec![("authorization", "Basic dXNlcg=="), ("x-api-key", &key)],
        vec![("authorization", &bearer), ("x-api-key", "sk-of-somebody-else")],
    ] {
        let (status, _, text) = call(&service, "/v1", &headers).await;
        assert_eq!((status.as_u16(), text.as_str()), (200, "acme"), "{headers:?}");
    }
}

#[tokio::test]
async fn whoever_shows_no_good_key_is_answered_401_and_told_why() {
    let (door, key) = door(None).await;
    let service = service(&door);
    let other = format!("Bearer {}", ApiKey::from_bytes(&[2; KEY_BYTES]).expose());
    let cases = [
        (vec![], "missing_api_key"),
        (vec![("authorization", "Basic dXNlcg==")], "missing_api_key"),
        (vec![("authorization", other.as_str())], "invalid_api_key"),
        (vec![("x-api-key", "")], "invalid_api_key"),
        (vec![("x-api-key", "ä")], "invalid_api_key"),
    ];
    for (headers, code) in cases {
        let (status, answered, text) = call(&service, "/v1", &headers).await;
        assert_eq!(status, 401, "{headers:?}");
        assert_eq!(error_of(&text), ("authentication_error".to_owned(), code.to_owned()));
        assert_eq!(answered["www-authenticate"], "Bearer");
    }
    let id = ApiKey::parse(&key).unwrap().id().clone();
    door.keys.revoke(&id, NOON).await.unwrap();
    let (status, _, text) = call(&service, "/v1", &[("x-api-key", &key)]).await;
    assert_eq!((status.as_u16(), error_of(&text).1.as_str()), (401, "revoked_api_key"), "without a restart");
}

#[tokio::test]
async fn only_the_admin_key_opens_admin_and_it_opens_nothing_else() {
    let (door, key) = door(Some(ADMIN)).await;
    let service = service(&door);
    let cases = [
        (None, 401, "missing_admin_key"),
        (Some(key.as_str()), 401, "invalid_admin_key"),
        (Some(""), 401, "invalid_admin_key"),
    ];
    for (shown, status, code) in cases {
        let headers: Vec<_> = shown.iter().map(|key| ("x-api-key", *key)).collect();
        let answer = call(&service, "/admin", &headers).await;
        assert_eq!((answer.0.as_u16(), error_of(&answer.2).1.as_str()), (status, code));
    }
    assert_eq!(call(&service, "/admin", &[("authorization", &format!("Bearer {ADMIN}"))]).await.2, "admin");
    assert_eq!(call(&service, "/v1", &[("x-api-key", ADMIN)]).await.0, 401);
}

#[tokio::test]
async fn without_an_admin_key_nobody_is_admin() {
    let (door, key) = door(None).await;
    let service = service(&door);
    for headers in [vec![], vec![("x-api-key", key.as_str())], vec![("x-api-key", ADMIN)], vec![("x-api-key", "")]] {
        let (status, _, text) = call(&service, "/admin", &headers).await;
        assert_eq!(status, 403);
        assert_eq!(error_of(&text), ("permission_error".to_owned(), "admin_disabled".to_owned()));
    }
}

async fn answer_to(refusal: Refusal) -> (StatusCode, HeaderMap, (String, String)) {
    let (parts, body) = ApiError::from(refusal).into_response().into_parts();
    let text = String::from_utf8(to_bytes(body, 1 << 20).await.unwrap().to_vec()).unwrap();
    (parts.status, parts.headers, error_of(&text))
}

fn headroom() -> Headroom {
    let requests = Allowance { limit: 600, remaining: 0, reset: Duration::from_millis(8_640) };
    let tokens = Allowance { limit: 50_000, remaining: 49_000, reset: Duration::from_millis(120) };
    Headroom { requests: Some(requests), tokens: Some(tokens) }
}

#[tokio::test]
async fn a_rate_limit_says_when_to_come_back_and_how_the_limits_stand() {
    let refusal = Refusal::RateLimited {
        scope: LimitScope::Tenant(Tenant::from("acme")),
        quantity: Quantity::Requests,
        limit: 600,
        retry_after: Duration::from_millis(1_500),
        headroom: Box::new(headroom()),
    };
    let (status, headers, error) = answer_to(refusal).await;
    assert_eq!((status.as_u16(), error.0.as_str(), error.1.as_str()), (429, "rate_limit_error", "rate_limit_exceeded"));
    let expected = [
        ("retry-after", "2"),
        ("retry-after-ms", "1500"),
        ("x-ratelimit-limit-requests", "600"),
        ("x-ratelimit-remaining-requests", "0"),
        ("x-ratelimit-reset-requests", "8.64s"),
        ("x-ratelimit-limit-tokens", "50000"),
        ("x-ratelimit-remaining-tokens", "49000"),
        ("x-ratelimit-reset-tokens", "120ms"),
    ];
    for (name, value) in expected {
        assert_eq!(headers[name], value, "{name}");
    }
}

#[tokio::test]
async fn a_budget_that_is_used_up_is_no_reason_to_try_again() {
    let refusal = Refusal::BudgetExhausted {
        scope: LimitScope::Key("k".into()),
        limit_usd: Usd::ZERO,
        spent_usd: Usd::ZERO,
        resets_at: NOON,
        retry_after: Duration::from_secs(3600),
    };
    let (status, headers, error) = answer_to(refusal).await;
    assert_eq!(
        (status.as_u16(), error.0.as_str(), error.1.as_str()),
        (429, "insufficient_quota", "insufficient_quota")
    );
    assert_eq!(headers["x-should-retry"], "false");
    assert_eq!(headers["retry-after"], "3600");
}

#[tokio::test]
async fn every_refusal_has_its_status_and_code() {
    let (key, scope) = (KeyId::from("k"), LimitScope::Policy("p".to_owned()));
    let cases = [
        (Refusal::Expired { key: key.clone(), at: NOON }, 401, "expired_api_key"),
        (Refusal::NotAllowed { key: key.clone(), named: Named::Policy("p".to_owned()) }, 403, "policy_not_allowed"),
        (Refusal::NotAllowed { key, named: Named::Model("m".into()) }, 403, "model_not_allowed"),
        (Refusal::TooLarge { scope: scope.clone(), limit: 1, tokens: 2 }, 400, "request_exceeds_token_limit"),
        (Refusal::TooManyConcurrent { scope, limit: 1, headroom: Box::default() }, 429, "too_many_concurrent_requests"),
    ];
    for (refusal, status, code) in cases {
        let (answered, headers, error) = answer_to(refusal).await;
        assert_eq!((answered.as_u16(), error.1.as_str()), (status, code));
        assert_eq!(headers.contains_key("retry-after"), status == 429, "{code}");
    }
}

#[test]
fn limits_that_nobody_set_are_not_shown() {
    assert!(rate_headers(&Headroom::default()).is_empty());
    let tokens = Headroom { requests: None, ..headroom() };
    assert_eq!(rate_headers(&tokens).len(), 3);
}
