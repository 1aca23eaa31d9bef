#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use super::*;
use crate::{
    access::{AdminKey, KeyBook, Rules},
    domain::Usd,
    router::SystemClock,
    store::Store,
};
use axum::{
    body::{self, to_bytes},
    http::Method,
};
use serde_json::{Value, json};
use std::sync::Arc;
use tower::ServiceExt;

async fn door() -> Door {
    let keys = KeyBook::load(Store::in_memory().await.unwrap(), Rules::default(), UnixMillis(0)).await.unwrap();
    Door::new(keys, AdminKey::new("9f86d081884c7d659a2feaa0c55ad015").ok(), Arc::new(SystemClock))
}

async fn call(service: &Router, method: Method, path: &str, body: &Value) -> (u16, Value) {
    let request = Request::builder().method(method).uri(path).body(body::Body::from(body.to_string())).unwrap();
    let response = service.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    (status, serde_json::from_slice(&to_bytes(response.into_body(), 1 << 20).await.unwrap()).unwrap())
}

#[tokio::test]
async fn a_key_is_made_shown_rotated_and_revoked() {
    let door = door().await;
    let (service, access) = (alone(door.clone()), door.keys.access().clone());
    let wishes = json!({"name": "app", "tenant": "acme", "requests_per_minute": 60, "budget_usd_per_month": 12.5,
                        "models": ["openai/*"], "expires_at": "2999-01-01T00:00:00Z"});
    let (status, made) = call(&service, Method::POST, "/admin/keys", &wishes).await;
    assert_eq!(status, 200, "{made}");
    let (key, id) = (made["key"].as_str().unwrap(), made["id"].as_str().unwrap());
    assert!(key.starts_with(&format!("sat-{id}-")));
    assert!(access.authenticate(Some(key), door.now()).is_ok(), "it counts at once");

    let (_, shown) = call(&service, Method::GET, &format!("/admin/keys/{id}"), &json!({})).await;
    let fields = ["name", "tenant", "requests_per_minute", "budget_usd_per_month", "models", "expires_at"];
    for field in fields {
        assert_eq!(shown[field], wishes[field], "{field}");
    }
    assert_eq!((&shown["status"], shown.get("key")), (&json!("active"), None), "the secret was shown once");

    let (status, new) =
        call(&service, Method::POST, &format!("/admin/keys/{id}/rotate"), &json!({"grace_seconds": 0})).await;
    assert_eq!((status, &new["rotated_from"], &new["name"]), (200, &json!(id), &json!("app")));
    assert!(access.authenticate(Some(key), door.now()).is_err());
    let new_id = new["id"].as_str().unwrap();
    let (status, revoked) = call(&service, Method::DELETE, &format!("/admin/keys/{new_id}"), &json!({})).await;
    assert_eq!((status, &revoked["status"]), (200, &json!("revoked")));

    let (_, list) = call(&service, Method::GET, "/admin/keys", &json!({})).await;
    let states: Vec<_> = list["data"].as_array().unwrap().iter().map(|key| key["status"].clone()).collect();
    assert_eq!(states, ["expired", "revoked"]);
    let hash = format!("{:?}", access.keys()[0].hash.0);
    assert!(!list.to_string().contains(key) && !list.to_string().contains(&hash));
}

#[tokio::test]
async fn wrong_wishes_are_refused_by_field() {
    let door = door().await;
    let service = alone(door.clone());
    let cases = [
        (json!({}), "missing_field", "name"),
        (json!({"name": ""}), "invalid_value", "name"),
        (json!({"name": "x", "tenant": "A B"}), "invalid_value", "tenant"),
        (json!({"name": "x", "expires_at": "tomorrow"}), "invalid_value", "expires_at"),
        (json!({"name": "x", "expires_at": "2001-01-01T00:00:00Z"}), "invalid_value", "expires_at"),
        (json!({"name": "x", "budget_usd_per_month": -1}), "invalid_value", "budget_usd_per_month"),
        (json!({"name": "x", "max_concurrent": 0}), "invalid_value", "max_concurrent"),
        (json!({"name": "x", "budget": 1}), "unknown_field", "budget"),
    ];
    for (wishes, code, param) in cases {
        let (status, answer) = call(&service, Method::POST, "/admin/keys", &wishes).await;
        assert_eq!((status, &answer["error"]["code"], &answer["error"]["param"]), (400, &json!(code), &json!(param)));
    }
    assert!(door.keys.access().keys().is_empty());
}

#[tokio::test]
async fn what_can_not_be_done_to_a_key_says_why() {
    let service = alone(door().await);
    for (method, path) in [(Method::GET, ""), (Method::DELETE, ""), (Method::POST, "/rotate")] {
        let (status, answer) = call(&service, method, &format!("/admin/keys/nobody{path}"), &json!({})).await;
        assert_eq!((status, &answer["error"]["code"]), (404, &json!("key_not_found")));
    }
    let (_, made) = call(&service, Method::POST, "/admin/keys", &json!({"name": "app"})).await;
    let path = format!("/admin/keys/{}", made["id"].as_str().unwrap());
    let rotate = format!("{path}/rotate");
    let (status, _) = call(&service, Method::POST, &rotate, &json!({"grace_seconds": 3_000_000})).await;
    assert_eq!(status, 400);
    assert_eq!(call(&service, Method::POST, &rotate, &json!({})).await.0, 200);
    let (status, answer) = call(&service, Method::POST, &rotate, &json!({})).await;
    assert_eq!((status, &answer["error"]["code"]), (409, &json!("key_replaced")));
    call(&service, Method::DELETE, &path, &json!({})).await;
}

#[tokio::test]
async fn usage_shows_what_was_spent_and_what_is_reserved() {
    let door = door().await;
    let service = alone(door.clone());
    let wishes = json!({"name": "app", "tenant": "acme", "budget_usd_per_month": 2});
    let (_, made) = call(&service, Method::POST, "/admin/keys", &wishes).await;
    let (access, now) = (door.keys.access(), door.now());
    let caller = access.authenticate(made["key"].as_str(), now).unwrap();
    access.reserve(&caller, Usd::new(1.0).unwrap(), now).unwrap().settle(Usd::new(0.5).unwrap());
    let _running = access.reserve(&caller, Usd::new(0.25).unwrap(), now).unwrap();
    let (_, usage) = call(&service, Method::GET, "/admin/usage", &json!({})).await;
    let spending = json!({"id": made["id"], "name": "app", "tenant": "acme", "spent_usd": 0.5, "reserved_usd": 0.25,
                          "budget_usd": 2.0});
    assert_eq!(usage["keys"], json!([spending]));
    assert_eq!(usage["tenants"][0]["budget_usd"], Value::Null);
    assert!(usage["since"].as_str().unwrap() < usage["resets_at"].as_str().unwrap());
}
