//! What a tenant knows of another: nothing.

use super::{ADMIN, chat_as, get_as, guarded, key, post_as, refusal, refused};
use crate::support::{Answer, Make, TestApp, request};
use axum::{body::Body, http::Method};
use serde_json::{Value, json};

const UNKNOWN: &str = "0199f3c2-6c1e-7a51-9a55-1f5a3a1c9a2e";

async fn score_as(app: &TestApp, key: &str, target: Value) -> Answer {
    let mut body = json!({"score": 0.25});
    body.as_object_mut().expect("an object").extend(target.as_object().cloned().expect("an object"));
    app.send_as(key, Method::POST, "/v1/feedback", &body).await
}

/// An answer's decision by each of its names.
fn names(answer: &Answer) -> [Value; 3] {
    let header = |name| answer.header(name).expect("a header");
    [
        json!({"decision_id": header("x-satisfice-decision-id")}),
        json!({"completion_id": answer.json()["id"]}),
        json!({"request_id": header("x-request-id")}),
    ]
}

#[tokio::test]
async fn a_decision_is_scored_by_its_own_tenant_alone_whatever_name_is_used() {
    let app = guarded(Make::default()).await;
    let (mine, colleague) = (key(&app, json!({})).await, key(&app, json!({"name": "colleague"})).await);
    let stranger = key(&app, json!({"tenant": "other"})).await;
    let answer = chat_as(&app, &mine, json!({})).await;
    let record = |key: String| {
        let path = format!("/v1/decisions/{}", answer.header("x-satisfice-decision-id").expect("a decision"));
        let app = &app;
        async move { get_as(app, &key, &path).await }
    };
    for target in names(&answer) {
        let hidden = score_as(&app, &stranger, target.clone()).await;
        assert_eq!(refusal(&hidden), refused(404, "decision_not_found"), "{target}");
        let (name, id) = target.as_object().and_then(|t| t.iter().next()).expect("a name");
        let unknown = score_as(&app, &stranger, json!({name: UNKNOWN})).await;
        let id = id.as_str().expect("an id");
        assert_eq!(hidden.text, unknown.text.replace(UNKNOWN, id), "nothing tells them apart");
    }
    let batch = json!({"feedback": [{"request_id": answer.header("x-request-id"), "thumbs": "up"}]});
    let batch = app.send_as(&stranger, Method::POST, "/v1/feedback/batch", &batch).await;
    assert_eq!((batch.status.as_u16(), &batch.json()["results"][0]["status"]), (207, &json!(404)), "{}", batch.text);
    assert_eq!(record(mine.clone()).await.json()["feedback"], json!([]), "nobody has scored it so far");
    for (key, target) in [&mine, &colleague, &mine].into_iter().zip(names(&answer)) {
        assert_eq!(score_as(&app, key, target.clone()).await.status, 200, "{target}");
    }
}

#[tokio::test]
async fn an_id_of_a_request_that_another_tenant_uses_too_means_ones_own() {
    let app = guarded(Make::default()).await;
    let keys = [key(&app, json!({})).await, key(&app, json!({"tenant": "other"})).await];
    let mut decisions = Vec::new();
    for key in &keys {
        let asked = request(Method::POST, "/v1/route").header("x-api-key", key).header("x-request-id", "mine");
        let answer = app.send(asked.body(Body::from(json!({"input": "hello"}).to_string())).expect("a request")).await;
        decisions.push(answer.json()["decision_id"].clone());
    }
    for (key, decision) in keys.iter().zip(&decisions) {
        let receipt = score_as(&app, key, json!({"request_id": "mine"})).await;
        assert_eq!(receipt.json()["decision_id"], *decision, "{}", receipt.text);
    }
}

#[tokio::test]
async fn sessions_of_two_tenants_are_two_even_if_they_have_one_name() {
    let app = guarded(Make::default()).await;
    let (mine, stranger) = (key(&app, json!({})).await, key(&app, json!({"tenant": "other"})).await);
    let turns = json!([
        {"role": "user", "content": "Book it."},
        {"role": "assistant", "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "c1", "content": "booked"},
    ]);
    let decide = async |key: &str, fields: Value| {
        let mut body = json!({"route": {"session_id": "trip"}});
        body.as_object_mut().expect("an object").extend(fields.as_object().cloned().expect("an object"));
        post_as(&app, key, "/v1/route", body).await.json()
    };
    let goes_on = |decision: &Value| decision["reason"].as_str().is_some_and(|reason| reason.contains("session"));
    decide(&mine, json!({"model": "simulated/large"})).await;
    let theirs = decide(&stranger, json!({"model": "auto", "messages": turns})).await;
    assert!(!goes_on(&theirs), "{theirs}");
    let ours = decide(&mine, json!({"model": "auto", "messages": turns})).await;
    assert!(goes_on(&ours) && ours["model"] == "simulated/large", "{ours}");
}

#[tokio::test]
async fn a_key_is_told_of_what_it_may_name_and_the_administrator_of_all() {
    let app = guarded(Make::default()).await;
    let listed = async |key: &str, path: &str| -> Vec<String> {
        let list = get_as(&app, key, path).await.json();
        let ids = list["data"].as_array().expect("a list").iter().filter_map(|model| model["id"].as_str());
        ids.map(str::to_owned).collect()
    };
    let bound = key(&app, json!({"models": ["*/steady"], "policies": ["careful"]})).await;
    assert_eq!(listed(&bound, "/v1/models").await, ["careful", "simulated/steady"]);
    for (name, status) in
        [("simulated/steady", 200), ("careful", 200), ("simulated/broken", 404), ("simulated/stedy", 404)]
    {
        let shown = get_as(&app, &bound, &format!("/v1/models/{name}")).await;
        assert_eq!(shown.status, status, "{name}: {}", shown.text);
        assert_eq!(shown.text.contains("did you mean"), name.ends_with("stedy"), "{}", shown.text);
    }
    let by_policy = key(&app, json!({"policies": ["default"]})).await;
    assert_eq!(listed(&by_policy, "/v1/models").await, ["auto", "default"], "it may name no model");
    let free = key(&app, json!({})).await;
    let all = listed(ADMIN, "/admin/models").await;
    assert_eq!(listed(&free, "/v1/models").await, all);
    assert!(all.len() > 20 && ["auto", "careful", "simulated/large"].iter().all(|id| all.iter().any(|m| m == id)));
    assert_eq!(refusal(&get_as(&app, &free, "/admin/models").await), refused(401, "invalid_admin_key"));
}
