//! Tokens as chat counts them.

use serde_json::{Value, json};

/// Chat's account of the tokens, unless Anthropic gave none. Anthropic counts cached input apart, chat within the prompt.
pub(super) fn usage(usage: &Value) -> Option<Value> {
    let count = |field: &str| usage[field].as_u64();
    let (fresh, output) = (count("input_tokens")?, count("output_tokens")?);
    let read = count("cache_read_input_tokens").unwrap_or(0);
    let written = count("cache_creation_input_tokens").unwrap_or(0);
    let prompt = fresh.saturating_add(read).saturating_add(written);
    let mut told = json!({
        "prompt_tokens": prompt,
        "completion_tokens": output,
        "total_tokens": prompt.saturating_add(output),
        "prompt_tokens_details": {"cached_tokens": read, "cache_write_tokens": written},
    });
    if let Some(thinking) = usage["output_tokens_details"]["thinking_tokens"].as_u64() {
        told["completion_tokens_details"] = json!({"reasoning_tokens": thinking});
    }
    Some(told)
}
