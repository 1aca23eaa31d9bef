//! What providers answer, streamed.

use super::*;

/// A message as the events that tell it, each text in two pieces.
pub(super) fn events_of(message: &Value) -> Vec<Value> {
    let mut head = message.clone();
    (head["content"], head["stop_reason"]) = (json!([]), Value::Null);
    head["usage"]["output_tokens"] = json!(1);
    let mut events = vec![json!({"type": "message_start", "message": head}), json!({"type": "ping"})];
    for (index, block) in message["content"].as_array().expect("an array").iter().enumerate() {
        let (start, deltas) = told(block);
        events.push(json!({"type": "content_block_start", "index": index, "content_block": start}));
        let delta = |delta| json!({"type": "content_block_delta", "index": index, "delta": delta});
        events.extend(deltas.into_iter().map(delta));
        events.push(json!({"type": "content_block_stop", "index": index}));
    }
    let end =
        json!({"stop_reason": message["stop_reason"], "stop_sequence": null, "stop_details": message["stop_details"]});
    let usage = json!({"output_tokens": message["usage"]["output_tokens"], "input_tokens": null});
    events.extend([json!({"type": "message_delta", "delta": end, "usage": usage}), json!({"type": "message_stop"})]);
    events
}

fn told(block: &Value) -> (Value, Vec<Value>) {
    let mut start = block.clone();
    let halves = |text: &str| {
        let (first, second) = text.split_at(text.floor_char_boundary(text.len() / 2));
        [first.to_owned(), second.to_owned()]
    };
    let of = |field: &str| halves(block[field].as_str().unwrap_or_default());
    let deltas = match block["type"].as_str().expect("a type") {
        "text" => {
            start["text"] = json!("");
            of("text").map(|text| json!({"type": "text_delta", "text": text})).to_vec()
        }
        "thinking" => {
            (start["thinking"], start["signature"]) = (json!(""), json!(""));
            let mut deltas = of("thinking").map(|text| json!({"type": "thinking_delta", "thinking": text})).to_vec();
            deltas.push(json!({"type": "signature_delta", "signature": "c2ln"}));
            deltas
        }
        "tool_use" if block["input"] == json!({}) => vec![json!({"type": "input_json_delta", "partial_json": ""})],
        "tool_use" => {
            start["input"] = json!({});
            halves(&block["input"].to_string())
                .map(|text| json!({"type": "input_json_delta", "partial_json": text}))
                .to_vec()
        }
        _ => Vec::new(),
    };
    (start, deltas)
}

/// The chunks of a whole stream.
pub(super) fn chunks_of(events: &[Value]) -> Vec<Value> {
    let mut reader = EventReader::default();
    let mut chunks = Vec::new();
    for event in events {
        assert!(!reader.is_over());
        chunks.extend(reader.event(event).expect("a sound event"));
    }
    assert!(reader.is_over());
    assert_eq!(reader.event(&json!({"type": "content_block_delta"})), Ok(Vec::new()));
    chunks
}

/// The completion that chunks tell.
pub(super) fn put_together(chunks: &[Value]) -> Value {
    let mut assembler = Assembler::default();
    chunks.iter().for_each(|chunk| assembler.chunk(chunk));
    assert!(assembler.is_finished());
    assembler.completion()
}

#[test]
fn events_become_chunks() {
    let message = message(
        json!([
            {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
            {"type": "text", "text": "I look."},
            {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}},
            {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}},
            {"type": "tool_use", "id": "toolu_2", "name": "f", "input": {}},
        ]),
        "tool_use",
    );
    let chunks = chunks_of(&events_of(&message));
    assert!(chunks.iter().all(|c| c["id"] == "msg_1" && c["model"] == "m" && c["object"] == "chat.completion.chunk"));
    assert_eq!(chunks[0]["choices"][0]["delta"], json!({"role": "assistant", "content": "", "refusal": null}));
    let last = chunks.last().expect("a chunk");
    assert_eq!((&last["choices"], &last["usage"]["prompt_tokens"]), (&json!([]), &json!(20)));
    assert_eq!(put_together(&chunks), completion(&message).expect("it is readable"));
}

#[test]
fn input_told_at_the_start_is_not_lost() {
    let start = json!({"type": "tool_use", "id": "a", "name": "f", "input": {"a": 1}});
    let events = [
        json!({"type": "message_start", "message": {"id": "msg_1", "model": "m"}}),
        json!({"type": "content_block_start", "index": 0, "content_block": start}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 1}}),
        json!({"type": "message_stop"}),
    ];
    let completion = put_together(&chunks_of(&events));
    assert_eq!(completion["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"], "{\"a\":1}");
    // The input was never counted.
    assert_eq!(completion.get("usage"), None);
}

#[test]
fn a_refusal_gives_its_reason_at_the_end() {
    let mut refused = message(json!([{"type": "text", "text": "Hel"}]), "refusal");
    refused["stop_details"] = json!({"type": "refusal", "category": null, "explanation": "Harmful."});
    let told = put_together(&chunks_of(&events_of(&refused)));
    let choice = &told["choices"][0];
    assert_eq!(
        (&choice["message"]["refusal"], &choice["finish_reason"]),
        (&json!("Harmful."), &json!("content_filter"))
    );
}

#[test]
fn an_error_a_missing_end_and_what_is_no_event_are_unreadable() {
    let mut reader = EventReader::default();
    let error = json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
    assert_eq!(reader.event(&error), Err(Unreadable("overloaded_error: Overloaded".to_owned())));
    let block = json!({"type": "tool_use", "id": "a", "name": "f", "input": {}});
    for event in [
        json!({"type": "message_stop"}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use", "id": "a"}}),
        json!({"type": "content_block_start", "content_block": block}),
        json!({"type": "content_block_delta", "delta": {"type": "input_json_delta", "partial_json": "{"}}),
        json!({"error": "x"}),
        json!(null),
    ] {
        assert!(reader.event(&event).is_err(), "{event}");
        assert!(!reader.is_over());
    }
    assert_eq!(reader.event(&json!({"type": "something_new"})), Ok(Vec::new()));
}
