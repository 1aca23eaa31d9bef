//! Answers to conversations, in three dialects on one path: the caller's body becomes a chat request ([`Understood`]), the
//! router decides and forwards it, and what comes back is told in the caller's words, whole or as a stream.

pub(super) mod chat;
pub(super) mod count;
pub(super) mod messages;
mod origin;
pub(super) mod responses;
mod stream;
mod understood;
mod words;

use super::{App, body::Body, error::ApiError, headers};
use crate::{
    dialect::{self, Object, Wire},
    gateway::Told,
    router::{Answered, CacheResult, ChatBody, ChatRequest, ChatResponse, KeptAnswer, StreamPiece},
};
use axum::{
    Json,
    response::{IntoResponse, Response},
};
pub(super) use origin::{Origin, OriginHeaders};
use serde_json::Value;
use std::sync::Arc;
use stream::Telling;
use understood::Understood;

/// Decides, forwards and tells, in the caller's dialect.
async fn answer(app: &App, wire: Wire, origin: Origin, body: Body) -> Result<Response, ApiError> {
    let is_policy = |name: &str| app.router.policies().contains_key(name);
    let Understood { asked, hub, own, wants_usage } = Understood::read(wire, &body, is_policy)?;
    drop(body);
    let mut options = asked.options;
    options.session_id = options.session_id.or(origin.session);
    let request = ChatRequest {
        request_id: origin.request_id,
        caller: origin.caller,
        prompt: asked.prompt,
        choice: asked.choice,
        options,
        wire,
        body: Arc::new(hub),
        native: own.clone().filter(|_| wire == Wire::Messages),
        anthropic_beta: origin.anthropic_beta,
        stream: asked.stream,
        wants_usage,
        deadline: origin.deadline,
        freshness: origin.freshness,
    };
    let (stream, wants_usage) = (request.stream, request.wants_usage);
    match Box::pin(app.router.answer(request)).await.map_err(|error| words::of_callers(error.into(), wire))? {
        Answered::Forwarded { response, cache } => Ok(render(wire, own.as_deref(), *response, cache)),
        Answered::Kept(kept) if stream => Ok(kept_stream(wire, own.as_deref(), kept, wants_usage)),
        Answered::Kept(kept) => {
            let headers = headers::of_kept(&kept);
            Ok((headers, Json(whole(wire, own.as_deref(), Told::Hub(kept.completion)))).into_response())
        }
    }
}

/// A kept answer as a stream.
fn kept_stream(wire: Wire, own: Option<&Object>, kept: KeptAnswer, wants_usage: bool) -> Response {
    let headers = headers::of_kept(&kept);
    let mut chunks = dialect::chat::replay(&kept.completion);
    let is_only_usage = |chunk: &Value| chunk["choices"].as_array().is_none_or(Vec::is_empty);
    chunks.retain(|chunk| wants_usage || !is_only_usage(chunk));
    let pieces = chunks.into_iter().map(StreamPiece::Chunk).chain([StreamPiece::End]);
    (headers, stream::response(Telling::new(wire, own), futures::stream::iter(pieces))).into_response()
}

fn render(wire: Wire, own: Option<&Object>, response: ChatResponse, cache: Option<CacheResult>) -> Response {
    let mut headers = headers::of_decision(&response.decision, &response.served);
    headers::add_cache(&mut headers, cache);
    match response.body {
        ChatBody::Whole { body, cost_usd } => {
            headers::add_forwarding(&mut headers, response.attempts, cost_usd);
            (headers, Json(whole(wire, own, body))).into_response()
        }
        ChatBody::Stream(pieces) => {
            headers::add_forwarding(&mut headers, response.attempts, None);
            (headers, stream::response(Telling::new(wire, own), pieces)).into_response()
        }
    }
}

/// A whole answer in the caller's dialect; `own` is the body that it answers.
fn whole(wire: Wire, own: Option<&Object>, answer: Told<Value>) -> Value {
    match (answer, wire) {
        (Told::Native(answer), _) | (Told::Hub(answer), Wire::Chat) => answer,
        (Told::Hub(completion), Wire::Messages) => dialect::messages::answer(&completion),
        (Told::Hub(completion), Wire::Responses) => {
            dialect::responses::answer(&completion, own.unwrap_or(&Object::new()))
        }
    }
}

#[cfg(test)]
mod tests;
