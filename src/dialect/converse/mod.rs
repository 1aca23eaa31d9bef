//! Amazon Bedrock's Converse API, which providers speak: a chat request becomes the body of `Converse` or `ConverseStream`,
//! and what they answer becomes a chat completion or its chunks.
//!
//! Two things are not in the body: the model and whether to stream are in the URL. Answers carry no id, so neither do the
//! completions and chunks made of them; whoever sends the request names them.

mod answer;
mod content;
mod conversation;
mod format;
mod refusals;
mod request;
mod sampling;
mod stream;
mod tools;

pub use answer::completion;
pub use request::{inexpressible, request};
pub use stream::EventReader;

use super::{Inexpressible, Object, Unreadable};
use serde_json::Value;

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

#[cfg(test)]
mod tests;
