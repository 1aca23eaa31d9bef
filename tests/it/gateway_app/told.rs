//! What an answer says, in whichever dialect and form.

use crate::support::Answer;
use serde_json::{Value, json};

/// How a caller speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    Chat,
    Messages,
    Responses,
}

/// What every test asks.
pub(crate) const QUESTION: &str = "What is 2 + 2?";

impl Wire {
    pub(crate) const ALL: [Self; 3] = [Self::Chat, Self::Messages, Self::Responses];

    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Chat => "/v1/chat/completions",
            Self::Messages => "/v1/messages",
            Self::Responses => "/v1/responses",
        }
    }

    /// The question, to whoever is cheapest; `fields` are added or replace others.
    pub(crate) fn body(self, stream: bool, fields: Value) -> Value {
        let mut body = match self {
            Self::Chat => {
                json!({"messages": [{"role": "user", "content": QUESTION}], "stream_options": {"include_usage": true}})
            }
            Self::Messages => json!({"messages": [{"role": "user", "content": QUESTION}], "max_tokens": 1000}),
            Self::Responses => json!({"input": QUESTION}),
        };
        (body["model"], body["stream"]) = (json!("auto"), json!(stream));
        let all = body.as_object_mut().expect("an object");
        if !stream {
            all.remove("stream_options");
        }
        all.extend(fields.as_object().cloned().unwrap_or_default());
        body
    }
}

/// How an answer ends that began with 200.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    /// With what the dialect closes an answer with.
    Whole,
    /// With an error in the dialect's words.
    Error(String),
    /// Without a word: never right.
    Torn,
}

/// An answer with status 200.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Told {
    pub(crate) id: String,
    pub(crate) model: String,
    pub(crate) text: String,
    /// Input and output tokens.
    pub(crate) usage: Option<(u64, u64)>,
    pub(crate) ending: Ending,
}

impl Told {
    /// # Panics
    /// When it is not what the dialect says.
    pub(crate) fn of(wire: Wire, stream: bool, answer: &Answer) -> Self {
        let expected = if stream { "text/event-stream" } else { "application/json" };
        let content_type = answer.header("content-type").unwrap_or_default();
        assert!(content_type.starts_with(expected), "{content_type}: {}", answer.text);
        let events = if stream { events(&answer.text) } else { vec![answer.json()] };
        match wire {
            Wire::Chat => chat(&events),
            Wire::Messages => messages(&events),
            Wire::Responses => responses(&events),
        }
    }
}

/// The data of each event; `[DONE]` becomes a text.
fn events(text: &str) -> Vec<Value> {
    let data = |event: &str| {
        let lines = event.lines().filter_map(|line| line.strip_prefix("data:"));
        let data = lines.map(str::trim_start).collect::<Vec<_>>().join("\n");
        match data.as_str() {
            "" => None,
            "[DONE]" => Some(json!("[DONE]")),
            data => Some(serde_json::from_str(data).unwrap_or_else(|e| panic!("{e}: {data}"))),
        }
    };
    text.split("\n\n").filter_map(data).collect()
}

/// The first text under one of these JSON pointers, in any of the events.
fn first(events: &[Value], pointers: &[&str]) -> String {
    let mut found = events.iter().flat_map(|event| pointers.iter().filter_map(|p| event.pointer(p)?.as_str()));
    found.next().unwrap_or_default().to_owned()
}

fn joined(events: &[Value], pointers: &[&str]) -> String {
    events.iter().flat_map(|event| pointers.iter().filter_map(|p| event.pointer(p)?.as_str())).collect()
}

/// An error in the last event.
fn error(events: &[Value]) -> Option<Ending> {
    let last = events.last()?;
    let found = [&last["error"]["message"], &last["response"]["error"]["message"], &last["message"]];
    let message = found.into_iter().find_map(Value::as_str)?;
    let named = last["error"].is_object() || matches!(last["type"].as_str(), Some("error" | "response.failed"));
    named.then(|| Ending::Error(message.to_owned()))
}

/// Tokens of the last usage.
fn usage(events: &[Value], pointers: &[&str], input: &str, output: &str) -> Option<(u64, u64)> {
    let mut found = events.iter().rev().flat_map(|event| pointers.iter().filter_map(|p| event.pointer(p)));
    found.find_map(|usage| Some((usage[input].as_u64()?, usage[output].as_u64()?)))
}

fn chat(events: &[Value]) -> Told {
    let (told, streamed) = match events.split_last() {
        Some((last, told)) if last == "[DONE]" => (told, true),
        _ => (events, events[0]["object"] == "chat.completion.chunk"),
    };
    let model = first(told, &["/model"]);
    assert!(told.iter().all(|e| e["model"] == model.as_str() || e["error"].is_object()), "one model: {told:?}");
    let is_over = told.len() < events.len() || !streamed;
    let ending = error(events).unwrap_or(if is_over { Ending::Whole } else { Ending::Torn });
    Told {
        id: first(told, &["/id"]),
        model,
        text: joined(told, &["/choices/0/message/content", "/choices/0/delta/content"]),
        usage: usage(told, &["/usage"], "prompt_tokens", "completion_tokens"),
        ending,
    }
}

fn messages(events: &[Value]) -> Told {
    let last = events.last().map(|event| event["type"].clone()).unwrap_or_default();
    let is_over = last == "message_stop" || last == "message";
    let fresh = |usage: &Value| {
        let fields = ["input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"];
        let [input, rest @ ..] = fields.map(|field| usage[field].as_u64());
        Some(input? + rest.into_iter().flatten().sum::<u64>())
    };
    let usages = || events.iter().flat_map(|e| [&e["usage"], &e["message"]["usage"]]);
    let output = usages().filter_map(|usage| usage["output_tokens"].as_u64()).next_back();
    Told {
        id: first(events, &["/id", "/message/id"]),
        model: first(events, &["/model", "/message/model"]),
        text: joined(events, &["/content/0/text", "/delta/text"]),
        // The input may be told at the start, at the end, or at both.
        usage: usages().filter_map(fresh).rfind(|input| *input > 0).zip(output),
        ending: error(events).unwrap_or(if is_over { Ending::Whole } else { Ending::Torn }),
    }
}

fn responses(events: &[Value]) -> Told {
    let last = events.last().cloned().unwrap_or_default();
    let is_over = last["type"] == "response.completed" || last["object"] == "response";
    let deltas = events.iter().filter(|event| event["type"] == "response.output_text.delta");
    let parts = last["output"].as_array().into_iter().flatten().flat_map(|item| item["content"].as_array()).flatten();
    Told {
        id: first(events, &["/id", "/response/id"]),
        model: first(events, &["/model", "/response/model"]),
        text: deltas.map(|e| &e["delta"]).chain(parts.map(|part| &part["text"])).filter_map(Value::as_str).collect(),
        usage: usage(events, &["/usage", "/response/usage"], "input_tokens", "output_tokens"),
        ending: error(events).unwrap_or(if is_over { Ending::Whole } else { Ending::Torn }),
    }
}
