//! Tables of what providers say when the status alone does not tell, collected in November 2026 from public clients and
//! gateways that handle these messages. None of it is a promise of the provider: a phrase that is missing here, or was reworded,
//! only means that the status decides.
//!
//! Codes (`context_length_exceeded`) are found as well as sentences: adapters append the provider's code to its message.
//! Messages can quote the request, so a phrase that costs more than a try of another model must open the message.

use super::{super::transport::WORDLESS, Cause};

/// A message that opens like this, with status 400, is about the key.
const KEY: [&str; 6] = [
    "your credit balance is too low",                   // Anthropic
    "you have reached your specified api usage limits", // Anthropic, a limit on spending
    "this organization has been disabled",              // Anthropic
    "incorrect api key provided",                       // xAI
    "api key not valid",                                // Google
    "api key expired",                                  // Google
];

/// With status 400 or 403: the account may not use the model, another one may.
const ACCESS: [&str; 2] = [
    "have access to model",     // OpenAI: "Project `…` does not have access to model `…`"
    "have access to the model", // Bedrock: "You don't have access to the model with the specified model ID"
];

/// With status 400 or 403: there is no such model at this provider.
const MODEL: [&str; 6] = [
    "model_not_found",                      // OpenAI
    "model_decommissioned",                 // Groq
    "is not a valid model id",              // OpenRouter
    "provided model identifier is invalid", // Bedrock
    "on-demand throughput",                 // Bedrock: the model is only reached by an inference profile
    "invalid model",                        // several compatible servers
];

/// With status 429 it is about the limit of a minute, but no rest of the key makes the request smaller.
const LARGER_THAN_LIMIT: &str = "request too large for"; // OpenAI 429, Groq 413 and 429

/// With status 400, 403, 413 or 422: the request exceeds this model's limits.
const TOO_LONG: [&str; 12] = [
    "context_length_exceeded",                 // OpenAI, Groq
    "maximum context length",                  // OpenAI and servers that follow it
    "context window",                          // OpenAI's Responses
    "prompt is too long",                      // Anthropic
    "exceed context limit",                    // Anthropic: "input length and `max_tokens` exceed context limit"
    "maximum allowed number of output tokens", // Anthropic
    "supports at most",                        // OpenAI: "This model supports at most 16384 completion tokens"
    "maximum prompt length",                   // xAI
    "input is too long",                       // Bedrock
    "exceeds the maximum number of tokens",    // Google
    "exceeds the available context size",      // llama.cpp
    LARGER_THAN_LIMIT,
];

/// Likewise: this provider's filter declines the content. With 403 it is OpenRouter's.
const DECLINED: [&str; 8] = [
    "content_filter",               // Azure
    "content management policy",    // Azure
    "responsibleaipolicyviolation", // Azure
    "content_policy_violation",     // OpenAI
    "violating our usage policy",   // OpenAI: "Invalid prompt: your prompt was flagged as potentially …"
    "our safety system",            // OpenAI: "Your request was rejected as a result of …"
    "content filtering policy",     // Anthropic: "Output blocked by …"
    "input was flagged",            // OpenRouter
];

/// Likewise: the model lacks a parameter or a kind of input.
const UNSUPPORTED: [&str; 6] = [
    "unsupported_parameter",        // OpenAI
    "unsupported_value",            // OpenAI
    "with this model",              // OpenAI: "'temperature' does not support 0.7 with this model"
    "this model does not support",  // several
    "not supported for this model", // Anthropic: "`temperature` is not supported for this model"
    "deprecated for this model",    // Anthropic: "`top_k` is deprecated for this model"
];

/// With status 429 it is about the account's money, without which no model is to be had, if it opens like this or like one of
/// [`KEY`]. Google opens with OpenAI's words about plan and billing where one model's limit is met, so those are no mark of it.
const SPENT: [&str; 2] = [
    "insufficient balance", // Z.ai: "Insufficient balance or no resource package. Please recharge."
    "insufficient account balance", // several compatible servers
];

/// Likewise if it ends with the provider's code, where adapters put it.
const SPENT_CODE: &str = "(insufficient_quota)"; // OpenAI, Azure

/// With status 402: the account pays for a shorter answer.
const UNAFFORDABLE: [&str; 2] = [
    "fewer max_tokens", // OpenRouter: "This request requires more credits, or fewer max_tokens. …"
    "can only afford",  // OpenRouter, the same message
];

/// What the words say beyond the status, if anything.
pub(super) fn cause(status: u16, message: &str) -> Option<Cause> {
    if !matches!(status, 400 | 402 | 403 | 413 | 422 | 429) {
        return None;
    }
    let message = message.to_lowercase();
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| message.contains(phrase));
    match status {
        429 if message.starts_with(LARGER_THAN_LIMIT) => Some(Cause::Fit),
        429 => is_spent(&message).then_some(Cause::Key),
        402 => says(&UNAFFORDABLE).then_some(Cause::Fit),
        400 if KEY.iter().any(|phrase| message.starts_with(phrase)) => Some(Cause::Key),
        // Providers refuse keys in JSON. A page of HTML is a firewall's, which found something in the request.
        403 if message == WORDLESS.to_lowercase() => Some(Cause::Fit),
        400 | 403 if says(&ACCESS) => Some(Cause::Access),
        400 | 403 if says(&MODEL) => Some(Cause::Model),
        _ => (says(&TOO_LONG) || says(&DECLINED) || says(&UNSUPPORTED)).then_some(Cause::Fit),
    }
}

/// Whether a 429 is about money, by its message in lower case.
fn is_spent(message: &str) -> bool {
    // xAI: "Your team … has either used all available credits or reached its monthly spending limit."
    let is_team = message.starts_with("your team ") && message.contains("used all available credits");
    let opens = KEY.iter().chain(&SPENT).any(|phrase| message.starts_with(phrase));
    is_team || opens || message.ends_with(SPENT_CODE)
}
