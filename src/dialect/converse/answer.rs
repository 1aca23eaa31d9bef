//! A Converse answer as a chat completion.

use super::Unreadable;
use serde_json::{Value, json};

/// The chat completion that a Converse answer amounts to, under the given model's name. Converse gives its answers no id, so
/// the completion has none.
///
/// # Errors
/// The answer is not one of Converse's, or the model's output was malformed by Bedrock's own account: try another model.
pub fn completion(answer: &Value, model: &str) -> Result<Value, Unreadable> {
    let Some(blocks) = answer["output"]["message"]["content"].as_array() else {
        return Err(Unreadable("no `output.message.content`".to_owned()));
    };
    let Some(reason) = answer["stopReason"].as_str() else {
        return Err(Unreadable("no `stopReason`".to_owned()));
    };
    let mut said = Said::default();
    for block in blocks {
        said.hear(block)?;
    }
    let finish = finish_reason(reason, !said.calls.is_empty())?;
    let mut completion = json!({
        "object": "chat.completion", "created": 0, "model": model,
        "choices": [{"index": 0, "message": said.message(), "logprobs": null, "finish_reason": finish}],
    });
    if let Some(usage) = usage(&answer["usage"]) {
        completion["usage"] = usage;
    }
    Ok(completion)
}

/// What the blocks of a message add up to.
#[derive(Default)]
struct Said {
    text: String,
    reasoning: String,
    calls: Vec<Value>,
}

impl Said {
    /// Blocks of other kinds (pictures, what Bedrock's own tools did) have no place in a completion and are passed over.
    fn hear(&mut self, block: &Value) -> Result<(), Unreadable> {
        if let Some(text) = block["text"].as_str() {
            self.text.push_str(text);
        } else if let Some(cited) = block["citationsContent"]["content"].as_array() {
            self.text.extend(cited.iter().filter_map(|piece| piece["text"].as_str()));
        } else if let Some(reasoning) = block["reasoningContent"]["reasoningText"]["text"].as_str() {
            self.reasoning.push_str(reasoning);
        } else if is_for_caller(&block["toolUse"]) {
            self.calls.push(tool_call(&block["toolUse"])?);
        }
        Ok(())
    }

    fn message(self) -> Value {
        let content = if self.text.is_empty() { Value::Null } else { Value::from(self.text) };
        let mut message = json!({"role": "assistant", "content": content, "refusal": null});
        if !self.reasoning.is_empty() {
            message["reasoning_content"] = Value::from(self.reasoning);
        }
        if !self.calls.is_empty() {
            message["tool_calls"] = Value::from(self.calls);
        }
        message
    }
}

/// Whether a tool is the caller's to run, not one of Bedrock's own.
pub(super) fn is_for_caller(tool_use: &Value) -> bool {
    tool_use.is_object() && tool_use["type"] != "server_tool_use"
}

fn tool_call(tool_use: &Value) -> Result<Value, Unreadable> {
    let (id, name) = id_and_name(tool_use)?;
    let arguments = match &tool_use["input"] {
        Value::Null => "{}".to_owned(),
        input => input.to_string(),
    };
    Ok(json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}))
}

/// What names a call.
pub(super) fn id_and_name(tool_use: &Value) -> Result<(&str, &str), Unreadable> {
    match (tool_use["toolUseId"].as_str(), tool_use["name"].as_str()) {
        (Some(id), Some(name)) => Ok((id, name)),
        _ => Err(Unreadable("a tool call without `toolUseId` or `name`".to_owned())),
    }
}

/// Chat's word for a stop reason. Some models end their turn where they call tools; callers look at the reason to know.
pub(super) fn finish_reason(reason: &str, called: bool) -> Result<&'static str, Unreadable> {
    match reason {
        "tool_use" => Ok("tool_calls"),
        "max_tokens" | "model_context_window_exceeded" => Ok("length"),
        "guardrail_intervened" | "content_filtered" => Ok("content_filter"),
        "malformed_model_output" | "malformed_tool_use" => {
            Err(Unreadable(format!("the model's output is bad: {reason}")))
        }
        _ if called => Ok("tool_calls"),
        _ => Ok("stop"),
    }
}

/// Chat's account of the tokens, unless Bedrock gave none. Bedrock counts cached input apart, chat within the prompt.
pub(super) fn usage(usage: &Value) -> Option<Value> {
    let count = |field: &str| usage[field].as_u64();
    let (input, output) = (count("inputTokens")?, count("outputTokens")?);
    let read = count("cacheReadInputTokens").unwrap_or(0);
    let written = count("cacheWriteInputTokens").unwrap_or(0);
    let prompt = input.saturating_add(read).saturating_add(written);
    Some(json!({
        "prompt_tokens": prompt,
        "completion_tokens": output,
        "total_tokens": prompt.saturating_add(output),
        "prompt_tokens_details": {"cached_tokens": read, "cache_write_tokens": written},
    }))
}
