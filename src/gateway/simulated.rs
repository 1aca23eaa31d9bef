//! The built-in staging provider: answers nobody paid for, from models whose price, latency, failure rate and quality are
//! stated in `models/simulated.toml`. Every answer says plainly that it is simulated: in its text, or, where the caller asked
//! for JSON or a tool call, in the field `simulated` beside it.

mod answer;
mod content;
mod sample;

use super::{ChatCall, ChatReply, GatewayError, StreamItem, Told, Usage};
use crate::{
    catalog::{ModelEntry, SimulatedBehaviour},
    domain::{DecisionId, Difficulty, Quality, TaskType, sigmoid},
};
use answer::Answer;
use futures::{StreamExt, stream};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};
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
