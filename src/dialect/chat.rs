//! The hub itself: a chat completion told in chunks put together, and a whole one told as chunks.

mod replay;

pub use replay::replay;

use super::Object;
use serde_json::Value;
use std::collections::BTreeMap;

/// Texts that chunks continue. Every other field is told at once, though perhaps repeatedly.
const GROWING: [&str; 7] = ["content", "refusal", "reasoning_content", "reasoning", "arguments", "input", "transcript"];

/// Puts the chunks of a stream together to the completion that they tell. Anything that is not a chunk adds nothing.
#[derive(Debug, Default)]
pub struct Assembler {
    head: Object,
    choices: BTreeMap<u64, Choice>,
    usage: Option<Value>,
}

#[derive(Debug, Default)]
struct Choice {
    /// Everything beside the message and the index.
    fields: Object,
    message: Object,
    /// By their `index`; `None` until calls are spoken of.
    calls: Option<BTreeMap<u64, Object>>,
}

impl Assembler {
    /// Hears the next chunk.
    pub fn chunk(&mut self, chunk: &Value) {
        for (field, value) in chunk.as_object().into_iter().flatten() {
            match field.as_str() {
                "choices" | "object" | "obfuscation" => {}
                "usage" => self.usage = value.is_object().then(|| value.clone()).or(self.usage.take()),
                _ => replace(&mut self.head, field, value),
            }
        }
        for choice in chunk["choices"].as_array().into_iter().flatten().filter_map(Value::as_object) {
            let index = choice.get("index").and_then(Value::as_u64).unwrap_or(0);
            self.choices.entry(index).or_default().hear(choice);
        }
    }

    /// Whether each choice was told to its end. The usage, where there is one, comes after that.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        !self.choices.is_empty() && self.choices.values().all(|c| c.fields.get("finish_reason").is_some_and(is_told))
    }

    /// The completion as far as it was told.
    #[must_use]
    pub fn completion(self) -> Value {
        let mut completion = self.head;
        let choices = self.choices.into_iter().map(|(index, choice)| choice.json(index)).collect();
        completion.insert("object".to_owned(), Value::from("chat.completion"));
        completion.insert("choices".to_owned(), choices);
        if let Some(usage) = self.usage {
            completion.insert("usage".to_owned(), usage);
        }
        Value::Object(completion)
    }
}

impl Choice {
    fn hear(&mut self, choice: &Object) {
        for (field, value) in choice {
            match field.as_str() {
                "index" => {}
                "delta" => value.as_object().into_iter().flatten().for_each(|(field, piece)| self.add(field, piece)),
                // The log probabilities of a chunk are those of its own tokens.
                "logprobs" => absorb(&mut self.fields, field, value),
                _ => replace(&mut self.fields, field, value),
            }
        }
    }

    fn add(&mut self, field: &str, piece: &Value) {
        match (field, piece) {
            ("tool_calls", Value::Array(pieces)) => {
                let calls = self.calls.get_or_insert_default();
                for piece in pieces.iter().filter_map(Value::as_object) {
                    let call = calls.entry(call_index(piece, calls.keys().next_back())).or_default();
                    piece.iter().filter(|(field, _)| *field != "index").for_each(|(field, v)| absorb(call, field, v));
                }
            }
            _ => absorb(&mut self.message, field, piece),
        }
    }

    fn json(self, index: u64) -> Value {
        let Self { mut fields, mut message, calls } = self;
        message.entry("role").or_insert_with(|| Value::from("assistant"));
        message.entry("content").or_insert(Value::Null);
        if let Some(calls) = calls {
            message.insert("tool_calls".to_owned(), calls.into_values().map(typed).collect());
        }
        fields.insert("index".to_owned(), Value::from(index));
        fields.insert("message".to_owned(), Value::Object(message));
        fields.entry("finish_reason").or_insert(Value::Null);
        Value::Object(fields)
    }
}

/// Some providers leave the type of a call out of their chunks; in a completion it must be there.
fn typed(mut call: Object) -> Value {
    if call.contains_key("function") {
        call.entry("type").or_insert_with(|| Value::from("function"));
    }
    Value::Object(call)
}

/// Which of the calls a piece belongs to, given the last one so far. Where a provider leaves the `index` out, an `id` begins
/// the next call and other pieces continue the last one.
pub(super) fn call_index(piece: &Object, last: Option<&u64>) -> u64 {
    let begins = piece.get("id").is_some_and(is_told);
    piece.get("index").and_then(Value::as_u64).unwrap_or_else(|| match last {
        Some(last) if begins => last.saturating_add(1),
        last => last.copied().unwrap_or(0),
    })
}

/// Whether a value says something.
fn is_told(value: &Value) -> bool {
    !value.is_null() && value != ""
}

/// Later values win if they say something.
fn replace(fields: &mut Object, field: &str, value: &Value) {
    if is_told(value) || !fields.contains_key(field) {
        fields.insert(field.to_owned(), value.clone());
    }
}

/// Continues texts and lists, goes into objects and replaces all else.
fn absorb(fields: &mut Object, field: &str, piece: &Value) {
    match (fields.get_mut(field), piece) {
        (Some(Value::String(text)), Value::String(more)) if GROWING.contains(&field) => text.push_str(more),
        (Some(Value::Array(items)), Value::Array(more)) => items.extend_from_slice(more),
        (Some(Value::Object(inner)), Value::Object(more)) => more.iter().for_each(|(key, v)| absorb(inner, key, v)),
        _ => replace(fields, field, piece),
    }
}

#[cfg(test)]
pub(super) mod tests;
