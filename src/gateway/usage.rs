//! Token counts and ids as chat completions report them.

use crate::catalog::BilledTokens;
use serde_json::Value;

/// What a completion, or the chunks of one, said about itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Usage {
    /// The provider's id of the completion.
    pub completion_id: Option<String>,
    /// Tokens of the input, those from and to the prompt cache included.
    pub input_tokens: Option<u32>,
    /// Of these, tokens read from the provider's prompt cache.
    pub cached_tokens: Option<u32>,
    /// Of these, tokens written to it.
    pub cache_write_tokens: Option<u32>,
    /// Tokens of the output, reasoning included.
    pub output_tokens: Option<u32>,
    /// Of these, tokens of reasoning.
    pub reasoning_tokens: Option<u32>,
    /// Bytes of text, reasoning and calls that it said: for whoever must estimate what the provider did not count.
    pub said_bytes: usize,
}

impl Usage {
    /// Reads `id` and `usage` of a completion or chunk.
    #[must_use]
    pub fn of(body: &Value) -> Self {
        let usage = body.get("usage").filter(|usage| usage.is_object());
        let number = |within: Option<&Value>, field| u32::try_from(within?.get(field)?.as_u64()?).ok();
        let count = |field| number(usage, field);
        let detail = |group, field| number(usage.and_then(|usage| usage.get(group)), field);
        let of_input = |field| detail("prompt_tokens_details", field);
        let (input, output, total) = (count("prompt_tokens"), count("completion_tokens"), count("total_tokens"));
        // xAI counts reasoning beside the completion, in the total alone; it is billed as output.
        let beside = total.zip(input).map(|(total, input)| total.saturating_sub(input));
        Self {
            completion_id: body.get("id").and_then(Value::as_str).map(str::to_owned),
            input_tokens: input,
            // DeepSeek's name for it stands beside the others.
            cached_tokens: of_input("cached_tokens").or_else(|| count("prompt_cache_hit_tokens")),
            cache_write_tokens: of_input("cache_write_tokens"),
            output_tokens: output.map(|output| beside.map_or(output, |beside| beside.max(output))),
            reasoning_tokens: detail("completion_tokens_details", "reasoning_tokens"),
            said_bytes: body["choices"].as_array().into_iter().flatten().map(said_bytes).sum(),
        }
    }

    /// Whether tokens are known.
    #[must_use]
    pub fn is_counted(&self) -> bool {
        self.input_tokens.is_some() || self.output_tokens.is_some()
    }

    /// What the bill is for, once input and output are known.
    #[must_use]
    pub fn billed(&self) -> Option<BilledTokens> {
        Some(BilledTokens {
            input: self.input_tokens?,
            cached: self.cached_tokens.unwrap_or(0),
            cache_write: self.cache_write_tokens.unwrap_or(0),
            output: self.output_tokens?,
        })
    }

    /// Later values win where there are any; what was said adds up.
    pub fn merge(&mut self, later: Self) {
        self.completion_id = later.completion_id.or(self.completion_id.take());
        self.input_tokens = later.input_tokens.or(self.input_tokens);
        self.cached_tokens = later.cached_tokens.or(self.cached_tokens);
        self.cache_write_tokens = later.cache_write_tokens.or(self.cache_write_tokens);
        self.output_tokens = later.output_tokens.or(self.output_tokens);
        self.reasoning_tokens = later.reasoning_tokens.or(self.reasoning_tokens);
        self.said_bytes += later.said_bytes;
    }
}

/// What a choice of a completion, or of a chunk, says.
fn said_bytes(choice: &Value) -> usize {
    let said = choice.get("delta").unwrap_or(&choice["message"]);
    // Where both are there, they are the same.
    let reasoning = said.get("reasoning_content").unwrap_or(&said["reasoning"]);
    let calls = said["tool_calls"].as_array().into_iter().flatten().map(|call| &call["function"]);
    let calls = calls.flat_map(|function| [&function["name"], &function["arguments"]]);
    [&said["content"], &said["refusal"], reasoning].into_iter().chain(calls).map(text_bytes).sum()
}

fn text_bytes(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(parts) => parts.iter().map(|part| part["text"].as_str().map_or(0, str::len)).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reasoning_that_is_counted_beside_the_completion_is_output() {
        let of = |usage: Value| Usage::of(&serde_json::json!({"usage": usage})).output_tokens;
        let beside = serde_json::json!({"prompt_tokens": 10_120, "completion_tokens": 1499, "total_tokens": 14_428});
        assert_eq!(of(beside), Some(1499 + 2809), "xAI's way");
        let within = serde_json::json!({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15});
        assert_eq!(of(within), Some(5), "everybody else's");
        assert_eq!(of(serde_json::json!({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 0})), Some(5));
        assert_eq!(of(serde_json::json!({"prompt_tokens": 10, "total_tokens": 10})), None, "embeddings have no output");
    }

    #[test]
    fn what_a_stream_says_adds_up_to_what_the_whole_says() {
        let call = json!({"id": "call_1", "type": "function", "function": {"name": "rain", "arguments": "{\"at\":1}"}});
        let message = json!({
            "role": "assistant", "content": "Zürich ", "reasoning_content": "hm", "reasoning": "hm", "tool_calls": [call],
        });
        let whole = Usage::of(&json!({"id": "c", "choices": [{"index": 0, "message": message}]}));
        assert_eq!(whole.said_bytes, 8 + 2 + 4 + 8);
        let deltas = [
            json!({"role": "assistant", "content": ""}),
            json!({"reasoning_content": "hm"}),
            json!({"content": "Zü"}),
            json!({"content": "rich "}),
            json!({"tool_calls": [{"index": 0, "id": "call_1", "function": {"name": "rain", "arguments": ""}}]}),
            json!({"tool_calls": [{"index": 0, "function": {"arguments": "{\"at\":1}"}}]}),
            json!({}),
        ];
        let mut streamed = Usage::default();
        for delta in deltas {
            streamed.merge(Usage::of(&json!({"id": "c", "choices": [{"index": 0, "delta": delta}], "usage": null})));
        }
        assert_eq!(streamed, whole);
        let parts = json!({"choices": [{"message": {"content": [{"type": "text", "text": "four"}]}}]});
        assert_eq!(Usage::of(&parts).said_bytes, 4);
    }
}
