//! Who may serve a request, and why the others may not.

use super::{BilledTokens, Capabilities, Latency, ModelEntry, Price};
use crate::domain::{Exclusion, Requirements, Usd};

/// What a request allows and demands, for one model.
#[derive(Debug, Clone, Copy)]
pub struct EligibilityQuery<'a> {
    /// What the request demands of any model.
    pub requirements: Requirements,
    /// Estimated input tokens.
    pub input_tokens: u32,
    /// Of these, tokens that the provider is expected to have in its prompt cache.
    pub cached_tokens: u32,
    /// Output tokens to expect of this model, its verbosity included; see [`ModelEntry::output_tokens`].
    pub expected_output_tokens: u32,
    /// Patterns of which one must cover the model; no pattern allows all.
    pub allow: &'a [String],
    /// Patterns of which none may cover the model.
    pub deny: &'a [String],
    /// Whether the model's provider has a key and is switched on.
    pub provider_enabled: bool,
    /// The most that the request may be expected to cost.
    pub max_cost_usd: Option<Usd>,
    /// The longest that the request may be expected to take, milliseconds.
    pub max_latency_ms: Option<f64>,
    /// How fast the model is expected to answer now: what was observed, else [`ModelEntry::latency`].
    pub latency: Latency,
    /// By how much failed attempts are expected to raise the cost, at least 1; 1 expects none.
    pub cost_factor: f64,
}

/// Judges one model. The rules are tried in the order of the reasons that a caller wants to hear first: what was asked
/// for, what is switched on, what the model can do, what fits, what it costs.
///
/// # Errors
/// The first [`Exclusion`] that holds; keep it with the decision.
pub fn eligible(model: &ModelEntry, query: &EligibilityQuery<'_>) -> Result<(), Exclusion> {
    listed(model, query)?;
    let price = served(model, query)?;
    capable(model.capabilities, query.requirements)?;
    fits(model, query)?;
    let tokens = query.expected_output_tokens;
    let cost_usd = expected_cost(price, query.input_tokens, query.cached_tokens, tokens).get() * query.cost_factor;
    if query.max_cost_usd.is_some_and(|limit| cost_usd > limit.get()) {
        return Err(Exclusion::TooExpensive);
    }
    if query.max_latency_ms.is_some_and(|limit| expected_latency_ms(&query.latency, tokens) > limit) {
        return Err(Exclusion::TooSlow);
    }
    Ok(())
}

/// The expected bill: `cached_tokens` of the `input_tokens` at the cached rate, the others at the input rate, `output_tokens` at the
/// output rate.
#[must_use]
pub fn expected_cost(price: &Price, input_tokens: u32, cached_tokens: u32, output_tokens: u32) -> Usd {
    let (input, cached, output) = (input_tokens, cached_tokens, output_tokens);
    price.cost(BilledTokens { input, cached, output, ..BilledTokens::default() })
}

/// The expected time to the whole answer, milliseconds: first token, then `output_tokens` at its speed.
#[must_use]
pub fn expected_latency_ms(latency: &Latency, output_tokens: u32) -> f64 {
    latency.first_token_ms + 1000.0 * f64::from(output_tokens) / latency.tokens_per_second
}

fn listed(model: &ModelEntry, query: &EligibilityQuery<'_>) -> Result<(), Exclusion> {
    let covered = |patterns: &[String]| patterns.iter().any(|pattern| model.id.matches(pattern));
    if !query.allow.is_empty() && !covered(query.allow) {
        return Err(Exclusion::NotAllowed);
    }
    if covered(query.deny) { Err(Exclusion::Denied) } else { Ok(()) }
}

fn served<'m>(model: &'m ModelEntry, query: &EligibilityQuery<'_>) -> Result<&'m Price, Exclusion> {
    if !query.provider_enabled {
        return Err(Exclusion::ProviderDisabled);
    }
    if model.deprecated {
        return Err(Exclusion::Deprecated);
    }
    model.price.as_ref().ok_or(Exclusion::Unpriced)
}

const fn capable(can: Capabilities, needed: Requirements) -> Result<(), Exclusion> {
    if needed.tools && !can.tools {
        Err(Exclusion::NoTools)
    } else if needed.vision && !can.vision {
        Err(Exclusion::NoVision)
    } else if needed.json_schema && !can.json_schema {
        Err(Exclusion::NoJsonSchema)
    } else {
        Ok(())
    }
}

/// Whether input and output allowance fit. The allowance is the caller's cap, which providers hold against the window
/// whatever the answer's length; without one, what is expected.
fn fits(model: &ModelEntry, query: &EligibilityQuery<'_>) -> Result<(), Exclusion> {
    let allowance = query.requirements.max_output_tokens.unwrap_or(query.expected_output_tokens);
    if allowance > model.max_output_tokens {
        return Err(Exclusion::OutputLimit { needed: allowance, limit: model.max_output_tokens });
    }
    let needed = query.input_tokens.saturating_add(allowance);
    if needed > model.context_window {
        return Err(Exclusion::ContextWindow { needed, limit: model.context_window });
    }
    Ok(())
}
