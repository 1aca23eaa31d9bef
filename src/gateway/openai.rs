//! The OpenAI chat-completions dialect over HTTP: every OpenAI-compatible upstream.

use super::{ChatCall, ChatReply, GatewayError, ProviderAccess, StreamItem, Usage, name_model, sse::EventSplitter};
use crate::{catalog::ModelEntry, domain::ModelId};
use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Bytes of a whole answer that are accepted.
const MAX_BODY_BYTES: usize = 64 << 20;
/// Characters of an upstream's error message that are passed on.
const MAX_MESSAGE: usize = 300;

/// Posts the call and returns when the status is known.
pub(super) async fn chat(
    client: &reqwest::Client,
    access: &ProviderAccess,
    model: &ModelEntry,
    call: ChatCall,
    timeout: Duration,
) -> Result<ChatReply, GatewayError> {
    let provider = model.provider.clone();
    let url = format!("{}/chat/completions", access.base_url.trim_end_matches('/'));
    let wants_usage = asks_for_usage(&call.body);
    let mut request = client.post(url).timeout(timeout).json(&outgoing(call.body, model, call.stream));
    if let Some(key) = &access.api_key {
        request = request.bearer_auth(key);
    }
    let response = request.send().await.map_err(|e| transport(&provider, &e, timeout))?;
    if !response.status().is_success() {
        return Err(refused(&provider, response, access.api_key.as_deref()).await);
    }
    if call.stream {
        let events = events(provider, model.id.clone(), wants_usage, response, timeout);
        return Ok(ChatReply::Stream(events.boxed()));
    }
    let bytes = read_bounded(&provider, response, timeout).await?;
    let mut body: Value = serde_json::from_slice(&bytes).map_err(|e| malformed(&provider, &e.to_string()))?;
    if body.get("choices").is_none() {
        return Err(malformed(&provider, "no `choices`"));
    }
    let usage = Usage::of(&body);
    name_model(&mut body, &model.id);
    Ok(ChatReply::Whole { body, usage })
}

pub(super) fn asks_for_usage(body: &Map<String, Value>) -> bool {
    body.get("stream_options").and_then(|o| o.get("include_usage")).and_then(Value::as_bool).unwrap_or(false)
}

/// The caller's body with the provider's model name; a stream is always asked for its usage, so that it can be billed.
fn outgoing(mut body: Map<String, Value>, model: &ModelEntry, stream: bool) -> Map<String, Value> {
    body.insert("model".to_owned(), Value::from(model.upstream_name.as_str()));
    if stream {
        let options = body.entry("stream_options").or_insert_with(|| json!({}));
        if let Some(options) = options.as_object_mut() {
            options.insert("include_usage".to_owned(), Value::from(true));
        }
    }
    body
}

async fn read_bounded(provider: &str, response: reqwest::Response, timeout: Duration) -> Result<Vec<u8>, GatewayError> {
    let mut chunks = response.bytes_stream();
    let mut bytes = Vec::new();
    while let Some(chunk) = chunks.next().await {
        bytes.extend_from_slice(&chunk.map_err(|e| transport(provider, &e, timeout))?);
        if bytes.len() > MAX_BODY_BYTES {
            return Err(malformed(provider, "answer larger than 64 MiB"));
        }
    }
    Ok(bytes)
}

/// Events of a streamed answer, one item each.
fn events(
    provider: String,
    model: ModelId,
    wants_usage: bool,
    response: reqwest::Response,
    timeout: Duration,
) -> impl Stream<Item = Result<StreamItem, GatewayError>> + Send {
    let state = Upstream {
        provider,
        model,
        wants_usage,
        timeout,
        splitter: EventSplitter::default(),
        chunks: response.bytes_stream().boxed(),
        ready: Vec::new(),
        over: false,
    };
    stream::unfold(state, |mut state| async move { state.next().await.map(|item| (item, state)) })
}

