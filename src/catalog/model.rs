//! Models.

use super::{BenchmarkName, Price, SimulatedBehaviour};
use crate::domain::ModelId;
use jiff::civil::Date;
use serde::Serialize;
use std::{fmt, str::FromStr};

/// What a model is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelKind {
    /// It answers; requests can be routed to it.
    #[default]
    Chat,
    /// It turns texts into vectors; it is called by name only.
    Embedding,
}

impl ModelKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::Chat, Self::Embedding];

    /// The name used in catalogues.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Embedding => "embedding",
        }
    }
}

impl FromStr for ModelKind {
    type Err = ();
    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name).ok_or(())
    }
}

/// Class of a model: what to expect of it before anything is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// Labels, extraction, short answers.
    Nano,
    /// Everyday questions.
    Small,
    /// Most work of an assistant.
    Medium,
    /// Hard work.
    Large,
    /// The best there is.
    Frontier,
}

impl Tier {
    /// Every tier, weakest first.
    pub const ALL: [Self; 5] = [Self::Nano, Self::Small, Self::Medium, Self::Large, Self::Frontier];

    /// The name used in catalogues.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nano => "nano",
            Self::Small => "small",
            Self::Medium => "medium",
            Self::Large => "large",
            Self::Frontier => "frontier",
        }
    }

    /// Latency to assume when a model states none: orders of magnitude of hosted models, to be replaced by observation.
    #[must_use]
    pub const fn latency(self) -> Latency {
        let (first_token_ms, tokens_per_second) = match self {
            Self::Nano => (300.0, 200.0),
            Self::Small => (400.0, 150.0),
            Self::Medium => (600.0, 100.0),
            Self::Large => (900.0, 75.0),
            Self::Frontier => (1500.0, 55.0),
        };
        Latency { first_token_ms, tokens_per_second }
    }
}

impl FromStr for Tier {
    type Err = ();
    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|tier| tier.as_str() == name).ok_or(())
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a model can do beyond text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Capabilities {
    /// Calls tools.
    pub tools: bool,
    /// Sees images.
    pub vision: bool,
    /// Answers in a JSON schema.
    pub json_schema: bool,
    /// Thinks before it answers.
    pub reasoning: bool,
}

/// A public figure about a model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Benchmark {
    /// Which benchmark.
    pub name: BenchmarkName,
    /// Share solved, 0 to 1.
    pub score: f64,
    /// Who published the figure, and under which conditions.
    pub source: String,
    /// The day it was published or, where that is unknown, read.
    pub as_of: Date,
}

/// How fast a model answers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Latency {
    /// Until the first token, milliseconds, above 0.
    pub first_token_ms: f64,
    /// Output tokens a second, above 0.
    pub tokens_per_second: f64,
}

/// A model: one that chats is an arm of the bandit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelEntry {
    /// What callers name it: `vendor/model`.
    pub id: ModelId,
    /// The provider that serves it.
    pub provider: String,
    /// What that provider calls it.
    pub upstream_name: String,
    /// What it is for.
    pub kind: ModelKind,
    /// Its price; `None` when nobody knows, which is not free: such a model is never eligible.
    pub price: Option<Price>,
    /// Tokens of input and output together, at least 1.
    pub context_window: u32,
    /// Tokens of output, at least 1; 0 for a model that embeds.
    pub max_output_tokens: u32,
    /// What it can do.
    pub capabilities: Capabilities,
    /// Its class.
    pub tier: Tier,
    /// Public figures.
    pub benchmarks: Vec<Benchmark>,
    /// How fast it answers: as stated, else the tier's default.
    pub latency: Latency,
    /// Output tokens relative to a plain answer, 0.1 to 20: 1 for plain models, 2 to 6 for those that reason aloud.
    pub verbosity: f64,
    /// The day of its release.
    pub released: Option<Date>,
    /// Withdrawn, or about to be.
    pub deprecated: bool,
    /// How it behaves in the simulated world; only for the staging provider.
    pub simulated: Option<SimulatedBehaviour>,
}

impl ModelEntry {
    /// Output tokens to expect of it where a plain answer has `plain` on average: times verbosity, at least 1, within its limit
    /// and the caller's `cap`.
    #[must_use]
    pub fn expected_output(&self, plain: f64, cap: Option<u32>) -> u32 {
        let expected = (plain * self.verbosity).clamp(1.0, f64::from(self.max_output_tokens)) as u32;
        cap.map_or(expected, |cap| expected.min(cap))
    }

    /// Output tokens to expect where a plain answer has `plain_tokens`: times verbosity, rounded up, within the model's
    /// limit.
    #[must_use]
    pub fn output_tokens(&self, plain_tokens: u32) -> u32 {
        let tokens = (f64::from(plain_tokens) * self.verbosity).ceil();
        // A float-to-integer cast saturates, so an absurd product ends at the limit too.
        (tokens as u32).min(self.max_output_tokens)
    }
}
