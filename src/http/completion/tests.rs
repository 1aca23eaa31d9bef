#![expect(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

use super::*;
use crate::{
    domain::Role,
    gateway::GatewayError,
    router::{ModelChoice, StreamPiece},
};
use bytes::Bytes;
use serde_json::json;

const ALL: [Wire; 3] = [Wire::Chat, Wire::Messages, Wire::Responses];

/// A good body of a dialect, with further fields.
fn body(wire: Wire, fields: &Value) -> Value {
    let mut body = match wire {
        Wire::Chat => json!({"messages": [{"role": "user", "content": "hi"}], "max_tokens": 9}),
        Wire::Messages => json!({"messages": [{"role": "user", "content": "hi"}], "max_tokens": 9}),
        Wire::Responses => json!({"input": "hi", "max_output_tokens": 9}),
    };
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    body
}

fn read(wire: Wire, body: &Value) -> Result<Understood, ApiError> {
    Understood::read(wire, &Body::of(body.to_string()), |name| name == "cheap")
}

fn read_with(wire: Wire, fields: &Value) -> Understood {
    read(wire, &body(wire, fields)).unwrap()
}

#[test]
fn every_dialect_is_understood_alike() {
    for wire in ALL {
        let fields = json!({"model": "cheap", "stream": true, "route": {"max_cost_usd": 0.5}});
        let Understood { asked, hub, own, .. } = read_with(wire, &fields);
        let turns: Vec<_> = asked.prompt.turns.iter().map(|turn| (turn.role, turn.text.as_str())).collect();
        assert_eq!(turns, [(Role::User, "hi")], "{wire:?}");
        assert_eq!(asked.prompt.requirements.max_output_tokens, Some(9), "{wire:?}");
        assert_eq!((asked.choice, asked.stream), (ModelChoice::Policy("cheap".to_owned()), true), "{wire:?}");
        assert!(asked.options.max_cost_usd.is_some(), "{wire:?}");
        assert_eq!(hub["messages"], json!([{"role": "user", "content": "hi"}]), "{wire:?}");
        assert_eq!(own.is_none(), wire == Wire::Chat);
    }
}

#[test]
fn our_own_fields_are_not_forwarded_and_unknown_ones_are() {
    for wire in ALL {
        let fields = json!({"route": {"explain": true}, "models": ["a"], "provider": {"only": ["p"]}, "top_k": 7});
        let Understood { hub, own, .. } = read_with(wire, &fields);
        for body in [Some(&hub), own.as_deref()].into_iter().flatten() {
            assert!(["route", "models", "provider"].iter().all(|field| !body.contains_key(*field)), "{wire:?}");
            assert_eq!(body["top_k"], 7, "{wire:?}");
        }
    }
}

#[test]
fn counts_written_with_a_point_are_forwarded_without() {
    for wire in ALL {
        let name = if wire == Wire::Responses { "max_output_tokens" } else { "max_tokens" };
        let Understood { asked, hub, own, .. } = read_with(wire, &json!({name: 801.0}));
        assert_eq!(asked.prompt.requirements.max_output_tokens, Some(801), "{wire:?}");
        let limit = hub.get("max_tokens").or(hub.get("max_completion_tokens"));
        assert_eq!(limit, Some(&json!(801)), "{wire:?}");
        assert!(own.is_none_or(|own| own[name].is_u64()), "{wire:?}");
    }
}

