//! `POST /v1/feedback` and `/v1/feedback/batch`.

use crate::support::{TestApp, request};
use axum::{body::Body, http::Method};
use serde_json::{Value, json};

/// A fresh decision's id.
async fn decide(app: &TestApp) -> Value {
    app.post("/v1/route", &json!({"input": "hello"})).await.json()["decision_id"].clone()
}

#[tokio::test]
async fn a_score_is_in_the_log_when_the_receipt_arrives() {
    let app = TestApp::start().await;
    let id = decide(&app).await;
    let body = json!({"decision_id": id, "score": 0.75, "source": "judge", "comment": "fine"});
    let receipt = app.post("/v1/feedback", &body).await;
    assert_eq!(receipt.status, 200, "{}", receipt.text);
    let expected = json!({"applied": true, "revised": false, "repeated": false, "number": 1, "score": 0.75});
    for (field, value) in expected.as_object().into_iter().flatten() {
        assert_eq!(receipt.json()[field], *value, "{field}");
    }
    let record = app.get(&format!("/v1/decisions/{}", id.as_str().expect("an id"))).await.json();
    let row = &record["feedback"][0];
    assert_eq!((&row["score"], &row["source"], &row["comment"]), (&json!(0.75), &json!("judge"), &json!("fine")));
}

#[tokio::test]
async fn repeats_answer_alike_new_scores_revise_and_null_revokes() {
    let app = TestApp::start().await;
    let id = decide(&app).await;
    let give = async |fields: Value| {
        let mut body = fields;
        body["decision_id"] = id.clone();
        app.post("/v1/feedback", &body).await
    };
    let first = give(json!({"score": 0.5, "idempotency_key": "k"})).await.json();
    let repeat = give(json!({"score": 0.5, "idempotency_key": "k"})).await.json();
    assert_eq!((&repeat["repeated"], &repeat["number"]), (&json!(true), &first["number"]));
    let reused = give(json!({"score": 0.6, "idempotency_key": "k"})).await;
    assert_eq!((reused.status.as_u16(), reused.error().1.as_str()), (409, "idempotency_key_reused"));
    assert_eq!(give(json!({"verdict": "failed"})).await.json()["revised"], true);
    let revoked = give(json!({"score": null})).await.json();
    assert_eq!((&revoked["score"], &revoked["applied"]), (&json!(null), &json!(true)));
}

#[tokio::test]
async fn the_header_makes_repeats_safe_too() {
    let app = TestApp::start().await;
    let body = json!({"decision_id": decide(&app).await, "score": 0.5}).to_string();
    let send = async || {
        let request = request(Method::POST, "/v1/feedback").header("idempotency-key", "h");
        app.send(request.body(Body::from(body.clone())).expect("a request")).await.json()
    };
    assert_eq!((send().await["repeated"].clone(), send().await["repeated"].clone()), (json!(false), json!(true)));
}

#[tokio::test]
async fn feedback_for_an_unknown_decision_is_rejected_by_the_name_it_used() {
    let app = TestApp::start().await;
    let unknown = "0199f3c2-6c1e-7a51-9a55-1f5a3a1c9a2e";
    for field in ["decision_id", "completion_id", "request_id"] {
        let answer = app.post("/v1/feedback", &json!({field: unknown, "score": 1})).await;
        assert_eq!((answer.status.as_u16(), answer.error().2.as_deref()), (404, Some(field)));
    }
}

#[tokio::test]
async fn a_request_id_names_the_decision() {
    let app = TestApp::start().await;
    let routed = request(Method::POST, "/v1/route").header("x-request-id", "mine-1");
    let routed = app.send(routed.body(Body::from("{\"input\": \"hello\"}")).expect("a request")).await.json();
    let receipt = app.post("/v1/feedback", &json!({"request_id": "mine-1", "score": 1})).await.json();
    assert_eq!(receipt["decision_id"], routed["decision_id"]);
}

#[tokio::test]
async fn a_batch_is_judged_item_by_item() {
    let app = TestApp::start().await;
    let (a, b) = (decide(&app).await, decide(&app).await);
    let good = json!({"feedback": [{"decision_id": a, "score": 1}, {"decision_id": b, "score": 0}]});
    let all = app.post("/v1/feedback/batch", &good).await;
    assert_eq!(all.status, 200, "{}", all.text);
    assert_eq!(all.json()["results"][1]["decision_id"], b);

    let mixed = json!({"feedback": [{"decision_id": a, "score": 0.5}, {"decision_id": b, "score": 2}, 7]});
    let some = app.post("/v1/feedback/batch", &mixed).await;
    assert_eq!(some.status, 207);
    let results = some.json()["results"].clone();
    assert_eq!((&results[0]["status"], &results[0]["revised"]), (&json!(200), &json!(true)));
    assert_eq!((&results[1]["status"], &results[1]["error"]["param"]), (&json!(400), &json!("feedback[1].score")));
    assert_eq!((&results[2]["status"], &results[2]["error"]["param"]), (&json!(400), &json!("feedback[2]")));
    assert!(results[2].get("decision_id").is_none());
}

#[tokio::test]
async fn the_last_of_a_batch_about_one_decision_stands() {
    let app = TestApp::start().await;
    let id = decide(&app).await;
    let items: Vec<Value> = (0..=100).map(|i| json!({"decision_id": id, "score": f64::from(i) / 100.0})).collect();
    let answer = app.post("/v1/feedback/batch", &json!({"feedback": items})).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.json()["results"][100]["number"], 101);
    let record = app.get(&format!("/v1/decisions/{}", id.as_str().expect("an id"))).await.json();
    assert_eq!(record["feedback"][100]["score"], 1.0);
}

#[tokio::test]
async fn a_batch_has_1_to_1000_items() {
    let app = TestApp::start().await;
    for size in [0, 1001] {
        let answer = app.post("/v1/feedback/batch", &json!({"feedback": vec![json!({}); size]})).await;
        assert_eq!((answer.status.as_u16(), answer.error().2.as_deref()), (400, Some("feedback")));
    }
}
