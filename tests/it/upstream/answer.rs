//! An answer in a dialect, whole and as events, and a provider's words for an error.

use super::{
    asked::{Asked, Speech},
    said::{Said, Tokens},
};
use serde_json::{Value, json};

/// The same answer in both forms.
#[derive(Debug)]
pub(super) struct Answer {
    /// The provider's id of it; embeddings have none.
    pub(super) id: Option<String>,
    pub(super) whole: Value,
    /// Server-sent events. The first `opening` of them carry no content, then come `content` with some, then finish
    /// and usage, and the last one closes.
    pub(super) events: Vec<String>,
    pub(super) opening: usize,
    pub(super) content: usize,
}

impl Answer {
    pub(super) fn new(speech: Speech, asked: &Asked, said: &Said, body: &Value) -> Self {
        match speech {
            Speech::Chat => chat(asked, said),
            Speech::Messages => messages(asked, said),
            Speech::Embeddings => embeddings(asked, said, body),
        }
    }
}

/// An error's body.
pub(super) fn error(speech: Speech, status: u16, message: &str) -> Value {
    let kind = match status {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        400..=499 => "invalid_request_error",
        _ if speech == Speech::Messages => "api_error",
        _ => "server_error",
    };
    if speech == Speech::Messages {
        return json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"});
    }
    json!({"error": {"message": message, "type": kind, "param": null, "code": null}})
}

/// An error within a stream.
pub(super) fn error_event(speech: Speech) -> String {
    match speech {
        Speech::Messages => event("error", &error(speech, 529, "Overloaded")),
        _ => format!("data: {}\n\n", error(speech, 500, "The server had an error while processing your request")),
    }
}

fn chat_usage(tokens: Tokens) -> Value {
    json!({
        "prompt_tokens": tokens.input, "completion_tokens": tokens.output, "total_tokens": tokens.input + tokens.output,
        "prompt_tokens_details": {
            "cached_tokens": tokens.cached, "cache_write_tokens": tokens.written, "audio_tokens": 0,
        },
        "completion_tokens_details": {"reasoning_tokens": tokens.reasoning, "audio_tokens": 0},
    })
}