#[test]
fn faults_are_named_in_the_callers_words() {
    let user = |content: Value| json!([{"role": "user", "content": content}]);
    let cases = [
        (Wire::Chat, json!({"messages": user(json!(""))}), "messages[0].content"),
        (Wire::Messages, json!({"messages": user(json!(""))}), "messages"),
        (Wire::Messages, json!({"messages": "hi"}), "messages"),
        (Wire::Messages, json!({"messages": user(json!([{"type": "text"}]))}), "messages[0].content[0].text"),
        (Wire::Messages, json!({"messages": []}), "messages"),
        (Wire::Messages, json!({"max_tokens": null}), "max_tokens"),
        (Wire::Messages, json!({"max_tokens": 4_294_967_296_u64}), "max_tokens"),
        (Wire::Messages, json!({"stop": "x"}), "stop"),
        (Wire::Responses, json!({"input": ""}), "input"),
        (Wire::Responses, json!({"input": []}), "input"),
        (Wire::Responses, json!({"input": [{"role": "assistant", "content": "hi"}]}), "input"),
        (Wire::Responses, json!({"max_output_tokens": 0}), "max_output_tokens"),
        (Wire::Responses, json!({"previous_response_id": "resp_1"}), "previous_response_id"),
        (Wire::Responses, json!({"text": {"format": {"type": "xml"}}}), "text.format.type"),
    ];
    for (wire, fields, param) in &cases {
        let error = read(*wire, &body(*wire, fields)).unwrap_err();
        assert_eq!((error.status().as_u16(), error.param()), (400, Some(*param)), "{wire:?} {fields}");
        assert!(!error.message().contains("max_completion_tokens"), "{}", error.message());
    }
    for wire in ALL {
        for (fields, param) in [
            (json!({"route": {"quality_target": 2}}), "route.quality_target"),
            (json!({"route": {"explan": true}}), "route.explan"),
            (json!({"model": 4}), "model"),
            (json!({"model": "auto:quick"}), "model"),
            (json!({"stream": "yes"}), "stream"),
            (json!({"models": "a/*"}), "models"),
            (json!({"provider": {"order": 1}}), "provider.order"),
            (json!({"provider": {"data_collection": "never"}}), "provider.data_collection"),
        ] {
            let error = read(wire, &body(wire, &fields)).unwrap_err();
            assert_eq!((error.status().as_u16(), error.param()), (400, Some(param)), "{wire:?} {fields}");
        }
    }
}

#[test]
fn a_fault_in_a_chat_body_comes_with_its_line() {
    let text = "{\"messages\": [{\"role\": \"user\", \"content\": \"hi\"}],\n \"route\": {\"quality_target\": 7}}";
    let error = Understood::read(Wire::Chat, &Body::of(text), |_| false).unwrap_err();
    assert!(error.message().contains("line 2 column"), "{}", error.message());
}

#[test]
fn metadata_may_name_the_session_and_anthropic_is_not_told() {
    let session = |wire, fields: &Value| {
        let Understood { asked, hub, own, .. } = read_with(wire, fields);
        let told = own.as_deref().unwrap_or(&hub).get("metadata").cloned();
        (asked.options.session_id.map(|id| id.to_string()), told)
    };
    let named = json!({"metadata": {"session_id": "trip"}});
    assert_eq!(session(Wire::Chat, &named), (Some("trip".to_owned()), Some(named["metadata"].clone())));
    assert_eq!(session(Wire::Messages, &named), (Some("trip".to_owned()), None));
    assert_eq!(session(Wire::Responses, &named), (Some("trip".to_owned()), Some(named["metadata"].clone())));
    let user = json!({"metadata": {"user_id": "u", "session_id": "trip"}});
    assert_eq!(session(Wire::Messages, &user), (Some("trip".to_owned()), Some(json!({"user_id": "u"}))));
    for wire in ALL {
        let both = json!({"metadata": {"session_id": "trip"}, "route": {"session_id": "other"}});
        assert_eq!(session(wire, &both).0.as_deref(), Some("other"));
        let improper = json!({"metadata": {"session_id": "a\nb"}});
        assert_eq!(session(wire, &improper), (None, Some(improper["metadata"].clone())), "it means something else");
    }
}

#[test]
fn usage_is_wanted_where_it_was_asked_for_or_is_always_told() {
    let wants = |wire, fields: &Value| read_with(wire, fields).wants_usage;
    assert!(!wants(Wire::Chat, &json!({"stream": true})));
    assert!(!wants(Wire::Chat, &json!({"stream": true, "stream_options": {"include_usage": false}})));
    assert!(wants(Wire::Chat, &json!({"stream": true, "stream_options": {"include_usage": true}})));
    assert!(wants(Wire::Messages, &json!({"stream": true})) && wants(Wire::Responses, &json!({"stream": true})));
}

