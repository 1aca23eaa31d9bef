//! Output items and their parts.

use serde_json::{Value, json};

/// An item of the output.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) id: String,
    pub(super) kind: Kind,
}

/// What an item is.
#[derive(Debug)]
pub(super) enum Kind {
    /// What the model said.
    Message(Vec<Part>),
    /// What it thought.
    Reasoning(Vec<Part>),
    /// A function that it calls.
    Call {
        /// What the result must refer to.
        call_id: String,
        /// The function.
        name: String,
        /// JSON, as far as it was told.
        arguments: String,
    },
}

/// A part of a message or of a reasoning.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) form: Form,
    pub(super) text: String,
    pub(super) annotations: Vec<Value>,
    pub(super) logprobs: Vec<Value>,
}

/// What a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// An answer.
    Text,
    /// A refusal to answer.
    Refusal,
    /// Reasoning as it was.
    Reasoning,
    /// Reasoning for callers who asked for its summary.
    Summary,
}

impl Item {
    /// The item as the API writes it.
    pub(super) fn json(&self, status: &str) -> Value {
        let id = &self.id;
        match &self.kind {
            Kind::Message(parts) => {
                let content: Value = parts.iter().map(Part::json).collect();
                json!({"id": id, "type": "message", "role": "assistant", "status": status, "content": content})
            }
            Kind::Reasoning(parts) => {
                let some = |summary: bool| -> Value {
                    parts.iter().filter(|part| (part.form == Form::Summary) == summary).map(Part::json).collect()
                };
                let (summary, content) = (some(true), some(false));
                json!({"id": id, "type": "reasoning", "status": status, "summary": summary, "content": content})
            }
            Kind::Call { call_id, name, arguments } => json!({
                "id": id, "type": "function_call", "status": status,
                "call_id": call_id, "name": name, "arguments": arguments,
            }),
        }
    }

    /// Its parts, if it has such.
    pub(super) fn parts(&mut self) -> Option<&mut Vec<Part>> {
        match &mut self.kind {
            Kind::Message(parts) | Kind::Reasoning(parts) => Some(parts),
            Kind::Call { .. } => None,
        }
    }

    /// Whether parts of this form belong into it.
    pub(super) fn holds(&self, form: Form) -> bool {
        match self.kind {
            Kind::Message(_) => matches!(form, Form::Text | Form::Refusal),
            Kind::Reasoning(_) => matches!(form, Form::Reasoning | Form::Summary),
            Kind::Call { .. } => false,
        }
    }
}

impl Part {
    /// A part that says nothing yet.
    pub(super) fn new(form: Form) -> Self {
        Self { form, text: String::new(), annotations: Vec::new(), logprobs: Vec::new() }
    }

    /// The part as the API writes it.
    pub(super) fn json(&self) -> Value {
        let mut part = json!({"type": self.form.kind()});
        part[self.form.field()] = Value::from(self.text.as_str());
        if self.form == Form::Text {
            part["annotations"] = json!(self.annotations);
            part["logprobs"] = json!(self.logprobs);
        }
        part
    }
}

impl Form {
    /// Its type as a part.
    fn kind(self) -> &'static str {
        match self {
            Self::Text => "output_text",
            Self::Refusal => "refusal",
            Self::Reasoning => "reasoning_text",
            Self::Summary => "summary_text",
        }
    }

    /// Where the text is.
    pub(super) fn field(self) -> &'static str {
        if self == Self::Refusal { "refusal" } else { "text" }
    }

    /// The events that tell its text.
    pub(super) fn event(self) -> &'static str {
        match self {
            Self::Text => "response.output_text",
            Self::Refusal => "response.refusal",
            Self::Reasoning => "response.reasoning_text",
            Self::Summary => "response.reasoning_summary_text",
        }
    }

    /// The events that begin and end it, and their name for its place.
    pub(super) fn part_event(self) -> (&'static str, &'static str) {
        match self {
            Self::Summary => ("response.reasoning_summary_part", "summary_index"),
            _ => ("response.content_part", "content_index"),
        }
    }
}
