//! The chunks of a chat completion as a response's events.

use super::{
    Object,
    answer::{is_first, status, wants_summary},
    delta,
    echo::{Frame, Status, id},
    events::Events,
    output::Output,
};
use bytes::Bytes;
use serde_json::{Value, json};

/// Turns the chunks of one stream into server-sent events. The stream has no `[DONE]`: its last event says how it ended.
#[derive(Debug)]
pub struct EventWriter {
    frame: Frame,
    output: Output,
    events: Events,
    stage: Stage,
    status: Status<'static>,
    usage: Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    New,
    Begun,
    Over,
}

impl EventWriter {
    /// A writer for the answer to this request.
    #[must_use]
    pub fn new(request: &Object) -> Self {
        Self {
            frame: Frame::new(request),
            output: Output::new(wants_summary(request)),
            events: Events::heard(),
            stage: Stage::New,
            status: Status::Completed,
            usage: Value::Null,
        }
    }

    /// The events that a chunk amounts to; often none. After the end there are none.
    pub fn chunk(&mut self, chunk: &Value) -> Bytes {
        if self.stage == Stage::Over {
            return Bytes::new();
        }
        let choices = chunk["choices"].as_array().map_or(&[][..], Vec::as_slice);
        // Some providers begin with a chunk that has neither name nor choices.
        if !choices.is_empty() || !id(chunk).is_empty() {
            self.begin(chunk);
        }
        self.frame.serve(chunk);
        if chunk["usage"].is_object() {
            self.usage = delta::usage(&chunk["usage"]);
        }
        for choice in choices.iter().filter(|choice| is_first(choice)) {
            self.output.hear(&choice["delta"], choice, &mut self.events);
            if choice["finish_reason"].is_string() {
                self.status = status(&choice["finish_reason"]);
            }
        }
        self.events.take()
    }

    /// The events that end the answer: what is open is closed, and `response.completed` or `response.incomplete` tells it
    /// whole, with its usage.
    pub fn end(&mut self) -> Bytes {
        if self.stage == Stage::Over {
            return Bytes::new();
        }
        self.begin(&Value::Null);
        self.stage = Stage::Over;
        self.output.end(self.status.is_whole(), &mut self.events);
        self.tell(self.status);
        self.events.take()
    }

    /// The events that tell that the answer broke off; `kind` is the error's type, such as `rate_limit_error`. Nothing comes
    /// after them.
    pub fn error(&mut self, message: &str, kind: &str) -> Bytes {
        if self.stage == Stage::Over {
            return Bytes::new();
        }
        // The reference has these fields beside the type; the service itself nests them, and only then do the official
        // clients raise an error.
        let error = json!({"type": kind, "code": kind, "message": message, "param": null});
        self.events.tell("error", || json!({"code": kind, "message": message, "param": null, "error": error}));
        if self.stage == Stage::Begun {
            self.tell(Status::Failed { code: code(kind), message });
        }
        self.stage = Stage::Over;
        self.events.take()
    }

    fn begin(&mut self, chunk: &Value) {
        if self.stage == Stage::New {
            self.stage = Stage::Begun;
            self.frame.name(chunk);
            self.output.name(id(chunk));
            self.tell(Status::InProgress);
            self.tell_as("response.in_progress", Status::InProgress);
        }
    }

    /// Tells how the response stands.
    fn tell(&mut self, status: Status<'_>) {
        self.tell_as(status.event(), status);
    }

    fn tell_as(&mut self, event: &str, status: Status<'_>) {
        let Self { frame, output, events, usage, .. } = self;
        let response = || frame.response(status, output.json(status.is_whole()), usage.clone());
        events.tell(event, || json!({"response": response()}));
    }
}

/// The API has few codes for failed responses.
fn code(kind: &str) -> &'static str {
    match kind {
        "rate_limit_error" => "rate_limit_exceeded",
        "invalid_request_error" => "invalid_prompt",
        _ => "server_error",
    }
}
