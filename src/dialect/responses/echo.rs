//! A response but for its output: who made it, and what it was asked for.

use super::{Object, given};
use serde_json::{Map, Value, json};

/// Settings that come back as they were sent.
const ECHOED: [&str; 13] = [
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "parallel_tool_calls",
    "prompt_cache_key",
    "safety_identifier",
    "temperature",
    "tool_choice",
    "top_logprobs",
    "top_p",
    "tools",
    "user",
];

/// Tiers that clients know.
const TIERS: [&str; 7] = ["auto", "default", "flex", "scale", "priority", "fast", "ultrafast"];

/// How a response stands.
#[derive(Debug, Clone, Copy)]
pub(super) enum Status<'a> {
    /// It is being told.
    InProgress,
    /// It is whole.
    Completed,
    /// It was cut off, for this reason.
    Incomplete(&'static str),
    /// It broke off.
    Failed {
        /// One of the API's codes.
        code: &'static str,
        /// What happened.
        message: &'a str,
    },
}

impl Status<'_> {
    /// Whether nothing is missing.
    pub(super) fn is_whole(self) -> bool {
        matches!(self, Self::Completed)
    }

    /// The event that says so.
    pub(super) fn event(self) -> &'static str {
        match self {
            Self::InProgress => "response.created",
            Self::Completed => "response.completed",
            Self::Incomplete(_) => "response.incomplete",
            Self::Failed { .. } => "response.failed",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Incomplete(_) => "incomplete",
            Self::Failed { .. } => "failed",
        }
    }
}

/// What all tellings of a response share.
#[derive(Debug)]
pub(super) struct Frame(Object);

impl Frame {
    /// A frame that has no name yet.
    pub(super) fn new(request: &Object) -> Self {
        let mut fields = defaults();
        for field in ECHOED {
            if let Some(value) = given(request, field) {
                fields.insert(field.to_owned(), value.clone());
            }
        }
        for section in ["text", "reasoning"] {
            let told = given(request, section).and_then(Value::as_object).into_iter().flatten();
            for (field, value) in told.filter(|(_, value)| !value.is_null()) {
                fields[section][field] = value.clone();
            }
        }
        for tool in fields["tools"].as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
            // Functions that don't say so are not strict: see `tools`.
            if given(tool, "strict").is_none() {
                tool.insert("strict".to_owned(), Value::from(false));
            }
        }
        Self(fields)
    }

    /// Takes over what a completion or a chunk says of itself.
    pub(super) fn name(&mut self, completion: &Value) {
        self.0["id"] = Value::from(format!("resp_{}", id(completion)));
        self.0["created_at"] = Value::from(completion["created"].as_u64().unwrap_or(0));
        self.0["model"] = Value::from(completion["model"].as_str().unwrap_or_default());
        self.serve(completion);
    }

    /// Takes over the tier that served, if it is told.
    pub(super) fn serve(&mut self, completion: &Value) {
        if let Some(tier) = completion["service_tier"].as_str().filter(|tier| TIERS.contains(tier)) {
            self.0["service_tier"] = Value::from(tier);
        }
    }

    /// The response.
    pub(super) fn response(&self, status: Status<'_>, output: Value, usage: Value) -> Value {
        let mut response = self.0.clone();
        let mut set = |field: &str, value: Value| response.insert(field.to_owned(), value);
        set("status", Value::from(status.word()));
        set("output", output);
        set("usage", usage);
        match status {
            Status::Incomplete(reason) => set("incomplete_details", json!({"reason": reason})),
            Status::Failed { code, message } => set("error", json!({"code": code, "message": message})),
            Status::InProgress | Status::Completed => None,
        };
        Value::Object(response)
    }
}

/// The id of a completion or chunk.
pub(super) fn id(completion: &Value) -> &str {
    completion["id"].as_str().unwrap_or_default()
}

/// Settings where nothing is asked for. What the provider's default is, is not known here: it is null.
fn defaults() -> Map<String, Value> {
    let fields = json!({
        "id": "resp_",
        "object": "response",
        "created_at": 0,
        "model": "",
        "error": null,
        "incomplete_details": null,
        "background": false,
        "instructions": null,
        "max_output_tokens": null,
        "max_tool_calls": null,
        "metadata": {},
        "parallel_tool_calls": true,
        "previous_response_id": null,
        "prompt_cache_key": null,
        "reasoning": {"effort": null, "summary": null},
        "safety_identifier": null,
        "service_tier": null,
        "store": false,
        "temperature": null,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_logprobs": 0,
        "top_p": null,
        "truncation": "disabled",
        "user": null,
    });
    match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}
