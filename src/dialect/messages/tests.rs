use super::{
    super::chat::{
        Assembler, replay,
        tests::samples::{any_json, completions, cut},
    },
    *,
};
use proptest::prelude::*;
use serde_json::json;

mod asked;
mod cached;
mod client;
mod forwarded;
mod random;
mod read;
mod read_stream;
mod refusals;
mod signed;
mod told;
mod told_stream;

fn object(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        other => panic!("{other} is no object"),
    }
}

/// A caller's request with one question and these fields.
fn asking(fields: Value) -> Object {
    let mut body = object(json!({"model": "auto", "max_tokens": 100, "messages": [{"role": "user", "content": "Hi"}]}));
    body.extend(object(fields));
    body
}

/// The chat request for a caller's request that can be expressed.
fn chat(body: Object) -> Value {
    Value::Object(chat_request(&body).expect("it is expressible"))
}

/// The chat messages for a caller's.
fn chat_messages(messages: Value) -> Value {
    chat(asking(json!({"messages": messages})))["messages"].take()
}

/// The field that a caller's request is refused for.
fn refused(body: Object) -> String {
    chat_request(&body).expect_err("it is inexpressible").field
}

/// A chat request with one question and these fields.
fn chatting(fields: Value) -> Object {
    let mut body = object(json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}]}));
    body.extend(object(fields));
    body
}

/// The provider's body for a chat request that can be expressed.
fn body(chat: Object) -> Value {
    assert_eq!(inexpressible(&chat), None);
    Value::Object(super::request(&chat, 4096).expect("it is expressible"))
}

/// The field that a chat request is refused for.
fn unsaid(chat: Object) -> String {
    let (early, late) = (inexpressible(&chat), super::request(&chat, 100).err());
    assert_eq!(early, late, "both ways see the same fault");
    late.expect("it is refused").field
}

/// A completion with this message.
fn completed(message: Value, finish: &str) -> Value {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 7, "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": finish, "logprobs": null}],
        "usage": {
            "prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 25,
            "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 6},
            "completion_tokens_details": {"reasoning_tokens": 2},
        },
    })
}

/// A chunk with this delta.
fn chunk(delta: Value) -> Value {
    json!({"id": "c", "created": 7, "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": null}]})
}

/// A provider's message with this content.
fn message(content: Value, reason: &str) -> Value {
    json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": content,
        "stop_reason": reason, "stop_sequence": null, "stop_details": null,
        "usage": {
            "input_tokens": 10, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 6, "output_tokens": 5,
            "output_tokens_details": {"thinking_tokens": 2},
        },
    })
}

/// A chat function of this name.
fn function(name: &str) -> Value {
    json!({"type": "function", "function": {"name": name}})
}

/// A chat call of the function `f`.
fn call(id: &str, arguments: &str) -> Value {
    json!({"id": id, "type": "function", "function": {"name": "f", "arguments": arguments}})
}
