//! Answers to similar requests: the same in other words, and nothing else that differs. The encoder of these tests finds every
//! text like every other, so that only what is beside the embedding tells them apart, but where the real one is asked for.

use super::{ask, ask_as, cache, hits, key, question, service};
use crate::{
    gateway_app::{ADMIN_KEY, Ending, GAMMA, GatewayApp, GatewayMake, Told, Wire},
    support::Answer,
};
use axum::http::Method;
use satisfice::domain::{CacheMatch, KeyLimits, RateLimits};
use serde_json::{Value, json};
use std::time::Duration;

const SEMANTIC: &str =
    "[cache]\nmode = \"semantic\"\nttl_s = 60\n[policies.desk]\ncache = \"exact\"\n[policies.other]\n";

/// A question in these words, with further fields.
async fn say(app: &GatewayApp, words: &str, fields: Value) -> Answer {
    let mut body = json!({"messages": [{"role": "user", "content": words}]});
    body.as_object_mut().expect("an object").extend(fields.as_object().cloned().unwrap_or_default());
    ask(app, body).await
}

#[tokio::test]
async fn the_same_in_other_words_is_answered_from_memory_and_the_log_says_so() {
    let app = service(SEMANTIC).await;
    let first = say(&app, "How do I reset my password?", json!({})).await;
    assert_eq!(cache(&first), Some("miss"));
    let spent = app.spent().await;
    let second = say(&app, "how to reset the pasword", json!({})).await;
    assert_eq!((cache(&second), second.header("x-satisfice-similarity")), (Some("semantic-hit"), Some("1.0000")));
    assert_eq!((first.json(), app.calls(), app.spent().await), (second.json(), 1, spent));
    assert_eq!(second.header("x-satisfice-saved-usd"), first.header("x-satisfice-cost-usd"));
    assert_eq!(second.header("x-satisfice-cost-usd"), Some("0.00000000"));
    let [hit] = &hits(&app).await[..] else { panic!("one answer was given again") };
    assert_eq!((hit.matched, hit.is_stale), (CacheMatch::Semantic, false));
    assert!(hit.similarity.is_some_and(|similarity| (similarity - 1.0).abs() < 1e-5), "{hit:?}");
    let third = say(&app, "How do I reset my password?", json!({})).await;
    assert_eq!((cache(&third), third.header("x-satisfice-similarity")), (Some("hit"), None), "the same request");
    let stats = app.send(Method::GET, "/admin/cache", &[("x-api-key", ADMIN_KEY)], &Value::Null).await.json();
    assert_eq!((&stats["hits"], &stats["semantic_hits"], &stats["misses"]), (&json!(2), &json!(1), &json!(1)));
    assert_eq!((&stats["exact"]["entries"], &stats["semantic"]["entries"]), (&json!(1), &json!(1)));
}

#[tokio::test]
async fn every_dialect_and_form_is_answered_with_what_any_was_told() {
    let app = service(SEMANTIC).await;
    assert_eq!(cache(&say(&app, "How do I reset my password?", json!({})).await), Some("miss"));
    for (n, wire) in Wire::ALL.into_iter().enumerate() {
        for stream in [false, true] {
            let words = format!("{} how do I reset my password", ["please,", "hello,", "ok so"][n]);
            let body = question(wire, stream, words_of(wire, &words));
            let answer = app.post(wire.path(), &body).await;
            assert_eq!(cache(&answer), Some("semantic-hit"), "{wire:?} {stream}: {}", answer.text);
            let told = Told::of(wire, stream, &answer);
            assert_eq!(told.ending, Ending::Whole, "{wire:?} {stream}");
        }
    }
    assert_eq!(app.calls(), 1);
}

fn words_of(wire: Wire, words: &str) -> Value {
    match wire {
        Wire::Chat | Wire::Messages => json!({"messages": [{"role": "user", "content": words}]}),
        Wire::Responses => json!({"input": words}),
    }
}

#[tokio::test]
async fn what_differs_in_more_than_the_words_is_another_request() {
    let app = service(SEMANTIC).await;
    let tool = json!({"type": "function", "function": {"name": "rain", "parameters": {"type": "object"}}});
    let image = json!([{"type": "text", "text": "how to reset 2 passwords"},
                       {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}]);
    let earlier = |words: &str| {
        json!({"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": words},
                            {"role": "user", "content": "how to reset 2 passwords"}]})
    };
    assert_eq!(cache(&say(&app, "How do I reset 2 passwords?", json!({})).await), Some("miss"));
    assert_eq!(cache(&ask(&app, earlier("Hello!")).await), Some("miss"));
    for (words, fields) in [
        ("how to reset 3 passwords", json!({})),
        ("how to not reset 2 passwords", json!({})),
        ("how to reset 2 passwords", json!({"seed": 1})),
        ("how to reset 2 passwords", json!({"model": "other"})),
        ("how to reset 2 passwords", json!({"model": "desk"})),
        ("how to reset 2 passwords", json!({"model": GAMMA})),
        ("how to reset 2 passwords", json!({"route": {"quality_target": 0.1}})),
        ("how to reset 2 passwords", json!({"route": {"cache": "exact"}})),
        ("how to reset 2 passwords", json!({"tools": [tool]})),
        ("how to reset 2 passwords", json!({"response_format": {"type": "json_object"}})),
        ("how to reset 2 passwords", json!({"logprobs": true})),
        ("", json!({"messages": [{"role": "user", "content": image}]})),
        ("", earlier("Hello?")),
        (
            "",
            json!({"messages": [{"role": "system", "content": "Be brief."},
                                 {"role": "user", "content": "how to reset 2 passwords"}]}),
        ),
    ] {
        assert_eq!(cache(&say(&app, words, fields.clone()).await), Some("miss"), "{words:?} {fields}");
    }
    assert_eq!(cache(&say(&app, "how to reset the 2 passwords", json!({})).await), Some("semantic-hit"));
    let mut again = earlier("Hello!");
    again["messages"][2]["content"] = json!("How do I reset 2 passwords?");
    assert_eq!(cache(&ask(&app, again).await), Some("semantic-hit"), "with the same words before");
    assert_eq!(
        cache(&say(&app, "how to reset 2 passwords!", json!({"route": {"cache": "off"}})).await),
        Some("bypass")
    );
}

