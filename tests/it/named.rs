//! A model that is asked for by name: its answer waits for nothing that only routing needs.

use crate::{
    gateway_app::{ALPHA, GatewayApp, GatewayMake, Wire},
    upstream::{Fault, Script},
};
use serde_json::{Value, json};

/// The service with providers that take their time, and what is said of a model that was named, in its record.
async fn named(read_after_ms: &'static str, fault: Fault, stream: bool) -> (GatewayApp, Value) {
    let make = GatewayMake::all(Script::always(fault)).with(&[("read_named_after_ms", read_after_ms)]);
    let app = GatewayApp::make(make).await;
    let story = app.ask(Wire::Chat, stream, json!({"model": ALPHA})).await;
    story.is_answered_by(ALPHA, 1);
    let record = story.record.clone();
    (app, record)
}

#[tokio::test]
async fn a_prompt_is_read_while_the_provider_works() {
    for stream in [false, true] {
        let (_app, record) = named("0", Fault::Slow(1500), stream).await;
        let decision = &record;
        assert_ne!(decision["features_version"], "unread", "{record}");
        assert!(decision["task"]["probabilities"].as_object().is_some_and(|tasks| tasks.len() > 1), "{record}");
        assert!(decision["timings_us"]["encode"].as_u64().is_some_and(|us| us > 0), "{record}");
        assert_eq!(decision["propensity"], 1.0);
    }
}

#[tokio::test]
async fn an_answer_that_is_there_before_the_prompt_was_read_does_not_wait_for_it() {
    for stream in [false, true] {
        let (app, record) = named("86400000", Fault::Ok, stream).await;
        let decision = &record;
        assert_eq!(decision["features_version"], "unread", "{record}");
        assert_eq!(decision["timings_us"]["encode"], 0);
        let feedback = json!({"decision_id": decision["decision_id"], "score": 0.25});
        let receipt = app.post("/v1/feedback", &feedback).await;
        assert_eq!(receipt.status, 200, "{}", receipt.text);
        assert_eq!((&receipt.json()["model"], &receipt.json()["number"]), (&json!(ALPHA), &json!(1)), "it counts");
    }
}

#[tokio::test]
async fn a_prompt_is_read_before_a_choice_is_made() {
    let make = GatewayMake::default().with(&[("read_named_after_ms", "86400000")]);
    let app = GatewayApp::make(make).await;
    let story = app.ask(Wire::Chat, false, json!({})).await;
    assert_ne!(story.record["features_version"], "unread", "{}", story.record);
}
