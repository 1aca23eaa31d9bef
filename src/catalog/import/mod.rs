//! Imports of the two price lists that people have: LiteLLM's file and models.dev's API.
//!
//! Nothing is guessed about prices: a model without one stays unpriced, and a price of nothing counts only where the
//! list says that the model runs locally or is free. What a list does not know (tier, verbosity) gets a default that is
//! documented here and meant to be edited.

mod litellm;
mod models_dev;

pub use litellm::litellm;
pub use models_dev::models_dev;

use super::{LongContext, ModelEntry, Price, Rate, Tier};
use crate::domain::ModelId;
use jiff::civil::Date;
use std::{collections::HashSet, fmt};

/// Verbosity to assume of a model that can reason: between plain models (1) and those that always do (2 to 6).
const REASONING_VERBOSITY: f64 = 2.0;

/// What the caller knows about the list.
#[derive(Debug, Clone)]
pub struct ImportOptions<'a> {
    /// Where it comes from; becomes the source of every price.
    pub source: &'a str,
    /// The day it was read; becomes the date of every price, and decides who is withdrawn.
    pub as_of: Date,
    /// The providers to take models of: the list's name of each, and its id in the catalogue.
    pub providers: &'a [(&'a str, &'a str)],
}

/// The list's names of the providers in the built-in catalogue.
pub const LITELLM_PROVIDERS: &[(&str, &str)] = &[
    ("amazon_nova", "amazon"),
    ("anthropic", "anthropic"),
    ("cerebras", "cerebras"),
    ("cohere_chat", "cohere"),
    ("dashscope", "dashscope"),
    ("deepinfra", "deepinfra"),
    ("deepseek", "deepseek"),
    ("fireworks_ai", "fireworks"),
    ("gemini", "google"),
    ("groq", "groq"),
    ("inception", "inception"),
    ("meta", "meta"),
    ("minimax", "minimax"),
    ("mistral", "mistral"),
    ("moonshot", "moonshot"),
    ("openai", "openai"),
    ("openrouter", "openrouter"),
    ("together_ai", "together"),
    ("xai", "xai"),
    ("zai", "zai"),
];

/// models.dev's names of the providers in the built-in catalogue.
pub const MODELS_DEV_PROVIDERS: &[(&str, &str)] = &[
    ("alibaba", "dashscope"),
    ("anthropic", "anthropic"),
    ("cerebras", "cerebras"),
    ("cohere", "cohere"),
    ("deepinfra", "deepinfra"),
    ("deepseek", "deepseek"),
    ("fireworks-ai", "fireworks"),
    ("google", "google"),
    ("groq", "groq"),
    ("inception", "inception"),
    ("meta", "meta"),
    ("minimax", "minimax"),
    ("mistral", "mistral"),
    ("moonshotai", "moonshot"),
    ("nova", "amazon"),
    ("openai", "openai"),
    ("openrouter", "openrouter"),
    ("togetherai", "together"),
    ("xai", "xai"),
    ("zai", "zai"),
];

/// What came of an import.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Import {
    /// The models, each id once.
    pub models: Vec<ModelEntry>,
    /// Entries left out, in the order of the list.
    pub skipped: Vec<Skipped>,
}

/// An entry that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Its key in the list.
    pub key: String,
    /// Why.
    pub reason: SkipReason,
}

/// Why an entry was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SkipReason {
    /// It documents the format.
    Sample,
    /// It does not chat; the mode it is for.
    NotChat(String),
    /// Its provider was not asked for.
    Provider(String),
    /// It does not say how many tokens fit.
    NoLimits,
    /// Another entry already has this id.
    Duplicate(ModelId),
    /// It is not an object.
    Malformed,
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.key)?;
        match &self.reason {
            SkipReason::Sample => f.write_str("documents the format"),
            SkipReason::NotChat(mode) => write!(f, "is for {mode}, not for chat"),
            SkipReason::Provider(name) => write!(f, "provider {name} was not asked for"),
            SkipReason::NoLimits => f.write_str("does not state its token limits"),
            SkipReason::Duplicate(id) => write!(f, "another entry is {id} already"),
            SkipReason::Malformed => f.write_str("is not an object"),
        }
    }
}

/// A list that can't be read at all.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It is no JSON; fetch it again.
    #[error("the list is not JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// Adds entries one by one, each id once.
#[derive(Default)]
struct Collector {
    done: Import,
    ids: HashSet<ModelId>,
}

impl Collector {
    fn add(&mut self, key: &str, entry: Result<ModelEntry, SkipReason>) {
        let entry = entry.and_then(|model| {
            let new = self.ids.insert(model.id.clone());
            if new { Ok(model) } else { Err(SkipReason::Duplicate(model.id)) }
        });
        match entry {
            Ok(model) => self.done.models.push(model),
            Err(reason) => self.done.skipped.push(Skipped { key: key.to_owned(), reason }),
        }
    }
}

impl ImportOptions<'_> {
    fn provider(&self, name: &str) -> Result<&str, SkipReason> {
        let found = self.providers.iter().find(|(theirs, _)| *theirs == name);
        found.map(|(_, ours)| *ours).ok_or_else(|| SkipReason::Provider(name.to_owned()))
    }

    /// A price if both rates are known, and more than nothing unless the list calls the model free.
    fn price(&self, input: Option<f64>, output: Option<f64>, free: bool) -> Option<Price> {
        let (input, output) = (rate(input?)?, rate(output?)?);
        if input == Rate::FREE && output == Rate::FREE && !free {
            return None;
        }
        let source = self.source.to_owned();
        let (cached_input, cache_write, long_context) = (None, None, None);
        Some(Price { input, output, cached_input, cache_write, long_context, source, as_of: self.as_of })
    }
}

/// A rate in USD per million tokens, freed of the noise of a float that was multiplied by a million.
fn rate(per_million: f64) -> Option<Rate> {
    Rate::new((per_million * 1e9).round() / 1e9).ok()
}

/// The rate of writes to the prompt cache. Lists write nothing where nothing is charged beyond the rate of input.
fn cache_write(per_million: f64) -> Option<Rate> {
    rate(per_million).filter(|rate| *rate > Rate::FREE)
}

fn long_context(above_tokens: u32, input: Option<f64>, output: Option<f64>) -> Option<LongContext> {
    Some(LongContext { above_tokens, input: rate(input?)?, output: rate(output?)? })
}

/// A first guess at the class from the output price, USD per million tokens: below 0.5 nano, 2 small, 6 medium, 20
/// large. Prices are a poor guide to ability; edit it.
fn tier(price: Option<&Price>) -> Tier {
    match price.map_or(1.0, |price| price.output.get()) {
        rate if rate < 0.5 => Tier::Nano,
        rate if rate < 2.0 => Tier::Small,
        rate if rate < 6.0 => Tier::Medium,
        rate if rate < 20.0 => Tier::Large,
        _ => Tier::Frontier,
    }
}

const fn verbosity(reasoning: bool) -> f64 {
    if reasoning { REASONING_VERBOSITY } else { 1.0 }
}

#[cfg(test)]
mod tests;
