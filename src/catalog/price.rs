//! Prices: data with a source and a date, never learned.

use crate::domain::{OutOfRange, Usd};
use jiff::civil::Date;
use serde::Serialize;

/// US dollars per million tokens, 0 to 1 000 000.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Rate(f64);

impl Rate {
    /// Nothing: a model that its provider gives away.
    pub const FREE: Self = Self(0.0);

    /// Checks the range.
    ///
    /// # Errors
    /// [`OutOfRange`] when the value is NaN, negative or above 1 000 000; tell whoever supplied it.
    pub fn new(value: f64) -> Result<Self, OutOfRange> {
        if (0.0..=1e6).contains(&value) {
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

impl Price {
    /// The bill for a request: `input_tokens` in all, of them `cached_tokens` read from the prompt cache, and
    /// `output_tokens`.
    ///
    /// Cached tokens of a long request are charged the cached rate scaled as the input rate is.
    #[must_use]
    pub fn cost(&self, input_tokens: u32, cached_tokens: u32, output_tokens: u32) -> Usd {
        let (input, output) = match self.long_context {
            Some(long) if input_tokens > long.above_tokens => (long.input, long.output),
            _ => (self.input, self.output),
        };
        let cached = self.cached_input.map_or(input, |rate| scaled(rate, self.input, input));
        let cached_tokens = cached_tokens.min(input_tokens);
        let dollars =
            input.dollars(input_tokens - cached_tokens) + cached.dollars(cached_tokens) + output.dollars(output_tokens);
        Usd::new(dollars).expect("rates are at most 1e6 and tokens fit u32, so the sum is finite")
    }
}

/// `rate` in the proportion in which the input rate rose from `base` to `now`.
fn scaled(rate: Rate, base: Rate, now: Rate) -> Rate {
    if base.0 > 0.0 { Rate((rate.0 * now.0 / base.0).min(now.0)) } else { rate }
}
