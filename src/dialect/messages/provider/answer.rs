//! A message as a chat completion.

use super::{Unreadable, usage::usage};
use serde_json::{Value, json};

/// The chat completion that a provider's message amounts to. Anthropic does not tell when it was made: `created` is 0.
///
/// # Errors
/// The answer is an error or not a message: try another model.
pub fn completion(message: &Value) -> Result<Value, Unreadable> {
    if message["type"] == "error" {
        return Err(failure(message));
    }
    let Some(blocks) = message["content"].as_array() else {
        return Err(Unreadable("no `content`".to_owned()));
    };
    let Some(reason) = message["stop_reason"].as_str() else {
        return Err(Unreadable("no `stop_reason`".to_owned()));
    };
    let mut said = Said::default();
    for block in blocks {
        said.hear(block)?;
    }
    let finish = finish_reason(reason, !said.calls.is_empty());
    let mut completion = head(message);
    completion["object"] = Value::from("chat.completion");
    let message_said = said.message(explanation(&message["stop_details"]));
    completion["choices"] = json!([{"index": 0, "message": message_said, "logprobs": null, "finish_reason": finish}]);
    if let Some(usage) = usage(&message["usage"]) {
        completion["usage"] = usage;
    }
    Ok(completion)
}

/// What an error says.
pub(super) fn failure(event: &Value) -> Unreadable {
    let error = &event["error"];
    let kind = error["type"].as_str().unwrap_or("error");
    Unreadable(format!("{kind}: {}", error["message"].as_str().unwrap_or("no message")))
}

/// What a completion and its chunks share.
pub(super) fn head(message: &Value) -> Value {
    let mut head = json!({"created": 0});
    for field in ["id", "model"] {
        if message[field].is_string() {
            head[field] = message[field].clone();
        }
    }
    head
}

/// What the blocks of a message add up to.
#[derive(Default)]
struct Said {
    text: String,
    thinking: String,
    calls: Vec<Value>,
}

impl Said {
    /// Blocks of other kinds (thinking that can't be read, what Anthropic's own tools did) have no place in a completion and
    /// are passed over.
    fn hear(&mut self, block: &Value) -> Result<(), Unreadable> {
        let text = |field: &str| block[field].as_str().unwrap_or_default();
        match block["type"].as_str() {
            Some("text") => self.text.push_str(text("text")),
            Some("thinking") => self.thinking.push_str(text("thinking")),
            Some("tool_use") => self.calls.push(call(block)?),
            _ => {}
        }
        Ok(())
    }

    fn message(self, refusal: Option<&str>) -> Value {
        let content = if self.text.is_empty() { Value::Null } else { Value::from(self.text) };
        let mut message = json!({"role": "assistant", "content": content, "refusal": refusal});
        if !self.thinking.is_empty() {
            message["reasoning_content"] = Value::from(self.thinking);
        }
        if !self.calls.is_empty() {
            message["tool_calls"] = Value::from(self.calls);
        }
        message
    }
}

fn call(block: &Value) -> Result<Value, Unreadable> {
    let (id, name) = id_and_name(block)?;
    let function = json!({"name": name, "arguments": arguments(&block["input"])});
    Ok(json!({"id": id, "type": "function", "function": function}))
}

/// What names a call.
pub(super) fn id_and_name(block: &Value) -> Result<(&str, &str), Unreadable> {
    match (block["id"].as_str(), block["name"].as_str()) {
        (Some(id), Some(name)) => Ok((id, name)),
        _ => Err(Unreadable("a tool call without `id` or `name`".to_owned())),
    }
}

/// The input of a call as text.
pub(super) fn arguments(input: &Value) -> String {
    if input.is_null() { "{}".to_owned() } else { input.to_string() }
}

/// What a refusal says of its reason. Anthropic's words, not the model's; chat has one place for either.
pub(super) fn explanation(stop_details: &Value) -> Option<&str> {
    stop_details["explanation"].as_str().filter(|text| !text.is_empty())
}

/// Chat's word for a stop reason. A turn that is paused met a limit of Anthropic's on its own tools: it is not whole.
pub(super) fn finish_reason(reason: &str, called: bool) -> &'static str {
    match reason {
        "max_tokens" | "model_context_window_exceeded" | "pause_turn" => "length",
        "refusal" => "content_filter",
        "tool_use" => "tool_calls",
        _ if called => "tool_calls",
        _ => "stop",
    }
}
