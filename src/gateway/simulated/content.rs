//! What a simulated answer says: a sentence, JSON where the caller asked for it, or the tool call that it insists on.

use super::{super::ChatCall, sample::sample};
use crate::{catalog::ModelEntry, dialect::Object};
use serde_json::{Value, json};

/// The content of an answer.
pub(super) enum Content {
    /// Text, or JSON as text.
    Text(String),
    /// A call of one of the tools offered.
    Call {
        /// Of the call.
        id: String,
        /// Of the tool.
        name: String,
        /// JSON that fits the tool's schema.
        arguments: String,
    },
}

impl Content {
    /// What this model says to this call.
    pub(super) fn of(model: &ModelEntry, call: &ChatCall) -> Self {
        if let Some((name, schema)) = demanded_tool(&call.body) {
            let (id, name) = (format!("call_sim_{}", call.decision.as_u128()), name.to_owned());
            return Self::Call { id, name, arguments: sample(schema).to_string() };
        }
        let sentence = sentence(model, call);
        let format = call.body.get("response_format").unwrap_or(&Value::Null);
        Self::Text(match format["type"].as_str() {
            Some("json_schema") => sample(&format["json_schema"]["schema"]).to_string(),
            Some("json_object") => json!({"simulated": sentence}).to_string(),
            _ => sentence,
        })
    }

    /// Bytes of what is said.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Call { name, arguments, .. } => name.len() + arguments.len(),
        }
    }

    /// Why the answer ends.
    pub(super) const fn finish_reason(&self) -> &'static str {
        match self {
            Self::Text(_) => "stop",
            Self::Call { .. } => "tool_calls",
        }
    }

    /// As the message of a chat completion.
    pub(super) fn message(&self) -> Value {
        match self {
            Self::Text(text) => json!({"role": "assistant", "content": text}),
            Self::Call { id, name, arguments } => {
                let function = json!({"name": name, "arguments": arguments});
                let calls = json!([{"id": id, "type": "function", "function": function}]);
                json!({"role": "assistant", "content": null, "tool_calls": calls})
            }
        }
    }

    /// The same in pieces, of which the first names the role.
    pub(super) fn deltas(&self) -> Vec<Value> {
        match self {
            Self::Text(text) => {
                let words = text.split_inclusive(' ').map(|word| json!({"content": word}));
                [json!({"role": "assistant", "content": ""})].into_iter().chain(words).collect()
            }
            Self::Call { id, name, arguments } => {
                let function = json!({"name": name, "arguments": ""});
                let begun = json!([{"index": 0, "id": id, "type": "function", "function": function}]);
                let first = json!({"role": "assistant", "content": null, "tool_calls": begun});
                let pieces = arguments.split_inclusive(',');
                let pieces = pieces.map(|p| json!({"tool_calls": [{"index": 0, "function": {"arguments": p}}]}));
                [first].into_iter().chain(pieces).collect()
            }
        }
    }
}

/// The tool that must be called, with the schema of its arguments: the one that is named, or the first if any will do.
fn demanded_tool(body: &Object) -> Option<(&str, &Value)> {
    let choice = body.get("tool_choice")?;
    let named = choice["function"]["name"].as_str();
    if named.is_none() && choice != "required" {
        return None;
    }
    let functions = body.get("tools")?.as_array()?.iter().map(|tool| &tool["function"]);
    let mut named_functions = functions.filter_map(|f| Some((f["name"].as_str()?, &f["parameters"])));
    named_functions.find(|(name, _)| named.is_none_or(|named| named == *name))
}

fn sentence(model: &ModelEntry, call: &ChatCall) -> String {
    let asked = last_user_text(&call.body);
    let quoted: String = asked.chars().take(60).collect();
    format!(
        "[simulated] No model was called. {} would answer this {} prompt (difficulty {:.2}) here: \"{}{}\"",
        model.id,
        call.task,
        call.difficulty.get(),
        quoted.replace('\n', " "),
        if asked.chars().count() > 60 { "…" } else { "" },
    )
}

fn last_user_text(body: &Object) -> String {
    let messages = body.get("messages").and_then(Value::as_array);
    let last = messages.and_then(|m| m.iter().rev().find(|m| m["role"] == "user"));
    match last.map(|m| &m["content"]) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => parts.iter().filter_map(|p| p["text"].as_str()).collect::<Vec<_>>().join(" "),
        _ => String::new(),
    }
}
