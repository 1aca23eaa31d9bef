//! Prices: data with a source and a date, never learned.

use crate::domain::{OutOfRange, Usd};
use jiff::civil::Date;
use serde::Serialize;

/// US dollars per million tokens, 0 to 1 000 000.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Rate(f64);

/// The highest rate.
const HIGHEST: f64 = 1e6;

impl Rate {
    /// Nothing: a model that its provider gives away.
    pub const FREE: Self = Self(0.0);

    /// Checks the range.
    ///
    /// # Errors
    /// [`OutOfRange`] when the value is NaN, negative or above 1 000 000; tell whoever supplied it.
    pub fn new(value: f64) -> Result<Self, OutOfRange> {
        if (0.0..=HIGHEST).contains(&value) {
            Ok(Self(value))
        } else {
            Err(OutOfRange { what: "price in USD per million tokens", allowed: "a number from 0 to 1000000", value })
        }
    }

    /// The bare number, USD per million tokens.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }

    /// Dollars for so many tokens.
    fn dollars(self, tokens: u32) -> f64 {
        self.0 * f64::from(tokens) / 1e6
    }

    /// This rate in the proportion in which another one rose from `base` to `now`.
    fn risen(self, base: Self, now: Self) -> Self {
        if base.0 > 0.0 { Self((self.0 * now.0 / base.0).min(HIGHEST)) } else { self }
    }

    fn min(self, other: Self) -> Self {
        Self(self.0.min(other.0))
    }
}

/// What a model costs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Price {
    /// Input tokens.
    pub input: Rate,
    /// Output tokens, reasoning included.
    pub output: Rate,
    /// Input tokens read from the provider's prompt cache; as `input` when absent.
    pub cached_input: Option<Rate>,
    /// Input tokens written to it; as `input` when absent. Where the price depends on how long they are kept: for the shortest.
    pub cache_write: Option<Rate>,
    /// Rates of requests with a long input.
    pub long_context: Option<LongContext>,
    /// Where the figures were read.
    pub source: String,
    /// The day they were read.
    pub as_of: Date,
}

/// Rates that hold for the whole request once its input is longer than a threshold.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct LongContext {
    /// Input tokens above which these rates hold.
    pub above_tokens: u32,
    /// Input tokens.
    pub input: Rate,
    /// Output tokens.
    pub output: Rate,
}

/// Tokens that a bill is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BilledTokens {
    /// All of the input.
    pub input: u32,
    /// Of these, read from the provider's prompt cache.
    pub cached: u32,
    /// Of these, written to it.
    pub cache_write: u32,
    /// All of the output, reasoning included.
    pub output: u32,
}

impl Price {
    /// The bill for a request.
    ///
    /// Tokens from and to the cache in a long request are charged their rates scaled as the input rate is.
    #[must_use]
    pub fn cost(&self, tokens: BilledTokens) -> Usd {
        let (input, output) = match self.long_context {
            Some(long) if tokens.input > long.above_tokens => (long.input, long.output),
            _ => (self.input, self.output),
        };
        let cached = self.cached_input.map_or(input, |rate| rate.risen(self.input, input).min(input));
        let cache_write = self.cache_write.map_or(input, |rate| rate.risen(self.input, input));
        let from_cache = tokens.cached.min(tokens.input);
        let to_cache = tokens.cache_write.min(tokens.input - from_cache);
        let dollars = input.dollars(tokens.input - from_cache - to_cache)
            + cached.dollars(from_cache)
            + cache_write.dollars(to_cache)
            + output.dollars(tokens.output);
        Usd::new(dollars).expect("rates are at most 1e6 and tokens fit u32, so the sum is finite")
    }
}
