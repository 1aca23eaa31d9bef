//! What a request asks for, whichever dialect it is in; and whether a real provider would take it.

use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// How a request is put.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Speech {
    /// OpenAI's chat completions.
    Chat,
    /// Anthropic's Messages.
    Messages,
    /// OpenAI's embeddings.
    Embeddings,
}

impl Speech {
    pub(super) fn of(path: &str) -> Option<Self> {
        let path = path.split('?').next().unwrap_or(path);
        let known =
            [("/chat/completions", Self::Chat), ("/messages", Self::Messages), ("/embeddings", Self::Embeddings)];
        known.into_iter().find(|(end, _)| path.ends_with(end)).map(|(_, speech)| speech)
    }
}

/// A request boiled down to what the answer depends on.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Asked {
    pub(super) model: String,
    pub(super) stream: bool,
    /// Chat streams tell their usage only when asked.
    pub(super) wants_usage: bool,
    /// Text of the last message that is no tool's.
    pub(super) text: String,
    pub(super) images: usize,
    /// What tools said since the model last spoke.
    pub(super) results: Vec<String>,
    /// The tool to call, with its schema; `None` for an answer in words.
    pub(super) tool: Option<(String, Value)>,
    /// Whether two calls at once are welcome.
    pub(super) parallel: bool,
    /// The schema that the answer must follow.
    pub(super) schema: Option<Value>,
    pub(super) choices: usize,
    pub(super) max_words: usize,
    pub(super) thinks: bool,
    /// Bytes of the body, which input tokens grow with.
    pub(super) bytes: usize,
}

impl Asked {
    pub(super) fn of(speech: Speech, body: &Value) -> Self {
        let messages = body["messages"].as_array().map_or(&[][..], Vec::as_slice);
        let results = results(speech, messages);
        let spoken = messages.iter().rev().find(|m| m["role"] == "user" && texts(&m["content"]).next().is_some());
        let limit = ["max_completion_tokens", "max_tokens"].iter().find_map(|name| body[*name].as_u64());
        Self {
            model: body["model"].as_str().unwrap_or_default().to_owned(),
            stream: body["stream"] == true,
            wants_usage: body["stream_options"]["include_usage"] == true,
            text: spoken.map(|m| texts(&m["content"]).collect::<Vec<_>>().join(" ")).unwrap_or_default(),
            images: messages.iter().flat_map(|m| parts(&m["content"])).filter(|part| is_image(part)).count(),
            tool: if results.is_empty() { tool(speech, body) } else { None },
            results,
            parallel: body["parallel_tool_calls"] != false && body["tool_choice"]["disable_parallel_tool_use"] != true,
            schema: schema(body),
            choices: body["n"].as_u64().map_or(1, |n| n as usize),
            max_words: limit.map_or(usize::MAX, |limit| limit as usize),
            thinks: ["enabled", "adaptive"].iter().any(|kind| body["thinking"]["type"] == *kind)
                || body["reasoning_effort"].is_string(),
            bytes: body.to_string().len(),
        }
    }
}

fn parts(content: &Value) -> impl Iterator<Item = &Value> {
    content.as_array().into_iter().flatten()
}

fn texts(content: &Value) -> impl Iterator<Item = &str> {
    content.as_str().into_iter().chain(parts(content).filter_map(|part| part["text"].as_str()))
}

fn is_image(part: &Value) -> bool {
    let (url, source) = (&part["image_url"]["url"], &part["source"]);
    url.is_string() || source["data"].is_string() || source["url"].is_string()
}

fn results(speech: Speech, messages: &[Value]) -> Vec<String> {
    let since = messages.iter().rposition(|m| m["role"] == "assistant").map_or(0, |at| at + 1);
    let new = &messages[since..];
    let said = |content: &Value| texts(content).collect::<Vec<_>>().join(" ");
    if speech == Speech::Chat {
        return new.iter().filter(|m| m["role"] == "tool").map(|m| said(&m["content"])).collect();
    }
    let parts = new.iter().flat_map(|m| parts(&m["content"])).filter(|part| part["type"] == "tool_result");
    parts.map(|part| said(&part["content"])).collect()
}

fn tool(speech: Speech, body: &Value) -> Option<(String, Value)> {
    let choice = &body["tool_choice"];
    if choice == "none" || choice["type"] == "none" {
        return None;
    }
    let tools = body["tools"].as_array()?.iter().map(|tool| match speech {
        Speech::Chat => (tool["function"]["name"].as_str(), &tool["function"]["parameters"]),
        _ => (tool["name"].as_str(), &tool["input_schema"]),
    });
    let wanted = choice["function"]["name"].as_str().or(choice["name"].as_str());
    let mut fitting = tools.filter(|(name, _)| wanted.is_none() || *name == wanted);
    fitting.next().and_then(|(name, schema)| Some((name?.to_owned(), schema.clone())))
}

