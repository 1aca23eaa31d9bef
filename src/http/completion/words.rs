//! Names of fields: what is found wrong with the chat request is told by the name that the caller has for it.

use super::super::error::ApiError;
use crate::dialect::Wire;

/// Chat's names, and the caller's.
type Names = &'static [(&'static str, &'static str)];

const MESSAGES: Names = &[
    ("max_completion_tokens", "max_tokens"),
    ("stop", "stop_sequences"),
    ("response_format", "output_config.format"),
    ("reasoning_effort", "output_config.effort"),
    ("parallel_tool_calls", "tool_choice.disable_parallel_tool_use"),
    ("user", "metadata.user_id"),
];
const RESPONSES: Names = &[
    ("messages", "input"),
    ("max_completion_tokens", "max_output_tokens"),
    ("response_format", "text.format"),
    ("verbosity", "text.verbosity"),
    ("reasoning_effort", "reasoning.effort"),
    ("logprobs", "include"),
];

/// An error in the caller's words. Places within messages have moved in the translation, so that these are named as a whole.
pub(super) fn of_callers(error: ApiError, wire: Wire) -> ApiError {
    let names = match wire {
        Wire::Chat => return error,
        Wire::Messages => MESSAGES,
        Wire::Responses => RESPONSES,
    };
    let Some(param) = error.body().param() else { return error };
    let end = param.find(['.', '[']).unwrap_or(param.len());
    let (field, rest) = param.split_at(end);
    let moved = field == "messages" && !rest.is_empty();
    let named = names.iter().find(|(chat, _)| *chat == field).map(|(_, callers)| *callers);
    let renamed = match (named, moved) {
        (None, false) => return error,
        (named, true) => named.unwrap_or(field).to_owned(),
        (Some(named), false) => format!("{named}{rest}"),
    };
    error.renamed(renamed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_have_the_callers_names() {
        let cases = [
            (Wire::Chat, "messages[1].content", "messages[1].content"),
            (Wire::Messages, "messages[1].content", "messages"),
            (Wire::Messages, "max_completion_tokens", "max_tokens"),
            (Wire::Messages, "route.models", "route.models"),
            (Wire::Responses, "messages[0].content[2].text", "input"),
            (Wire::Responses, "messages", "input"),
            (Wire::Responses, "response_format.type", "text.format.type"),
            (Wire::Responses, "n", "n"),
        ];
        for (wire, chat, callers) in cases {
            let error = of_callers(ApiError::invalid(chat, format!("{chat}: is wrong")), wire);
            assert_eq!(error.param(), Some(callers), "{wire:?}");
            assert_eq!(error.message(), format!("{callers}: is wrong"));
        }
        let general = ApiError::bad_request("no_eligible_model", "none");
        assert_eq!(of_callers(general.clone(), Wire::Messages), general);
    }
}
