//! `POST /v1/route` and `GET /v1/decisions/{id}`.

use crate::support::{Make, StubEncoder, TestApp, request};
use axum::{body::Body, http::Method};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

#[tokio::test]
async fn a_prompt_gets_one_model_and_a_recorded_decision() {
    let app = TestApp::start().await;
    let answer = app.post("/v1/route", &json!({"input": "hello"})).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let decision = answer.json();
    assert_eq!(decision["provider"], "simulated");
    assert_eq!(decision["policy"], "default");
    assert_eq!(decision["propensity"], 1.0);
    assert!(decision.get("candidates").is_none());
    assert_eq!(answer.header("x-satisfice-decision-id"), decision["decision_id"].as_str());
    assert_eq!(answer.header("x-satisfice-model"), decision["model"].as_str());
    assert_eq!(answer.header("x-satisfice-policy-version"), Some("0"));
    assert!(answer.header("x-satisfice-overhead-ms").is_some());
    assert_eq!(answer.header("x-request-id"), decision["request_id"].as_str());

    let path = format!("/v1/decisions/{}", decision["decision_id"].as_str().expect("an id"));
    let record = app.get(&path).await.json();
    assert_eq!(record["model"], decision["model"]);
    assert!(record["candidates"].as_array().is_some_and(|c| c.len() > 1));
    assert_eq!((&record["outcomes"], &record["feedback"]), (&json!([]), &json!([])));
}

#[tokio::test]
async fn explain_shows_candidates_whose_propensities_sum_to_one() {
    let app = TestApp::start().await;
    let body = json!({"input": "hello", "route": {"explain": true, "exclude": ["simulated/tiny"]}});
    let decision = app.post("/v1/route", &body).await.json();
    let candidates = decision["candidates"].as_array().expect("candidates");
    let sum: f64 = candidates.iter().filter_map(|c| c["propensity"].as_f64()).sum();
    assert!((sum - 1.0).abs() < 1e-9, "{sum}");
    let tiny = candidates.iter().find(|c| c["model"] == "simulated/tiny").expect("it is listed");
    assert_eq!(tiny["excluded_by"]["rule"], "denied");
    assert!(decision["timings_us"]["total"].is_u64());
}

#[tokio::test]
async fn the_model_field_chooses_policy_or_model() {
    let app = TestApp::start().await;
    let decide = async |model: &str| app.post("/v1/route", &json!({"input": "hello", "model": model})).await;
    assert_eq!(decide("careful").await.json()["rule"]["quality_target"], 0.99);
    assert_eq!(decide("auto:q=0.4").await.json()["rule"]["quality_target"], 0.4);
    let named = decide("simulated/large").await.json();
    assert_eq!((&named["model"], &named["propensity"]), (&json!("simulated/large"), &json!(1.0)));

    let unknown = decide("openai/gpt-2").await;
    assert_eq!(unknown.status, 404);
    let expected = ("not_found_error".to_owned(), "model_not_found".to_owned(), Some("model".to_owned()));
    assert_eq!(unknown.error(), expected);
}

#[tokio::test]
async fn a_tools_result_stays_with_the_model_of_its_session() {
    let app = TestApp::start().await;
    let ask = async |model: &str, last: &str, wishes: Value| {
        let mut messages = vec![json!({"role": "user", "content": "Will it rain?"})];
        if last == "tool" {
            messages.push(json!({"role": "assistant", "content": null, "tool_calls": []}));
            messages.push(json!({"role": "tool", "content": "a little", "tool_call_id": "1"}));
        }
        let answer = app.post("/v1/route", &json!({"model": model, "messages": messages, "route": wishes})).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    };
    let alone = ask("auto", "tool", json!({})).await["model"].clone();
    let other = if alone == "simulated/large" { "simulated/small" } else { "simulated/large" };
    let trip = json!({"session_id": "trip"});

    let first = ask(other, "user", trip.clone()).await;
    assert_eq!((&first["model"], &first["session_id"]), (&json!(other), &json!("trip")));
    let next = ask("auto", "tool", trip.clone()).await;
    assert_eq!((&next["model"], &next["propensity"], &next["explored"]), (&json!(other), &json!(1.0), &json!(false)));
    assert!(next["reason"].as_str().is_some_and(|reason| reason.contains("session")), "{next}");
    let path = format!("/v1/decisions/{}", next["decision_id"].as_str().expect("an id"));
    let record = app.get(&path).await.json();
    assert_eq!((&record["session_id"], &record["rule"]["exploration"]), (&json!("trip"), &json!(0.0)));
    let sum: f64 = record["candidates"].as_array().into_iter().flatten().filter_map(|c| c["propensity"].as_f64()).sum();
    assert_eq!(sum, 1.0);

    let excluded = json!({"session_id": "trip", "exclude": [other]});
    assert_eq!(ask("auto", "tool", excluded).await["model"], alone, "a model that may not be used does not go on");
    let stranger = json!({"session_id": "another"});
    assert_eq!(ask("auto", "tool", stranger).await["model"], alone, "sessions are kept apart");
    let turn = ask("auto", "user", trip).await;
    assert_ne!(turn["model"], other, "a person's turn is decided afresh");
    assert!(!turn["reason"].as_str().is_some_and(|reason| reason.contains("session")), "{turn}");
}