fn chat(asked: &Asked, said: &Said) -> Answer {
    let id = format!("chatcmpl-{}", said.mark);
    let finish = match (said.calls.is_empty(), said.cut) {
        (false, _) => "tool_calls",
        (true, true) => "length",
        (true, false) => "stop",
    };
    let calls: Vec<Value> = said
        .calls
        .iter()
        .map(|call| {
            let arguments = call.arguments.to_string();
            json!({"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}})
        })
        .collect();
    let mut message = json!({"role": "assistant", "content": said.text(), "refusal": null, "annotations": []});
    if !calls.is_empty() {
        message["content"] = Value::Null;
        message["tool_calls"] = calls.clone().into();
    }
    let choice = |index| json!({"index": index, "message": message, "logprobs": null, "finish_reason": finish});
    let whole = json!({
        "id": id, "object": "chat.completion", "created": 1_763_900_000, "model": asked.model,
        "choices": (0..asked.choices).map(choice).collect::<Vec<_>>(), "usage": chat_usage(said.tokens),
        "service_tier": "default", "system_fingerprint": "fp_1",
    });
    let (events, content) = chat_events(asked, said, &id, &calls, finish);
    Answer { id: Some(id), whole, events, opening: asked.choices, content }
}

fn chat_events(asked: &Asked, said: &Said, id: &str, calls: &[Value], finish: &str) -> (Vec<String>, usize) {
    let chunk = |choices: Value, usage: Value| {
        let mut chunk = json!({
            "id": id, "object": "chat.completion.chunk", "created": 1_763_900_000, "model": asked.model,
            "system_fingerprint": "fp_1", "choices": choices,
        });
        if asked.wants_usage {
            chunk["usage"] = usage;
        }
        format!("data: {chunk}\n\n")
    };
    let all = |delta: Value, finish: Option<&str>| -> Vec<String> {
        let choice = |index| json!([{"index": index, "delta": delta, "logprobs": null, "finish_reason": finish}]);
        (0..asked.choices).map(|index| chunk(choice(index), Value::Null)).collect()
    };
    let mut events =
        all(json!({"role": "assistant", "content": if calls.is_empty() { json!("") } else { Value::Null }}), None);
    let opening = events.len();
    for piece in &said.pieces {
        events.extend(all(json!({"content": piece}), None));
    }
    for (index, call) in calls.iter().enumerate() {
        let arguments = call["function"]["arguments"].as_str().unwrap_or_default();
        let (first, second) = halves(arguments);
        let mut start = call.clone();
        (start["index"], start["function"]["arguments"]) = (json!(index), json!(""));
        events.extend(all(json!({"tool_calls": [start]}), None));
        for part in [first, second] {
            events.extend(all(json!({"tool_calls": [{"index": index, "function": {"arguments": part}}]}), None));
        }
    }
    let content = events.len() - opening;
    events.extend(all(json!({}), Some(finish)));
    if asked.wants_usage {
        events.push(chunk(json!([]), chat_usage(said.tokens)));
    }
    events.push("data: [DONE]\n\n".to_owned());
    (events, content)
}

fn halves(text: &str) -> (&str, &str) {
    text.split_at((text.len() / 2..).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len()))
}

fn event(kind: &str, data: &Value) -> String {
    format!("event: {kind}\ndata: {data}\n\n")
}

/// Input as Anthropic counts it: what came from the cache stands apart.
fn messages_usage(tokens: Tokens) -> Value {
    json!({
        "input_tokens": tokens.input - tokens.cached - tokens.written, "cache_read_input_tokens": tokens.cached,
        "cache_creation_input_tokens": tokens.written, "output_tokens": tokens.output, "service_tier": "standard",
    })
}

fn messages(asked: &Asked, said: &Said) -> Answer {
    let id = format!("msg_{}", said.mark);
    let stop = match (said.calls.is_empty(), said.cut) {
        (false, _) => "tool_use",
        (true, true) => "max_tokens",
        (true, false) => "end_turn",
    };
    let blocks = blocks(said);
    let mut whole = json!({
        "id": id, "type": "message", "role": "assistant", "model": asked.model, "content": blocks,
        "stop_reason": stop, "stop_sequence": null, "usage": messages_usage(said.tokens),
    });
    let mut events = Vec::new();
    let mut tell = |kind: &str, mut data: Value| {
        data["type"] = json!(kind);
        events.push(event(kind, &data));
    };
    let message = whole.clone();
    (whole["content"], whole["stop_reason"], whole["usage"]["output_tokens"]) = (json!([]), Value::Null, json!(1));
    tell("message_start", json!({"message": whole}));
    tell("ping", json!({}));
    let (mut content, mut opening) = (0_usize, 0);
    for (index, block) in blocks.iter().enumerate() {
        let (start, deltas) = told(block, said);
        tell("content_block_start", json!({"index": index, "content_block": start}));
        for delta in deltas {
            tell("content_block_delta", json!({"index": index, "delta": delta}));
            content += 1;
        }
        tell("content_block_stop", json!({"index": index}));
        // Starts and stops between two blocks count as content: they come after some.
        content += 2;
        opening = 3;
    }
    tell(
        "message_delta",
        json!({
            "delta": {"stop_reason": stop, "stop_sequence": null}, "usage": {"output_tokens": said.tokens.output},
        }),
    );
    tell("message_stop", json!({}));
    Answer { id: Some(id), whole: message, events, opening, content: content.saturating_sub(1) }
}

fn blocks(said: &Said) -> Vec<Value> {
    let thought =
        said.thought.iter().map(|thought| json!({"type": "thinking", "thinking": thought, "signature": "c2ln"}));
    let text = (!said.pieces.is_empty()).then(|| json!({"type": "text", "text": said.text()}));
    let calls = said.calls.iter().map(|call| {
        json!({"type": "tool_use", "id": call.id.replace("call_", "toolu_"), "name": call.name, "input": call.arguments})
    });
    thought.chain(text).chain(calls).collect()
}

/// A block as it starts, and the deltas that tell it.
fn told(block: &Value, said: &Said) -> (Value, Vec<Value>) {
    let mut start = block.clone();
    let deltas = match block["type"].as_str() {
        Some("thinking") => {
            (start["thinking"], start["signature"]) = (json!(""), json!(""));
            vec![
                json!({"type": "thinking_delta", "thinking": block["thinking"]}),
                json!({"type": "signature_delta", "signature": block["signature"]}),
            ]
        }
        Some("tool_use") => {
            start["input"] = json!({});
            let input = block["input"].to_string();
            let (first, second) = halves(&input);
            ["", first, second].map(|part| json!({"type": "input_json_delta", "partial_json": part})).into()
        }
        _ => {
            start["text"] = json!("");
            said.pieces.iter().map(|piece| json!({"type": "text_delta", "text": piece})).collect()
        }
    };
    (start, deltas)
}

fn embeddings(asked: &Asked, said: &Said, body: &Value) -> Answer {
    let inputs = match &body["input"] {
        Value::Array(inputs) if !inputs[0].is_number() => inputs.len(),
        _ => 1,
    };
    let dimensions = body["dimensions"].as_u64().map_or(8, |d| d as usize);
    let vector = |i: usize| (0..dimensions).map(move |d| (i + 1) as f32 / (d + 2) as f32).collect::<Vec<f32>>();
    let embedding = |i: usize| match body["encoding_format"].as_str() {
        Some("base64") => json!(base64(&vector(i).iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>())),
        _ => json!(vector(i)),
    };
    let data = (0..inputs).map(|i| json!({"object": "embedding", "index": i, "embedding": embedding(i)}));
    let usage = json!({"prompt_tokens": said.tokens.input, "total_tokens": said.tokens.input});
    let whole = json!({"object": "list", "data": data.collect::<Vec<_>>(), "model": asked.model, "usage": usage});
    Answer { id: None, whole, events: Vec::new(), opening: 0, content: 0 }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = (0..3).fold(0, |bits, i| bits << 8 | u32::from(*group.get(i).unwrap_or(&0)));
        for digit in 0..4 {
            let known = digit <= group.len();
            text.push(if known { DIGITS[(bits >> (18 - 6 * digit)) as usize & 63] as char } else { '=' });
        }
    }
    text
}