struct Upstream {
    provider: String,
    model: ModelId,
    wants_usage: bool,
    timeout: Duration,
    splitter: EventSplitter,
    chunks: stream::BoxStream<'static, reqwest::Result<Bytes>>,
    /// Items of the last event, in reverse.
    ready: Vec<StreamItem>,
    over: bool,
}

impl Upstream {
    async fn next(&mut self) -> Option<Result<StreamItem, GatewayError>> {
        loop {
            if let Some(item) = self.ready.pop() {
                return Some(Ok(item));
            }
            if self.over {
                return None;
            }
            if let Some(data) = self.splitter.next_data() {
                if let Err(e) = self.take(&data) {
                    self.over = true;
                    return Some(Err(e));
                }
                continue;
            }
            if let Err(e) = self.read().await {
                self.over = true;
                return Some(Err(e));
            }
        }
    }

    async fn read(&mut self) -> Result<(), GatewayError> {
        match self.chunks.next().await {
            Some(Ok(bytes)) => {
                self.splitter.push(&bytes).map_err(|_| malformed(&self.provider, "an event without end"))
            }
            Some(Err(e)) => Err(transport(&self.provider, &e, self.timeout)),
            None if self.splitter.is_torn() => Err(malformed(&self.provider, "the stream ends inside an event")),
            None => Err(malformed(&self.provider, "the stream ends without [DONE]")),
        }
    }

    fn take(&mut self, data: &[u8]) -> Result<(), GatewayError> {
        if data == b"[DONE]" {
            self.over = true;
            self.ready.push(StreamItem::Event(Bytes::from_static(b"data: [DONE]\n\n")));
            return Ok(());
        }
        let mut chunk: Value = serde_json::from_slice(data).map_err(|e| malformed(&self.provider, &e.to_string()))?;
        if let Some(error) = chunk.get("error") {
            let message = error.get("message").and_then(Value::as_str).unwrap_or("error in the stream");
            return Err(malformed(&self.provider, message));
        }
        let usage = Usage::of(&chunk);
        let only_usage = usage.is_counted() && chunk["choices"].as_array().is_none_or(Vec::is_empty);
        if !only_usage || self.wants_usage {
            name_model(&mut chunk, &self.model);
            self.ready.push(StreamItem::Event(Bytes::from(format!("data: {chunk}\n\n"))));
        }
        self.ready.push(StreamItem::Usage(usage));
        Ok(())
    }
}

fn transport(provider: &str, error: &reqwest::Error, timeout: Duration) -> GatewayError {
    let provider = provider.to_owned();
    if error.is_timeout() {
        return GatewayError::Timeout { provider, after_ms: u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX) };
    }
    let problem = match () {
        () if error.is_connect() => "can't connect",
        () if error.is_body() || error.is_decode() => "the connection broke while answering",
        () => "the request failed",
    };
    GatewayError::Connection { provider, problem: problem.to_owned() }
}

fn malformed(provider: &str, problem: &str) -> GatewayError {
    GatewayError::Malformed { provider: provider.to_owned(), problem: problem.chars().take(MAX_MESSAGE).collect() }
}

async fn refused(provider: &str, response: reqwest::Response, key: Option<&str>) -> GatewayError {
    let status = response.status().as_u16();
    let retry_after = response.headers().get("retry-after").and_then(|v| v.to_str().ok()?.parse().ok());
    let body = read_bounded(provider, response, Duration::ZERO).await.unwrap_or_default();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let error = body.get("error").unwrap_or(&body);
    let message = error.get("message").and_then(Value::as_str).or(error.as_str()).unwrap_or("no message");
    let mut message: String = message.chars().take(MAX_MESSAGE).collect();
    if let Some(key) = key.filter(|k| !k.is_empty()) {
        message = message.replace(key, "[key]");
    }
    GatewayError::Status { provider: provider.to_owned(), status, message, retry_after }
}
