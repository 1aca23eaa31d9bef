//! What callers are told, streamed.

use super::{
    client::{assembled, read, told},
    *,
};

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().expect("a type")).collect()
}

fn piece(index: u64, id: Value, arguments: &str) -> Value {
    json!({"tool_calls": [{"index": index, "id": id, "function": {"name": "f", "arguments": arguments}}]})
}

#[test]
fn a_stream_is_told_block_by_block() {
    let mut end = chunk(json!({}));
    end["choices"][0]["finish_reason"] = json!("tool_calls");
    let chunks = [
        chunk(json!({"role": "assistant", "content": ""})),
        chunk(json!({"reasoning_content": "Hm"})),
        chunk(json!({"content": "I "})),
        chunk(json!({"content": "look."})),
        chunk(piece(0, json!("call_1"), "")),
        chunk(json!({"tool_calls": [{"index": 0, "function": {"arguments": "{\"a\":1}"}}]})),
        end,
        json!({"id": "c", "choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 3}}),
    ];
    let events = told(&chunks);
    let (start, delta, stop) = ("content_block_start", "content_block_delta", "content_block_stop");
    let expected = [
        "message_start",
        start,
        delta,
        stop,
        start,
        delta,
        delta,
        stop,
        start,
        delta,
        stop,
        "message_delta",
        "message_stop",
    ];
    assert_eq!(kinds(&events), expected);
    let begun = &events[0]["message"];
    assert_eq!((&begun["id"], &begun["model"], &begun["stop_reason"]), (&json!("c"), &json!("m"), &Value::Null));
    assert_eq!(events[1]["content_block"], json!({"type": "thinking", "thinking": "", "signature": ""}));
    assert_eq!(events[8]["content_block"], json!({"type": "tool_use", "id": "call_1", "name": "f", "input": {}}));
    let message = assembled(&events);
    assert_eq!(message["content"][2]["input"], json!({"a": 1}));
    assert_eq!(message["stop_reason"], "tool_use");
    assert_eq!((&message["usage"]["input_tokens"], &message["usage"]["output_tokens"]), (&json!(9), &json!(3)));
}

#[test]
fn words_and_arguments_are_told_as_they_come() {
    let mut writer = EventWriter::default();
    for delta in [json!({"content": "a"}), piece(0, json!("x"), "{\"a"), piece(0, Value::Null, "\":1}")] {
        let events = read(&writer.chunk(&chunk(delta)));
        assert_eq!(events.last().expect("an event")["type"], "content_block_delta");
    }
    // The call is whole, so the next block can begin.
    let events = read(&writer.chunk(&chunk(piece(1, json!("y"), "{"))));
    assert_eq!(kinds(&events), ["content_block_stop", "content_block_start", "content_block_delta"]);
}

#[test]
fn calls_told_at_once_are_told_one_after_another() {
    let chunks = [
        piece(0, json!("a"), ""),
        piece(1, json!("b"), "{\"b\": \"}"),
        piece(0, Value::Null, "{\"a\":"),
        json!({"content": "Meanwhile."}),
        piece(1, Value::Null, "\\\"\"}"),
        piece(0, Value::Null, "[{}]}"),
        piece(2, json!("c"), ""),
    ];
    let message = assembled(&told(&chunks.map(chunk)));
    let used = |id: &str, input: Value| json!({"type": "tool_use", "id": id, "name": "f", "input": input});
    let expected = json!([
        used("a", json!({"a": [{}]})), used("b", json!({"b": "}\""})), {"type": "text", "text": "Meanwhile."}, used("c", json!({})),
    ]);
    assert_eq!(message["content"], expected);
}

#[test]
fn a_call_is_not_closed_before_its_last_brace() {
    for (first, second, input) in [
        ("{\"a\":{}", "}", json!({"a": {}})),
        ("{\"a\":\"\\\"}", "\"}", json!({"a": "\"}"})),
        ("{\"a\":\"\\\\", "\"}", json!({"a": "\\"})),
    ] {
        let chunks = [
            piece(0, json!("a"), first),
            piece(1, json!("b"), "{}"),
            json!({"content": "Meanwhile."}),
            piece(0, Value::Null, second),
        ];
        assert_eq!(assembled(&told(&chunks.map(chunk)))["content"][0]["input"], input);
    }
}

#[test]
fn a_call_waits_for_its_name_and_needs_no_index() {
    let chunks = [
        json!({"tool_calls": [{"id": "a"}]}),
        json!({"tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}),
        json!({"tool_calls": [{"id": "b", "function": {"name": "g", "arguments": "{}"}}]}),
        json!({"tool_calls": [{"index": 7, "function": {"name": "h"}}]}),
    ];
    let message = assembled(&told(&chunks.map(chunk)));
    let names: Vec<_> =
        message["content"].as_array().expect("an array").iter().map(|b| (&b["id"], &b["name"])).collect();
    let expected = [("a", "f"), ("b", "g"), ("toolu_c_2", "h")].map(|(id, name)| (json!(id), json!(name)));
    assert_eq!(names, expected.iter().map(|(id, name)| (id, name)).collect::<Vec<_>>());
}

#[test]
fn calls_may_come_in_any_order_and_too_late() {
    let chunks = [piece(1, json!("b"), "{}"), piece(0, json!("a"), "{}"), piece(1, Value::Null, " late")];
    let message = assembled(&told(&chunks.map(chunk)));
    let ids: Vec<_> = message["content"].as_array().expect("an array").iter().map(|b| b["id"].clone()).collect();
    assert_eq!(ids, ["b", "a"]);
}

#[test]
fn a_refusal_and_other_choices_are_told_as_in_a_whole_answer() {
    let mut other = chunk(json!({"content": "other"}));
    other["choices"][0]["index"] = json!(1);
    let message = assembled(&told(&[other, chunk(json!({"refusal": "No."}))]));
    assert_eq!(message["content"], json!([{"type": "text", "text": "No."}]));
    assert_eq!(message["stop_reason"], "refusal");
}

#[test]
fn an_empty_stream_is_an_empty_message() {
    let message = assembled(&told(&[json!({"choices": []})]));
    assert_eq!((&message["content"], &message["stop_reason"]), (&json!([]), &json!("end_turn")));
}

#[test]
fn an_error_is_the_last_event() {
    for (kind, told) in [
        ("server_error", "api_error"),
        ("insufficient_quota", "billing_error"),
        ("rate_limit_error", "rate_limit_error"),
        ("overloaded_error", "overloaded_error"),
    ] {
        let mut writer = EventWriter::default();
        let _ = writer.chunk(&chunk(json!({"content": "a"})));
        let events = read(&writer.error("It\nbroke.", kind));
        let error = json!({"type": told, "message": "It\nbroke."});
        assert_eq!(events, [json!({"type": "error", "error": error})]);
        assert!(writer.end().is_empty() && writer.chunk(&chunk(json!({"content": "b"}))).is_empty());
    }
}
