use super::{
    super::chat::{
        Assembler, replay,
        tests::samples::{any_json, completions, cut},
    },
    *,
};
use proptest::prelude::*;
use serde_json::json;

mod answer;
mod client;
mod events;
mod input;
mod random;
mod request;

fn object(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        other => panic!("{other} is no object"),
    }
}

/// A request with one question and these fields.
fn asking(fields: Value) -> Object {
    let mut body = object(json!({"model": "auto", "input": "Hi"}));
    body.extend(object(fields));
    body
}

/// The chat request for a request that can be expressed.
fn chat(body: Object) -> Value {
    Value::Object(chat_request(&body).expect("it is expressible"))
}

/// The field that a request is refused for.
fn refused(body: Object) -> String {
    chat_request(&body).expect_err("it is inexpressible").field
}

/// The messages that input items become.
fn messages(items: Value) -> Value {
    chat(asking(json!({"input": items})))["messages"].take()
}

/// A completion with this message.
fn completion(message: Value, finish: &str) -> Value {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 7, "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": finish, "logprobs": null}],
        "usage": {
            "prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15,
            "prompt_tokens_details": {"cached_tokens": 4}, "completion_tokens_details": {"reasoning_tokens": 2},
        },
    })
}

/// Events as a client reads them, each checked for its name and number.
fn read(stream: &[u8]) -> Vec<Value> {
    let stream = std::str::from_utf8(stream).expect("it is UTF-8");
    let event = |(number, block): (usize, &str)| {
        let (kind, data) = block.split_once('\n').expect("two lines");
        let data: Value = serde_json::from_str(data.strip_prefix("data: ").expect("data")).expect("JSON");
        assert_eq!(data["type"].as_str(), kind.strip_prefix("event: "));
        assert_eq!(data["sequence_number"], number);
        data
    };
    stream.split_terminator("\n\n").enumerate().map(event).collect()
}

/// The events of a whole stream.
fn told(chunks: &[Value], request: &Object) -> Vec<Value> {
    let mut writer = EventWriter::new(request);
    let mut stream: Vec<u8> = chunks.iter().flat_map(|chunk| writer.chunk(chunk)).collect();
    stream.extend(writer.end());
    assert!(writer.chunk(&json!({"choices": [{"delta": {"content": "late"}}]})).is_empty());
    assert!(writer.end().is_empty() && writer.error("late", "server_error").is_empty());
    read(&stream)
}

fn chunk(delta: Value) -> Value {
    json!({"id": "c", "created": 7, "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": null}]})
}
