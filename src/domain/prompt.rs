//! What the caller asks, reduced to what routing needs.

use serde::{Deserialize, Serialize};

/// Bytes of text that a token has, roughly: every model counts in its own way.
const BYTES_PER_TOKEN: usize = 4;

/// An estimate of the tokens of so many bytes of text; a part of a token counts as one.
#[must_use]
pub fn tokens_of(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(BYTES_PER_TOKEN)).unwrap_or(u32::MAX)
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Instructions of the application (`system`, `developer`).
    System,
    /// The person.
    User,
    /// A model.
    Assistant,
    /// The result of a tool.
    Tool,
}

/// One message, text only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// Who speaks.
    pub role: Role,
    /// The text parts, joined by newlines.
    pub text: String,
}

/// A conversation and what it demands of a model.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Prompt {
    /// Messages in order.
    pub turns: Vec<Turn>,
    /// JSON of the tools offered and of the format asked for, bytes: no turn says it, but providers bill it as input.
    pub schema_bytes: usize,
    /// What the serving model must be able to do.
    pub requirements: Requirements,
}

/// Capabilities and sizes that a request demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Requirements {
    /// Tools are offered.
    pub tools: bool,
    /// An answer in a JSON schema or JSON mode is asked for.
    pub json_schema: bool,
    /// Images are attached.
    pub vision: bool,
    /// The caller's cap on output tokens.
    pub max_output_tokens: Option<u32>,
}

impl Prompt {
    /// A single user message.
    #[must_use]
    pub fn user(text: impl Into<String>) -> Self {
        Self { turns: vec![Turn { role: Role::User, text: text.into() }], ..Self::default() }
    }

    /// Text of the last user turn; empty when there is none.
    #[must_use]
    pub fn last_user(&self) -> &str {
        self.turns.iter().rev().find(|t| t.role == Role::User).map_or("", |t| &t.text)
    }

    /// Whether it hands back the result of a tool, in the middle of what a model was doing. What a person says beside the
    /// result stands after it, and no model has answered it yet.
    #[must_use]
    pub fn ends_with_tool_result(&self) -> bool {
        let before_words = self.turns.iter().rev().find(|turn| turn.role != Role::User);
        before_words.is_some_and(|turn| turn.role == Role::Tool)
    }

    /// Bytes of text in all turns.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.turns.iter().map(|t| t.text.len()).sum()
    }

    /// A cheap upper-middle estimate of input tokens over all turns and schemas: 4 bytes a token plus 4 a message. Costs
    /// O(turns), whatever the size of the text.
    #[must_use]
    pub fn estimated_tokens(&self) -> u32 {
        let tokens = (self.bytes() + self.schema_bytes) / BYTES_PER_TOKEN + 4 * self.turns.len() + 3;
        u32::try_from(tokens).unwrap_or(u32::MAX)
    }
}
