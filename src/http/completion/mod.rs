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
    router::{ChatBody, ChatRequest, ChatResponse},
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
    };
    let response = app.router.chat(request).await.map_err(|error| words::of_callers(error.into(), wire))?;
    Ok(render(wire, own.as_deref(), response))
}

fn render(wire: Wire, own: Option<&Object>, response: ChatResponse) -> Response {
    let mut headers = headers::of_decision(&response.decision, &response.served);
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
