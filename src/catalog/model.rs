//! Providers and models.

use super::{BenchmarkName, Price, SimulatedBehaviour};
use crate::domain::ModelId;
use jiff::civil::Date;
use serde::Serialize;
use std::{fmt, str::FromStr};

/// How a provider is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// OpenAI's chat completions over HTTP.
    #[serde(rename = "openai")]
    OpenAi,
    /// Anthropic's Messages over HTTP.
    Anthropic,
    /// Converse of Amazon Bedrock.
    Bedrock,
    /// The built-in staging provider; nothing leaves the process.
    Simulated,
}

impl Dialect {
    /// Every dialect.
    pub const ALL: [Self; 4] = [Self::OpenAi, Self::Anthropic, Self::Bedrock, Self::Simulated];

    /// The name used in catalogues.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::Bedrock => "bedrock",
            Self::Simulated => "simulated",
        }
    }

    /// Where a provider expects its key unless its entry says otherwise.
    #[must_use]
    pub const fn key_header(self) -> KeyHeader {
        match self {
            Self::Anthropic => KeyHeader::XApiKey,
            Self::OpenAi | Self::Bedrock | Self::Simulated => KeyHeader::Bearer,
        }
    }

    /// Whether a provider needs a base URL and a key header of its own: servers that anybody can run.
    #[must_use]
    pub const fn is_addressed(self) -> bool {
        matches!(self, Self::OpenAi | Self::Anthropic)
    }
}

impl FromStr for Dialect {
    type Err = ();
    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|dialect| dialect.as_str() == name).ok_or(())
    }
}

/// The header in which a provider expects its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyHeader {
    /// `authorization: Bearer KEY`.
    Bearer,
    /// `api-key: KEY`, as Azure has it.
    ApiKey,
    /// `x-api-key: KEY`, as Anthropic has it.
    XApiKey,
}

impl KeyHeader {
    /// Every header.
    pub const ALL: [Self; 3] = [Self::Bearer, Self::ApiKey, Self::XApiKey];

    /// The name used in catalogues.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bearer => "bearer",
            Self::ApiKey => "api-key",
            Self::XApiKey => "x-api-key",
        }
    }
}

impl FromStr for KeyHeader {
    type Err = ();
    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|header| header.as_str() == name).ok_or(())
    }
}

/// Somebody who serves models.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Provider {
    /// Its id, e.g. `openai`.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// The URL before `/chat/completions` (dialect `openai`) or `/messages` (dialect `anthropic`), without a slash at its
    /// end. Empty for the simulated dialect, for Bedrock at the public endpoint of its region, and for a provider that has
    /// an address only once the environment gives it one.
    pub base_url: String,
    /// The environment variable that holds the base URL where it differs from customer to customer.
    pub base_url_env: Option<String>,
    /// Environment variables of which any one holds the key; none for a server that wants no key. For Bedrock those of an
    /// API key: the usual variables of AWS (`AWS_ACCESS_KEY_ID` and so on) do as well.
    pub key_env: Vec<String>,
    /// How it is spoken to.
    pub dialect: Dialect,
    /// Where it expects its key. Bedrock's calls are signed instead if there is no API key.
    pub auth: KeyHeader,
    /// Its documentation.
    pub docs: Option<String>,
}

impl Provider {
    /// Whether it is known where to call it.
    #[must_use]
    pub const fn has_address(&self) -> bool {
        !self.dialect.is_addressed() || !self.base_url.is_empty()
    }

    /// What the environment must hold for it to be used, in words; empty if nothing.
    #[must_use]
    pub fn needs(&self) -> String {
        let mut keys = self.key_env.join(" or ");
        let mut address = self.base_url_env.as_deref().filter(|_| !self.has_address());
        if self.dialect == Dialect::Bedrock {
            keys.push_str(if keys.is_empty() { "AWS_ACCESS_KEY_ID" } else { " or AWS_ACCESS_KEY_ID" });
            address = Some("AWS_REGION");
        }
        match address {
            Some(address) if keys.is_empty() => address.to_owned(),
            Some(address) => format!("{keys} with {address}"),
            None => keys,
        }
    }
}

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
    /// Output tokens to expect where a plain answer has `plain_tokens`: times verbosity, rounded up, within the model's
    /// limit.
    #[must_use]
    pub fn output_tokens(&self, plain_tokens: u32) -> u32 {
        let tokens = (f64::from(plain_tokens) * self.verbosity).ceil();
        // A float-to-integer cast saturates, so an absurd product ends at the limit too.
        (tokens as u32).min(self.max_output_tokens)
    }
}
