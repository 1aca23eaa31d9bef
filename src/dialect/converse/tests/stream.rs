//! What streamed answers become.

use super::*;

/// Reads all events and says whether the answer was over.
fn read(events: &[(&str, Value)]) -> (Vec<Value>, bool) {
    let mut reader = EventReader::default();
    let mut chunks = Vec::new();
    for (kind, data) in events {
        assert!(!reader.is_over(), "{kind} comes after the end");
        chunks.extend(reader.event(kind, data).expect("a sound event"));
    }
    (chunks, reader.is_over())
}

/// The events of an answer, its texts cut in two.
pub(super) fn events_of(answer: &Value) -> Vec<(&'static str, Value)> {
    let mut events = vec![("messageStart", json!({"role": "assistant"}))];
    for (index, block) in answer["output"]["message"]["content"].as_array().into_iter().flatten().enumerate() {
        let tool_use = &block["toolUse"];
        if tool_use.is_object() {
            let mut start = tool_use.clone();
            start.as_object_mut().map(|start| start.remove("input"));
            events.push(("contentBlockStart", json!({"contentBlockIndex": index, "start": {"toolUse": start}})));
        }
        let input =
            tool_use["input"].as_object().filter(|input| !input.is_empty()).map(|input| json!(input).to_string());
        let reasoning = block["reasoningContent"]["reasoningText"]["text"].as_str();
        let text = input.as_deref().or(reasoning).or(block["text"].as_str()).unwrap_or_default();
        let (first, second) = text.split_at(text.floor_char_boundary(text.len() / 2));
        for piece in [first, second] {
            let delta = match (tool_use.is_object(), reasoning.is_some()) {
                (true, _) => json!({"toolUse": {"input": piece}}),
                (_, true) => json!({"reasoningContent": {"text": piece}}),
                _ => json!({"text": piece}),
            };
            events.push(("contentBlockDelta", json!({"contentBlockIndex": index, "delta": delta})));
        }
        events.push(("contentBlockStop", json!({"contentBlockIndex": index})));
    }
    events.push(("messageStop", json!({"stopReason": answer["stopReason"]})));
    events.push(("metadata", json!({"usage": answer["usage"], "metrics": {"latencyMs": 1}})));
    events
}

#[test]
fn a_stream_becomes_chunks() {
    let (chunks, over) = read(&events_of(&answered(json!([{"text": "Hi you"}]), "end_turn")));
    let chunk = |delta: Value, finish: Value| json!({"object": "chat.completion.chunk", "created": 0, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]});
    let usage = json!({
        "prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15,
        "prompt_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
    });
    let expected = [
        chunk(json!({"role": "assistant", "content": ""}), json!(null)),
        chunk(json!({"content": "Hi "}), json!(null)),
        chunk(json!({"content": "you"}), json!(null)),
        chunk(json!({}), json!("stop")),
        json!({"object": "chat.completion.chunk", "created": 0, "choices": [], "usage": usage}),
    ];
    assert_eq!(chunks, expected);
    assert!(over);
}

#[test]
fn calls_told_at_once_are_kept_apart() {
    let start = |block: u64, id: &str| json!({"contentBlockIndex": block, "start": {"toolUse": {"toolUseId": id, "name": "f"}}});
    let delta = |block: u64, input: &str| json!({"contentBlockIndex": block, "delta": {"toolUse": {"input": input}}});
    let (chunks, _) = read(&[
        ("contentBlockStart", start(1, "a")),
        ("contentBlockStart", start(4, "b")),
        ("contentBlockDelta", delta(4, "{\"x\"")),
        ("contentBlockDelta", delta(1, "{}")),
        ("contentBlockDelta", delta(4, ":1}")),
        ("contentBlockStop", json!({"contentBlockIndex": 1})),
        ("contentBlockStop", json!({"contentBlockIndex": 4})),
        ("messageStop", json!({"stopReason": "tool_use"})),
    ]);
    let call = |id: &str, arguments: &str| json!({"id": id, "type": "function", "function": {"name": "f", "arguments": arguments}});
    let assembled = assembled(&chunks);
    assert_eq!(assembled["tool_calls"], json!([call("a", "{}"), call("b", "{\"x\":1}")]));
    assert_eq!(assembled["finish_reason"], "tool_calls");
}

#[test]
fn a_call_without_input_has_readable_arguments() {
    let answer = answered(json!([{"toolUse": {"toolUseId": "t", "name": "now", "input": {}}}]), "tool_use");
    let (chunks, _) = read(&events_of(&answer));
    assert_eq!(assembled(&chunks)["tool_calls"][0]["function"]["arguments"], "{}");
}

#[test]
fn tools_that_bedrock_runs_itself_are_not_shown() {
    let own = json!({"contentBlockIndex": 0, "start": {"toolUse": {"toolUseId": "o", "name": "s", "type": "server_tool_use"}}});
    let (chunks, _) = read(&[
        ("contentBlockStart", own),
        ("contentBlockDelta", json!({"contentBlockIndex": 0, "delta": {"toolUse": {"input": "{}"}}})),
        ("contentBlockStop", json!({"contentBlockIndex": 0})),
        ("contentBlockDelta", json!({"contentBlockIndex": 1, "delta": {"reasoningContent": {"signature": "s"}}})),
        ("contentBlockDelta", json!({"contentBlockIndex": 2, "delta": {"citation": {"title": "t"}}})),
        ("neverSeen", json!({"a": 1})),
    ]);
    assert_eq!(chunks, Vec::<Value>::new());
}

#[test]
fn a_stream_is_over_when_its_tokens_were_told() {
    let events = events_of(&answered(json!([{"text": "Hi"}]), "max_tokens"));
    for cut in 0..events.len() {
        assert!(!read(&events[..cut]).1, "cut after {cut} events");
    }
    assert!(read(&events).1);
}

#[test]
fn a_failure_within_the_stream_ends_it() {
    for (kind, data) in [
        ("throttlingException", json!({"message": "Too many tokens"})),
        ("modelStreamErrorException", json!({})),
        ("messageStop", json!({})),
        ("messageStop", json!({"stopReason": "malformed_tool_use"})),
        ("contentBlockStart", json!({"contentBlockIndex": 0, "start": {"toolUse": {}}})),
        ("contentBlockStart", json!({"start": {"toolUse": {"toolUseId": "a", "name": "f"}}})),
        ("contentBlockDelta", json!({"delta": {"toolUse": {"input": "{}"}}})),
    ] {
        let mut reader = EventReader::default();
        assert!(reader.event(kind, &data).is_err(), "{kind}");
        assert!(!reader.is_over());
    }
    let told = EventReader::default().event("throttlingException", &json!({"message": "Too many tokens"}));
    assert_eq!(told, Err(Unreadable("throttlingException: Too many tokens".to_owned())));
}
