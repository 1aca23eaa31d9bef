//! Who wants a kept answer: what the operator says, and what a request may say.

use super::{EXACT, ask, cache, question, service};
use crate::gateway_app::Wire;
use axum::http::Method;
use serde_json::json;

#[tokio::test]
async fn nothing_is_kept_unless_somebody_asks() {
    let app = service("").await;
    for _ in 0..2 {
        assert_eq!(cache(&ask(&app, json!({})).await), None);
    }
    assert_eq!(app.calls(), 2);
    let asked = json!({"route": {"cache": "exact"}});
    assert_eq!(cache(&ask(&app, asked.clone()).await), Some("miss"));
    assert_eq!(cache(&ask(&app, asked).await), Some("hit"));
    assert_eq!(cache(&ask(&app, json!({})).await), None, "whoever does not ask gets a new one");
}

#[tokio::test]
async fn a_policy_has_a_rule_of_its_own_and_a_request_no_more_than_it_allows() {
    let app = service(
        "[cache]\nmode = \"exact\"\n[policies.desk]\n[policies.private]\ncache = \"off\"\ncache_at_most = \"off\"\n",
    )
    .await;
    for (model, said) in [("desk", Some("hit")), ("private", None), ("auto", Some("hit"))] {
        let fields = json!({"model": model, "route": {"cache": "exact"}});
        ask(&app, fields.clone()).await;
        assert_eq!(cache(&ask(&app, fields).await), said, "{model}");
    }
    let app = service("[cache]\nmode = \"exact\"\nexact_mib = 0\nsemantic_mib = 0\n").await;
    for _ in 0..2 {
        assert_eq!(cache(&ask(&app, json!({})).await), None, "there is no room");
    }
}

#[tokio::test]
async fn a_request_can_refuse_a_kept_answer() {
    let app = service(EXACT).await;
    assert_eq!(cache(&ask(&app, json!({})).await), Some("miss"));
    assert_eq!(cache(&ask(&app, json!({"route": {"cache": "off"}})).await), Some("bypass"));
    assert_eq!((app.calls(), cache(&ask(&app, json!({})).await)), (2, Some("hit")));
    let wrong = ask(&app, json!({"route": {"cache": "sometimes"}})).await;
    assert_eq!((wrong.status.as_u16(), wrong.error().2.as_deref()), (400, Some("route.cache")));
}

#[tokio::test]
async fn sampled_answers_are_kept_only_if_asked_for() {
    let app = service(EXACT).await;
    for fields in [json!({"temperature": 0.7}), json!({"n": 2})] {
        for _ in 0..2 {
            assert_eq!(cache(&ask(&app, fields.clone()).await), Some("bypass"), "{fields}");
        }
        let mut asked = fields.clone();
        asked["route"] = json!({"cache": "exact"});
        assert_eq!(cache(&ask(&app, asked.clone()).await), Some("miss"));
        let again = ask(&app, asked).await;
        assert_eq!(cache(&again), Some("hit"));
        let choices = again.json()["choices"].as_array().map(Vec::len);
        assert_eq!(choices, Some(if fields["n"] == 2 { 2 } else { 1 }));
    }
    let app = service("[cache]\nmode = \"exact\"\nsampled = true\n").await;
    ask(&app, json!({"temperature": 0.7})).await;
    assert_eq!(cache(&ask(&app, json!({"temperature": 0.7})).await), Some("hit"), "the operator has asked");
}

#[tokio::test]
async fn cache_control_is_heeded() {
    let app = service(EXACT).await;
    let with = async |control: &str| {
        let headers = [("cache-control", control)];
        app.send(Method::POST, Wire::Chat.path(), &headers, &question(Wire::Chat, false, json!({}))).await
    };
    let id = |answer: &crate::support::Answer| answer.json()["id"].clone();
    assert_eq!(cache(&with("no-store").await), Some("bypass"));
    assert_eq!(cache(&with("max-age=0").await), Some("miss"), "it was not kept, and other words mean nothing");
    let anew = with("No-Cache, max-age=0").await;
    assert_eq!((cache(&anew), app.calls()), (Some("bypass"), 3));
    let next = ask(&app, json!({})).await;
    assert_eq!((cache(&next), id(&next)), (Some("hit"), id(&anew)), "the new one was kept");
    assert_eq!(cache(&with("no-store").await), Some("bypass"), "not even looked for");
}
