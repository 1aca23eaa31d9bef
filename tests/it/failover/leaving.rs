//! Clients that leave, and clients that stay until the end.

use crate::{
    gateway_app::{ALPHA, GatewayApp, GatewayMake, Wire, ends, whole},
    upstream::{End, Fault, Script},
};
use futures::StreamExt;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

async fn hanging(fault: Fault) -> GatewayApp {
    GatewayApp::start([Script::always(fault), Script::ok(), Script::ok()]).await
}

/// The record of a request that got no headers, once its outcome is written: after the client has left, nobody waits for that.
async fn record(app: &GatewayApp, request_id: &str) -> Value {
    let begun = Instant::now();
    loop {
        let receipt = app.post("/v1/feedback", &json!({"request_id": request_id, "thumbs": "down"})).await.json();
        if let Some(id) = receipt["decision_id"].as_str() {
            let record = app.record(id).await;
            if record["outcomes"].as_array().is_some_and(|outcomes| !outcomes.is_empty()) {
                return record;
            }
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "no outcome: {receipt}");
        tokio::task::yield_now().await;
    }
}

fn is_cancelled(record: &Value) {
    let outcomes = record["outcomes"].as_array().expect("outcomes");
    assert_eq!(outcomes.len(), 1, "{record}");
    assert_eq!((&outcomes[0]["status"], &outcomes[0]["served_model"]), (&json!("cancelled"), &json!(ALPHA)));
}

/// A client leaves while the provider still works.
async fn leaves_before_the_answer(app: &GatewayApp, wire: Wire, stream: bool, fields: Value) {
    let body = wire.body(stream, fields);
    {
        let asked = app.open(wire.path(), "leaver", &body);
        let called = app.alpha().until("called", |seen| !seen.is_empty());
        tokio::select! {
            _ = asked => panic!("nobody answers"),
            () = called => {}
        }
    }
    app.alpha().until("abandoned", |seen| seen[0].end == End::Abandoned).await;
    is_cancelled(&record(app, "leaver").await);
    assert_eq!(app.calls(), 1, "{:?}", ends(&app.beta().requests()));
}

#[tokio::test]
async fn a_client_that_leaves_before_the_answer_cancels_the_call() {
    for wire in Wire::ALL {
        for stream in [false, true] {
            leaves_before_the_answer(&hanging(Fault::Hang).await, wire, stream, json!({})).await;
        }
    }
}

#[tokio::test]
async fn a_client_that_leaves_before_its_decision_was_recorded_stands_in_the_log_too() {
    let make = GatewayMake::scripts([Script::always(Fault::Hang), Script::ok(), Script::ok()]);
    let app = GatewayApp::make(make.with(&[("read_named_after_ms", "86400000")])).await;
    leaves_before_the_answer(&app, Wire::Chat, false, json!({"model": ALPHA})).await;
}

#[tokio::test]
async fn a_client_that_leaves_within_a_stream_cancels_the_call() {
    for wire in Wire::ALL {
        let app = hanging(Fault::HangAfterFirst).await;
        let answer = app.open(wire.path(), "leaver", &wire.body(true, json!({}))).await;
        assert_eq!(answer.status(), 200);
        let mut events = answer.into_body().into_data_stream();
        let first = events.next().await.expect("an event").expect("no error");
        assert!(!first.is_empty());
        drop(events);
        app.alpha().until("abandoned", |seen| seen[0].end == End::Abandoned).await;
        is_cancelled(&record(&app, "leaver").await);
        assert_eq!(app.calls(), 1);
    }
}

#[tokio::test]
async fn the_outcome_stands_in_the_log_before_the_last_event_is_given_out() {
    let app = GatewayApp::all(Script::ok()).await;
    for wire in Wire::ALL {
        let answer = app.open(wire.path(), "stayer", &wire.body(true, json!({}))).await;
        let id = answer.headers()["x-satisfice-decision-id"].to_str().expect("a text").to_owned();
        let text = whole(answer).await.text;
        assert!(!text.is_empty());
        assert_eq!(app.record(&id).await["outcomes"][0]["status"], "ok", "{wire:?}");
    }
}

#[tokio::test]
async fn content_is_passed_on_before_the_answer_is_over() {
    for wire in Wire::ALL {
        let app = hanging(Fault::HangAfterFirst).await;
        let answer = app.open(wire.path(), "reader", &wire.body(true, json!({}))).await;
        let mut events = answer.into_body().into_data_stream();
        let mut heard = String::new();
        while !heard.contains("alpha") {
            let event = events.next().await.expect("more events").expect("no error");
            heard.push_str(&String::from_utf8_lossy(&event));
        }
        assert_eq!(app.alpha().requests()[0].end, End::Open, "the provider is in the middle of its answer");
    }
}
