//! Callers of every dialect before providers of both.

use super::faults::ALPHAS_ANSWER;
use crate::{
    gateway_app::{ALPHA, BETA, Ending, GAMMA, GatewayApp, Wire, only, upstream_name},
    upstream::{Fault, Script, Speech},
};
use serde_json::json;

fn everywhere(stream: bool) -> impl Iterator<Item = (Wire, bool)> {
    Wire::ALL.into_iter().map(move |wire| (wire, stream))
}

#[tokio::test]
async fn every_dialect_is_answered_by_either() {
    let app = GatewayApp::all(Script::ok()).await;
    for (wire, stream) in everywhere(false).chain(everywhere(true)) {
        for model in [ALPHA, GAMMA] {
            let story = app.ask(wire, stream, only(&[model])).await;
            story.is_answered_by(model, 1);
            let text = story.told.map(|told| told.text).unwrap_or_default();
            let name = model.split('/').next().unwrap_or_default();
            assert_eq!(text, ALPHAS_ANSWER.replace("alpha", name), "{wire:?} {stream}");
        }
    }
    for (model, upstream, speech) in [(ALPHA, app.alpha(), Speech::Chat), (GAMMA, app.gamma(), Speech::Messages)] {
        let requests = upstream.requests();
        assert!(requests.iter().all(|seen| seen.speech == Some(speech) && seen.model() == upstream_name(model)));
    }
}

#[tokio::test]
async fn a_fallback_may_speak_another_dialect() {
    for (wire, stream) in everywhere(false).chain(everywhere(true)) {
        let broken = || Script::always(Fault::ServerError(500));
        let app = GatewayApp::start([broken(), broken(), Script::ok()]).await;
        app.ask(wire, stream, json!({})).await.is_answered_by(GAMMA, 5);
        let app = GatewayApp::start([Script::ok(), Script::ok(), broken()]).await;
        let excluded = json!({"route": {"models": [GAMMA]}});
        assert!(!app.ask(wire, stream, excluded).await.is_answered(), "{wire:?} {stream}");
        app.ask(wire, stream, only(&[GAMMA, BETA])).await.is_answered_by(BETA, 1);
    }
}

#[tokio::test]
async fn an_error_is_told_in_the_callers_dialect() {
    for wire in Wire::ALL {
        for (model, name) in [(ALPHA, "alpha"), (GAMMA, "gamma")] {
            let app = GatewayApp::all(Script::always(Fault::ErrorEventMidStream)).await;
            let story = app.ask(wire, true, only(&[model])).await;
            let told = story.told.as_ref().expect("it began");
            assert!(matches!(told.ending, Ending::Error(_)), "{wire:?} {model}: {}", story.answer.text);
            assert!(told.text.starts_with(name), "{wire:?} {model}: {}", story.answer.text);
            let app = GatewayApp::all(Script::always(Fault::ServerError(529))).await;
            // The envelope is checked for every failure.
            let story = app.ask(wire, false, only(&[model])).await;
            assert!(story.answer.status.is_server_error(), "{wire:?} {model}: {}", story.answer.text);
        }
    }
}

#[tokio::test]
async fn a_body_in_the_providers_dialect_arrives_as_it_was_but_for_model_and_route() {
    let app = GatewayApp::all(Script::ok()).await;
    let chat = json!({"top_k": 7, "messages": [{"role": "user", "content": "hi", "strange": {"a": [1, 2.5, null]}}]});
    let messages =
        json!({"top_k": 7, "system": [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}]});
    for stream in [false, true] {
        for (wire, model, fields) in [(Wire::Chat, ALPHA, &chat), (Wire::Messages, GAMMA, &messages)] {
            let mut sent = fields.clone();
            sent["route"] = json!({"models": [model]});
            app.ask(wire, stream, sent).await.is_answered_by(model, 1);
            let upstream = app.upstream(model.split('/').next().unwrap_or_default());
            let mut arrived = upstream.requests().pop().expect("a request").body;
            let mut expected = wire.body(stream, fields.clone());
            expected["model"] = json!(upstream_name(model));
            // `"stream": false` may be left out.
            for body in [&mut arrived, &mut expected] {
                body.as_object_mut().expect("an object").retain(|field, value| !(field == "stream" && *value == false));
            }
            assert_eq!(arrived, expected, "{wire:?} {stream}");
        }
    }
}

#[tokio::test]
async fn a_stream_is_billed_although_its_caller_did_not_ask_for_usage() {
    let app = GatewayApp::all(Script::ok()).await;
    for model in [ALPHA, GAMMA] {
        let mut body = Wire::Chat.body(true, only(&[model]));
        body.as_object_mut().expect("an object").remove("stream_options");
        let answer = app.post(Wire::Chat.path(), &body).await;
        assert!(!answer.text.contains("prompt_tokens"), "not asked for: {}", answer.text);
        let record = app.record(answer.header("x-satisfice-decision-id").expect("a decision")).await;
        let bill = &app.bills()[record["outcomes"][0]["completion_id"].as_str().expect("an id")];
        let cost = record["outcomes"][0]["cost_usd"].as_f64().expect("a cost");
        assert!((cost - app.cost(bill)).abs() < 1e-12, "{bill:?} {record}");
    }
}

#[tokio::test]
async fn each_provider_is_shown_its_own_key_in_its_own_way() {
    let app = GatewayApp::all(Script::ok()).await;
    for model in [ALPHA, GAMMA] {
        app.ask(Wire::Chat, false, only(&[model])).await.is_answered_by(model, 1);
    }
    let headers = |upstream: &crate::upstream::Upstream| upstream.requests().remove(0).headers;
    let (alpha, gamma) = (headers(app.alpha()), headers(app.gamma()));
    assert_eq!(alpha.get("authorization").map(String::as_str), Some("Bearer sek-only"));
    assert_eq!(gamma.get("x-api-key").map(String::as_str), Some("sek-only"));
    assert_eq!((alpha.get("x-api-key"), gamma.get("authorization")), (None, None));
}
