//! Anthropic's Messages over HTTP. A caller that speaks Messages itself is passed through; for others it is translated.

use super::{
    ChatCall, ChatReply, GatewayError, Told, Usage, name_model,
    outgoing::Outgoing,
    sse::EventSplitter,
    streaming::{self, Fault, Pieces, Reader},
    transport::{Post, Upstream},
};
use crate::{
    catalog::ModelEntry,
    dialect::{Inexpressible, Object, chat::replay, messages, signature},
    domain::ModelId,
};
use bytes::Bytes;
use futures::StreamExt;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use std::{borrow::Cow, time::Instant};

const VERSION: (HeaderName, HeaderValue) =
    (HeaderName::from_static("anthropic-version"), HeaderValue::from_static("2023-06-01"));
const BETA: HeaderName = HeaderName::from_static("anthropic-beta");

/// Posts the call; returns when the whole answer, or the first content of a stream, has come.
pub(super) async fn chat(
    upstream: &Upstream<'_>,
    model: &ModelEntry,
    call: &ChatCall,
) -> Result<ChatReply, GatewayError> {
    let since = Instant::now();
    let post = Post { url: upstream.url("messages")?, headers: headers(upstream, call), body: body(model, call)? };
    let response = upstream.post(post, call.stream).await?;
    if call.stream && super::openai::is_events(&response) {
        let reader = EventReader::new(&model.id, call);
        return Ok(ChatReply::Stream(streaming::begin(upstream, response, Box::new(reader), since).await?.boxed()));
    }
    if !call.stream && super::openai::says_events(&response) {
        let reader = EventReader { is_native: false, wants_usage: true, ..EventReader::new(&model.id, call) };
        return streaming::whole(upstream, response, Box::new(reader)).await;
    }
    let mut body = upstream.json(response).await?;
    if body["type"] == "error" || body["error"].is_object() {
        return Err(upstream.failed(status(&body["error"]), &body, None));
    }
    let completion = messages::completion(&body).map_err(|e| upstream.malformed(&e.to_string()))?;
    let usage = Usage::of(&completion);
    if call.stream {
        let told = streaming::replayed(replay(&completion), &model.id, call.wants_usage);
        return Ok(ChatReply::Stream(told.boxed()));
    }
    let body = if call.native.is_some() {
        name_model(&mut body, &model.id);
        Told::Native(body)
    } else {
        let mut completion = completion;
        name_model(&mut completion, &model.id);
        Told::Hub(completion)
    };
    Ok(ChatReply::Whole { body, usage })
}

fn headers(upstream: &Upstream<'_>, call: &ChatCall) -> HeaderMap {
    let mut headers = upstream.access.keys.headers(upstream.key);
    let (name, version) = VERSION;
    headers.insert(name, version);
    let beta = call.anthropic_beta.as_deref().and_then(|beta| HeaderValue::from_str(beta).ok());
    if let (Some(beta), true) = (beta, call.native.is_some()) {
        headers.insert(BETA, beta);
    }
    headers
}

fn body(model: &ModelEntry, call: &ChatCall) -> Result<Vec<u8>, GatewayError> {
    let body: Cow<'_, Object> = match &call.native {
        Some(native) => without_foreign(native),
        None => {
            let translated = messages::request(&call.body, model.max_output_tokens).map_err(inexpressible)?;
            Cow::Owned(translated)
        }
    };
    let mut outgoing = Outgoing::new(&body).with("model", Value::from(model.upstream_name.as_str()));
    if call.stream {
        outgoing = outgoing.with("stream", Value::from(true));
    }
    Ok(outgoing.bytes())
}

/// What can't be said is found before a model is chosen; here it is only the last line of defence.
pub(super) fn inexpressible(Inexpressible { field, problem }: Inexpressible) -> GatewayError {
    GatewayError::Inexpressible { field, problem }
}

/// Fields of blocks that hold the id of a call.
const IDS: [&str; 2] = ["id", "tool_use_id"];

/// A model behind another dialect may have answered an earlier turn. Its thinking was told with an empty signature, which
/// Anthropic would refuse; and its own signatures, in the ids of calls, are long and say nothing here.
fn without_foreign(body: &Object) -> Cow<'_, Object> {
    let is_foreign = |block: &Value| block["type"] == "thinking" && block["signature"] == "";
    let opened = |id: &Value| {
        let (own, signature) = signature::opened(id.as_str()?);
        signature.map(|_| Value::from(own))
    };
    let is_touched = |block: &Value| is_foreign(block) || IDS.iter().any(|field| opened(&block[field]).is_some());
    let is_mixed = |message: &Value| message["content"].as_array().is_some_and(|all| all.iter().any(is_touched));
    let messages = body.get("messages").and_then(Value::as_array);
    if !messages.is_some_and(|messages| messages.iter().any(is_mixed)) {
        return Cow::Borrowed(body);
    }
    let mut body = body.clone();
    for message in body.get_mut("messages").and_then(Value::as_array_mut).into_iter().flatten() {
        let Some(blocks) = message.get_mut("content").and_then(Value::as_array_mut) else { continue };
        blocks.retain(|block| !is_foreign(block));
        for block in blocks {
            for field in IDS {
                if let Some(id) = block.get_mut(field)
                    && let Some(own) = opened(id)
                {
                    *id = own;
                }
            }
        }
    }
    Cow::Owned(body)
}

