//! A chat completion as a message.

use super::{first_choice, id::portable, signature};
use serde_json::{Value, json};
use std::borrow::Cow;

/// Where Anthropic itself advises to put arguments that are not a JSON object: `input` must be one, and nothing is to be lost.
const UNREADABLE_INPUT: &str = "INVALID_JSON";

/// The message that a chat completion amounts to. Only its first choice can be told. Which stop sequence was met, chat does not
/// say: the turn ended.
#[must_use]
pub fn answer(completion: &Value) -> Value {
    let choice = first_choice(completion).unwrap_or(&Value::Null);
    let said = &choice["message"];
    let mut content = Vec::new();
    for form in [Form::Thinking, Form::Text, Form::Refusal] {
        let told = form.of(said);
        if !told.is_empty() {
            let mut block = form.block();
            block[form.field()] = Value::from(told);
            content.push(block);
        }
    }
    let stem = completion["id"].as_str().unwrap_or_default();
    let calls = said["tool_calls"].as_array().map_or(&[][..], Vec::as_slice);
    content.extend(calls.iter().enumerate().map(|(at, call)| tool_use(call, stem, at)));
    let refused = !Form::Refusal.of(said).is_empty();
    let mut message = head(completion);
    message["content"] = Value::from(content);
    message["stop_reason"] = Value::from(stop_reason(choice["finish_reason"].as_str(), !calls.is_empty(), refused));
    message["usage"] = usage(&completion["usage"]);
    message
}

/// A message without content.
pub(super) fn head(completion: &Value) -> Value {
    let text = |field: &str| completion[field].as_str().unwrap_or_default();
    json!({
        "id": text("id"), "type": "message", "role": "assistant", "model": text("model"), "content": [],
        "stop_reason": null, "stop_sequence": null, "stop_details": null, "usage": usage(&Value::Null),
    })
}

/// What a message or a piece of one may say in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// What the model thought.
    Thinking,
    /// What it said.
    Text,
    /// How it refused; a text to the Messages API.
    Refusal,
}

impl Form {
    /// What the message says in this form; providers have two names for thinking.
    pub(super) fn of(self, said: &Value) -> &str {
        let named = |field: &str| said[field].as_str().filter(|text| !text.is_empty());
        let told = match self {
            Self::Thinking => named("reasoning_content").or_else(|| named("reasoning")),
            Self::Text => named("content"),
            Self::Refusal => named("refusal"),
        };
        told.unwrap_or_default()
    }

    /// The block that is filled with it. Thinking is not signed: only Anthropic can do that.
    pub(super) fn block(self) -> Value {
        match self {
            Self::Thinking => json!({"type": "thinking", "thinking": "", "signature": ""}),
            Self::Text | Self::Refusal => json!({"type": "text", "text": ""}),
        }
    }

    /// Where it stands in the block, and in its deltas.
    pub(super) fn field(self) -> &'static str {
        match self {
            Self::Thinking => "thinking",
            Self::Text | Self::Refusal => "text",
        }
    }
}

fn tool_use(call: &Value, stem: &str, at: usize) -> Value {
    let function = &call["function"];
    let arguments = function["arguments"].as_str().unwrap_or_default();
    let input = match serde_json::from_str(arguments) {
        Ok(input @ Value::Object(_)) => input,
        _ if arguments.trim().is_empty() => json!({}),
        _ => json!({UNREADABLE_INPUT: arguments}),
    };
    let id = call_id(call["id"].as_str().unwrap_or_default(), stem, at);
    let id = signature::sealed(id, call.as_object().and_then(signature::of));
    json!({"type": "tool_use", "id": id, "name": function["name"].as_str().unwrap_or_default(), "input": input})
}

/// The id of a call, which is the completion's if it has none of its own.
pub(super) fn call_id<'a>(id: &'a str, stem: &str, at: usize) -> Cow<'a, str> {
    if id.is_empty() { Cow::Owned(format!("toolu_{}_{at}", portable(stem))) } else { portable(id) }
}

/// Why the answer ended. Some providers end it with `stop` where they call tools; callers look at the reason to know.
pub(super) fn stop_reason(finish_reason: Option<&str>, called: bool, refused: bool) -> &'static str {
    match finish_reason {
        Some("length") => "max_tokens",
        Some("content_filter") => "refusal",
        _ if called => "tool_use",
        _ if refused => "refusal",
        _ => "end_turn",
    }
}

/// The account of the tokens; zeros where none was given. Chat counts cached input within the prompt, the Messages API apart.
pub(super) fn usage(usage: &Value) -> Value {
    let count = |value: &Value| value.as_u64().unwrap_or(0);
    let details = &usage["prompt_tokens_details"];
    let (read, written) = (count(&details["cached_tokens"]), count(&details["cache_write_tokens"]));
    let fresh = count(&usage["prompt_tokens"]).saturating_sub(read).saturating_sub(written);
    let mut told = json!({
        "input_tokens": fresh,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": read,
        "output_tokens": count(&usage["completion_tokens"]),
    });
    if let Some(thinking) = usage["completion_tokens_details"]["reasoning_tokens"].as_u64() {
        told["output_tokens_details"] = json!({"thinking_tokens": thinking});
    }
    told
}
