//! Answers that are forgotten: by the operator, and for being bad.

use super::{EXACT, ask, ask_as, cache, key, service};
use crate::{
    gateway_app::{ADMIN_KEY, ALPHA, BETA, GatewayApp, Wire},
    support::Answer,
};
use axum::http::Method;
use satisfice::domain::KeyLimits;
use serde_json::{Value, json};

async fn admin(app: &GatewayApp, method: Method, query: &str) -> Answer {
    app.send(method, &format!("/admin/cache{query}"), &[("x-api-key", ADMIN_KEY)], &Value::Null).await
}

#[tokio::test]
async fn the_operator_forgets_all_or_what_a_tenant_a_policy_and_a_model_have_in_common() {
    let app = service("[cache]\nmode = \"exact\"\n[policies.desk]\n").await;
    let keys = [key(&app, "acme", 1, KeyLimits::default()).await, key(&app, "other", 2, KeyLimits::default()).await];
    let fill = async || {
        for key in &keys {
            for model in ["auto", "desk", BETA] {
                ask_as(&app, key, json!({"model": model})).await;
            }
        }
    };
    let cases = [
        ("?tenant=acme", 3),
        ("?policy=desk", 2),
        ("?model=beta/*", 2),
        ("?tenant=acme&policy=default&model=alpha/cheap", 1),
        ("?tenant=nobody", 0),
        ("", 6),
    ];
    for (query, removed) in cases {
        fill().await;
        let answer = admin(&app, Method::DELETE, query).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({"removed": removed})), "{query}");
        let left = admin(&app, Method::GET, "").await.json();
        assert_eq!(left["exact"]["entries"], json!(6 - removed), "{query}");
    }
    fill().await;
    admin(&app, Method::DELETE, "?tenant=acme").await;
    for (key, said) in keys.iter().zip(["miss", "hit"]) {
        assert_eq!(cache(&ask_as(&app, key, json!({})).await), Some(said));
    }
}

#[tokio::test]
async fn a_wish_that_is_not_understood_forgets_nothing() {
    let app = service(EXACT).await;
    ask(&app, json!({})).await;
    for query in ["?tennant=acme", "?tenant=", "?tenant=a&tenant=b"] {
        let answer = admin(&app, Method::DELETE, query).await;
        assert_eq!(answer.status, 400, "{query}: {}", answer.text);
        assert!(answer.error().0 == "invalid_request_error");
    }
    let closed = app.send(Method::DELETE, "/admin/cache", &[("x-api-key", "another")], &Value::Null).await;
    assert_eq!(closed.status, 401);
    assert_eq!(cache(&ask(&app, json!({})).await), Some("hit"));
}

#[tokio::test]
async fn the_operator_sees_what_it_is_worth() {
    let app = service(EXACT).await;
    let first = ask(&app, json!({})).await;
    for _ in 0..3 {
        ask(&app, json!({})).await;
    }
    let seen = admin(&app, Method::GET, "").await.json();
    assert_eq!(seen["exact"]["entries"], json!(1));
    for (field, value) in [("hits", 3), ("misses", 1), ("stale", 0), ("ttl_s", 60)] {
        assert_eq!(seen[field], json!(value), "{field}");
    }
    assert_eq!(seen["exact"]["capacity_bytes"], json!(64 << 20));
    assert!(seen["exact"]["bytes"].as_u64().is_some_and(|bytes| (500..5000).contains(&bytes)), "{seen}");
    let cost: f64 = first.header("x-satisfice-cost-usd").and_then(|cost| cost.parse().ok()).expect("a bill");
    assert!((seen["saved_usd"].as_f64().unwrap_or_default() - 3.0 * cost).abs() < 1e-7, "{seen}");
}

#[tokio::test]
async fn an_answer_that_was_not_good_enough_is_not_given_again() {
    for (score, said) in [(json!(0.2), "miss"), (json!(0.9), "hit")] {
        let app = service(EXACT).await;
        let fields = json!({"model": "auto:q=0.5"});
        ask(&app, fields.clone()).await;
        let kept = ask(&app, fields.clone()).await;
        assert_eq!(cache(&kept), Some("hit"));
        let feedback = json!({"decision_id": kept.header("x-satisfice-decision-id"), "score": score});
        let receipt = app.post("/v1/feedback", &feedback).await;
        let served = kept.header("x-satisfice-model").map(|model| json!(model));
        assert_eq!((receipt.status.as_u16(), Some(receipt.json()["model"].clone())), (200, served), "{}", receipt.text);
        assert_eq!(cache(&ask(&app, fields).await), Some(said), "{score}");
    }
}

#[tokio::test]
async fn feedback_by_the_request_that_was_given_a_kept_answer_goes_to_the_model_that_answered() {
    let app = service(EXACT).await;
    let first = ask(&app, json!({})).await;
    let body = super::question(Wire::Chat, false, json!({}));
    let kept = crate::gateway_app::whole(app.open(Wire::Chat.path(), "second", &body).await).await;
    assert_eq!(cache(&kept), Some("hit"));
    let receipt = app.post("/v1/feedback", &json!({"request_id": "second", "score": 1})).await.json();
    assert_eq!(receipt["decision_id"].as_str(), first.header("x-satisfice-decision-id"));
    assert_eq!(receipt["model"], ALPHA);
}
