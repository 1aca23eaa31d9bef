//! The chunks of a chat completion as a message's events.

use super::{
    answer::{Form, head, stop_reason, usage},
    blocks::Blocks,
    first_choice,
};
use bytes::{BufMut, Bytes, BytesMut};
use serde_json::{Value, json};

/// Turns the chunks of one stream into server-sent events. The stream has no `[DONE]`: `message_stop` is its last event.
#[derive(Debug, Default)]
pub struct EventWriter {
    stage: Stage,
    blocks: Blocks,
    finish_reason: Option<String>,
    refused: bool,
    usage: Value,
    buffer: BytesMut,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Stage {
    #[default]
    New,
    Begun,
    Over,
}

impl EventWriter {
    /// The events that a chunk amounts to; often none. After the end there are none.
    pub fn chunk(&mut self, chunk: &Value) -> Bytes {
        if self.stage == Stage::Over {
            return Bytes::new();
        }
        // Some providers begin with a chunk that has neither name nor choices.
        if chunk["choices"].as_array().is_some_and(|all| !all.is_empty()) || chunk["id"].as_str().is_some_and(is_told) {
            self.begin(chunk);
        }
        if chunk["usage"].is_object() {
            self.usage = chunk["usage"].clone();
        }
        if let Some(choice) = first_choice(chunk) {
            self.hear(choice);
        }
        self.tell_blocks(false);
        self.buffer.split().freeze()
    }

    /// The events that end the answer: open blocks are closed, then come the stop reason and the usage.
    pub fn end(&mut self) -> Bytes {
        if self.stage == Stage::Over {
            return Bytes::new();
        }
        self.begin(&Value::Null);
        self.stage = Stage::Over;
        self.tell_blocks(true);
        let reason = stop_reason(self.finish_reason.as_deref(), self.blocks.has_calls(), self.refused);
        let delta = json!({"stop_reason": reason, "stop_sequence": null, "stop_details": null});
        tell(&mut self.buffer, "message_delta", json!({"delta": delta, "usage": usage(&self.usage)}));
        tell(&mut self.buffer, "message_stop", json!({}));
        self.buffer.split().freeze()
    }

    /// The event that tells that the answer broke off; `kind` is the error's type, OpenAI's or Anthropic's. Nothing comes
    /// after it.
    pub fn error(&mut self, message: &str, kind: &str) -> Bytes {
        if self.stage == Stage::Over {
            return Bytes::new();
        }
        self.stage = Stage::Over;
        let error = json!({"type": error_type(kind), "message": message});
        tell(&mut self.buffer, "error", json!({"error": error}));
        self.buffer.split().freeze()
    }

    /// The input is counted at the end only, so the message begins with none.
    fn begin(&mut self, chunk: &Value) {
        if self.stage == Stage::New {
            self.stage = Stage::Begun;
            self.blocks.name(chunk["id"].as_str().unwrap_or_default());
            tell(&mut self.buffer, "message_start", json!({"message": head(chunk)}));
        }
    }

    fn hear(&mut self, choice: &Value) {
        let delta = &choice["delta"];
        for form in [Form::Thinking, Form::Text, Form::Refusal] {
            self.blocks.say(form, form.of(delta));
        }
        self.refused |= is_told(Form::Refusal.of(delta));
        for piece in delta["tool_calls"].as_array().into_iter().flatten().filter_map(Value::as_object) {
            self.blocks.call(piece);
        }
        if let Some(reason) = choice["finish_reason"].as_str() {
            self.finish_reason = Some(reason.to_owned());
        }
    }

    fn tell_blocks(&mut self, is_end: bool) {
        let Self { blocks, buffer, .. } = self;
        blocks.tell(is_end, |kind, data| tell(buffer, kind, data));
    }
}

fn is_told(text: &str) -> bool {
    !text.is_empty()
}

fn tell(buffer: &mut BytesMut, kind: &str, mut data: Value) {
    data["type"] = Value::from(kind);
    buffer.put_slice(format!("event: {kind}\ndata: {data}\n\n").as_bytes());
}

/// Anthropic's name for a type of errors; most have the same.
fn error_type(kind: &str) -> &str {
    match kind {
        "server_error" => "api_error",
        "insufficient_quota" => "billing_error",
        kind => kind,
    }
}
