//! Keeping an answer while it passes by, whole or in pieces.

use crate::{
    cache::{CacheKey, Entry, Question, Served},
    dialect::{chat::Assembler, messages},
    domain::{Decision, ModelId, Tenant, Usd},
    gateway::{Told, Usage},
    router::Router,
};
use bytes::Bytes;
use serde_json::{Value, json};

/// Keeps the answer to one request.
pub(super) struct Keeper {
    router: Router,
    key: CacheKey,
    /// For similar requests as well.
    question: Option<Question>,
    tenant: Tenant,
}

impl Keeper {
    pub(super) fn new(router: &Router, key: CacheKey, question: Option<Question>, tenant: Tenant) -> Self {
        Self { router: router.clone(), key, question, tenant }
    }

    /// Keeps a whole answer. Not that of a model that was only tried: the promise of quality holds for what is given again.
    pub(super) fn whole(mut self, decision: &Decision, served: &ModelId, body: &Told<Value>, cost: Option<Usd>) {
        if decision.explored {
            return;
        }
        let served = self.served(decision, served, cost);
        match body {
            Told::Hub(completion) => self.keep(served, completion),
            Told::Native(message) if is_told_in_full(message) => {
                if let Ok(completion) = messages::completion(message) {
                    self.keep(served, &completion);
                }
            }
            Told::Native(_) => {}
        }
    }

    /// Listens to a stream in order to keep it.
    pub(super) fn listen(self, decision: &Decision, served: &ModelId) -> Option<Listener> {
        let served = self.served(decision, served, None);
        let room = self.router.inner.caching.cache.largest_answer();
        let (chunks, events) = (Assembler::default(), messages::EventReader::default());
        (!decision.explored).then(|| Listener { keeper: self, served, chunks, events, room })
    }

    fn served(&self, decision: &Decision, model: &ModelId, cost: Option<Usd>) -> Served {
        Served {
            tenant: self.tenant.clone(),
            policy: decision.policy.clone(),
            policy_version: decision.policy_version,
            quality_target: decision.rule.quality_target,
            decision: decision.id,
            model: model.clone(),
            cost,
            at: self.router.clock().now(),
        }
    }

    fn keep(&mut self, served: Served, completion: &Value) {
        if let Some(entry) = Entry::new(served, completion) {
            self.router.inner.caching.cache.keep(self.key, self.question.take(), entry);
        }
    }
}

/// Hears a stream, as far as there is room for it.
pub(super) struct Listener {
    keeper: Keeper,
    served: Served,
    chunks: Assembler,
    events: messages::EventReader,
    /// Bytes that may still come.
    room: usize,
}

impl Listener {
    /// Hears the next piece; says whether it is worth hearing on.
    pub(super) fn hears(&mut self, piece: &Told<Bytes>) -> bool {
        match piece {
            Told::Hub(chunk) => self.hears_chunk(chunk),
            Told::Native(events) => data(events).all(|event| event.is_some_and(|event| self.hears_event(&event))),
        }
    }

    fn hears_chunk(&mut self, chunk: &Value) -> bool {
        self.room = self.room.saturating_sub(size(&chunk["choices"]));
        self.chunks.chunk(chunk);
        self.room > 0
    }

    fn hears_event(&mut self, event: &Value) -> bool {
        if !is_tellable(event) {
            return false;
        }
        let Ok(chunks) = self.events.event(event) else { return false };
        chunks.iter().all(|chunk| self.hears_chunk(chunk))
    }

    /// The stream is whole: keeps it. Where the caller was not told the tokens, they are told to who asks next.
    pub(super) fn end(self, usage: &Usage, cost: Option<Usd>) {
        let Self { mut keeper, served, chunks, .. } = self;
        let mut completion = chunks.completion();
        if !completion["usage"].is_object()
            && let Some(usage) = told(usage)
        {
            completion["usage"] = usage;
        }
        let at = keeper.router.clock().now();
        keeper.keep(Served { cost, at, ..served }, &completion);
    }
}

/// Tokens in a completion's words.
fn told(usage: &Usage) -> Option<Value> {
    let (input, output) = (usage.input_tokens?, usage.output_tokens?);
    let mut told = json!({
        "prompt_tokens": input, "completion_tokens": output, "total_tokens": u64::from(input) + u64::from(output),
    });
    if let Some(cached) = usage.cached_tokens {
        told["prompt_tokens_details"] = json!({"cached_tokens": cached});
    }
    if let Some(written) = usage.cache_write_tokens {
        told["prompt_tokens_details"]["cache_write_tokens"] = Value::from(written);
    }
    if let Some(reasoning) = usage.reasoning_tokens {
        told["completion_tokens_details"] = json!({"reasoning_tokens": reasoning});
    }
    Some(told)
}

/// About how many bytes a value has as JSON.
fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len() + 2,
        Value::Array(items) => items.iter().map(size).sum::<usize>() + 2,
        Value::Object(fields) => fields.iter().map(|(field, value)| field.len() + 4 + size(value)).sum::<usize>() + 2,
        _ => 4,
    }
}

/// The data of each event; `None` for what is no JSON.
fn data(events: &[u8]) -> impl Iterator<Item = Option<Value>> {
    let text = str::from_utf8(events).unwrap_or_default();
    text.split("\n\n").filter(|event| !event.is_empty()).map(|event| {
        let lines: Vec<&str> = event.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
        serde_json::from_str(&lines.join("\n")).ok()
    })
}

/// Whether a chat completion can say all that an event says: signed thinking, citations and Anthropic's own tools it can't.
fn is_tellable(event: &Value) -> bool {
    match event["type"].as_str() {
        Some("content_block_start") => is_tellable_block(&event["content_block"]),
        Some("content_block_delta") => {
            matches!(event["delta"]["type"].as_str(), Some("text_delta" | "input_json_delta"))
        }
        Some("message_delta") => event["delta"]["stop_reason"] != "stop_sequence",
        _ => true,
    }
}

/// The same of a whole message.
fn is_told_in_full(message: &Value) -> bool {
    let blocks = message["content"].as_array().map_or(&[][..], Vec::as_slice);
    blocks.iter().all(is_tellable_block) && message["stop_reason"] != "stop_sequence"
}

fn is_tellable_block(block: &Value) -> bool {
    match block["type"].as_str() {
        Some("text") => block["citations"].as_array().is_none_or(Vec::is_empty),
        kind => kind == Some("tool_use"),
    }
}
