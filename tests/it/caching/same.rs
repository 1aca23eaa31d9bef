//! What is the same request, and what is given for it.

use super::{EXACT, ask, ask_as, cache, hits, key, question, scripted, service, text};
use crate::{
    gateway_app::{ALPHA, BETA, Ending, GAMMA, GatewayApp, Told, Wire},
    support::Answer,
    upstream::{Fault, Script},
};
use satisfice::domain::{CacheMatch, KeyLimits};
use serde_json::{Value, json};

#[tokio::test]
async fn the_same_request_is_answered_from_memory_and_the_log_says_so() {
    let app = service(EXACT).await;
    let first = ask(&app, json!({"temperature": 0, "seed": 1})).await;
    assert_eq!(cache(&first), Some("miss"));
    let spent = app.spent().await;
    // The fields in another order, and those that change nothing.
    let body = question(Wire::Chat, false, json!({}));
    let mut reversed: Vec<(String, Value)> = body.as_object().expect("an object").clone().into_iter().collect();
    reversed.reverse();
    let fields: Vec<String> = [("seed".to_owned(), json!(1)), ("temperature".to_owned(), json!(0.0))]
        .iter()
        .chain(&reversed)
        .chain(&[("user".to_owned(), json!("ann")), ("metadata".to_owned(), json!({"a": "b"}))])
        .map(|(field, value)| format!("{}:{value}", json!(field)))
        .collect();
    let body = axum::body::Body::from(format!("{{{}}}", fields.join(",")));
    let second = app.send_raw(Wire::Chat.path(), body).await;
    assert_eq!(cache(&second), Some("hit"));
    assert_eq!((first.json(), app.calls()), (second.json(), 1));
    for (name, value) in [("x-satisfice-cost-usd", "0.00000000"), ("x-satisfice-attempts", "0"), ("age", "0")] {
        assert_eq!(second.header(name), Some(value), "{name}");
    }
    for name in ["x-satisfice-decision-id", "x-satisfice-model", "x-satisfice-policy-version"] {
        assert_eq!(second.header(name), first.header(name), "{name}");
    }
    assert_eq!(second.header("x-satisfice-saved-usd"), first.header("x-satisfice-cost-usd"));
    let [hit] = &hits(&app).await[..] else { panic!("one answer was given again") };
    assert_eq!((hit.matched, hit.is_stale, hit.served_model.as_str()), (CacheMatch::Exact, false, ALPHA));
    assert_eq!(Some(hit.decision_id.to_string().as_str()), first.header("x-satisfice-decision-id"));
    let saved = hit.saved_usd.expect("the provider told").get();
    assert_eq!(format!("{saved:.8}"), first.header("x-satisfice-cost-usd").expect("a bill"));
    assert_eq!((app.spent().await, hit.caller.tenant.as_str()), (spent, "default"), "no budget is charged");
}

#[tokio::test]
async fn a_request_that_differs_in_anything_that_matters_is_another() {
    let app = service(EXACT).await;
    assert_eq!(cache(&ask(&app, json!({})).await), Some("miss"));
    let tool = json!({"type": "function", "function": {"name": "rain", "parameters": {"type": "object"}}});
    let others = [
        json!({"seed": 2}),
        json!({"temperature": 0}),
        json!({"stop": "."}),
        json!({"tools": [tool]}),
        json!({"response_format": {"type": "json_object"}}),
        json!({"max_completion_tokens": 501}),
        json!({"messages": [{"role": "user", "content": "What is 2 + 3?"}]}),
        json!({"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is 2 + 2?"}]}),
        json!({"model": "auto:q=0.4"}),
        json!({"model": ALPHA}),
        json!({"model": BETA}),
        json!({"route": {"models": ["beta/*"]}}),
        json!({"route": {"exclude": ["alpha/*"]}}),
        json!({"route": {"mode": "average"}}),
        json!({"route": {"max_cost_usd": 1}}),
        json!({"provider": {"only": ["beta"]}}),
        json!({"unknown_field_of_a_provider": true}),
    ];
    for fields in others {
        assert_eq!(cache(&ask(&app, fields.clone()).await), Some("miss"), "{fields}");
        assert_eq!(cache(&ask(&app, fields.clone()).await), Some("hit"), "{fields}");
    }
    assert_eq!(
        cache(&ask(&app, json!({"route": {"session_id": "s"}})).await),
        Some("hit"),
        "a session is no part of it"
    );
    assert_eq!(cache(&ask(&app, json!({"model": "default"})).await), Some("hit"), "another name of the same policy");
}

/// What an answer says, told in a dialect.
fn told(wire: Wire, stream: bool, answer: &Answer) -> (String, String, Option<(u64, u64)>) {
    let Told { model, text, usage, ending, .. } = Told::of(wire, stream, answer);
    assert_eq!(ending, Ending::Whole, "{}", answer.text);
    (model, text, usage)
}