#[tokio::test]
async fn wishes_that_no_model_meets_are_refused_with_the_reasons() {
    let app = TestApp::start().await;
    let answer = app.post("/v1/route", &json!({"input": "hello", "route": {"max_cost_usd": 0}})).await;
    assert_eq!((answer.status.as_u16(), answer.error().1.as_str()), (400, "no_eligible_model"));
    assert!(answer.text.contains("max_cost_usd"), "{}", answer.text);
}

#[tokio::test]
async fn without_any_enabled_model_the_service_says_that_it_is_not_the_callers_fault() {
    let app = TestApp::make(Make { enabled: &[], ..Make::default() }).await;
    for model in ["auto", "careful", "simulated/steady"] {
        for path in ["/v1/route", "/v1/chat/completions"] {
            let body = json!({"messages": [{"role": "user", "content": "hello"}], "model": model});
            let answer = app.post(path, &body).await;
            assert_eq!(answer.status, 503, "{path} {model}: {}", answer.text);
            assert_eq!(answer.error(), ("server_error".to_owned(), "no_model_enabled".to_owned(), None));
            assert_eq!(answer.header("retry-after"), Some("5"));
            assert!(answer.text.contains("OPENAI_API_KEY") && answer.text.contains("/v1/models"), "{}", answer.text);
        }
    }
    let unknown = app.post("/v1/route", &json!({"input": "hello", "model": "openai/gpt-2"})).await;
    assert_eq!(unknown.status, 404, "a name that does not exist is the caller's fault all the same");
}

#[tokio::test]
async fn a_request_that_is_not_answered_in_time_is_a_504() {
    let encoder = Arc::new(StubEncoder::default());
    encoder.set_closed(true);
    let timeout = Duration::from_millis(20);
    let app = TestApp::make(Make { encoder: Arc::clone(&encoder), timeout, ..Make::default() }).await;
    let answer = app.post("/v1/route", &json!({"input": "hello"})).await;
    assert_eq!(answer.status, 504, "{}", answer.text);
    assert_eq!(answer.error(), ("server_error".to_owned(), "request_timeout".to_owned(), None));
    assert!(answer.text.contains("20 ms") && answer.header("x-request-id").is_some(), "{}", answer.text);
    encoder.set_closed(false);
}

#[tokio::test]
async fn a_bad_body_is_refused_on_the_live_route() {
    let app = TestApp::start().await;
    let answer = app.post("/v1/route", &json!({"input": "hello", "route": {"quality_target": 7}})).await;
    let expected =
        ("invalid_request_error".to_owned(), "invalid_value".to_owned(), Some("route.quality_target".to_owned()));
    assert_eq!((answer.status.as_u16(), answer.error()), (400, expected));

    let compressed = request(Method::POST, "/v1/route").header("content-encoding", "gzip").body(Body::from("x"));
    assert_eq!(app.send(compressed.expect("a request")).await.status, 415);
    let large = json!({"input": "x".repeat(100_001)});
    assert_eq!(app.post("/v1/route", &large).await.status, 413);
}

#[tokio::test]
async fn an_unknown_decision_is_not_found_and_a_strange_id_is_wrong() {
    let app = TestApp::start().await;
    let unknown = app.get("/v1/decisions/0199f3c2-6c1e-7a51-9a55-1f5a3a1c9a2e").await;
    assert_eq!((unknown.status.as_u16(), unknown.error().1.as_str()), (404, "decision_not_found"));
    for strange in ["nonsense", "%FF"] {
        let answer = app.get(&format!("/v1/decisions/{strange}")).await;
        assert_eq!((answer.status.as_u16(), answer.error().2.as_deref()), (400, Some("id")), "{strange}");
    }
}

#[tokio::test]
async fn a_full_encoder_queue_is_answered_at_once() {
    let encoder = Arc::new(StubEncoder::default());
    let app = Arc::new(TestApp::make(Make { encoder: Arc::clone(&encoder), ..Make::default() }).await);
    encoder.set_closed(true);
    let spawn = || {
        let app = Arc::clone(&app);
        tokio::spawn(async move { app.post("/v1/route", &json!({"input": "hello"})).await })
    };
    let encoding = spawn();
    while encoder.entered() == 0 {
        tokio::task::yield_now().await;
    }
    let waiting = spawn();
    while app.router.waiting() == 0 {
        tokio::task::yield_now().await;
    }
    let refused = app.post("/v1/route", &json!({"input": "hello"})).await;
    assert_eq!((refused.status.as_u16(), refused.error().0.as_str()), (429, "rate_limit_error"));
    assert_eq!((refused.header("retry-after"), refused.header("retry-after-ms")), (Some("1"), Some("100")));

    encoder.set_closed(false);
    for served in [encoding, waiting] {
        assert_eq!(served.await.expect("no panic").status, 200);
    }
}
