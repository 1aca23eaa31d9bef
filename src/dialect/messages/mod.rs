//! Anthropic's Messages API, which both callers and providers speak.
//!
//! [`chat_request`], [`answer`] and [`EventWriter`] are for callers: their request becomes a chat request, and the chat
//! completion or its chunks become a message or its events. [`request`], [`completion`] and [`EventReader`] are for
//! providers, the other way about. What has the same dialect on both sides does not come here: it keeps all of its fields.
//!
//! Ids of messages and tool calls survive, but for characters that Anthropic takes in no id. Thinking of other turns does not:
//! only whoever thought it can check it, and Anthropic refuses what it can't check. So thinking told to a caller has an empty
//! signature, by which it can be known when it comes back.

mod caller;
mod id;
mod provider;

pub use caller::{EventWriter, answer, chat_request};
pub use provider::{EventReader, completion, inexpressible, request};

use super::{Inexpressible, Object, Unreadable, chat, signature};
use serde_json::Value;

/// A field of a request, the values of it that ask for nothing, and why others can't be had.
type Refusal = (&'static str, fn(&Value) -> bool, &'static str);

/// Refuses a request with a wish that would be lost.
fn check(body: &Object, refusals: &[Refusal]) -> Result<(), Inexpressible> {
    let refused = refusals.iter().find(|(field, asks_nothing, _)| given(body, field).is_some_and(|v| !asks_nothing(v)));
    refused.map_or(Ok(()), |(field, _, problem)| Err(Inexpressible::new(*field, *problem)))
}

fn never(_: &Value) -> bool {
    false
}

fn is_empty(value: &Value) -> bool {
    value.as_object().map_or_else(|| value.as_array().is_some_and(Vec::is_empty), Object::is_empty)
}

fn is_text_only(modalities: &Value) -> bool {
    modalities.as_array().is_some_and(|all| all.iter().all(|one| one == "text"))
}

/// A field that is there and not null.
fn given<'a>(object: &'a Object, field: &str) -> Option<&'a Value> {
    object.get(field).filter(|value| !value.is_null())
}

/// A field that must be text where it is given.
fn text<'a>(object: &'a Object, field: &str, path: impl FnOnce() -> String) -> Result<Option<&'a str>, Inexpressible> {
    match given(object, field) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Inexpressible::new(path(), "must be text")),
    }
}

/// A field that must be text.
fn required<'a>(object: &'a Object, field: &str, path: impl Fn() -> String) -> Result<&'a str, Inexpressible> {
    text(object, field, &path)?.ok_or_else(|| Inexpressible::new(path(), "must be given"))
}

/// A field that must be an array where it is given.
fn array<'a>(object: &'a Object, field: &str, path: impl FnOnce() -> String) -> Result<&'a [Value], Inexpressible> {
    match given(object, field) {
        None => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(Inexpressible::new(path(), "must be an array")),
    }
}

/// A field that must be an object where it is given.
fn section<'a>(
    object: &'a Object,
    field: &str,
    path: impl FnOnce() -> String,
) -> Result<Option<&'a Object>, Inexpressible> {
    match given(object, field) {
        None => Ok(None),
        Some(Value::Object(section)) => Ok(Some(section)),
        Some(_) => Err(Inexpressible::new(path(), "must be an object")),
    }
}

/// A number of tokens to generate.
fn token_limit(object: &Object, field: &str) -> Result<Option<u64>, Inexpressible> {
    let Some(value) = given(object, field) else { return Ok(None) };
    match value.as_u64() {
        Some(limit) if limit > 0 => Ok(Some(limit)),
        _ => Err(Inexpressible::new(field, "must be a whole number of at least 1")),
    }
}

/// A choice or its chunk that is the first one, which says so or says nothing. No other can be told in the Messages API.
fn first_choice(completion: &Value) -> Option<&Value> {
    completion["choices"].as_array()?.iter().find(|choice| choice["index"].as_u64().unwrap_or(0) == 0)
}

#[cfg(test)]
mod tests;
