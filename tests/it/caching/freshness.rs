//! An answer has its time; after it, it is better than none.

use super::{EXACT, ask, cache, hits, scripted, service};
use crate::{
    gateway_app::{ALPHA, Wire},
    upstream::{Fault, Script},
};
use serde_json::json;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn an_answer_is_given_again_for_its_time_and_then_made_anew() {
    let app = service(EXACT).await;
    ask(&app, json!({})).await;
    app.clock.advance(MINUTE - Duration::from_secs(5));
    let old = ask(&app, json!({})).await;
    let age: u64 = old.header("age").and_then(|age| age.parse().ok()).expect("an age");
    assert_eq!((cache(&old), (55..60).contains(&age)), (Some("hit"), true), "{age}");
    app.clock.advance(MINUTE);
    assert_eq!(cache(&ask(&app, json!({})).await), Some("miss"));
    assert_eq!(
        (app.calls(), cache(&ask(&app, json!({})).await)),
        (2, Some("hit")),
        "the new one has a time of its own"
    );
}

#[tokio::test]
async fn when_all_is_down_an_old_answer_is_better_than_none() {
    let mut app = service(EXACT).await;
    let first = ask(&app, json!({})).await;
    for provider in ["alpha", "beta", "gamma"] {
        app.stop(provider).await;
    }
    let spent = app.spent().await;
    app.clock.advance(2 * MINUTE);
    for (wire, stream) in [(Wire::Chat, false), (Wire::Chat, true), (Wire::Messages, false)] {
        let answer = app.post(wire.path(), &super::question(wire, stream, json!({}))).await;
        assert_eq!(cache(&answer), Some("stale"), "{wire:?} {stream}");
        assert_eq!(answer.header("x-satisfice-decision-id"), first.header("x-satisfice-decision-id"));
        assert!(answer.header("age").and_then(|age| age.parse::<u64>().ok()).is_some_and(|age| age >= 120));
    }
    assert!(hits(&app).await.iter().all(|hit| hit.is_stale));
    assert_eq!(app.spent().await, spent, "neither the failures nor the answers cost anything");
    let unknown = ask(&app, json!({"seed": 5})).await;
    assert_eq!(unknown.status, 503, "what was never answered is not answered: {}", unknown.text);
    let refused = ask(&app, json!({"route": {"cache": "off"}})).await;
    assert_eq!(refused.status, 503, "nor who wants none: {}", refused.text);
    app.clock.advance(24 * MINUTE);
    assert_eq!(ask(&app, json!({})).await.status, 503, "nor is what is too old for that");
}

#[tokio::test]
async fn a_request_that_is_refused_for_what_it_says_is_not_given_an_old_answer() {
    let faults = [Fault::Ok, Fault::Rejected(400, "temperature is out of range")];
    let app = scripted(EXACT, [Script::queue(faults), Script::ok(), Script::ok()]).await;
    assert_eq!(cache(&ask(&app, json!({"model": ALPHA})).await), Some("miss"));
    app.clock.advance(2 * MINUTE);
    let refused = ask(&app, json!({"model": ALPHA})).await;
    assert_eq!(refused.status, 400, "{}", refused.text);
}
