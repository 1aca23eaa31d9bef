//! The OpenAI chat-completions dialect over HTTP: every OpenAI-compatible upstream.

use super::{
    ChatCall, ChatReply, GatewayError, Told, Usage, name_model,
    outgoing::Outgoing,
    sse::EventSplitter,
    streaming::{self, Fault, Pieces, Reader},
    token_limit,
    transport::{Post, Upstream, stated_status},
};
use crate::{
    catalog::ModelEntry,
    dialect::{Object, chat::replay, signature},
    domain::ModelId,
};
use futures::StreamExt;
use reqwest::{Response, header::CONTENT_TYPE};
use serde_json::{Value, json};
use std::{collections::BTreeSet, time::Instant};

/// Posts the call; returns when the whole answer, or the first content of a stream, has come.
pub(super) async fn chat(
    upstream: &Upstream<'_>,
    model: &ModelEntry,
    call: &ChatCall,
) -> Result<ChatReply, GatewayError> {
    let since = Instant::now();
    let url = upstream.url("chat/completions")?;
    let post = Post { url, headers: upstream.access.keys.headers(upstream.key), body: body(upstream, model, call) };
    let response = upstream.post(post, call.stream).await?;
    if call.stream && is_events(&response) {
        let reader = EventReader::new(&model.id, call.wants_usage);
        return Ok(ChatReply::Stream(streaming::begin(upstream, response, Box::new(reader), since).await?.boxed()));
    }
    if !call.stream && says_events(&response) {
        return streaming::whole(upstream, response, Box::new(EventReader::new(&model.id, true))).await;
    }
    let mut body = upstream.json(response).await?;
    check(upstream, &body)?;
    if call.stream {
        return Ok(ChatReply::Stream(streaming::replayed(replay(&body), &model.id, call.wants_usage).boxed()));
    }
    let usage = Usage::of(&body);
    name_model(&mut body, &model.id);
    Ok(ChatReply::Whole { body: Told::Hub(body), usage })
}

fn check(upstream: &Upstream<'_>, body: &Value) -> Result<(), GatewayError> {
    match body.get("error").filter(|error| !error.is_null()) {
        Some(error) => Err(upstream.failed(stated_status(error), error, None)),
        None if body["choices"].is_array() => Ok(()),
        None => Err(upstream.malformed("no `choices`")),
    }
}

/// Whether the answer is a stream; some servers leave the type out, and some answer whole.
pub(super) fn is_events(response: &Response) -> bool {
    !response.headers().contains_key(CONTENT_TYPE) || says_events(response)
}

/// Whether the answer says that it is a stream; some servers know no other.
pub(super) fn says_events(response: &Response) -> bool {
    let given = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    given.is_some_and(|given| given.starts_with("text/event-stream"))
}

/// Whether the caller wants the tokens of a stream told.
#[must_use]
pub fn asks_for_usage(body: &Object) -> bool {
    let asked = body.get("stream_options").and_then(|options| options.get("include_usage"));
    asked.and_then(Value::as_bool).unwrap_or(false)
}

/// The request with the provider's model name; a stream is always asked for its usage, so that it can be billed.
fn body(upstream: &Upstream<'_>, model: &ModelEntry, call: &ChatCall) -> Vec<u8> {
    let mut outgoing = Outgoing::new(&call.body).with("model", Value::from(model.upstream_name.as_str()));
    if call.stream {
        let mut options = call.body.get("stream_options").filter(|o| o.is_object()).cloned().unwrap_or(json!({}));
        options["include_usage"] = Value::from(true);
        outgoing = outgoing.with("stream", Value::from(true)).with("stream_options", options);
    }
    // Strict servers refuse what they don't know.
    if let Some(messages) = signature::without(&call.body).filter(|_| !is_gemini(upstream, model)) {
        outgoing = outgoing.with("messages", messages);
    }
    token_limit::named_for(outgoing, &call.body, upstream.address.is_openais, &model.upstream_name).bytes()
}

/// Whether Google may be behind it, whose signatures are for Google alone.
fn is_gemini(upstream: &Upstream<'_>, model: &ModelEntry) -> bool {
    upstream.address.is_googles || model.upstream_name.contains("gemini")
}

/// Reads chunks of a chat completion.
struct EventReader {
    splitter: EventSplitter,
    model: ModelId,
    wants_usage: bool,
    /// Choices that were begun and not finished.
    open: BTreeSet<u64>,
    any_finished: bool,
}

impl EventReader {
    fn new(model: &ModelId, wants_usage: bool) -> Self {
        let (splitter, model) = (EventSplitter::default(), model.clone());
        Self { splitter, model, wants_usage, open: BTreeSet::new(), any_finished: false }
    }

    fn take(&mut self, data: &[u8], pieces: &mut Pieces) -> Result<(), Fault> {
        if data == b"[DONE]" {
            if !self.any_finished && self.open.is_empty() {
                return Err(Fault::Malformed("the stream ends without an answer".to_owned()));
            }
            pieces.end();
            return Ok(());
        }
        let chunk: Value = serde_json::from_slice(data).map_err(|e| Fault::Malformed(e.to_string()))?;
        if let Some(error) = chunk.get("error").filter(|error| !error.is_null()) {
            return Err(Fault::Failed(stated_status(error), error.clone()));
        }
        for choice in chunk["choices"].as_array().into_iter().flatten() {
            let index = choice["index"].as_u64().unwrap_or(0);
            if choice["finish_reason"].is_string() {
                self.open.remove(&index);
                self.any_finished = true;
            } else {
                self.open.insert(index);
            }
        }
        pieces.chunk(chunk, &self.model, self.wants_usage);
        Ok(())
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

    /// Some servers forget `[DONE]`; if every choice was finished, that is all that is missing.
    fn end(&mut self, pieces: &mut Pieces) -> Result<(), Fault> {
        if self.splitter.is_torn() {
            return Err(Fault::Malformed("the stream ends inside an event".to_owned()));
        }
        if !self.any_finished || !self.open.is_empty() {
            return Err(Fault::Malformed("the stream ends without [DONE]".to_owned()));
        }
        pieces.end();
        Ok(())
    }
}

/// The path of embeddings, posted whole; the answer is the provider's, named as callers know the model.
pub(super) async fn embeddings(
    upstream: &Upstream<'_>,
    model: &ModelEntry,
    body: &Object,
) -> Result<(Value, Usage), GatewayError> {
    let body = Outgoing::new(body).with("model", Value::from(model.upstream_name.as_str())).bytes();
    let post = Post { url: upstream.url("embeddings")?, headers: upstream.access.keys.headers(upstream.key), body };
    let response = upstream.post(post, false).await?;
    let mut body = upstream.json(response).await?;
    match body.get("error").filter(|error| !error.is_null()) {
        Some(error) => return Err(upstream.failed(stated_status(error), error, None)),
        None if body["data"].is_array() => {}
        None => return Err(upstream.malformed("no `data`")),
    }
    // An embedding has no output, which providers leave out of the usage.
    let usage = Usage { output_tokens: Some(0), ..Usage::of(&body) };
    name_model(&mut body, &model.id);
    Ok((body, usage))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(events: &str) -> Result<(), Fault> {
        EventReader::new(&ModelId::from("acme/model"), false).read(events.as_bytes(), &mut Pieces::default())
    }

    #[test]
    fn an_end_without_any_choice_is_no_answer() {
        let choice = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n";
        assert!(matches!(read("data: [DONE]\n\n"), Err(Fault::Malformed(_))));
        assert!(read(&format!("{choice}data: [DONE]\n\n")).is_ok(), "some servers send no finish_reason");
    }
}
