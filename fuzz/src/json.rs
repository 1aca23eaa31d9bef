//! JSON out of bytes. Random bytes are hardly ever JSON, and random JSON hardly ever a request: so most inputs are read as a
//! little program that puts words of the dialects together.

use serde_json::{Map, Number, Value};

/// Fields and values that the dialects know. The place of a word is part of the corpus: add at the end.
#[rustfmt::skip] // a word a line would be pages
const WORDS: &[&str] = &[
    "messages", "role", "content", "user", "assistant", "system", "developer", "tool", "type", "text", "image_url",
    "url", "refusal", "tool_calls", "id", "function", "name", "arguments", "tool_call_id", "tools", "tool_choice",
    "parameters", "auto", "none", "required", "temperature", "top_p", "max_tokens", "max_completion_tokens", "stop",
    "n", "response_format", "json_schema", "schema", "{}", "{\"a\":1}", "reasoning_effort", "low",
    "data:image/png;base64,AA", "message", "usage", "prompt_tokens", "completion_tokens", "prompt_tokens_details",
    "cached_tokens", "choices", "delta", "finish_reason", "index", "length", "content_filter", "logprobs", "model",
    "stream", "input", "instructions", "input_text", "output_text", "input_image", "function_call",
    "function_call_output", "call_id", "output", "reasoning", "summary", "summary_text", "effort",
    "max_output_tokens", "text_format", "format", "store", "previous_response_id", "item_reference", "custom",
    "strict", "parallel_tool_calls", "stop_sequences", "tool_use", "tool_result", "tool_use_id", "is_error",
    "thinking", "signature", "redacted_thinking", "budget_tokens", "enabled", "image", "source", "base64",
    "media_type", "image/png", "data", "cache_control", "ephemeral", "input_schema", "any", "metadata", "user_id",
    "message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta",
    "message_stop", "content_block", "text_delta", "input_json_delta", "partial_json", "thinking_delta",
    "signature_delta", "stop_reason", "end_turn", "input_tokens", "output_tokens", "cache_read_input_tokens",
    "cache_creation_input_tokens", "error", "ping", "toolUse", "toolUseId", "inputTokens", "outputTokens",
    "cacheReadInputTokens", "stopReason", "reasoningContent", "reasoningText", "citationsContent", "messageStart",
    "contentBlockStart", "contentBlockDelta", "contentBlockStop", "contentBlockIndex", "messageStop", "start",
    "reasoning_content", "annotations", "audio", "input_audio", "file", "functions", "seed", "stream_options",
    "include_usage", "chatcmpl-1", "", "é\u{1F600}", "\u{0}", "null",
];

/// Values nest no deeper.
const DEPTH: u8 = 12;

/// All of the input as values: words when the first byte is odd, else JSON texts, one a line.
pub(crate) fn values(data: &[u8]) -> Vec<Value> {
    let Some((&way, rest)) = data.split_first() else { return Vec::new() };
    if way % 2 == 0 {
        return rest.split(|&b| b == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
    }
    let (mut program, mut values) = (Program(rest), Vec::new());
    while !program.0.is_empty() && values.len() < 64 {
        values.push(program.value(DEPTH));
    }
    values
}

/// Bytes not used yet.
struct Program<'a>(&'a [u8]);

impl Program<'_> {
    /// 0 when there are none, so that everything ends.
    fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        first
    }

    fn word(&mut self) -> String {
        WORDS[usize::from(self.byte()) % WORDS.len()].to_owned()
    }

    fn value(&mut self, depth: u8) -> Value {
        let kind = self.byte();
        let size = kind / 16;
        match kind % 16 {
            0..=4 if depth > 0 => Value::Object(self.object(size, depth - 1)),
            5..=7 if depth > 0 => (0..size % 8).map(|_| self.value(depth - 1)).collect(),
            8 => Value::Null,
            9 => Value::Bool(size.is_multiple_of(2)),
            10 => Value::from(u64::from(self.byte())),
            11 => Number::from_f64(f64::from(self.byte()) / 64.0 - 1.0).map_or(Value::Null, Value::Number),
            12 => [i64::MIN, -1, i64::MAX, 1 << 53][usize::from(size) % 4].into(),
            13 => Value::from(u64::MAX - u64::from(size)),
            _ => Value::from(self.word()),
        }
    }

    fn object(&mut self, size: u8, depth: u8) -> Map<String, Value> {
        (0..size).map(|_| (self.word(), self.value(depth))).collect()
    }
}
