//! What an answer costs: by what its provider said, or an estimate where it did not say.

use crate::{
    catalog::{BilledTokens, Price},
    domain::Usd,
    gateway::Usage,
};

/// A bill.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bill {
    /// What it is for.
    pub(super) tokens: BilledTokens,
    /// What it comes to.
    pub(super) cost: Usd,
    /// Whether the provider left open how many tokens there were.
    pub(super) is_estimate: bool,
}

impl Bill {
    /// At this price; what the provider did not say is taken as expected.
    pub(super) fn of(price: &Price, usage: &Usage, expected: BilledTokens) -> Self {
        let said = usage.billed();
        let tokens = said.unwrap_or_else(|| BilledTokens {
            input: usage.input_tokens.unwrap_or(expected.input),
            cached: usage.cached_tokens.unwrap_or(expected.cached),
            cache_write: usage.cache_write_tokens.unwrap_or(expected.cache_write),
            output: usage.output_tokens.unwrap_or(expected.output),
        });
        Self { tokens, cost: price.cost(tokens), is_estimate: said.is_none() }
    }

    /// Together with another one.
    pub(super) fn and(self, other: Self) -> Self {
        let (one, two) = (self.tokens, other.tokens);
        let tokens = BilledTokens {
            input: one.input.saturating_add(two.input),
            cached: one.cached.saturating_add(two.cached),
            cache_write: one.cache_write.saturating_add(two.cache_write),
            output: one.output.saturating_add(two.output),
        };
        let is_estimate = self.is_estimate || other.is_estimate;
        Self { tokens, cost: self.cost + other.cost, is_estimate }
    }

    /// All tokens, for limits on them.
    pub(super) fn token_count(&self) -> u64 {
        u64::from(self.tokens.input) + u64::from(self.tokens.output)
    }
}
