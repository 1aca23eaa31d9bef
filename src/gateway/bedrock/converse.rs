//! A call of `Converse` or `ConverseStream`.

use super::{BedrockCall, FrameReader, signed, status};
use crate::{
    catalog::ModelEntry,
    dialect::converse,
    domain::ModelId,
    gateway::{
        ChatCall, ChatReply, GatewayError, Told, Usage,
        access::ProviderKeys,
        anthropic::inexpressible,
        outgoing::Outgoing,
        streaming::{self, Fault, Pieces, Reader},
        transport::{Post, Upstream},
    },
};
use futures::StreamExt;
use reqwest::Url;
use serde_json::Value;
use std::time::{Instant, SystemTime};

/// Posts the call; returns when the whole answer, or the first content of a stream, has come.
pub(in crate::gateway) async fn chat(
    upstream: &Upstream<'_>,
    model: &ModelEntry,
    call: &ChatCall,
) -> Result<ChatReply, GatewayError> {
    let since = Instant::now();
    let response = upstream.post(post(upstream, model, call)?, call.stream).await?;
    // Answers carry no id, and the caller needs one.
    let id = format!("chatcmpl-{}", call.decision);
    if call.stream {
        let reader = EventReader {
            frames: FrameReader::default(),
            meaning: converse::EventReader::default(),
            model: model.id.clone(),
            id,
            wants_usage: call.wants_usage,
        };
        return Ok(ChatReply::Stream(streaming::begin(upstream, response, Box::new(reader), since).await?.boxed()));
    }
    let answer = upstream.json(response).await?;
    let completion = converse::completion(&answer, model.id.as_str());
    let mut completion = completion.map_err(|e| upstream.malformed(&e.to_string()))?;
    completion["id"] = Value::from(id);
    let usage = Usage::of(&completion);
    Ok(ChatReply::Whole { body: Told::Hub(completion), usage })
}

fn post(upstream: &Upstream<'_>, model: &ModelEntry, call: &ChatCall) -> Result<Post, GatewayError> {
    let provider = || upstream.provider.to_owned();
    let ProviderKeys::Bedrock(keys) = &upstream.access.keys else { return Err(GatewayError::NoAccess(provider())) };
    let access = keys.get(upstream.key).ok_or_else(|| GatewayError::NoAccess(provider()))?;
    let body = converse::request(&call.body, model.max_output_tokens).map_err(inexpressible)?;
    let body = Outgoing::new(&body).bytes();
    let base = upstream.access.base_url.as_str();
    let sent = BedrockCall {
        base_url: Some(base).filter(|base| !base.is_empty()),
        model: &model.upstream_name,
        stream: call.stream,
        body: &body,
    };
    let signed = signed(access, &sent, SystemTime::now()).map_err(|e| GatewayError::Connection {
        provider: provider(),
        problem: format!("the call can't be sent: {e}"),
    })?;
    let url = Url::parse(&signed.url).map_err(|_| GatewayError::NoAccess(provider()))?;
    Ok(Post { url, headers: signed.headers, body })
}

/// Reads frames of an answer.
struct EventReader {
    frames: FrameReader,
    meaning: converse::EventReader,
    model: ModelId,
    id: String,
    wants_usage: bool,
}

impl Reader for EventReader {
    fn read(&mut self, bytes: &[u8], pieces: &mut Pieces) -> Result<(), Fault> {
        let malformed = |e: crate::dialect::Unreadable| Fault::Malformed(e.to_string());
        self.frames.push(bytes).map_err(malformed)?;
        while let Some(frame) = self.frames.next() {
            let frame = frame.map_err(malformed)?;
            if frame.is_exception {
                return Err(Fault::Failed(status(&frame.kind), frame.data));
            }
            for mut chunk in self.meaning.event(&frame.kind, &frame.data).map_err(malformed)? {
                chunk["id"] = Value::from(self.id.as_str());
                pieces.chunk(chunk, &self.model, self.wants_usage);
            }
            if self.meaning.is_over() {
                pieces.end();
            }
        }
        Ok(())
    }

    fn end(&mut self, _: &mut Pieces) -> Result<(), Fault> {
        let problem = if self.frames.is_torn() { "inside a frame" } else { "before the answer does" };
        Err(Fault::Malformed(format!("the stream ends {problem}")))
    }
}
