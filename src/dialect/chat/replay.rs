//! A whole completion told as chunks.

use super::{Object, is_told};
use serde_json::{Value, json};

/// Fields of a message in the order in which a model says them. All others come after them, and calls last.
const SAID: [&str; 5] = ["reasoning_content", "reasoning", "content", "annotations", "refusal"];

/// The chunks that a stream of this completion would have had, so that a kept answer can be streamed: for each choice its
/// role, what it said field by field, each call and the end; last the usage, if there is one, in a chunk without choices.
/// What is not a completion has no chunks.
#[must_use]
pub fn replay(completion: &Value) -> Vec<Value> {
    let Some(completion) = completion.as_object() else { return Vec::new() };
    let head = completion.iter().filter(|(field, _)| !["choices", "usage", "object"].contains(&field.as_str()));
    let head: Object = head.map(|(field, value)| (field.clone(), value.clone())).collect();
    let chunk = |choices: Value| {
        let mut chunk = Value::Object(head.clone());
        chunk["object"] = Value::from("chat.completion.chunk");
        chunk["choices"] = choices;
        chunk
    };
    let choices = completion.get("choices").and_then(Value::as_array).into_iter().flatten().enumerate();
    let mut chunks: Vec<Value> =
        choices.flat_map(|(at, choice)| pieces(choice, at)).map(|c| chunk(json!([c]))).collect();
    if let Some(usage) = completion.get("usage").filter(|usage| usage.is_object()) {
        let mut last = chunk(json!([]));
        last["usage"] = usage.clone();
        chunks.push(last);
    }
    chunks
}

/// A choice as the choices of its chunks.
fn pieces(choice: &Value, at: usize) -> Vec<Value> {
    let Some(fields) = choice.as_object() else { return Vec::new() };
    let index = fields.get("index").and_then(Value::as_u64).unwrap_or(at as u64);
    let empty = Object::new();
    let message = fields.get("message").and_then(Value::as_object).unwrap_or(&empty);
    let mut end = fields.clone();
    end.remove("message");
    end.insert("index".to_owned(), Value::from(index));
    end.insert("delta".to_owned(), json!({}));
    let mut pieces: Vec<Value> =
        deltas(message).into_iter().map(|d| json!({"index": index, "delta": d, "finish_reason": null})).collect();
    // Log probabilities belong to the text.
    let texts = ["content", "refusal"];
    if let Some(text) = pieces.iter_mut().find(|p| texts.iter().any(|text| is_told(&p["delta"][text])))
        && let Some(logprobs) = end.get_mut("logprobs").filter(|l| !l.is_null())
    {
        text["logprobs"] = logprobs.take();
    }
    pieces.push(Value::Object(end));
    pieces
}

/// A message as the deltas that it grows by.
fn deltas(message: &Object) -> Vec<Value> {
    let mut opening = json!({"role": message.get("role").unwrap_or(&json!("assistant"))});
    let mut later = Vec::new();
    let said = SAID.iter().filter_map(|field| message.get_key_value(*field));
    let rest = message.iter().filter(|(field, _)| !matches!(field.as_str(), "role" | "tool_calls") && !is_said(field));
    for (field, value) in said.chain(rest) {
        match value {
            Value::Null => opening[field] = Value::Null,
            Value::String(text) if text.is_empty() => opening[field] = Value::from(""),
            _ => later.push(json!({field: value})),
        }
    }
    match message.get("tool_calls") {
        Some(Value::Array(calls)) if !calls.is_empty() => later.extend(calls.iter().enumerate().filter_map(call)),
        Some(others) => opening["tool_calls"] = others.clone(),
        None => {}
    }
    later.insert(0, opening);
    later
}

fn is_said(field: &str) -> bool {
    SAID.contains(&field)
}

fn call((index, call): (usize, &Value)) -> Option<Value> {
    let mut call = call.as_object()?.clone();
    call.insert("index".to_owned(), Value::from(index));
    Some(json!({"tool_calls": [call]}))
}
