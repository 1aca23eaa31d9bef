//! Providers who speak the Messages API.

mod answer;
mod content;
mod conversation;
mod format;
mod refusals;
mod request;
mod sampling;
mod stream;
mod tools;
mod usage;

pub use answer::completion;
pub use request::{inexpressible, request};
pub use stream::EventReader;

use super::{
    Inexpressible, Object, Refusal, Unreadable, array, check, given, id, is_empty, is_text_only, never, required,
    section, text, token_limit,
};
