//! Several keys of one provider, and who is credited.

use crate::{
    gateway_app::{ALPHA, BETA, GatewayApp, GatewayMake, Wire, only},
    upstream::{Fault, Script},
};
use serde_json::json;

const FIRST: &str = "sek-first";
const SECOND: &str = "sek-second";

/// Another model of alpha's.
const SIBLING: &str = "alpha/sibling";
const SIBLING_ENTRY: &str = r#"
[[models]]
id = "alpha/sibling"
provider = "alpha"
upstream_name = "alpha-sibling-2026"
tier = "small"
context_window = 200000
max_output_tokens = 8192
capabilities = ["tools"]
price = { input = 1.0, output = 4.0, source = "made up", as_of = "2026-11-22" }
"#;

async fn with_two_keys(script: Script) -> GatewayApp {
    let mut make = GatewayMake::scripts([script, Script::ok(), Script::ok()]);
    make.providers[0].keys = vec![FIRST, SECOND];
    GatewayApp::make(make).await
}

#[tokio::test]
async fn a_limited_or_refused_key_makes_way_for_the_next_and_rests() {
    for fault in [Fault::RateLimited { retry_after: Some(60) }, Fault::Refused(401), Fault::Refused(403)] {
        for stream in [false, true] {
            let app = with_two_keys(Script::ok().with_key(FIRST, fault.clone())).await;
            app.ask(Wire::Chat, stream, json!({})).await.is_answered_by(ALPHA, 2);
            assert_eq!(app.alpha().keys(), [FIRST, SECOND], "{fault:?}");
            for _ in 0..3 {
                app.ask(Wire::Chat, stream, json!({})).await.is_answered_by(ALPHA, 1);
            }
            assert_eq!(app.alpha().keys()[2..], [SECOND; 3], "{fault:?}: the first one rests");
        }
    }
}

#[tokio::test]
async fn a_key_at_one_models_limit_serves_the_others_unless_it_is_the_account() {
    let spent = Fault::Rejected(429, "Insufficient balance or no resource package. Please recharge.");
    for (fault, sibling_answers) in [(Fault::RateLimited { retry_after: Some(60) }, true), (spent, false)] {
        let scripts = [Script::queue([fault.clone()]), Script::ok(), Script::ok()];
        let app = GatewayApp::make(GatewayMake { models: SIBLING_ENTRY, ..GatewayMake::scripts(scripts) }).await;
        let ask = async |model: &str| app.post(Wire::Chat.path(), &Wire::Chat.body(false, only(&[model]))).await.status;
        assert_ne!(ask(ALPHA).await, 200, "{fault:?}");
        assert_eq!(ask(SIBLING).await == 200, sibling_answers, "{fault:?}");
        let calls = app.alpha().count();
        assert_eq!(calls, 1 + usize::from(sibling_answers), "{fault:?}: a resting key is not asked");
        assert_ne!(ask(ALPHA).await, 200, "{fault:?}");
        assert_eq!(app.alpha().count(), calls, "{fault:?}: it still rests for the first model");
    }
}

#[tokio::test]
async fn a_firewall_before_the_provider_puts_no_key_to_rest() {
    for stream in [false, true] {
        let app = with_two_keys(Script::queue([Fault::Walled])).await;
        app.ask(Wire::Chat, stream, json!({})).await.is_answered_by(BETA, 2);
        for _ in 0..2 {
            app.ask(Wire::Chat, stream, json!({})).await.is_answered_by(ALPHA, 1);
        }
        assert_eq!(app.alpha().keys(), [FIRST, SECOND, FIRST]);
    }
}

#[tokio::test]
async fn keys_take_turns() {
    let app = with_two_keys(Script::ok()).await;
    for _ in 0..4 {
        app.ask(Wire::Chat, false, json!({})).await.is_answered_by(ALPHA, 1);
    }
    assert_eq!(app.alpha().keys(), [FIRST, SECOND, FIRST, SECOND]);
}

#[tokio::test]
async fn each_key_is_tried_once_then_another_provider() {
    let app = with_two_keys(Script::always(Fault::RateLimited { retry_after: Some(60) })).await;
    app.ask(Wire::Chat, false, json!({})).await.is_answered_by(BETA, 3);
    assert_eq!(app.alpha().keys(), [FIRST, SECOND]);
    app.ask(Wire::Chat, false, json!({})).await.is_answered_by(BETA, 1);
    assert_eq!(app.alpha().count(), 2, "both rest");
}

#[tokio::test]
async fn a_server_error_is_not_the_keys_fault() {
    let app = with_two_keys(Script::queue([Fault::ServerError(500)])).await;
    app.ask(Wire::Chat, false, json!({})).await.is_answered_by(ALPHA, 2);
    assert_eq!(app.alpha().keys(), [FIRST, FIRST]);
}

#[tokio::test]
async fn a_wrong_request_puts_no_key_to_rest() {
    let app = with_two_keys(Script::queue([Fault::Rejected(400, "messages[0]: strange")])).await;
    assert!(!app.ask(Wire::Chat, false, only(&[ALPHA])).await.is_answered());
    for _ in 0..2 {
        app.ask(Wire::Chat, false, only(&[ALPHA])).await.is_answered_by(ALPHA, 1);
    }
    assert_eq!(app.alpha().keys(), [FIRST, SECOND, FIRST]);
}

#[tokio::test]
async fn feedback_is_credited_to_the_model_that_answered() {
    let app = GatewayApp::start([Script::always(Fault::ServerError(500)), Script::ok(), Script::ok()]).await;
    for (stream, name) in [(false, "decision_id"), (true, "completion_id")] {
        let story = app.ask(Wire::Chat, stream, json!({})).await;
        assert_eq!((story.record["model"].as_str(), story.model()), (Some(ALPHA), BETA), "alpha was decided on");
        let id = if stream { &story.outcome["completion_id"] } else { &story.record["decision_id"] };
        let receipt = app.post("/v1/feedback", &json!({name: id, "score": 0.25, "source": "tests"})).await;
        assert_eq!(receipt.status, 200, "{}", receipt.text);
        assert_eq!(receipt.json()["model"], BETA);
        let record = app.record(story.record["decision_id"].as_str().expect("an id")).await;
        assert_eq!((&record["feedback"][0]["model"], &record["feedback"][0]["score"]), (&json!(BETA), &json!(0.25)));
    }
}

#[tokio::test]
async fn feedback_finds_its_answer_by_the_id_that_the_caller_was_given() {
    let app = GatewayApp::all(Script::ok()).await;
    for (wire, stream) in
        [Wire::Chat, Wire::Messages, Wire::Responses].into_iter().flat_map(|w| [(w, false), (w, true)])
    {
        let story = app.ask(wire, stream, json!({})).await;
        let id = &story.told.as_ref().expect("an answer").id;
        let receipt = app.post("/v1/feedback", &json!({"completion_id": id, "score": 1.0})).await;
        assert_eq!(receipt.status, 200, "{wire:?} {stream}: {}", receipt.text);
        assert_eq!(receipt.json()["decision_id"], story.record["decision_id"], "{wire:?} {stream}");
    }
}
