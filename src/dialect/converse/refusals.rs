//! Wishes that Converse has no words for.

use super::{Inexpressible, Object, given};
use serde_json::Value;

/// A field of a chat request, the values of it that ask for nothing, and why others can't be had.
type Refusal = (&'static str, fn(&Value) -> bool, &'static str);

/// Fields that change the answer and can't be passed on. Hints about billing, storage and speed (`metadata`, `store`,
/// `user`, `service_tier`, `prediction`, `prompt_cache_key` and the like) are not here: they are dropped.
const REFUSALS: &[Refusal] = &[
    ("n", |v| v == 1, "Bedrock gives one answer a call"),
    ("logprobs", |v| v == false, "Bedrock tells no log probabilities"),
    ("top_logprobs", |v| v == 0, "Bedrock tells no log probabilities"),
    ("seed", |_| false, "Bedrock takes no seed"),
    ("frequency_penalty", is_zero, "Bedrock takes no penalties"),
    ("presence_penalty", is_zero, "Bedrock takes no penalties"),
    ("repetition_penalty", |v| v.as_f64() == Some(1.0), "Bedrock takes no penalties"),
    ("logit_bias", is_empty, "Bedrock takes no token biases"),
    ("top_k", |_| false, "Bedrock takes it for some models only"),
    ("min_p", is_zero, "Bedrock takes it for no model"),
    (
        "modalities",
        |v| v.as_array().is_some_and(|all| all.iter().all(|one| one == "text")),
        "only text can be asked for",
    ),
    ("audio", |_| false, "only text can be asked for"),
    ("verbosity", |v| v == "medium", "Bedrock has no such setting"),
    ("web_search_options", |_| false, "Bedrock does not search the web"),
    ("thinking", |v| v["type"] == "disabled", "say it with `reasoning_effort`"),
    ("functions", is_empty, "their newer name is `tools`"),
    ("function_call", |v| v == "none" || v == "auto", "its newer name is `tool_choice`"),
];

fn is_zero(value: &Value) -> bool {
    value.as_f64() == Some(0.0)
}

fn is_empty(value: &Value) -> bool {
    value.as_object().map_or_else(|| value.as_array().is_some_and(Vec::is_empty), Object::is_empty)
}

/// Refuses a request with a wish that would be lost.
pub(super) fn check(chat: &Object) -> Result<(), Inexpressible> {
    let refused = REFUSALS.iter().find(|(field, asks_nothing, _)| given(chat, field).is_some_and(|v| !asks_nothing(v)));
    refused.map_or(Ok(()), |(field, _, problem)| Err(Inexpressible::new(*field, *problem)))
}
