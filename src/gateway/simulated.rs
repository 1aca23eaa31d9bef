//! The built-in staging provider: answers nobody paid for, from models whose price, latency, failure rate and quality are
//! stated in `models/simulated.toml`. Every answer says plainly that it is simulated.

use super::{ChatCall, ChatReply, GatewayError, StreamItem, Told, Usage, name_model};
use crate::{
    catalog::{ModelEntry, SimulatedBehaviour},
    domain::{DecisionId, Difficulty, Quality, TaskType, sigmoid},
};
use futures::{StreamExt, stream};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};
use serde_json::{Value, json};
use std::time::Duration;

/// Rules of the simulated world.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SimulatedWorld {
    /// Latencies are divided by this; 0 means no waiting at all.
    pub speed: f64,
    /// Seeds failures and scores.
    pub seed: u64,
}

impl Default for SimulatedWorld {
    fn default() -> Self {
        Self { speed: 1.0, seed: 0 }
    }
}

/// The score that the simulated world gives a model's answer: a draw around the truth `σ(u − b)`, where u is the stated
/// ability for the task type and b the logit of the true difficulty. The same decision and model always score alike.
#[must_use]
pub fn staging_score(
    truth: &SimulatedBehaviour,
    task: TaskType,
    difficulty: Difficulty,
    seed: u64,
    decision: DecisionId,
) -> Quality {
    let expected = sigmoid(truth.ability(task) - difficulty.logit());
    let u = uniform(seed ^ 0x005C_07E5, decision);
    // Right or wrong first, then how well: a right answer scores 0.8 to 1, a wrong one 0 to 0.4.
    let right = u < expected;
    let within = if right { u / expected.max(1e-9) } else { (u - expected) / (1.0 - expected).max(1e-9) };
    Quality::clipped(if right { 1.0 - 0.2 * within } else { 0.4 * (1.0 - within) })
}

/// A number in [0, 1) that depends on nothing but its arguments.
pub(super) fn uniform(seed: u64, decision: DecisionId) -> f64 {
    let mut material = [0u8; 32];
    material[..8].copy_from_slice(&seed.to_le_bytes());
    material[8..24].copy_from_slice(&decision.as_u128().to_le_bytes());
    (ChaCha8Rng::from_seed(material).next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

impl SimulatedWorld {
    pub(super) async fn chat(&self, model: &ModelEntry, call: &ChatCall) -> Result<ChatReply, GatewayError> {
        let Some(truth) = &model.simulated else {
            return Err(GatewayError::NoAccess(model.provider.clone()));
        };
        self.wait(model.latency.first_token_ms).await;
        if uniform(self.seed, call.decision) < truth.failure_rate {
            return Err(GatewayError::Status {
                provider: model.provider.clone(),
                status: 500,
                message: "simulated failure".to_owned(),
                retry_after: None,
            });
        }
        let answer = Answer::new(model, call);
        if call.stream {
            return Ok(ChatReply::Stream(self.stream(model, answer).boxed()));
        }
        self.wait(1000.0 * f64::from(answer.output_tokens()) / model.latency.tokens_per_second.max(1.0)).await;
        let body = answer.body(model);
        Ok(ChatReply::Whole { usage: Usage::of(&body), body: Told::Hub(body) })
    }

    async fn wait(&self, milliseconds: f64) {
        if self.speed > 0.0 {
            tokio::time::sleep(Duration::from_secs_f64((milliseconds / 1000.0 / self.speed).clamp(0.0, 600.0))).await;
        }
    }

    fn stream(
        &self,
        model: &ModelEntry,
        answer: Answer,
    ) -> impl futures::Stream<Item = Result<StreamItem, GatewayError>> + Send + use<> {
        let pause = 1000.0 / model.latency.tokens_per_second.max(1.0);
        let world = *self;
        stream::iter(answer.events(model)).then(move |item| async move {
            if matches!(item, StreamItem::Piece(_)) {
                world.wait(pause).await;
            }
            Ok(item)
        })
    }
}

/// A simulated completion.
struct Answer {
    id: String,
    text: String,
    input_tokens: u32,
    wants_usage: bool,
}

impl Answer {
    fn new(model: &ModelEntry, call: &ChatCall) -> Self {
        let asked = last_user_text(&call.body);
        let quoted: String = asked.chars().take(60).collect();
        let text = format!(
            "[simulated] No model was called. {} would answer this {} prompt (difficulty {:.2}) here: \"{}{}\"",
            model.id,
            call.task,
            call.difficulty.get(),
            quoted.replace('\n', " "),
            if asked.chars().count() > 60 { "…" } else { "" },
        );
        let billed = ["messages", "tools", "functions", "response_format"];
        let bytes: usize = billed.iter().filter_map(|field| call.body.get(*field)).map(|v| v.to_string().len()).sum();
        Self {
            id: format!("chatcmpl-sim-{}", call.decision),
            text,
            input_tokens: u32::try_from(bytes / 4 + 3).unwrap_or(u32::MAX),
            wants_usage: call.wants_usage,
        }
    }

    fn output_tokens(&self) -> u32 {
        u32::try_from(self.text.len() / 4 + 1).unwrap_or(u32::MAX)
    }

    fn usage(&self) -> Value {
        let (input, output) = (self.input_tokens, self.output_tokens());
        json!({"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output})
    }

    fn body(&self, model: &ModelEntry) -> Value {
        let mut body = json!({
            "id": self.id, "object": "chat.completion", "created": 0, "simulated": true,
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": self.text}}],
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
    fn events(&self, model: &ModelEntry) -> Vec<StreamItem> {
        let delta = |delta: Value, finish: Option<&str>| {
            self.chunk(model, json!([{"index": 0, "delta": delta, "finish_reason": finish}]), None)
        };
        let words = self.text.split_inclusive(' ').map(|word| delta(json!({"content": word}), None));
        let chunks = [delta(json!({"role": "assistant", "content": ""}), None)].into_iter().chain(words);
        let chunks = chunks.chain([delta(json!({}), Some("stop"))]);
        let told = |chunk: Value| [StreamItem::Usage(Usage::of(&chunk)), StreamItem::Piece(Told::Hub(chunk))];
        let mut items: Vec<StreamItem> = chunks.flat_map(told).collect();
        let last = self.chunk(model, json!([]), Some(self.usage()));
        items.extend(told(last).into_iter().take(if self.wants_usage { 2 } else { 1 }));
        items.push(StreamItem::End);
        items
    }
}

fn last_user_text(body: &serde_json::Map<String, Value>) -> String {
    let messages = body.get("messages").and_then(Value::as_array);
    let last = messages.and_then(|m| m.iter().rev().find(|m| m["role"] == "user"));
    match last.map(|m| &m["content"]) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => parts.iter().filter_map(|p| p["text"].as_str()).collect::<Vec<_>>().join(" "),
        _ => String::new(),
    }
}
