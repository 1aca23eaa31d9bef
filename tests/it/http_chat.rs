//! `POST /v1/chat/completions`.

use crate::support::{Answer, Make, TestApp};
use satisfice::gateway::SimulatedWorld;
use serde_json::{Value, json};
use std::time::Duration;

async fn chat(app: &TestApp, fields: Value) -> Answer {
    let mut body = json!({"messages": [{"role": "user", "content": "What is 2 + 2?"}], "model": "simulated/steady"});
    for (name, value) in fields.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    app.post("/v1/chat/completions", &body).await
}

async fn record(app: &TestApp, answer: &Answer) -> Value {
    let id = answer.header("x-satisfice-decision-id").expect("a decision");
    app.get(&format!("/v1/decisions/{id}")).await.json()
}

#[tokio::test]
async fn decision_header_body_and_log_name_the_same_model() {
    let app = TestApp::start().await;
    let answer = chat(&app, json!({"model": "auto", "route": {"models": ["*/steady"]}})).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let completion = answer.json();
    let record = record(&app, &answer).await;
    let model = completion["model"].as_str();
    assert_eq!(answer.header("x-satisfice-model"), model);
    assert_eq!((record["model"].as_str(), record["outcomes"][0]["served_model"].as_str()), (model, model));
    assert_eq!(record["outcomes"][0]["completion_id"], completion["id"]);
    assert_eq!(record["outcomes"][0]["status"], "ok");
    assert_eq!(answer.header("x-satisfice-attempts"), Some("1"));
    let header: f64 = answer.header("x-satisfice-cost-usd").and_then(|c| c.parse().ok()).expect("a price");
    let logged = record["outcomes"][0]["cost_usd"].as_f64().expect("a cost");
    assert!((header - logged).abs() < 1e-8, "{header} {logged}");
}

#[tokio::test]
async fn a_streamed_answer_ends_with_done_and_one_outcome() {
    let app = TestApp::start().await;
    let answer = chat(&app, json!({"stream": true, "stream_options": {"include_usage": true}})).await;
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    assert_eq!(answer.header("x-satisfice-cost-usd"), None, "not known before the end");
    let data: Vec<&str> = answer.text.split_terminator("\n\n").filter_map(|e| e.strip_prefix("data: ")).collect();
    let (last, chunks) = data.split_last().expect("events");
    assert_eq!(*last, "[DONE]");
    let chunks: Vec<Value> = chunks.iter().map(|c| serde_json::from_str(c).expect("JSON")).collect();
    assert!(chunks.iter().all(|c| c["model"] == "simulated/steady"));
    assert!(chunks.last().is_some_and(|c| c["usage"]["completion_tokens"].is_u64()));
    let outcomes = &record(&app, &answer).await["outcomes"];
    assert_eq!((outcomes.as_array().map(Vec::len), &outcomes[0]["status"]), (Some(1), &json!("ok")));
}

#[tokio::test]
async fn a_failing_provider_is_a_502_and_never_a_200() {
    let app = TestApp::start().await;
    for stream in [false, true] {
        let answer = chat(&app, json!({"model": "simulated/broken", "stream": stream})).await;
        assert_eq!(answer.status, 502, "{}", answer.text);
        assert_eq!(answer.error(), ("server_error".to_owned(), "upstream_error".to_owned(), None));
        assert_eq!(answer.header("x-satisfice-model"), Some("simulated/broken"));
        assert_eq!(answer.header("x-satisfice-attempts"), Some("1"));
        let record = record(&app, &answer).await;
        assert_eq!(record["outcomes"][0]["status"], "upstream_error", "the header names the decision that failed");
    }
}

#[tokio::test]
async fn a_provider_that_is_silent_until_the_limit_is_a_504_with_its_decision() {
    let world = SimulatedWorld { speed: 1e-9, seed: 1 };
    let app = TestApp::make(Make { world, timeout: Duration::from_secs(1), ..Make::default() }).await;
    let answer = chat(&app, json!({})).await;
    assert_eq!(answer.status, 504, "{}", answer.text);
    assert_eq!(answer.error(), ("server_error".to_owned(), "upstream_timeout".to_owned(), None));
    assert_eq!(record(&app, &answer).await["outcomes"][0]["status"], "timeout");
}

#[tokio::test]
async fn a_completion_id_names_the_decision_in_feedback() {
    let app = TestApp::start().await;
    let completion = chat(&app, json!({})).await.json();
    let receipt = app.post("/v1/feedback", &json!({"id": completion["id"], "thumbs": "up"})).await;
    assert_eq!(receipt.status, 200, "{}", receipt.text);
    assert_eq!((&receipt.json()["model"], &receipt.json()["score"]), (&json!("simulated/steady"), &json!(1.0)));
}

#[tokio::test]
async fn a_simulated_tool_call_is_told_in_every_dialect() {
    let app = TestApp::start().await;
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
    let question = json!([{"role": "user", "content": "How is the weather?"}]);
    let function = json!({"name": "weather", "parameters": schema});
    let flat = json!({"type": "function", "name": "weather", "parameters": schema});
    let cases = [
        (
            "/v1/chat/completions",
            "/choices/0/message/tool_calls/0/function/name",
            json!({"messages": question, "tools": [{"type": "function", "function": function}], "tool_choice": "required"}),
        ),
        (
            "/v1/messages",
            "/content/0/name",
            json!({"messages": question, "max_tokens": 100, "tools": [{"name": "weather", "input_schema": schema}],
                "tool_choice": {"type": "tool", "name": "weather"}}),
        ),
        (
            "/v1/responses",
            "/output/0/name",
            json!({"input": question, "tools": [flat], "tool_choice": {"type": "function", "name": "weather"}}),
        ),
    ];
    for (path, name, mut body) in cases {
        body["model"] = json!("auto");
        body["route"] = json!({"exclude": ["simulated/broken"]});
        let answer = app.post(path, &body).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        assert_eq!(answer.json().pointer(name), Some(&json!("weather")), "{path}: {}", answer.text);
    }
}
