//! Requests, tokens and concurrency.

use super::{chat_as, guarded, key, post_as, refusal, refused};
use crate::support::{Answer, Make, StubEncoder};
use satisfice::{
    access::{ModelLimits, Rules},
    domain::RateLimits,
};
use serde_json::json;
use std::sync::Arc;

fn requests_per_minute(limit: u64) -> RateLimits {
    RateLimits { requests_per_minute: Some(limit), ..RateLimits::default() }
}

#[tokio::test]
async fn whoever_is_too_fast_is_told_when_to_come_back() {
    let app = guarded(Make::default()).await;
    let (hasty, other) = (key(&app, json!({"requests_per_minute": 2})).await, key(&app, json!({})).await);
    let left = |answer: &Answer| answer.header("x-ratelimit-remaining-requests").map(str::to_owned);
    let routed = post_as(&app, &hasty, "/v1/route", json!({})).await;
    assert_eq!((routed.status.as_u16(), left(&routed).as_deref()), (200, Some("1")));
    let answered = chat_as(&app, &hasty, json!({"stream": true})).await;
    assert_eq!((answered.status.as_u16(), left(&answered).as_deref()), (200, Some("0")));

    for path in ["/v1/route", "/v1/chat/completions"] {
        let late = post_as(&app, &hasty, path, json!({})).await;
        assert_eq!(refusal(&late), refused(429, "rate_limit_exceeded"));
        let wait = late.header("retry-after").and_then(|wait| wait.parse::<u64>().ok());
        assert!(wait.is_some_and(|wait| (1..=60).contains(&wait)), "{wait:?}");
        assert!(late.header("retry-after-ms").is_some());
        assert_eq!(late.header("x-ratelimit-limit-requests"), Some("2"));
        assert!(late.header("x-ratelimit-reset-requests").is_some_and(|reset| reset.ends_with('s')));
    }
    let free = chat_as(&app, &other, json!({})).await;
    assert_eq!((free.status.as_u16(), left(&free)), (200, None), "{}", free.text);
}

#[tokio::test]
async fn whatever_the_answer_it_says_how_the_limits_stand() {
    let app = guarded(Make::default()).await;
    let limits = json!({"requests_per_minute": 20, "tokens_per_minute": 1000, "budget_usd_per_month": 0.00018});
    let key = key(&app, limits).await;
    let asks = [
        ("/v1/chat/completions", json!({"model": "simulated/broken"}), 502),
        ("/v1/chat/completions", json!({"model": "simulated/broken", "stream": true}), 502),
        ("/v1/messages", json!({"model": "simulated/broken", "max_tokens": 10}), 502),
        ("/v1/route", json!({"route": {"max_cost_usd": 0}, "model": "auto"}), 400),
        ("/v1/chat/completions", json!({"model": "openai/gpt-2"}), 404),
        ("/v1/messages", json!({"max_tokens": 10}), 200),
        ("/v1/chat/completions", json!({}), 429),
    ];
    for (left, (path, fields, status)) in (0..20).rev().zip(asks) {
        let answer = post_as(&app, &key, path, fields.clone()).await;
        assert_eq!(answer.status, status, "{fields}: {}", answer.text);
        let header = |name: &str| answer.header(name).map(str::to_owned);
        assert_eq!(header("x-ratelimit-remaining-requests"), Some(left.to_string()), "{fields}");
        assert_eq!(header("x-ratelimit-limit-tokens").as_deref(), Some("1000"), "{fields}");
        assert!(header("x-ratelimit-reset-tokens").is_some(), "{fields}");
    }
    let listed = app.send_as(&key, axum::http::Method::GET, "/v1/models", &json!(null)).await;
    assert_eq!(listed.header("x-ratelimit-remaining-requests"), None, "no limit holds for it");
}

#[tokio::test]
async fn tokens_that_were_not_used_are_given_back() {
    let app = guarded(Make::default()).await;
    let key = key(&app, json!({"tokens_per_minute": 1000})).await;
    let large = json!({"max_tokens": 1000});
    assert_eq!(refusal(&chat_as(&app, &key, large).await), refused(400, "request_exceeds_token_limit"));
    // Each could use 900 of them, and uses about 50; a decision alone uses none, nor does a request that can't be decided.
    let modest = json!({"max_tokens": 900});
    assert_eq!(post_as(&app, &key, "/v1/route", modest.clone()).await.status, 200);
    let unknown = json!({"max_tokens": 900, "model": "openai/gpt-2"});
    assert_eq!(chat_as(&app, &key, unknown).await.status, 404);
    let broken = json!({"max_tokens": 900, "model": "simulated/broken"});
    assert_eq!(chat_as(&app, &key, broken).await.status, 502);
    let first = chat_as(&app, &key, modest.clone()).await;
    assert_eq!((first.status.as_u16(), first.header("x-ratelimit-remaining-tokens")), (200, Some("90")));
    let usage = &first.json()["usage"]["total_tokens"];
    let second = chat_as(&app, &key, modest).await;
    let left = second.header("x-ratelimit-remaining-tokens").and_then(|left| left.parse::<u64>().ok());
    assert_eq!(left, usage.as_u64().map(|used| 90 - used), "{}", second.text);
}

#[tokio::test]
async fn a_place_among_those_running_is_free_again_when_an_answer_ends() {
    let encoder = Arc::new(StubEncoder::default());
    let app = Arc::new(guarded(Make { encoder: Arc::clone(&encoder), ..Make::default() }).await);
    let key = key(&app, json!({"max_concurrent": 1})).await;
    encoder.set_closed(true);
    let running = tokio::spawn({
        let (app, key) = (Arc::clone(&app), key.clone());
        async move { chat_as(&app, &key, json!({})).await }
    });
    while encoder.entered() == 0 {
        tokio::task::yield_now().await;
    }
    let second = chat_as(&app, &key, json!({})).await;
    assert_eq!(refusal(&second), refused(429, "too_many_concurrent_requests"));
    assert!(second.header("retry-after").is_some());
    encoder.set_closed(false);
    assert_eq!(running.await.expect("no panic").status, 200);
    assert_eq!(chat_as(&app, &key, json!({"stream": true})).await.status, 200);
    assert_eq!(chat_as(&app, &key, json!({})).await.status, 200);
}

#[tokio::test]
async fn policies_and_groups_of_models_have_limits_for_all_callers_together() {
    let group =
        ModelLimits { name: "frontier".to_owned(), models: vec!["*/steady".to_owned()], rates: requests_per_minute(1) };
    let policies = [("careful".to_owned(), requests_per_minute(1))].into();
    let rules = Rules { policies, models: vec![group], ..Rules::default() };
    let app = guarded(Make { rules, ..Make::default() }).await;
    let (first, second) = (key(&app, json!({})).await, key(&app, json!({"tenant": "other"})).await);
    let asks = [("/v1/route", "careful", "auto"), ("/v1/chat/completions", "simulated/steady", "simulated/broken")];
    for (path, limited, other) in asks {
        assert_eq!(post_as(&app, &first, path, json!({"model": limited})).await.status, 200, "{limited}");
        let late = post_as(&app, &second, path, json!({"model": limited})).await;
        assert_eq!(refusal(&late), refused(429, "rate_limit_exceeded"), "{limited}");
        assert_ne!(post_as(&app, &second, path, json!({"model": other})).await.status, 429, "{other}");
    }
    let decided = post_as(&app, &second, "/v1/route", json!({})).await;
    assert_eq!(decided.status, 200, "groups count calls, not decisions: {}", decided.text);
}
