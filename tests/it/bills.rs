//! Bills that no provider sent: they are estimated, say so, and count.

use crate::{
    gateway_app::{ALPHA, GAMMA, GatewayApp, Told, Wire, only},
    support::Answer,
    upstream::{End, Fault, Script},
};
use futures::StreamExt;
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Four bytes a token; a part of one counts.
fn tokens(text: &str) -> f64 {
    text.len().div_ceil(4) as f64
}

/// A million input tokens cost this, and output four times as much.
fn dearness(model: &str) -> f64 {
    if model == GAMMA { 25.0 } else { 1.0 }
}

/// What input as the decision estimates it and so many tokens of output come to at a model, USD.
fn estimate(record: &Value, model: &str, output: f64) -> f64 {
    let input = record["input_tokens"].as_f64().expect("an estimate of the input");
    (input + 4.0 * output) * dearness(model) / 1e6
}

/// The output that is predicted for the model that was chosen, tokens.
fn predicted(record: &Value) -> f64 {
    record["predicted"]["output_tokens"].as_f64().expect("a prediction")
}

/// # Panics
/// When the outcome, or what the tenant has spent, here or after a restart, is not this.
async fn costs(app: &GatewayApp, record: &Value, status: &str, cost: f64) {
    let outcome = &record["outcomes"][0];
    assert_eq!((&outcome["status"], &outcome["cost_is_estimate"]), (&json!(status), &json!(true)), "{record}");
    let logged = outcome["cost_usd"].as_f64().expect("a cost");
    assert!((logged - cost).abs() < 1e-12, "{logged} is not {cost}: {record}");
    for (spent, reserved) in app.spent().await {
        assert!((spent - cost).abs() < 2e-12 && reserved == 0.0, "{spent} and {reserved}, not {cost}");
    }
}

/// The record of a request whose caller has left, once its outcome is written: nobody waits for that.
async fn record_of(app: &GatewayApp, request_id: &str) -> Value {
    let begun = Instant::now();
    loop {
        let receipt = app.post("/v1/feedback", &json!({"request_id": request_id, "score": 0})).await.json();
        if let Some(id) = receipt["decision_id"].as_str() {
            let record = app.record(id).await;
            if record["outcomes"][0].is_object() {
                return record;
            }
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "no outcome: {receipt}");
        tokio::task::yield_now().await;
    }
}

async fn record(app: &GatewayApp, answer: &Answer) -> Value {
    app.record(answer.header("x-satisfice-decision-id").expect("a decision")).await
}

#[tokio::test]
async fn a_stream_whose_caller_leaves_costs_what_was_passed_on() {
    for (wire, model) in [(Wire::Chat, ALPHA), (Wire::Responses, ALPHA), (Wire::Messages, GAMMA)] {
        let app = GatewayApp::all(Script::always(Fault::HangAfterFirst)).await;
        let first = format!("{} ", model.split('/').next().unwrap_or_default());
        let answer = app.open(wire.path(), "leaver", &wire.body(true, only(&[model]))).await;
        let mut events = answer.into_body().into_data_stream();
        let mut heard = String::new();
        while !heard.contains(&first) {
            heard.push_str(&String::from_utf8_lossy(&events.next().await.expect("more").expect("no error")));
        }
        drop(events);
        let record = record_of(&app, "leaver").await;
        costs(&app, &record, "cancelled", estimate(&record, model, tokens(&first))).await;
    }
}

#[tokio::test]
async fn a_call_whose_caller_leaves_before_the_answer_costs_what_was_predicted() {
    let app = GatewayApp::all(Script::always(Fault::Hang)).await;
    {
        let body = Wire::Chat.body(false, json!({}));
        let asked = app.open(Wire::Chat.path(), "leaver", &body);
        let called = app.alpha().until("called", |seen| !seen.is_empty());
        tokio::select! {
            _ = asked => panic!("nobody answers"),
            () = called => {}
        }
    }
    app.alpha().until("abandoned", |seen| seen[0].end == End::Abandoned).await;
    let record = record_of(&app, "leaver").await;
    costs(&app, &record, "cancelled", estimate(&record, ALPHA, predicted(&record))).await;
}

#[tokio::test]
async fn an_answer_whose_provider_says_nothing_of_tokens_costs_what_it_says() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let _measured = metrics::set_default_local_recorder(&recorder);
    for stream in [false, true] {
        let app = GatewayApp::all(Script::always(Fault::NoUsage)).await;
        let answer = app.post(Wire::Chat.path(), &Wire::Chat.body(stream, json!({}))).await;
        let told = Told::of(Wire::Chat, stream, &answer);
        assert_eq!((answer.status.as_u16(), told.usage), (200, None), "{}", answer.text);
        assert_eq!(answer.header("x-satisfice-cost-usd"), None, "an estimate is no bill");
        let record = record(&app, &answer).await;
        assert_eq!(record["outcomes"][0]["output_tokens"], Value::Null, "nobody has counted them");
        costs(&app, &record, "ok", estimate(&record, ALPHA, tokens(&told.text))).await;
    }
    let page = recorder.handle().render();
    let counted = r#"satisfice_estimated_bills_total{provider="alpha",model="alpha/cheap"} 2"#;
    assert!(page.contains(counted), "{counted} is missing in\n{page}");
}

#[tokio::test]
async fn a_stream_that_breaks_off_costs_what_was_passed_on_and_a_failure_before_it_nothing() {
    let app = GatewayApp::all(Script::always(Fault::ResetMidStream)).await;
    let answer = app.post(Wire::Chat.path(), &Wire::Chat.body(true, json!({}))).await;
    let told = Told::of(Wire::Chat, true, &answer);
    assert!(!told.text.is_empty(), "{}", answer.text);
    let broken = record(&app, &answer).await;
    costs(&app, &broken, "upstream_error", estimate(&broken, ALPHA, tokens(&told.text))).await;

    let app = GatewayApp::all(Script::always(Fault::ServerError(500))).await;
    let answer = app.post(Wire::Chat.path(), &Wire::Chat.body(true, json!({}))).await;
    let failed = record(&app, &answer).await;
    let outcome = &failed["outcomes"][0];
    assert_eq!((&outcome["cost_usd"], &outcome["cost_is_estimate"]), (&Value::Null, &json!(false)), "{failed}");
    assert_eq!(app.spent().await, [(0.0, 0.0); 2]);
}

#[tokio::test]
async fn answers_that_cannot_be_read_cost_what_was_predicted() {
    let app = GatewayApp::all(Script::always(Fault::TruncatedJson)).await;
    let answer = app.post(Wire::Chat.path(), &Wire::Chat.body(false, only(&[ALPHA]))).await;
    let failed = record(&app, &answer).await;
    assert_eq!((answer.status.as_u16(), app.alpha().count()), (502, 2), "{}", answer.text);
    costs(&app, &failed, "upstream_error", 2.0 * estimate(&failed, ALPHA, predicted(&failed))).await;

    let app = GatewayApp::start([Script::queue([Fault::TruncatedJson]), Script::ok(), Script::ok()]).await;
    let answer = app.post(Wire::Chat.path(), &Wire::Chat.body(false, only(&[ALPHA]))).await;
    assert_eq!(answer.header("x-satisfice-cost-usd"), None, "part of it is an estimate");
    let answered = record(&app, &answer).await;
    let (_, bill) = app.bills().into_iter().find(|(_, bill)| bill.delivered).expect("a bill");
    costs(&app, &answered, "ok", app.cost(&bill) + estimate(&answered, ALPHA, predicted(&answered))).await;
}
