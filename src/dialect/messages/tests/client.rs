//! A caller's end of a stream, as strict as the official clients together.

use super::*;

/// The events of a stream, each checked for its name.
pub(super) fn read(stream: &[u8]) -> Vec<Value> {
    let stream = std::str::from_utf8(stream).expect("it is UTF-8");
    let event = |block: &str| {
        let (kind, data) = block.split_once('\n').expect("two lines");
        let data: Value = serde_json::from_str(data.strip_prefix("data: ").expect("data")).expect("JSON");
        assert_eq!(data["type"].as_str(), kind.strip_prefix("event: "));
        data
    };
    stream.split_terminator("\n\n").map(event).collect()
}

/// The events of a whole stream.
pub(super) fn told(chunks: &[Value]) -> Vec<Value> {
    let mut writer = EventWriter::default();
    let mut stream: Vec<u8> = chunks.iter().flat_map(|chunk| writer.chunk(chunk)).collect();
    stream.extend(writer.end());
    assert!(writer.chunk(&chunk(json!({"content": "late"}))).is_empty());
    assert!(writer.end().is_empty() && writer.error("late", "server_error").is_empty());
    read(&stream)
}

/// The message that events tell; one block at a time, in order, and nothing after the end.
pub(super) fn assembled(events: &[Value]) -> Value {
    let (first, rest) = events.split_first().expect("an event");
    assert_eq!(first["type"], "message_start");
    let mut message = first["message"].clone();
    let (mut open, mut stopped, mut over) = (None::<String>, false, false);
    for event in rest {
        assert!(!over, "{event} after the end");
        let blocks = message["content"].as_array_mut().expect("an array");
        match event["type"].as_str().expect("a type") {
            "content_block_start" => {
                assert!(open.is_none() && !stopped && event["index"] == blocks.len());
                blocks.push(event["content_block"].clone());
                open = Some(String::new());
            }
            "content_block_delta" => {
                assert_eq!(event["index"], blocks.len() - 1);
                let input = open.as_mut().expect("an open block");
                hear(blocks.last_mut().expect("a block"), &event["delta"], input);
            }
            "content_block_stop" => {
                assert_eq!(event["index"], blocks.len() - 1);
                let input = open.take().expect("an open block");
                close(blocks.last_mut().expect("a block"), &input);
            }
            "message_delta" => {
                assert!(open.is_none() && !stopped);
                stopped = true;
                for field in ["stop_reason", "stop_sequence", "stop_details"] {
                    message[field] = event["delta"][field].clone();
                }
                message["usage"] = event["usage"].clone();
            }
            "message_stop" => over = true,
            other => panic!("{other} is unknown"),
        }
    }
    assert!(over && stopped, "not ended: {events:?}");
    message
}

fn hear(block: &mut Value, delta: &Value, input: &mut String) {
    let told = delta["type"].as_str().expect("a type");
    let (kind, field) = match told {
        "text_delta" => ("text", "text"),
        "thinking_delta" => ("thinking", "thinking"),
        "input_json_delta" => ("tool_use", "partial_json"),
        other => panic!("{other} is unknown"),
    };
    assert_eq!(block["type"], kind);
    let more = delta[field].as_str().expect("a text");
    assert!(!more.is_empty());
    match kind {
        "tool_use" => input.push_str(more),
        _ => block[field] = json!(format!("{}{more}", block[field].as_str().expect("a text"))),
    }
}

fn close(block: &mut Value, input: &str) {
    if block["type"] == "tool_use" && !input.trim().is_empty() {
        block["input"] = match serde_json::from_str(input) {
            Ok(input @ Value::Object(_)) => input,
            _ => json!({"INVALID_JSON": input}),
        };
    }
}
