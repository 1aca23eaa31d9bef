//! A chat completion as a response.

use super::{
    Object, delta,
    echo::{Frame, Status, id},
    events::Events,
    given,
    output::Output,
};
use serde_json::Value;

/// The response that a chat completion amounts to, for this request. Only its first choice can be told.
#[must_use]
pub fn answer(completion: &Value, request: &Object) -> Value {
    let (mut frame, mut output) = (Frame::new(request), Output::new(wants_summary(request)));
    frame.name(completion);
    output.name(id(completion));
    let choice = completion["choices"].as_array().and_then(|all| all.iter().find(|c| is_first(c)));
    let choice = choice.unwrap_or(&Value::Null);
    let mut events = Events::unheard();
    output.hear(&choice["message"], choice, &mut events);
    let status = status(&choice["finish_reason"]);
    output.end(status.is_whole(), &mut events);
    frame.response(status, output.json(status.is_whole()), delta::usage(&completion["usage"]))
}

/// Whether it is the first choice, which says so or says nothing.
pub(super) fn is_first(choice: &Value) -> bool {
    choice["index"].as_u64().unwrap_or(0) == 0
}

/// How a response stands by the reason why its completion ended.
pub(super) fn status(finish_reason: &Value) -> Status<'static> {
    match finish_reason.as_str() {
        Some("length") => Status::Incomplete("max_output_tokens"),
        Some("content_filter") => Status::Incomplete("content_filter"),
        _ => Status::Completed,
    }
}

/// Whether the caller asked for a summary of the reasoning. Then what the model tells of it is given as that: clients that
/// ask show nothing else.
pub(super) fn wants_summary(request: &Object) -> bool {
    let reasoning = given(request, "reasoning").and_then(Value::as_object);
    reasoning.is_some_and(|r| ["summary", "generate_summary"].iter().any(|field| given(r, field).is_some()))
}
