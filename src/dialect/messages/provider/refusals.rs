//! Wishes that Anthropic has no words for.

use super::{Inexpressible, Object, Refusal, check, is_empty, is_text_only, never};
use serde_json::Value;

/// Fields that change the answer and can't be passed on. Others that are not known are dropped, because Anthropic refuses a
/// body with any of them: hints about users, billing, storage and caches, and `seed`, which promises nothing anywhere.
const REFUSALS: &[Refusal] = &[
    ("n", |v| v == 1, "Anthropic gives one answer a call"),
    ("logprobs", |v| v == false, "Anthropic tells no log probabilities"),
    ("top_logprobs", |v| v == 0, "Anthropic tells no log probabilities"),
    ("logit_bias", is_empty, "Anthropic takes no token biases"),
    ("frequency_penalty", is_zero, "Anthropic takes no penalties"),
    ("presence_penalty", is_zero, "Anthropic takes no penalties"),
    ("repetition_penalty", |v| v.as_f64() == Some(1.0), "Anthropic takes no penalties"),
    ("min_p", is_zero, "Anthropic has no such setting"),
    ("modalities", is_text_only, "only text can be asked for"),
    ("audio", never, "only text can be asked for"),
    ("prediction", never, "Anthropic takes no prediction"),
    ("verbosity", |v| v == "medium", "Anthropic has no such setting"),
    ("web_search_options", never, "Anthropic searches the web by a tool of its own, which chat can't ask for"),
    ("moderation", never, "Anthropic moderates nothing on demand"),
    ("functions", is_empty, "their newer name is `tools`"),
    ("function_call", |v| v == "none" || v == "auto", "its newer name is `tool_choice`"),
];

fn is_zero(value: &Value) -> bool {
    value.as_f64() == Some(0.0)
}

/// Refuses a request with a wish that would be lost.
pub(super) fn refuse(chat: &Object) -> Result<(), Inexpressible> {
    check(chat, REFUSALS)
}
