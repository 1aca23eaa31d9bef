//! A simulated completion, whole or in pieces.

use super::{
    super::{ChatCall, StreamItem, Told, Usage, name_model},
    content::Content,
};
use crate::catalog::ModelEntry;
use serde_json::{Value, json};

/// A simulated completion.
pub(super) struct Answer {
    id: String,
    content: Content,
    input_tokens: u32,
    wants_usage: bool,
}

impl Answer {
    /// What this model answers to this call.
    pub(super) fn new(model: &ModelEntry, call: &ChatCall) -> Self {
        let billed = ["messages", "tools", "functions", "response_format"];
        let bytes: usize = billed.iter().filter_map(|field| call.body.get(*field)).map(|v| v.to_string().len()).sum();
        Self {
            id: format!("chatcmpl-sim-{}", call.decision),
            content: Content::of(model, call),
            input_tokens: u32::try_from(bytes / 4 + 3).unwrap_or(u32::MAX),
            wants_usage: call.wants_usage,
        }
    }

    /// Tokens of its content, at four bytes each.
    pub(super) fn output_tokens(&self) -> u32 {
        u32::try_from(self.content.len() / 4 + 1).unwrap_or(u32::MAX)
    }

    fn usage(&self) -> Value {
        let (input, output) = (self.input_tokens, self.output_tokens());
        json!({"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output})
    }

    /// As a chat completion.
    pub(super) fn body(&self, model: &ModelEntry) -> Value {
        let (message, finish) = (self.content.message(), self.content.finish_reason());
        let mut body = json!({
            "id": self.id, "object": "chat.completion", "created": 0, "simulated": true,
            "choices": [{"index": 0, "finish_reason": finish, "message": message}],
            "usage": self.usage(),
        });
        name_model(&mut body, &model.id);
        body
    }

    fn chunk(&self, model: &ModelEntry, choices: Value, usage: Option<Value>) -> Value {
        let mut chunk = json!({
            "id": self.id, "object": "chat.completion.chunk", "created": 0, "simulated": true, "choices": choices,
        });
        if let Some(usage) = usage {
            chunk["usage"] = usage;
        }
        name_model(&mut chunk, &model.id);
        chunk
    }

    /// A word a chunk, then the finish, the usage if asked for, and the end.
    pub(super) fn events(&self, model: &ModelEntry) -> Vec<StreamItem> {
        let delta = |delta: Value, finish: Option<&str>| {
            self.chunk(model, json!([{"index": 0, "delta": delta, "finish_reason": finish}]), None)
        };
        let chunks = self.content.deltas().into_iter().map(|piece| delta(piece, None));
        let chunks = chunks.chain([delta(json!({}), Some(self.content.finish_reason()))]);
        let told = |chunk: Value| [StreamItem::Usage(Usage::of(&chunk)), StreamItem::Piece(Told::Hub(chunk))];
        let mut items: Vec<StreamItem> = chunks.flat_map(told).collect();
        let last = self.chunk(model, json!([]), Some(self.usage()));
        items.extend(told(last).into_iter().take(if self.wants_usage { 2 } else { 1 }));
        items.push(StreamItem::End);
        items
    }
}
