//! Circuit breakers and hedges, in real time.

use crate::{
    gateway_app::{ALPHA, BETA, GAMMA, GatewayApp, GatewayMake, Wire, only},
    support::Answer,
    upstream::{End, Fault, Script},
};
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::json;
use std::time::{Duration, Instant};

/// Longer than three requests take, shorter than anybody likes to wait.
const OPEN: [(&str, &str); 3] = [("breaker_failures", "2"), ("breaker_open_ms", "1500"), ("retries", "0")];

/// The next model is called soon, whatever it costs.
const HEDGED: [(&str, &str); 2] = [("hedge_after_ms", "50"), ("hedge_max_cost_ratio", "10.0")];

async fn with_breaker(alpha: Script) -> GatewayApp {
    let make = GatewayMake::scripts([alpha, Script::ok(), Script::ok()]).waiting_for(&Fault::Hang);
    GatewayApp::make(make.with(&OPEN)).await
}

#[tokio::test]
async fn an_open_breaker_spares_the_provider_and_a_probe_closes_it() {
    let app = with_breaker(Script::queue([Fault::ServerError(500), Fault::ServerError(503)])).await;
    for _ in 0..2 {
        assert!(!app.ask(Wire::Chat, false, only(&[ALPHA])).await.is_answered());
    }
    let story = app.ask(Wire::Chat, false, only(&[ALPHA])).await;
    assert!(!story.is_answered() && story.answer.status.is_server_error(), "{}", story.answer.text);
    assert_eq!((story.attempts, app.alpha().count()), (0, 2), "nobody was called");
    assert!(story.answer.header("retry-after").is_some(), "a client can know when to come back");
    let begun = Instant::now();
    while app.alpha().count() == 2 {
        assert!(begun.elapsed() < Duration::from_secs(20), "it never tried again");
        tokio::time::sleep(Duration::from_millis(20)).await;
        app.ask(Wire::Chat, false, only(&[ALPHA])).await;
    }
    for stream in [false, true] {
        app.ask(Wire::Chat, stream, only(&[ALPHA])).await.is_answered_by(ALPHA, 1);
    }
}

/// What is measured on this thread, which all of a test runs on, while this is answered.
async fn rendered(answer: impl Future<Output = Answer>) -> String {
    let recorder = PrometheusBuilder::new().build_recorder();
    let _measured = metrics::set_default_local_recorder(&recorder);
    assert_eq!(answer.await.status, 200);
    recorder.handle().render()
}

#[tokio::test]
async fn how_breakers_stand_is_told_by_the_list_of_models_and_by_metrics() {
    let make = GatewayMake::scripts([Script::always(Fault::ServerError(500)), Script::ok(), Script::ok()]);
    let mut app = GatewayApp::make(make.with(&OPEN).with(&[("breaker_open_ms", "600000")])).await;
    app.ask(Wire::Chat, true, only(&[GAMMA])).await.is_answered_by(GAMMA, 1);
    app.stop("beta").await;
    for model in [ALPHA, ALPHA, BETA, BETA] {
        assert!(!app.ask(Wire::Chat, false, only(&[model])).await.is_answered());
    }
    let (alpha, beta, gamma) = (app.health(ALPHA).await, app.health(BETA).await, app.health(GAMMA).await);
    assert_eq!((&alpha["state"], &beta["state"], &gamma["state"]), (&json!("open"), &json!("open"), &json!("closed")));
    assert!(alpha["error_rate"].as_f64() > Some(0.25) && gamma["error_rate"] == 0.0, "{alpha} {gamma}");
    assert_eq!((&beta["ttft_ms"], &beta["tokens_per_s"], &beta["in_flight"]), (&json!(null), &json!(null), &json!(0)));
    assert!(gamma["ttft_ms"].as_f64() > Some(0.0) && gamma["tokens_per_s"].as_f64() > Some(0.0), "{gamma}");
    for nobody in ["auto", "openai/gpt-6.1-sol"] {
        assert_eq!(app.health(nobody).await, json!(null), "it can't be called");
    }
    let page = rendered(app.get("/metrics")).await;
    for line in [
        r#"satisfice_breaker_state{provider="alpha",model="alpha/cheap"} 1"#,
        r#"satisfice_breaker_state{provider="beta",model="beta/mid"} 1"#,
        r#"satisfice_breaker_state{provider="gamma",model="gamma/dear"} 0"#,
        r#"satisfice_provider_breaker_state{provider="alpha"} 0"#,
        r#"satisfice_provider_breaker_state{provider="beta"} 1"#,
    ] {
        assert!(page.lines().any(|told| told == line), "{line} is missing in\n{page}");
    }
}

