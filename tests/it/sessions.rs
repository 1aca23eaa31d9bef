//! Conversations: what a switch of the model costs.

use crate::{
    gateway_app::{ALPHA, BETA, GatewayApp, GatewayMake, Provider},
    upstream::Script,
};
use serde_json::{Value, json};
use std::time::Duration;

/// Beta is half again as dear as alpha, and reads what it has cached at half its price.
async fn app() -> GatewayApp {
    let mut make = GatewayMake::scripts([Script::ok(), Script::ok(), Script::ok()]);
    make.providers[1] = Provider::new("beta", BETA, 1.5);
    GatewayApp::make(make).await
}

/// Decides on a prompt of so many bytes with these wishes.
async fn decide(app: &GatewayApp, bytes: usize, mut route: Value) -> Value {
    route["quality_target"] = json!(0.5);
    let messages = json!([{"role": "user", "content": "word ".repeat(bytes / 5)}]);
    let answer = app.post("/v1/route", &json!({"messages": messages, "max_tokens": 16, "route": route})).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["model"].clone()
}

#[tokio::test]
async fn a_session_stays_where_its_context_is_cached_while_that_is_cheaper() {
    let app = app().await;
    let long = 20_000;
    let mine = || json!({"session_id": "mine"});
    assert_eq!(decide(&app, long, json!({"session_id": "mine", "models": [BETA]})).await, BETA);
    assert_eq!(decide(&app, long, mine()).await, BETA, "alpha would read all of it anew");
    assert_eq!(decide(&app, long, json!({"session_id": "another"})).await, ALPHA);
    assert_eq!(decide(&app, long, json!({})).await, ALPHA);
    app.clock.advance(Duration::from_mins(7));
    assert_eq!(decide(&app, long, mine()).await, ALPHA, "by now the provider has probably forgotten");
}

#[tokio::test]
async fn what_is_too_short_to_be_cached_holds_no_session() {
    let app = app().await;
    assert_eq!(decide(&app, 2000, json!({"session_id": "mine", "models": [BETA]})).await, BETA);
    assert_eq!(decide(&app, 2000, json!({"session_id": "mine"})).await, ALPHA);
}
