//! Callers who speak the Messages API.

mod answer;
mod blocks;
mod content;
mod conversation;
mod document;
mod refusals;
mod request;
mod result;
mod settings;
mod stream;
mod tools;

pub use answer::answer;
pub use request::chat_request;
pub use stream::EventWriter;

use super::{
    Inexpressible, Object, Refusal, array, chat, check, first_choice, given, id, is_empty, is_text_only, never,
    required, section, signature, text, token_limit,
};