/// The status of an error that came without one, by Anthropic's names.
fn status(error: &Value) -> u16 {
    match error["type"].as_str().unwrap_or_default() {
        "invalid_request_error" => 400,
        "authentication_error" => 401,
        "billing_error" => 402,
        "permission_error" => 403,
        "not_found_error" => 404,
        "request_too_large" => 413,
        "rate_limit_error" => 429,
        "timeout_error" => 504,
        "overloaded_error" => 529,
        _ => 500,
    }
}

/// Reads events of a message.
struct EventReader {
    splitter: EventSplitter,
    meaning: messages::EventReader,
    model: ModelId,
    is_native: bool,
    wants_usage: bool,
}

impl EventReader {
    fn new(model: &ModelId, call: &ChatCall) -> Self {
        Self {
            splitter: EventSplitter::default(),
            meaning: messages::EventReader::default(),
            model: model.clone(),
            is_native: call.native.is_some(),
            wants_usage: call.wants_usage,
        }
    }

    fn take(&mut self, data: &Bytes, pieces: &mut Pieces) -> Result<(), Fault> {
        let event: Value = serde_json::from_slice(data).map_err(|e| Fault::Malformed(e.to_string()))?;
        if event["type"] == "error" {
            return Err(Fault::Failed(status(&event["error"]), event));
        }
        let chunks = self.meaning.event(&event).map_err(|e| Fault::Malformed(e.to_string()))?;
        if self.is_native {
            pieces.native(self.native(data, event), &chunks);
        } else {
            for chunk in chunks {
                pieces.chunk(chunk, &self.model, self.wants_usage);
            }
        }
        if self.meaning.is_over() {
            pieces.end();
        }
        Ok(())
    }

    /// The event as it came, but for the model's name in the first one.
    fn native(&self, data: &Bytes, mut event: Value) -> Bytes {
        let kind = event["type"].as_str().unwrap_or_default().to_owned();
        let data = if kind == "message_start" {
            name_model(&mut event["message"], &self.model);
            Cow::Owned(event.to_string())
        } else {
            String::from_utf8_lossy(data)
        };
        let mut bytes = format!("event: {kind}\n");
        // Data with line breaks had several lines; each must say that it is data.
        for line in data.split('\n') {
            bytes.push_str("data: ");
            bytes.push_str(line);
            bytes.push('\n');
        }
        bytes.push('\n');
        Bytes::from(bytes)
    }
}

impl Reader for EventReader {
    fn read(&mut self, bytes: &[u8], pieces: &mut Pieces) -> Result<(), Fault> {
        self.splitter.push(bytes).map_err(|_| Fault::Malformed("an event without end".to_owned()))?;
        while let Some(data) = self.splitter.next_data() {
            self.take(&data, pieces)?;
        }
        Ok(())
    }

    fn end(&mut self, _: &mut Pieces) -> Result<(), Fault> {
        Err(Fault::Malformed("the stream ends without message_stop".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn thinking_that_no_provider_signed_is_left_out_and_all_else_stays() {
        let body = |blocks: Value| {
            let body =
                json!({"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": blocks}]});
            body.as_object().cloned().expect("an object")
        };
        let text = json!({"type": "text", "text": "hello"});
        let signed = json!({"type": "thinking", "thinking": "hm", "signature": "abc"});
        let mixed = body(json!([{"type": "thinking", "thinking": "hm", "signature": ""}, signed, text]));
        assert_eq!(*without_foreign(&mixed), body(json!([signed, text])));
        let clean = body(json!([signed, text]));
        assert!(matches!(without_foreign(&clean), Cow::Borrowed(_)));
    }

    #[test]
    fn signatures_of_others_in_the_ids_of_calls_are_left_out() {
        let body = |id: &str| {
            let call = json!({"type": "tool_use", "id": id, "name": "f", "input": {}});
            let result = json!({"type": "tool_result", "tool_use_id": id, "content": "r"});
            let messages = json!([{"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}]);
            json!({"messages": messages}).as_object().cloned().expect("an object")
        };
        assert_eq!(*without_foreign(&body("toolu_1--sig--AAAA")), body("toolu_1"));
        assert!(matches!(without_foreign(&body("toolu_1")), Cow::Borrowed(_)));
    }
}
