//! Embeddings in the log, in budgets, and within limits.

use crate::{
    gateway_app::{EMBEDDER, GatewayApp, GatewayMake},
    support::Answer,
    upstream::{End, Fault, Script},
};
use satisfice::{
    access::{KEY_BYTES, NewKey},
    domain::{EmbeddingRecord, KeyLimits, OutcomeStatus, RateLimits, Usd},
    router::{Clock, SystemClock},
};
use serde_json::json;
use std::time::{Duration, Instant};

async fn service(fault: Fault) -> GatewayApp {
    let make = GatewayMake::scripts([Script::always(fault), Script::ok(), Script::ok()]);
    GatewayApp::make(GatewayMake { models: EMBEDDER, locked: true, ..make }).await
}

async fn embed(app: &GatewayApp) -> Answer {
    app.post("/v1/embeddings", &json!({"model": "alpha/embedder", "input": ["four", "words of a text"]})).await
}

/// 1 token and 4 of four bytes each.
const EXPECTED_USD: f64 = 5e-4;

/// The only record.
async fn record(app: &GatewayApp) -> EmbeddingRecord {
    let records = app.store.embeddings_after(0, 9).await.expect("the log reads");
    let [(_, record)] = records.try_into().expect("one record");
    assert_eq!((record.model.as_str(), record.request_id.as_str()), ("alpha/embedder", "a-test"));
    assert_eq!((record.caller.tenant.as_str(), record.caller.key.is_some()), ("tests", true));
    assert!(record.latency_ms > 0.0 && record.at <= SystemClock.now(), "{record:?}");
    record
}

/// Here and after a restart.
async fn has_spent(app: &GatewayApp, usd: f64) {
    for (spent, reserved) in app.spent().await {
        assert!((spent - usd).abs() < 2e-12 && reserved == 0.0, "{spent} and {reserved}, not {usd}");
    }
}

#[tokio::test]
async fn embeddings_stand_in_the_log_with_the_bill_that_the_header_names() {
    let app = service(Fault::Ok).await;
    let answer = embed(&app).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let record = record(&app).await;
    let tokens = answer.json()["usage"]["prompt_tokens"].as_u64().expect("tokens");
    assert_eq!((record.status, record.input_tokens.map(u64::from)), (OutcomeStatus::Ok, Some(tokens)));
    let cost = record.cost_usd.map(Usd::get).expect("a cost");
    assert!((cost - tokens as f64 * 1e-4).abs() < 1e-12 && !record.cost_is_estimate, "{record:?}");
    let header: f64 = answer.header("x-satisfice-cost-usd").and_then(|cost| cost.parse().ok()).expect("a bill");
    assert!((header - cost).abs() < 1e-8, "{header} {cost}");
    let results: Vec<_> = record.attempts.iter().map(|attempt| attempt.result.as_str()).collect();
    assert_eq!((results, answer.header("x-satisfice-attempts")), (vec!["ok"], Some("1")));
    has_spent(&app, cost).await;
}

#[tokio::test]
async fn a_failure_stands_there_too_and_costs_nothing() {
    let app = service(Fault::ServerError(500)).await;
    assert_eq!(embed(&app).await.status, 502);
    let record = record(&app).await;
    assert_eq!((record.status, record.cost_usd, record.cost_is_estimate), (OutcomeStatus::UpstreamError, None, false));
    assert_eq!(record.attempts.len(), 2, "{record:?}");
    has_spent(&app, 0.0).await;
}

#[tokio::test]
async fn tokens_that_the_provider_does_not_say_are_estimated() {
    let app = service(Fault::NoUsage).await;
    let answer = embed(&app).await;
    assert_eq!((answer.status.as_u16(), answer.header("x-satisfice-cost-usd")), (200, None), "{}", answer.text);
    let record = record(&app).await;
    assert_eq!((record.status, record.input_tokens), (OutcomeStatus::Ok, None));
    assert!(record.cost_is_estimate && record.cost_usd == Usd::new(EXPECTED_USD).ok(), "{record:?}");
    has_spent(&app, EXPECTED_USD).await;
}

#[tokio::test]
async fn a_caller_who_leaves_is_billed_as_estimated() {
    let app = service(Fault::Hang).await;
    {
        let called = app.alpha().until("called", |seen| !seen.is_empty());
        tokio::select! {
            _ = embed(&app) => panic!("nobody answers"),
            () = called => {}
        }
    }
    app.alpha().until("abandoned", |seen| seen[0].end == End::Abandoned).await;
    let begun = Instant::now();
    while app.store.counts().await.expect("the log reads").embeddings == 0 {
        assert!(begun.elapsed() < Duration::from_secs(20), "it was never recorded");
        tokio::task::yield_now().await;
    }
    let record = record(&app).await;
    assert_eq!((record.status, record.cost_usd), (OutcomeStatus::Cancelled, Usd::new(EXPECTED_USD).ok()));
    assert!(record.cost_is_estimate);
    has_spent(&app, EXPECTED_USD).await;
}

#[tokio::test]
async fn answers_and_errors_say_how_the_limits_of_the_caller_stand() {
    for (fault, status) in [(Fault::Ok, 200), (Fault::ServerError(500), 502)] {
        let mut app = service(fault).await;
        let limits = KeyLimits {
            rates: RateLimits { requests_per_minute: Some(9), tokens_per_minute: Some(100), ..RateLimits::default() },
            ..KeyLimits::default()
        };
        let new = NewKey { name: "limited".to_owned(), limits, ..NewKey::default() };
        let key = app.keys.create(new, &[3; KEY_BYTES], SystemClock.now()).await.expect("a key");
        app.key = key.key.expose().to_owned();
        let answer = embed(&app).await;
        let header = |name: &str| answer.header(name).map(str::to_owned);
        assert_eq!(answer.status, status, "{}", answer.text);
        assert_eq!(header("x-ratelimit-remaining-requests").as_deref(), Some("8"));
        assert_eq!(header("x-ratelimit-remaining-tokens").as_deref(), Some("95"), "5 are expected");
    }
}