fn schema(body: &Value) -> Option<Value> {
    let chat = &body["response_format"]["json_schema"]["schema"];
    let messages = [&body["output_config"]["format"]["schema"], &body["output_format"]["schema"]];
    std::iter::once(chat).chain(messages).find(|schema| schema.is_object()).cloned()
}

/// Fields that Anthropic takes; it refuses all others.
const MESSAGES_FIELDS: [&str; 20] = [
    "model",
    "messages",
    "max_tokens",
    "system",
    "metadata",
    "stop_sequences",
    "stream",
    "temperature",
    "top_p",
    "top_k",
    "tools",
    "tool_choice",
    "thinking",
    "service_tier",
    "container",
    "mcp_servers",
    "context_management",
    "output_config",
    "output_format",
    "cache_control",
];

/// What a real provider would refuse, in a sentence: things that a gateway can get wrong.
pub(super) fn complaint(speech: Speech, headers: &BTreeMap<String, String>, body: &Value) -> Option<String> {
    let Some(fields) = body.as_object() else { return Some("the body is not a JSON object".to_owned()) };
    if fields.get("model").and_then(Value::as_str).is_none_or(|model| model.is_empty() || model == "auto") {
        return Some("model: not one of ours".to_owned());
    }
    match speech {
        Speech::Embeddings => fields.get("input").is_none().then(|| "input: missing".to_owned()),
        Speech::Chat => chat_complaint(fields),
        Speech::Messages => messages_complaint(headers, fields),
    }
}

fn chat_complaint(body: &Map<String, Value>) -> Option<String> {
    if let Some(field) = ["route", "models", "provider"].iter().find(|field| body.contains_key(**field)) {
        return Some(format!("Unrecognized request argument supplied: {field}"));
    }
    if body.contains_key("stream_options") && body.get("stream") != Some(&Value::Bool(true)) {
        return Some("The 'stream_options' parameter is only allowed when 'stream' is enabled.".to_owned());
    }
    let messages = body.get("messages").and_then(Value::as_array).filter(|m| !m.is_empty());
    let Some(messages) = messages else { return Some("messages: missing".to_owned()) };
    let mut open: Vec<&str> = Vec::new();
    for message in messages {
        if message["role"] == "tool" {
            let id = message["tool_call_id"].as_str().unwrap_or_default();
            let Some(at) = open.iter().position(|call| *call == id) else {
                return Some(format!("tool_call_id {id:?} answers no call"));
            };
            open.remove(at);
        } else if !open.is_empty() {
            break;
        }
        open.extend(message["tool_calls"].as_array().into_iter().flatten().filter_map(|call| call["id"].as_str()));
    }
    (!open.is_empty()).then(|| format!("tool_call_ids did not have response messages: {}", open.join(", ")))
}

fn messages_complaint(headers: &BTreeMap<String, String>, body: &Map<String, Value>) -> Option<String> {
    if !headers.contains_key("anthropic-version") {
        return Some("anthropic-version: header is required".to_owned());
    }
    if let Some(field) = body.keys().find(|field| !MESSAGES_FIELDS.contains(&field.as_str())) {
        return Some(format!("{field}: Extra inputs are not permitted"));
    }
    if body.get("max_tokens").and_then(Value::as_u64).is_none_or(|limit| limit == 0) {
        return Some("max_tokens: Field required".to_owned());
    }
    let messages = body.get("messages").and_then(Value::as_array).filter(|m| !m.is_empty());
    let Some(messages) = messages else { return Some("messages: at least one message is required".to_owned()) };
    let mut open: Vec<&str> = Vec::new();
    for message in messages {
        if message["role"] != "user" && message["role"] != "assistant" {
            return Some(format!("messages: Unexpected role {}", message["role"]));
        }
        for part in parts(&message["content"]).filter(|part| part["type"] == "tool_result") {
            let id = part["tool_use_id"].as_str().unwrap_or_default();
            let Some(at) = open.iter().position(|call| *call == id) else {
                return Some(format!("unexpected `tool_use_id` found in `tool_result` blocks: {id}"));
            };
            open.remove(at);
        }
        if !open.is_empty() {
            break;
        }
        let calls = parts(&message["content"]).filter(|part| part["type"] == "tool_use");
        open.extend(calls.filter_map(|part| part["id"].as_str()));
    }
    (!open.is_empty()).then(|| format!("`tool_use` ids were found without `tool_result` blocks: {}", open.join(", ")))
}
