//! Wishes that can't be met, and chat's names for things that have another name here.

use super::{Inexpressible, Object, given};
use serde_json::Value;

/// A field of the request, the values of it that ask for nothing, and what to do instead.
type Refusal = (&'static str, fn(&Value) -> bool, &'static str);

const REFUSALS: &[Refusal] = &[
    ("previous_response_id", never, "no response is stored here: send the earlier input and output items in `input`"),
    ("conversation", never, "no conversation is stored here: send its items in `input`"),
    ("background", |v| v == false, "no answer is stored here to be fetched later: use `stream` if it takes long"),
    ("prompt", never, "no prompt template is stored here: send its text in `instructions` and `input`"),
    ("context_management", is_empty, "conversations are not compacted here: send a shorter `input`"),
    ("moderation", never, "prompts and answers are not moderated here"),
    ("access_programs", |v| v["cyber"] == "standard", "no model here has such programs"),
    ("image", |v| v["context_compression"] != "enabled", "pictures are not compressed here"),
    ("truncation", |v| v == "auto" || v == "disabled", "must be auto or disabled"),
    ("n", |v| v == 1, "the Responses API gives one answer a request"),
    ("messages", never, "the Responses API calls it `input`"),
    ("max_tokens", never, "the Responses API calls it `max_output_tokens`"),
    ("max_completion_tokens", never, "the Responses API calls it `max_output_tokens`"),
    ("response_format", never, "the Responses API calls it `text.format`"),
    ("verbosity", never, "the Responses API calls it `text.verbosity`"),
    ("reasoning_effort", never, "the Responses API calls it `reasoning.effort`"),
    ("logprobs", never, "ask for `message.output_text.logprobs` in `include`"),
    ("functions", never, "the Responses API calls them `tools`"),
    ("function_call", never, "the Responses API calls it `tool_choice`"),
];

fn never(_: &Value) -> bool {
    false
}

fn is_empty(value: &Value) -> bool {
    value.as_array().is_some_and(Vec::is_empty)
}

/// Refuses a request with a wish that would be lost.
pub(super) fn check(body: &Object) -> Result<(), Inexpressible> {
    let refused = REFUSALS.iter().find(|(field, asks_nothing, _)| given(body, field).is_some_and(|v| !asks_nothing(v)));
    refused.map_or(Ok(()), |(field, _, problem)| Err(Inexpressible::new(*field, *problem)))
}