#[tokio::test]
async fn no_tenant_is_given_anothers_answer_and_no_key_one_of_a_model_that_it_may_not_use() {
    let app = service(SEMANTIC).await;
    let bound = KeyLimits { models: vec!["beta/*".to_owned()], ..KeyLimits::default() };
    let first = key(&app, "acme", 1, KeyLimits::default()).await;
    let (same, other) = (key(&app, "acme", 2, bound).await, key(&app, "other", 3, KeyLimits::default()).await);
    let say = async |key: &str, words: &str| {
        ask_as(&app, key, json!({"messages": [{"role": "user", "content": words}]})).await
    };
    assert_eq!(cache(&say(&first, "How do I reset my password?").await), Some("miss"));
    assert_eq!(cache(&say(&other, "how to reset my password").await), Some("miss"));
    assert_eq!(cache(&say(&same, "how to reset a password").await), Some("miss"));
    assert_eq!(cache(&say(&first, "how to reset the password").await), Some("semantic-hit"));
}

#[tokio::test]
async fn a_caller_beyond_its_limits_is_refused_before_its_words_are_looked_at() {
    let app = service(SEMANTIC).await;
    let rates = RateLimits { requests_per_minute: Some(2), ..RateLimits::default() };
    let key = key(&app, "acme", 1, KeyLimits { rates, ..KeyLimits::default() }).await;
    let mut answers = Vec::new();
    for words in ["How do I reset my password?", "how to reset my password", "how to reset the password"] {
        answers.push(ask_as(&app, &key, json!({"messages": [{"role": "user", "content": words}]})).await);
    }
    assert_eq!((cache(&answers[0]), cache(&answers[1])), (Some("miss"), Some("semantic-hit")), "each counts once");
    assert_eq!(answers[2].status, 429);
}

#[tokio::test]
async fn a_bad_answer_and_one_that_the_operator_clears_is_forgotten() {
    let app = service(SEMANTIC).await;
    let first = say(&app, "How do I reset my password?", json!({"model": "auto:q=0.5"})).await;
    let like = say(&app, "how to reset my password", json!({"model": "auto:q=0.5"})).await;
    assert_eq!(cache(&like), Some("semantic-hit"));
    let id = like.header("x-satisfice-decision-id").expect("a decision");
    assert_eq!(Some(id), first.header("x-satisfice-decision-id"), "feedback is about who had answered");
    let feedback = app.post("/v1/feedback", &json!({"decision_id": id, "score": 0.0})).await;
    assert_eq!(feedback.status, 200, "{}", feedback.text);
    assert_eq!(cache(&say(&app, "how to reset a password", json!({"model": "auto:q=0.5"})).await), Some("miss"));
    let cleared = app.send(Method::DELETE, "/admin/cache", &[("x-api-key", ADMIN_KEY)], &Value::Null).await;
    assert_eq!(cleared.json(), json!({"removed": 1}));
    assert_eq!(cache(&say(&app, "how to reset the password", json!({})).await), Some("miss"));
}

#[tokio::test]
async fn an_old_answer_to_a_similar_request_is_better_than_none() {
    let mut app = service(SEMANTIC).await;
    assert_eq!(cache(&say(&app, "How do I reset my password?", json!({})).await), Some("miss"));
    for provider in ["alpha", "beta", "gamma"] {
        app.stop(provider).await;
    }
    app.clock.advance(Duration::from_secs(61));
    let stale = say(&app, "how to reset my password", json!({})).await;
    assert_eq!((cache(&stale), stale.header("x-satisfice-similarity")), (Some("stale"), Some("1.0000")));
    let hits = hits(&app).await;
    assert_eq!((hits.len(), hits[0].matched, hits[0].is_stale), (1, CacheMatch::Semantic, true));
}

#[tokio::test]
async fn the_real_encoder_finds_what_is_alike() {
    let make = GatewayMake { sections: SEMANTIC, reads: true, ..GatewayMake::default() };
    let app = GatewayApp::make(make).await;
    assert_eq!(cache(&say(&app, "What is the capital of France?", json!({})).await), Some("miss"));
    let alike = say(&app, "what's the capital of France", json!({})).await;
    assert_eq!(cache(&alike), Some("semantic-hit"));
    let similarity: f64 = alike.header("x-satisfice-similarity").expect("a cosine").parse().expect("a number");
    assert!((0.9..1.0).contains(&similarity), "{similarity}");
    assert_eq!(cache(&say(&app, "What is the capital of Spain?", json!({})).await), Some("miss"));
}