fn completion() -> Value {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 7, "model": "a/b",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hello."}}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
    })
}

#[test]
fn a_whole_answer_is_told_in_the_callers_dialect() {
    let own = json!({"input": "hi", "temperature": 0.5});
    let told = |wire| whole(wire, own.as_object(), Told::Hub(completion()));
    assert_eq!(told(Wire::Chat), completion());
    let message = told(Wire::Messages);
    assert_eq!((&message["type"], &message["content"][0]["text"]), (&json!("message"), &json!("Hello.")));
    let response = told(Wire::Responses);
    assert_eq!((&response["object"], &response["temperature"]), (&json!("response"), &json!(0.5)));
    let native = json!({"type": "message", "strange": true});
    assert_eq!(whole(Wire::Messages, own.as_object(), Told::Native(native.clone())), native);
}

fn chunk(delta: &Value, finish: Option<&str>) -> StreamPiece {
    let choices = json!([{"index": 0, "delta": delta, "finish_reason": finish}]);
    StreamPiece::Chunk(
        json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "a/b", "choices": choices}),
    )
}

/// All that a stream of these pieces comes to.
fn told(wire: Wire, pieces: Vec<StreamPiece>) -> String {
    let mut telling = Telling::new(wire, None);
    pieces.into_iter().map(|piece| String::from_utf8(telling.tell(piece).to_vec()).unwrap()).collect()
}

#[test]
fn a_stream_ends_as_its_dialect_has_it() {
    for (wire, last) in [
        (Wire::Chat, "data: [DONE]\n\n"),
        (Wire::Messages, "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"),
        (Wire::Responses, "\"type\":\"response.completed\"}\n\n"),
    ] {
        let pieces =
            vec![chunk(&json!({"content": "Hello."}), None), chunk(&json!({}), Some("stop")), StreamPiece::End];
        let told = told(wire, pieces);
        assert!(told.contains("Hello.") && told.ends_with(last), "{wire:?}: {told}");
    }
}

#[test]
fn a_broken_stream_ends_with_an_error_in_its_dialect() {
    let broken = || GatewayError::Timeout { provider: "p".to_owned(), after_ms: 5 };
    let message = broken().to_string();
    for wire in ALL {
        for begun in [false, true] {
            let mut pieces = vec![StreamPiece::Failed(broken())];
            if begun {
                pieces.insert(0, chunk(&json!({"content": "Hel"}), None));
            }
            let told = told(wire, pieces);
            let last = told.split_terminator("\n\n").last().and_then(|event| event.split("data: ").last()).unwrap();
            let last: Value = serde_json::from_str(last).unwrap();
            let error = match wire {
                Wire::Responses if begun => &last["response"]["error"],
                _ => &last["error"],
            };
            assert_eq!(error["message"], message, "{wire:?} {begun}: {told}");
            match wire {
                Wire::Chat => {
                    assert_eq!((&error["type"], &error["code"]), (&json!("server_error"), &json!("upstream_timeout")))
                }
                Wire::Messages => {
                    assert_eq!((&last["type"], &error["type"]), (&json!("error"), &json!("timeout_error")))
                }
                Wire::Responses => assert!(told.contains("event: error"), "{told}"),
            }
        }
    }
}

#[test]
fn a_stream_in_the_callers_dialect_is_passed_on_as_it_is() {
    let events = "event: message_start\ndata: {}\n\nevent: message_stop\ndata: {}\n\n";
    let native = || StreamPiece::Native(Bytes::from(events));
    assert_eq!(told(Wire::Messages, vec![native(), StreamPiece::End]), events);
    let broken = GatewayError::Malformed { provider: "p".to_owned(), problem: "torn".to_owned() };
    let told = told(Wire::Messages, vec![native(), StreamPiece::Failed(broken)]);
    let rest = told.strip_prefix(events).unwrap();
    assert!(rest.starts_with("event: error\ndata: ") && rest.contains("torn") && rest.contains("api_error"), "{rest}");
}
