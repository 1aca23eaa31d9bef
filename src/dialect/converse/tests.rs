use super::*;
use proptest::prelude::*;
use serde_json::json;

mod answer;
mod random;
mod refusals;
mod request;
mod stream;

fn object(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        other => panic!("{other} is no object"),
    }
}

/// The body for a chat request that can be expressed.
fn body(chat: Value) -> Value {
    let chat = object(chat);
    assert_eq!(inexpressible(&chat), None);
    Value::Object(super::request(&chat, 4096).expect("it is expressible"))
}

/// A chat request with one question and these fields.
fn asking(fields: Value) -> Value {
    let mut chat = json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}]});
    for (field, value) in object(fields) {
        chat[field] = value;
    }
    chat
}

/// A Converse answer with this content.
fn answered(content: Value, reason: &str) -> Value {
    json!({
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": reason,
        "usage": {"inputTokens": 10, "outputTokens": 5, "totalTokens": 15},
        "metrics": {"latencyMs": 100},
    })
}

/// Puts chunks together as callers do.
fn assembled(chunks: &[Value]) -> Value {
    let (mut message, mut finish, mut usage) =
        (json!({"content": "", "reasoning_content": ""}), Value::Null, Value::Null);
    let mut calls: Vec<Value> = Vec::new();
    let add = |text: &mut Value, piece: &Value| {
        *text = json!(format!("{}{}", text.as_str().unwrap_or_default(), piece.as_str().unwrap_or_default()));
    };
    for chunk in chunks {
        assert_eq!(chunk["object"], "chat.completion.chunk");
        let choice = &chunk["choices"][0];
        for field in ["content", "reasoning_content"] {
            add(&mut message[field], &choice["delta"][field]);
        }
        for piece in choice["delta"]["tool_calls"].as_array().into_iter().flatten() {
            let index = piece["index"].as_u64().expect("an index") as usize;
            if index == calls.len() {
                calls.push(
                    json!({"id": piece["id"], "type": piece["type"], "function": {"name": piece["function"]["name"]}}),
                );
            }
            add(&mut calls[index]["function"]["arguments"], &piece["function"]["arguments"]);
        }
        if !choice["finish_reason"].is_null() {
            finish = choice["finish_reason"].clone();
        }
        if !chunk["usage"].is_null() {
            usage = chunk["usage"].clone();
        }
    }
    json!({"message": message, "tool_calls": calls, "finish_reason": finish, "usage": usage})
}
