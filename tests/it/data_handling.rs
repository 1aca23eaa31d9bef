//! Where and how requests may be handled: what the operator says of providers, and what policies and callers demand of them.

use crate::{
    gateway_app::{ALPHA, BETA, EMBEDDER, GAMMA, GatewayApp, GatewayMake, Wire},
    upstream::{Fault, Script},
};
use serde_json::{Value, json};

/// Of gamma nothing is said.
const SAID: &str = r#"
[providers.alpha]
region = "us-east-1"
data_policy = "no_training"
[providers.beta]
region = "eu-central-1"
data_policy = "zero_retention"
[policies.european]
regions = ["ch", "eu"]
[policies.forgetful]
data_policy = "zero_retention"
"#;

async fn app(alpha: Script, beta: Script) -> GatewayApp {
    GatewayApp::make(GatewayMake { sections: SAID, ..GatewayMake::scripts([alpha, beta, Script::ok()]) }).await
}

#[tokio::test]
async fn only_providers_that_meet_all_demands_serve() {
    let app = app(Script::ok(), Script::ok()).await;
    for (fields, model) in [
        (json!({}), ALPHA),
        (json!({"route": {"regions": ["us"]}}), ALPHA),
        (json!({"route": {"regions": ["eu", "us-west-2"]}}), BETA),
        (json!({"route": {"data_policy": "may_train", "models": [GAMMA]}}), GAMMA),
        (json!({"route": {"data_policy": "no_training"}}), ALPHA),
        (json!({"route": {"data_policy": "zero_retention"}}), BETA),
        (json!({"provider": {"data_collection": "allow"}}), ALPHA),
        (json!({"provider": {"data_collection": "deny"}, "route": {"exclude": [ALPHA]}}), BETA),
        (json!({"provider": {"zdr": true}}), BETA),
        (json!({"model": "european"}), BETA),
        (json!({"model": "forgetful", "provider": {"data_collection": "allow"}}), BETA),
        (json!({"model": BETA, "route": {"regions": ["eu"]}}), BETA),
    ] {
        for wire in Wire::ALL {
            app.ask(wire, false, fields.clone()).await.is_answered_by(model, 1);
        }
    }
}

#[tokio::test]
async fn what_nobody_meets_is_refused_before_anything_is_sent() {
    let app = app(Script::ok(), Script::ok()).await;
    for (fields, reason) in [
        (json!({"route": {"regions": ["jp"]}}), "region"),
        (json!({"model": "european", "route": {"regions": ["us"]}}), "region"),
        (json!({"model": ALPHA, "route": {"regions": ["eu"]}}), "region"),
        (json!({"model": GAMMA, "provider": {"zdr": true}}), "data policy"),
        (json!({"route": {"regions": ["us"], "data_policy": "zero_retention"}}), "data policy"),
    ] {
        let body = Wire::Chat.body(false, fields.clone());
        let refused = app.post(Wire::Chat.path(), &body).await;
        assert_eq!(refused.status, 400, "{fields}: {}", refused.text);
        assert!(refused.text.contains(reason), "{fields}: {}", refused.text);
    }
    assert_eq!(app.calls(), 0);
}

#[tokio::test]
async fn no_fallback_handles_a_request_otherwise() {
    let app = app(Script::ok(), Script::always(Fault::ServerError(503))).await;
    let story = app.ask(Wire::Chat, false, json!({"model": "european"})).await;
    assert!(!story.is_answered());
    assert_eq!((app.alpha().count(), app.gamma().count()), (0, 0));
}

#[tokio::test]
async fn what_is_said_of_a_provider_is_listed_with_its_models() {
    let app = app(Script::ok(), Script::ok()).await;
    let list = app.get("/v1/models").await.json();
    let details = |model: &str| {
        let listed = list["data"].as_array().into_iter().flatten().find(|listed| listed["id"] == model);
        listed.map(|listed| [listed["details"]["region"].clone(), listed["details"]["data_policy"].clone()])
    };
    assert_eq!(details(ALPHA), Some([json!("us-east-1"), json!("no_training")]));
    assert_eq!(details(GAMMA), Some([Value::Null, Value::Null]));
}

#[tokio::test]
async fn the_policy_for_all_holds_for_models_by_name_and_for_embeddings_too() {
    const DEMANDS: &str = r#"
[providers.beta]
data_policy = "zero_retention"
"#;
    let make = GatewayMake { sections: DEMANDS, models: EMBEDDER, ..GatewayMake::default() };
    let app = GatewayApp::make(GatewayMake { routing: "data_policy = \"no_training\"\n", ..make }).await;
    app.ask(Wire::Chat, false, json!({})).await.is_answered_by(BETA, 1);
    let called = app.calls();
    let named = app.post(Wire::Chat.path(), &Wire::Chat.body(false, json!({"model": ALPHA}))).await;
    let embedded = app.post("/v1/embeddings", &json!({"model": "alpha/embedder", "input": "a text"})).await;
    for refused in [named, embedded] {
        assert!(refused.status.is_client_error() && refused.text.contains("data policy"), "{}", refused.text);
    }
    assert_eq!(app.calls(), called);
}
