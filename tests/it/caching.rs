//! Answers that are kept and given again: to the same request of the same tenant, in its time, and never otherwise.

mod freshness;
mod limits;
mod removal;
mod same;
mod similar;
mod wishes;

use crate::{
    gateway_app::{GatewayApp, GatewayMake, Told, Wire},
    support::Answer,
    upstream::Script,
};
use axum::http::Method;
use satisfice::access::{KEY_BYTES, NewKey};
use satisfice::domain::{CacheHit, KeyLimits};
use satisfice::router::Clock;
use serde_json::{Value, json};

/// Every policy keeps answers for a minute.
const EXACT: &str = "[cache]\nmode = \"exact\"\nttl_s = 60\n";

/// A service with these sections in its configuration, whose providers never fail.
async fn service(sections: &'static str) -> GatewayApp {
    scripted(sections, [Script::ok(), Script::ok(), Script::ok()]).await
}

async fn scripted(sections: &'static str, scripts: [Script; 3]) -> GatewayApp {
    GatewayApp::make(GatewayMake { sections, ..GatewayMake::scripts(scripts) }).await
}

/// A question, in the same words in every dialect, with further fields.
fn question(wire: Wire, stream: bool, fields: Value) -> Value {
    let limit = match wire {
        Wire::Chat => "max_completion_tokens",
        Wire::Messages => "max_tokens",
        Wire::Responses => "max_output_tokens",
    };
    let mut body = wire.body(stream, json!({}));
    body[limit] = json!(500);
    body.as_object_mut().expect("an object").extend(fields.as_object().cloned().unwrap_or_default());
    body
}

/// The plain question, with further fields.
async fn ask(app: &GatewayApp, fields: Value) -> Answer {
    app.post(Wire::Chat.path(), &question(Wire::Chat, false, fields)).await
}

/// What the cache did.
#[track_caller]
fn cache(answer: &Answer) -> Option<&str> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.header("x-satisfice-cache")
}

fn text(answer: &Answer) -> String {
    Told::of(Wire::Chat, false, answer).text
}

/// Every answer that was given again, as the log has it.
async fn hits(app: &GatewayApp) -> Vec<CacheHit> {
    let hits = app.store.cache_hits_after(0, 1000).await.expect("the log reads");
    hits.into_iter().map(|(_, hit)| hit).collect()
}

/// A key of a tenant, by the number that it is drawn from.
async fn key(app: &GatewayApp, tenant: &str, number: u8, limits: KeyLimits) -> String {
    let new = NewKey { name: format!("key {number}"), tenant: tenant.into(), limits, ..NewKey::default() };
    let issued = app.keys.create(new, &[number; KEY_BYTES], app.clock.now()).await.expect("a key");
    issued.key.expose().to_owned()
}

/// The plain question by whoever has a key.
async fn ask_as(app: &GatewayApp, key: &str, fields: Value) -> Answer {
    let body = question(Wire::Chat, false, fields);
    app.send(Method::POST, Wire::Chat.path(), &[("x-api-key", key)], &body).await
}
