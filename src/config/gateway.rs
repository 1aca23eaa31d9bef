//! How providers are called, and which answers are kept: `[gateway]` and `[cache]`.

use super::{
    declare::section,
    settings::{PolicySettings, Settings, is, unset},
    types::CacheMode,
    values::{ANY, range},
};

section! {
    /// What follows when a provider fails or is slow.
    #[derive(Copy)]
    pub GatewaySettings {
        /// Further calls of one model with the same key.
        retries: u32 = is("2"), range(0.0, 10.0);
        /// Other models that are tried at most; 0 for none.
        fallbacks: usize = is("3"), range(0.0, 20.0);
        /// What another model may be expected to cost, relative to the chosen one.
        max_fallback_cost_ratio: f64 = is("5.0"), range(0.0, 1e6);
        /// What another model may be expected to cost where the chosen one is free, USD; 0 for free ones alone.
        max_fallback_cost_usd: f64 = is("0.01"), range(0.0, 1e6);
        /// Until the connection stands, milliseconds.
        connect_timeout_ms: u64 = is("10000"), range(1.0, 600_000.0);
        /// Until the first token of a stream, milliseconds.
        first_token_timeout_ms: u64 = is("60000"), range(1.0, 86_400_000.0);
        /// Until the head of an answer that comes whole, milliseconds; most models send it when they have ended.
        answer_timeout_ms: u64 = is("300000"), range(1.0, 86_400_000.0);
        /// Between two pieces of an answer, milliseconds.
        idle_timeout_ms: u64 = is("60000"), range(1.0, 86_400_000.0);
        /// The first pause before a further call, milliseconds; 0 retries at once.
        backoff_ms: u64 = is("500"), range(0.0, 60_000.0);
        /// Failures in a row after which a model is left alone for a while; 0 never leaves one alone.
        breaker_failures: u32 = is("5"), range(0.0, 1000.0);
        /// How long it is left alone at first, milliseconds.
        breaker_open_ms: u64 = is("30000"), range(1.0, 3_600_000.0);
        /// After how long without the first token of a stream the next model is called as well, milliseconds; unset, never.
        hedge_after_ms: Option<u64> = unset("3000"), range(1.0, 600_000.0);
        /// What the model that is called as well may be expected to cost, relative to the chosen one.
        hedge_max_cost_ratio: f64 = is("1.0"), range(0.0, 1e6);
        /// How long a call of a model asked for by name runs before its prompt is embedded, for the log and for learning, milliseconds. What is answered sooner is logged without task and difficulty, and feedback on it is kept but not learned from.
        read_named_after_ms: u64 = is("20"), range(0.0, 86_400_000.0);
    }
}

section! {
    /// Answers that are kept, in memory, and given again.
    #[derive(Copy)]
    pub CacheSettings {
        /// For requests that don't say. off: no answer is given again; exact: to the same request; semantic: also to a similar one.
        mode: CacheMode = is("off"), ANY;
        /// The most that a request may ask for.
        at_most: CacheMode = is("semantic"), ANY;
        /// Also for requests that ask for sampling (temperature above 0, n above 1) and don't say.
        sampled: bool = is("false"), ANY;
        /// Seconds for which an answer is given again.
        ttl_s: u64 = is("3600"), range(1.0, 31_536_000.0);
        /// Least cosine of two messages that may count as similar.
        similarity: f64 = is("0.9"), range(0.0, 1.0);
        /// MiB of answers to the same request; 0 keeps none.
        exact_mib: u64 = is("64"), range(0.0, 65_536.0);
        /// MiB of answers to similar requests; 0 keeps none.
        semantic_mib: u64 = is("64"), range(0.0, 65_536.0);
        /// Answers to similar requests; 0 keeps none.
        semantic_entries: usize = is("10000"), range(0.0, 1e7);
    }
}

/// What one policy says of caching; each of its keys that is not set is that of `[cache]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheRule {
    /// For requests that don't say.
    pub mode: CacheMode,
    /// The most that a request may ask for, at least `mode`.
    pub at_most: CacheMode,
    /// Also for requests that ask for sampling and don't say.
    pub sampled: bool,
}

impl Settings {
    /// What a policy of these settings says of caching.
    #[must_use]
    pub fn caching(&self, policy: &PolicySettings) -> CacheRule {
        CacheRule {
            mode: policy.cache.unwrap_or(self.cache.mode),
            at_most: policy.cache_at_most.unwrap_or(self.cache.at_most),
            sampled: policy.cache_sampled.unwrap_or(self.cache.sampled),
        }
    }
}
