//! Wishes that can't be met here, and chat's names for things that have another name in the Messages API.

use super::{Inexpressible, Object, Refusal, check, is_empty, is_text_only, never};

const REFUSALS: &[Refusal] = &[
    ("container", never, "no code is run here"),
    ("mcp_servers", is_empty, "no tool is run here: call the servers yourself and offer their tools in `tools`"),
    ("thread", never, "no conversation is stored here: send its messages in `messages`"),
    ("inference_geo", |v| v == "global", "it can't be promised here where an answer is made"),
    ("n", |v| v == 1, "the Messages API gives one answer a request"),
    ("logprobs", |v| v == false, "the Messages API tells no log probabilities"),
    ("top_logprobs", |v| v == 0, "the Messages API tells no log probabilities"),
    ("modalities", is_text_only, "the Messages API answers in text"),
    ("audio", never, "the Messages API answers in text"),
    ("max_completion_tokens", never, "the Messages API calls it `max_tokens`"),
    ("stop", never, "the Messages API calls it `stop_sequences`"),
    ("response_format", never, "the Messages API calls it `output_config.format`"),
    ("reasoning_effort", never, "the Messages API calls it `output_config.effort`"),
    ("parallel_tool_calls", never, "the Messages API calls it `tool_choice.disable_parallel_tool_use`"),
    ("functions", never, "the Messages API calls them `tools`"),
    ("function_call", never, "the Messages API calls it `tool_choice`"),
];

/// Refuses a request with a wish that would be lost.
pub(super) fn refuse(body: &Object) -> Result<(), Inexpressible> {
    check(body, REFUSALS)
}