#[tokio::test]
async fn a_breaker_whose_time_is_over_is_half_open_until_a_call_succeeds() {
    let app = with_breaker(Script::queue([Fault::ServerError(500), Fault::ServerError(503)])).await;
    for _ in 0..2 {
        app.ask(Wire::Chat, false, only(&[ALPHA])).await;
    }
    let begun = Instant::now();
    while app.health(ALPHA).await["state"] == "open" {
        assert!(begun.elapsed() < Duration::from_secs(20), "it never opens half");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(app.health(ALPHA).await["state"], "half_open");
    let page = rendered(app.get("/metrics")).await;
    assert!(page.contains(r#"satisfice_breaker_state{provider="alpha",model="alpha/cheap"} 0.5"#), "{page}");
    app.ask(Wire::Chat, false, only(&[ALPHA])).await.is_answered_by(ALPHA, 1);
    assert_eq!(app.health(ALPHA).await["state"], "closed");
}

#[tokio::test]
async fn calls_under_way_are_counted() {
    let app = GatewayApp::start([Script::always(Fault::Hang), Script::ok(), Script::ok()]).await;
    {
        let body = Wire::Chat.body(false, only(&[ALPHA]));
        let asked = app.open(Wire::Chat.path(), "asker", &body);
        let seen = async {
            app.alpha().until("called", |seen| !seen.is_empty()).await;
            app.health(ALPHA).await["in_flight"].clone()
        };
        tokio::select! {
            _ = asked => panic!("nobody answers"),
            in_flight = seen => assert_eq!(in_flight, 1),
        }
    }
    assert_eq!(app.health(ALPHA).await["in_flight"], 0);
}

#[tokio::test]
async fn behind_an_open_breaker_the_next_model_is_asked_at_once() {
    let app = with_breaker(Script::always(Fault::Hang)).await;
    for _ in 0..2 {
        app.ask(Wire::Chat, false, json!({})).await.is_answered_by(BETA, 2);
    }
    app.ask(Wire::Chat, false, json!({})).await.is_answered_by(BETA, 1);
    assert_eq!(app.alpha().count(), 2);
}

#[tokio::test]
async fn callers_limits_and_keys_open_no_breaker() {
    let faults = [
        Fault::Rejected(400, "messages[0]: strange"),
        Fault::RateLimited { retry_after: Some(0) },
        Fault::Rejected(404, "The model does not exist"),
    ];
    for fault in faults {
        let app = with_breaker(Script::queue(vec![fault.clone(); 4])).await;
        for _ in 0..4 {
            assert!(!app.ask(Wire::Chat, false, only(&[ALPHA])).await.is_answered(), "{fault:?}");
        }
        app.ask(Wire::Chat, false, only(&[ALPHA])).await.is_answered_by(ALPHA, 1);
        assert_eq!(app.alpha().count(), 5, "{fault:?}");
    }
}

#[tokio::test]
async fn a_hedge_answers_for_a_silent_model_and_the_silent_call_is_dropped() {
    let scripts = [Script::always(Fault::Hang), Script::ok(), Script::ok()];
    let app = GatewayApp::make(GatewayMake::scripts(scripts).with(&HEDGED)).await;
    let begun = Instant::now();
    app.ask(Wire::Chat, true, json!({})).await.is_answered_by(BETA, 2);
    assert!(begun.elapsed() < Duration::from_secs(10), "it did not wait for the time limit");
    app.alpha().until("dropped", |seen| seen.iter().all(|s| s.end == End::Abandoned)).await;
    assert_eq!(app.calls(), 2);
}

#[tokio::test]
async fn an_answer_that_comes_whole_is_waited_for_alone() {
    let scripts = [Script::always(Fault::Slow(500)), Script::ok(), Script::ok()];
    let app = GatewayApp::make(GatewayMake::scripts(scripts).with(&HEDGED)).await;
    app.ask(Wire::Chat, false, json!({})).await.is_answered_by(ALPHA, 1);
}

#[tokio::test]
async fn a_dropped_call_counts_as_an_estimate_beside_the_bill_of_the_hedge() {
    let scripts = [Script::always(Fault::Hang), Script::ok(), Script::ok()];
    let app = GatewayApp::make(GatewayMake::scripts(scripts).with(&HEDGED)).await;
    let story = app.ask(Wire::Chat, true, json!({})).await;
    story.is_answered_by(BETA, 2);
    let bill = app.bills().into_values().find(|bill| bill.delivered).expect("a bill");
    let (record, outcome) = (&story.record, &story.outcome);
    let number = |value: &serde_json::Value| value.as_f64().expect("a number");
    // Alpha's rates are one and four dollars for a million tokens.
    let dropped = (number(&record["input_tokens"]) + 4.0 * number(&record["predicted"]["output_tokens"])) / 1e6;
    let cost = number(&outcome["cost_usd"]);
    assert!((cost - app.cost(&bill) - dropped).abs() < 1e-12, "{cost}: {bill:?} and {dropped}: {record}");
    for (spent, reserved) in app.spent().await {
        assert!((spent - cost).abs() < 2e-12 && reserved == 0.0, "{spent} {reserved}");
    }
}

#[tokio::test]
async fn a_hedge_that_refuses_the_request_leaves_the_chosen_model_at_work() {
    let refusing = Script::always(Fault::Rejected(400, "we do not like this request"));
    let make = GatewayMake::scripts([Script::always(Fault::Slow(1500)), refusing, Script::ok()]).with(&HEDGED);
    let app = GatewayApp::make(make).await;
    app.ask(Wire::Chat, true, json!({})).await.is_answered_by(ALPHA, 2);
}

#[tokio::test]
async fn a_hedge_that_is_too_dear_is_not_made() {
    let scripts = [Script::always(Fault::Slow(300)), Script::ok(), Script::ok()];
    let settings = [("hedge_after_ms", "20"), ("hedge_max_cost_ratio", "2.0")];
    let app = GatewayApp::make(GatewayMake::scripts(scripts).with(&settings)).await;
    app.ask(Wire::Chat, true, json!({})).await.is_answered_by(ALPHA, 1);
}
