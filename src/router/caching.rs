//! Which requests may be given a kept answer, and when two of them are the same, or differ in words alone.

use super::{ChatRequest, ModelChoice, ProviderWishes, RouteOptions};
use crate::{
    cache::{Cache, CacheKey, CacheOptions, Fingerprint, is_plain_messages, words_of},
    config::{CacheMode, CacheRule, DEFAULT_POLICY, Settings},
    dialect::Object,
    domain::{DataDemands, DataPolicy, Region, Usd},
};
use serde_json::Value;
use std::{collections::BTreeMap, time::Duration};

/// What a request's headers say of kept answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Freshness {
    /// `no-cache`: ask a model, and keep what it says.
    pub asks_anew: bool,
    /// `no-store`: neither look for an answer nor keep one.
    pub keeps_nothing: bool,
}

/// What is done for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CacheWish {
    /// Nothing: no answers are kept here.
    Off,
    /// Nothing: this request is to have none.
    Bypass,
    /// An answer is kept.
    Use {
        /// And looked for before.
        look: bool,
        /// Also for similar requests.
        similar: bool,
    },
}

/// Kept answers, and each policy's rule for them.
pub(super) struct Caching {
    pub(super) cache: Cache,
    rules: BTreeMap<String, CacheRule>,
}

impl Caching {
    /// An empty cache.
    pub(super) fn new(settings: &Settings) -> Self {
        let options = CacheOptions {
            ttl: Duration::from_secs(settings.cache.ttl_s),
            exact_bytes: settings.cache.exact_mib << 20,
            similarity: settings.cache.similarity,
            semantic_entries: settings.cache.semantic_entries,
            semantic_bytes: settings.cache.semantic_mib << 20,
        };
        let rules = settings.policies().into_iter().map(|(name, policy)| (name, settings.caching(&policy))).collect();
        Self { cache: Cache::new(options), rules }
    }

    /// What is done for a request, from what its policy says and what it says itself. Cheap, as every request is asked.
    pub(super) fn wish(&self, request: &ChatRequest) -> CacheWish {
        let Some(rule) = self.rules.get(policy(&request.choice)).filter(|_| self.cache.is_on()) else {
            return CacheWish::Off;
        };
        let asked = request.options.cache.map(|asked| asked.min(rule.at_most));
        let mode = asked.unwrap_or(rule.mode);
        if mode == CacheMode::Off && rule.mode == CacheMode::Off {
            return CacheWish::Off;
        }
        let is_unasked_sample = asked.is_none() && !rule.sampled && is_sampled(&request.body);
        if mode == CacheMode::Off || request.freshness.keeps_nothing || is_unasked_sample {
            return CacheWish::Bypass;
        }
        let similar = mode == CacheMode::Semantic && self.cache.is_semantic();
        CacheWish::Use { look: !request.freshness.asks_anew, similar }
    }
}

/// The policy that decides.
pub(super) fn policy(choice: &ModelChoice) -> &str {
    match choice {
        ModelChoice::Policy(name) => name,
        ModelChoice::Auto | ModelChoice::Model(_) => DEFAULT_POLICY,
    }
}

/// Whether a request asks for sampling. One that leaves the temperature to the provider does not ask.
fn is_sampled(body: &Object) -> bool {
    let above = |field: &str, limit: f64| body.get(field).and_then(Value::as_f64).is_some_and(|value| value > limit);
    above("temperature", 0.0) || above("n", 1.0)
}

/// The key of a request: who pays, what is asked, and every wish as to who answers and how well. The session is no part of it.
pub(super) fn key(request: &ChatRequest) -> CacheKey {
    let mut print = who_and_how(request);
    print.chat(&request.body);
    if let Some(native) = &request.native {
        print.messages(native, request.anthropic_beta.as_deref());
    }
    print.key()
}

/// The words of a request that may share an answer with a similar one, and the key of all else; `None` for one that may not:
/// where tools, images, formats or several choices are asked for, too much hangs on every word.
pub(super) fn words_and_frame(request: &ChatRequest) -> Option<(&str, CacheKey)> {
    const ONLY_TEXT: [&str; 8] =
        ["tools", "functions", "response_format", "n", "logprobs", "modalities", "audio", "web_search_options"];
    let is_plain_chat = ONLY_TEXT.iter().all(|field| request.body.get(*field).is_none_or(says_nothing));
    let is_plain_native = request.native.as_deref().is_none_or(is_plain_messages) && request.anthropic_beta.is_none();
    let messages = request.body.get("messages")?.as_array()?;
    let is_text = |message: &Value| message.get("tool_calls").is_none_or(Value::is_null) && words_of(message).is_some();
    let last = messages.last().filter(|last| last["role"] == "user")?;
    if !is_plain_chat || !is_plain_native || !messages.iter().all(is_text) {
        return None;
    }
    let mut frame = who_and_how(request);
    frame.frame(&request.body);
    Some((words_of(last)?, frame.key()))
}

/// Whether a field is as if it were not there.
fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => number.as_u64() == Some(1),
        Value::Array(items) => items.is_empty(),
        Value::Object(format) => format.get("type").is_some_and(|kind| kind == "text"),
        _ => false,
    }
}

fn who_and_how(request: &ChatRequest) -> Fingerprint {
    let mut print = Fingerprint::new(&request.caller.tenant());
    match &request.choice {
        ModelChoice::Model(id) => {
            print.text("model");
            print.text(id);
        }
        choice => {
            print.text("policy");
            print.text(policy(choice));
        }
    }
    wishes(&mut print, &request.options);
    print
}

fn wishes(print: &mut Fingerprint, options: &RouteOptions) {
    let RouteOptions {
        quality_target,
        mode,
        max_cost_usd,
        max_latency_ms,
        models,
        exclude,
        session_id: _,
        fallbacks,
        providers,
        data: DataDemands { regions, policy },
        cache: _,
    } = options;
    let ProviderWishes { only, ignore, order, allow_fallbacks, max_input_usd_per_million, max_output_usd_per_million } =
        providers;
    print.number(quality_target.map(f64::from));
    print.text(&mode.map(|mode| format!("{mode:?}")).unwrap_or_default());
    print.number(max_cost_usd.map(Usd::get));
    print.number(*max_latency_ms);
    for list in [models, exclude, fallbacks, only, ignore, order] {
        print.list(list);
    }
    let regions: Vec<String> = regions.iter().map(Region::to_string).collect();
    print.list(&regions);
    print.text(policy.map(DataPolicy::as_str).unwrap_or_default());
    print.text(if *allow_fallbacks { "others" } else { "none" });
    print.number(max_input_usd_per_million.map(Usd::get));
    print.number(max_output_usd_per_million.map(Usd::get));
}
