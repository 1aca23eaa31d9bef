//! Token counts and ids as the OpenAI dialect reports them.

use serde_json::Value;

/// What a completion, or the chunks of one, said about itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Usage {
    /// The provider's id of the completion.
    pub completion_id: Option<String>,
    /// Tokens billed for the input.
    pub input_tokens: Option<u32>,
    /// Tokens billed for the output, reasoning included.
    pub output_tokens: Option<u32>,
}

impl Usage {
    /// Reads `id` and `usage` of a completion or chunk.
    #[must_use]
    pub fn of(body: &Value) -> Self {
        let count = |field: &str| {
            body.get("usage").and_then(|u| u.get(field)).and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok())
        };
        Self {
            completion_id: body.get("id").and_then(Value::as_str).map(str::to_owned),
            input_tokens: count("prompt_tokens"),
            output_tokens: count("completion_tokens"),
        }
    }

    /// Whether tokens are known.
    #[must_use]
    pub fn is_counted(&self) -> bool {
        self.input_tokens.is_some() || self.output_tokens.is_some()
    }

    /// Later values win where there are any.
    pub fn merge(&mut self, later: Self) {
        self.completion_id = later.completion_id.or(self.completion_id.take());
        self.input_tokens = later.input_tokens.or(self.input_tokens);
        self.output_tokens = later.output_tokens.or(self.output_tokens);
    }
}