#[tokio::test]
async fn an_answer_is_given_again_in_every_dialect_whole_and_streamed() {
    let forms = || Wire::ALL.into_iter().flat_map(|wire| [(wire, false), (wire, true)]);
    for model in [ALPHA, GAMMA] {
        for (wire, stream) in forms() {
            let app = service(EXACT).await;
            let body = |wire, stream| question(wire, stream, json!({"model": model}));
            let first = app.post(wire.path(), &body(wire, stream)).await;
            assert_eq!(cache(&first), Some("miss"));
            let expected = told(wire, stream, &first);
            for (other, streamed) in forms() {
                let again = app.post(other.path(), &body(other, streamed)).await;
                assert_eq!(cache(&again), Some("hit"), "{wire:?} {stream} then {other:?} {streamed}");
                assert_eq!(told(other, streamed, &again), expected, "{wire:?} {stream} then {other:?} {streamed}");
            }
            assert_eq!(app.calls(), 1);
        }
    }
}

#[tokio::test]
async fn a_stream_whose_caller_wants_no_usage_is_told_none_and_the_next_one_is() {
    let app = service(EXACT).await;
    let silent = question(Wire::Chat, true, json!({"stream_options": null}));
    for said in ["miss", "hit"] {
        let answer = app.post(Wire::Chat.path(), &silent).await;
        assert_eq!((cache(&answer), told(Wire::Chat, true, &answer).2), (Some(said), None));
    }
    let answer = app.post(Wire::Chat.path(), &question(Wire::Chat, true, json!({}))).await;
    assert_eq!(cache(&answer), Some("hit"));
    let bill = app.bills().into_values().next().expect("a bill");
    let tokens = (u64::from(bill.tokens.input), u64::from(bill.tokens.output));
    assert_eq!(told(Wire::Chat, true, &answer).2, Some(tokens));
}

#[tokio::test]
async fn only_a_whole_answer_is_kept() {
    for fault in [Fault::ResetMidStream, Fault::EndMidStream, Fault::ErrorEventMidStream] {
        let script = || Script::queue([fault.clone()]);
        let app = scripted(EXACT, [script(), script(), script()]).await;
        let body = question(Wire::Chat, true, json!({"model": ALPHA}));
        let torn = app.post(Wire::Chat.path(), &body).await;
        assert_eq!(cache(&torn), Some("miss"), "{fault:?}");
        let next = app.post(Wire::Chat.path(), &body).await;
        assert_eq!(cache(&next), Some("miss"), "{fault:?}");
        assert_eq!(Told::of(Wire::Chat, true, &next).ending, Ending::Whole);
    }
    let app = scripted(
        EXACT,
        [Script::queue([Fault::ServerError(500), Fault::ServerError(500)]), Script::ok(), Script::ok()],
    )
    .await;
    assert_eq!(ask(&app, json!({"model": ALPHA})).await.status, 502);
    assert_eq!(cache(&ask(&app, json!({"model": ALPHA})).await), Some("miss"), "an error is no answer");
}

#[tokio::test]
async fn the_tokens_and_tools_of_an_answer_are_those_of_the_first() {
    let app = service(EXACT).await;
    let first = ask(&app, json!({"logprobs": true})).await;
    let second = ask(&app, json!({"logprobs": true})).await;
    assert_eq!((cache(&second), second.json()["usage"].clone()), (Some("hit"), first.json()["usage"].clone()));
}

#[tokio::test]
async fn tenants_never_share_an_answer_and_keys_of_a_tenant_do() {
    let app = service(EXACT).await;
    let keys = [
        key(&app, "acme", 1, KeyLimits::default()).await,
        key(&app, "acme", 2, KeyLimits::default()).await,
        key(&app, "other", 3, KeyLimits::default()).await,
    ];
    for (key, expected) in keys.iter().zip(["miss", "hit", "miss"]) {
        assert_eq!(cache(&ask_as(&app, key, json!({})).await), Some(expected));
    }
    assert_eq!(hits(&app).await[0].caller.tenant.as_str(), "acme");
}

#[tokio::test]
async fn a_key_that_is_bound_to_models_is_given_no_other_models_answer() {
    let app = service(EXACT).await;
    let free = key(&app, "acme", 1, KeyLimits::default()).await;
    let bound = KeyLimits { models: vec!["beta/*".to_owned()], ..KeyLimits::default() };
    let bound = key(&app, "acme", 2, bound).await;
    assert_eq!(cache(&ask_as(&app, &free, json!({})).await), Some("miss"));
    let answer = ask_as(&app, &bound, json!({})).await;
    assert_eq!((cache(&answer), answer.header("x-satisfice-model")), (Some("miss"), Some(BETA)));
    assert_eq!(cache(&ask_as(&app, &bound, json!({})).await), Some("hit"), "its own is kept");
}

#[tokio::test]
async fn two_services_share_nothing() {
    let (one, two): (GatewayApp, GatewayApp) = (service(EXACT).await, service(EXACT).await);
    let first = ask(&one, json!({})).await;
    assert_eq!((cache(&first), cache(&ask(&two, json!({})).await)), (Some("miss"), Some("miss")));
    assert!(!text(&first).is_empty());
}
