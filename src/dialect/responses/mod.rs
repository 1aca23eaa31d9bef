//! OpenAI's Responses API, which callers speak: their request becomes a chat request, and the chat completion or its chunks
//! become a response or its events.
//!
//! Nothing is stored here, so each request must hold its whole conversation. Ids of responses and their items are made from
//! the completion's: a response's is `resp_` and that id.

mod answer;
mod content;
mod delta;
mod echo;
mod events;
mod input;
mod item;
mod output;
mod refusals;
mod request;
mod settings;
mod spot;
mod stream;
mod tools;

pub use answer::answer;
pub use request::chat_request;
pub use stream::EventWriter;

use super::{Inexpressible, Object, chat, signature};
use serde_json::Value;

/// The id of the completion that an id of a response or of one of its items was made from. Providers may have such ids
/// themselves, so it is only a guess.
#[must_use]
pub fn completion_id(id: &str) -> Option<&str> {
    let (prefix, rest) = id.split_once('_')?;
    let stem = match prefix {
        "resp" => rest,
        "msg" | "rs" | "fc" => {
            let (stem, place) = rest.rsplit_once('_')?;
            place.bytes().all(|byte| byte.is_ascii_digit()).then_some(stem)?
        }
        _ => return None,
    };
    (!stem.is_empty()).then_some(stem)
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

#[cfg(test)]
mod tests;
