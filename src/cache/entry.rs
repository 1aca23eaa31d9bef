//! An answer that is kept.

use crate::domain::{DecisionId, ModelId, Quality, Tenant, UnixMillis, Usd};
use serde_json::Value;
use std::time::Duration;

/// Reasons to end after which an answer is what the model wanted to say. One that was cut off or held back is not: the same
/// question may get more another time.
const WHOLE: [&str; 3] = ["stop", "tool_calls", "function_call"];

/// Who answered what, for whom.
#[derive(Debug, Clone, PartialEq)]
pub struct Served {
    /// Who pays.
    pub tenant: Tenant,
    /// The policy that decided.
    pub policy: String,
    /// Version of its posterior at that time.
    pub policy_version: u64,
    /// Quality that was good enough.
    pub quality_target: Quality,
    /// The decision behind the answer.
    pub decision: DecisionId,
    /// The model that answered.
    pub model: ModelId,
    /// What it cost, where the provider told.
    pub cost: Option<Usd>,
    /// When it was whole.
    pub at: UnixMillis,
}

/// An answer that is kept: a chat completion, with who gave it.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    served: Served,
    /// JSON: smaller than the value, and its size is known.
    completion: Box<[u8]>,
}

impl Entry {
    /// An answer to keep; `None` unless it [is whole](is_whole).
    #[must_use]
    pub fn new(served: Served, completion: &Value) -> Option<Self> {
        if !is_whole(completion) {
            return None;
        }
        let completion = serde_json::to_vec(completion).ok()?.into_boxed_slice();
        Some(Self { served, completion })
    }

    /// Who answered what.
    #[must_use]
    pub const fn served(&self) -> &Served {
        &self.served
    }

    /// The chat completion.
    #[must_use]
    pub fn completion(&self) -> Value {
        serde_json::from_slice(&self.completion).unwrap_or_else(|e| unreachable!("it was JSON when it was kept: {e}"))
    }

    /// Bytes of the completion as JSON.
    #[must_use]
    pub const fn answer_bytes(&self) -> usize {
        self.completion.len()
    }

    /// How old it is; a clock that was set back makes it no older.
    #[must_use]
    pub fn age(&self, now: UnixMillis) -> Duration {
        Duration::from_millis(u64::try_from(now.0.saturating_sub(self.served.at.0)).unwrap_or(0))
    }
}

/// Whether each choice of a chat completion was told to its end, and that end was the model's own.
#[must_use]
pub fn is_whole(completion: &Value) -> bool {
    let choices = completion["choices"].as_array().map_or(&[][..], Vec::as_slice);
    let ended = |choice: &Value| choice["finish_reason"].as_str().is_some_and(|reason| WHOLE.contains(&reason));
    !choices.is_empty() && choices.iter().all(ended)
}
