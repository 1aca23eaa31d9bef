//! The languages that applications and providers speak, and the translation between them.
//!
//! OpenAI's chat completion is the hub: a caller's Anthropic [`messages`] or OpenAI [`responses`] become a chat request, a
//! chat request becomes what the provider understands ([`messages`], Amazon's [`converse`]), and answers and events come
//! back the same way. What another dialect has no words for is refused by the name of its field ([`Inexpressible`]) before
//! anything is spent; harmless hints are dropped. Nothing here does IO, reads a clock or draws random numbers, and no JSON,
//! however odd, makes it panic.

pub mod chat;
pub mod converse;
pub mod messages;
pub mod responses;
pub mod signature;

/// A JSON object.
pub type Object = serde_json::Map<String, serde_json::Value>;

/// How a caller speaks to the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wire {
    /// OpenAI's chat completions: the hub.
    #[default]
    Chat,
    /// Anthropic's Messages.
    Messages,
    /// OpenAI's Responses.
    Responses,
}

/// A wish that the other dialect has no words for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct Inexpressible {
    /// JSON path in the body that was given, e.g. `messages[2].content[0]`.
    pub field: String,
    /// What can't be said, and what to do instead.
    pub problem: String,
}

impl Inexpressible {
    /// A field and what is wrong with it.
    pub fn new(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { field: field.into(), problem: problem.into() }
    }
}

/// A provider's answer that does not follow its dialect; the text says where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub String);
