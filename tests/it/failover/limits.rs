//! Time, money and how many: what bounds the search for an answer.

use crate::{
    gateway_app::{ALPHA, BETA, GAMMA, GatewayApp, GatewayMake, Provider, Wire, only},
    upstream::{Fault, Script},
};
use serde_json::json;
use std::time::{Duration, Instant};

#[tokio::test]
async fn the_deadline_ends_a_silent_call_long_before_its_own_limit() {
    for (fault, stream) in [(Fault::Hang, false), (Fault::Hang, true), (Fault::HangAfterHead, true)] {
        let mut make = GatewayMake::all(Script::always(fault))
            .with(&[("first_token_timeout_ms", "60000"), ("answer_timeout_ms", "60000")]);
        make.timeout = Duration::from_millis(800);
        let app = GatewayApp::make(make).await;
        let begun = Instant::now();
        let story = app.ask(Wire::Chat, stream, json!({})).await;
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
        assert_eq!(story.answer.status, 504, "{}", story.answer.text);
        assert_eq!((&story.outcome["status"], story.attempts), (&json!("timeout"), 1), "{}", story.record);
    }
}

#[tokio::test]
async fn the_deadline_is_for_the_beginning_of_a_stream_and_not_for_its_end() {
    let mut make = GatewayMake::all(Script::always(Fault::Paced(300)));
    make.timeout = Duration::from_secs(3);
    let limit = make.timeout;
    let app = GatewayApp::make(make).await;
    for (wire, model) in [(Wire::Chat, ALPHA), (Wire::Messages, GAMMA)] {
        let begun = Instant::now();
        app.ask(wire, true, only(&[model])).await.is_answered_by(model, 1);
        assert!(begun.elapsed() > limit, "{wire:?} {model}: {:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn a_pause_that_would_outlast_the_deadline_is_not_begun() {
    let mut make = GatewayMake::scripts([Script::always(Fault::ServerError(500)), Script::ok(), Script::ok()]);
    make = make.with(&[("backoff_ms", "30000")]);
    make.timeout = Duration::from_secs(20);
    let app = GatewayApp::make(make).await;
    let begun = Instant::now();
    app.ask(Wire::Chat, false, json!({})).await.is_answered_by(BETA, 2);
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_fallback_beyond_the_cap_is_never_called() {
    for stream in [false, true] {
        let broken = || Script::always(Fault::ServerError(500));
        let make = GatewayMake::scripts([broken(), Script::ok(), Script::ok()]);
        let app = GatewayApp::make(make.with(&[("max_fallback_cost_ratio", "10.0")])).await;
        app.ask(Wire::Chat, stream, json!({})).await.is_answered_by(BETA, 3);
        let make = GatewayMake::scripts([broken(), broken(), Script::ok()]);
        let app = GatewayApp::make(make.with(&[("max_fallback_cost_ratio", "10.0")])).await;
        let story = app.ask(Wire::Chat, stream, json!({})).await;
        assert!(!story.is_answered() && story.answer.status == 503, "{}", story.answer.text);
        assert_eq!((story.model(), story.attempts, app.gamma().count()), (BETA, 4, 0), "{}", story.record);
    }
}

#[tokio::test]
async fn after_a_free_model_a_sum_of_money_is_the_cap() {
    let fallback = |cap: Option<&'static str>| async move {
        let mut make = GatewayMake::scripts([Script::ok(), Script::ok(), Script::ok()]);
        make.providers[0] = Provider::new("alpha", ALPHA, 0.0);
        make.providers[0].script = Script::always(Fault::ServerError(500));
        // Nothing may be dearer than the chosen model, if that is what counts.
        make = make.with(&[("max_fallback_cost_ratio", "1.0")]);
        if let Some(cap) = cap {
            make.gateway.push(("max_fallback_cost_usd", cap));
        }
        let app = GatewayApp::make(make).await;
        let story = app.ask(Wire::Chat, false, only(&[ALPHA, BETA])).await;
        (story.is_answered(), app.beta().count())
    };
    assert_eq!(fallback(None).await, (true, 1));
    assert_eq!(fallback(Some("0.0")).await, (false, 0));
    assert_eq!(fallback(Some("0.0000001")).await, (false, 0));
}

#[tokio::test]
async fn the_number_of_other_models_and_of_retries_is_kept() {
    for (fallbacks, retries, calls) in [("0", "0", 1), ("0", "2", 3), ("1", "1", 4), ("2", "0", 3)] {
        let make = GatewayMake::all(Script::always(Fault::ServerError(500)));
        let app = GatewayApp::make(make.with(&[("fallbacks", fallbacks), ("retries", retries)])).await;
        let story = app.ask(Wire::Chat, false, json!({})).await;
        assert_eq!((story.attempts, app.calls()), (calls, calls as usize), "{fallbacks} {retries}");
    }
}

#[tokio::test]
async fn fallbacks_stay_within_what_the_caller_allows() {
    let app = GatewayApp::start([Script::always(Fault::ServerError(500)), Script::ok(), Script::ok()]).await;
    app.ask(Wire::Chat, false, only(&[ALPHA, GAMMA])).await.is_answered_by(GAMMA, 3);
    let story = app.ask(Wire::Chat, false, json!({"model": ALPHA})).await;
    assert_eq!((story.answer.status.as_u16(), story.model()), (502, ALPHA), "a model that was named is meant");
    assert_eq!(app.beta().count(), 0);
}

#[tokio::test]
async fn when_all_is_down_the_client_learns_when_to_come_back_and_what_was_tried() {
    for wire in Wire::ALL {
        for stream in [false, true] {
            let app = GatewayApp::all(Script::always(Fault::RateLimited { retry_after: Some(7) })).await;
            let story = app.ask(wire, stream, json!({})).await;
            assert_eq!((story.answer.status.as_u16(), story.attempts), (429, 3), "{}", story.answer.text);
            assert_eq!(story.answer.header("retry-after"), Some("7"), "{wire:?} {stream}");
            for name in ["alpha", "beta", "gamma"] {
                assert!(story.error().contains(name), "{name} was tried too: {}", story.error());
            }
            let again = app.ask(wire, stream, json!({})).await;
            assert!([429, 503].contains(&again.answer.status.as_u16()), "{}", again.answer.text);
            let wait: u64 =
                again.answer.header("retry-after").and_then(|s| s.parse().ok()).expect("a time to come back");
            assert!((1..=7).contains(&wait), "{wait}");
            assert_eq!((again.attempts, app.calls()), (0, 3), "all keys rest");
        }
    }
}

#[tokio::test]
async fn when_all_fail_the_client_learns_when_to_come_back_and_what_was_tried() {
    for wire in Wire::ALL {
        for stream in [false, true] {
            let make = GatewayMake::all(Script::always(Fault::ServerError(500))).with(&[("retries", "0")]);
            let app = GatewayApp::make(make).await;
            let story = app.ask(wire, stream, json!({})).await;
            assert_eq!((story.answer.status.as_u16(), story.attempts), (503, 3), "{}", story.answer.text);
            assert_eq!(story.answer.header("retry-after"), Some("5"), "{wire:?} {stream}");
            for name in ["alpha", "beta", "gamma"] {
                assert!(story.error().contains(name), "{name} was tried too: {}", story.error());
            }
        }
    }
}
