//! `POST /v1/embeddings`: vectors of texts, by the model that is named.

use super::{
    App,
    body::{Body, view},
    completion::Origin,
    error::{ApiError, ChatErrors},
    headers,
    wire::{EmbeddingsBody, make_whole},
};
use crate::{catalog::ModelKind, dialect::Object, domain::ModelId, router::EmbeddingsRequest};
use axum::{Json, extract::State, http::HeaderMap};
use serde_json::Value;
use std::sync::Arc;

/// Turn texts into vectors
///
/// OpenAI's embeddings, by the model that is named: vectors of different models can't be compared, so there is nothing to
/// route, and no other model steps in when it fails. The headers `x-satisfice-model`, `-attempts` and `-cost-usd` say what was
/// done.
#[utoipa::path(
    post,
    path = "/v1/embeddings",
    operation_id = "create_embeddings",
    tag = "routing",
    request_body = EmbeddingsBody,
    responses(
        (status = 200, description = "The vectors.", body = Object, example = json!({
            "object": "list", "model": "openai/text-embedding-3-small",
            "data": [{"object": "embedding", "index": 0, "embedding": [0.013, -0.027]}],
            "usage": {"prompt_tokens": 4, "total_tokens": 4}
        })),
        ChatErrors,
    )
)]
pub(super) async fn create(
    State(app): State<App>,
    origin: Origin,
    body: Body,
) -> Result<(HeaderMap, Json<Value>), ApiError> {
    let (model, body) = read(&app, &body)?;
    let Origin { request_id, caller, deadline, .. } = origin;
    let request = EmbeddingsRequest { request_id, caller, model, body: Arc::new(body), deadline };
    let response = app.router.embeddings(request).await?;
    let mut headers = headers::of_model(&response.served);
    headers::add_forwarding(&mut headers, response.attempts, response.cost_usd);
    Ok((headers, Json(response.body)))
}

fn read(app: &App, body: &Body) -> Result<(ModelId, Object), ApiError> {
    let mut object = body.object()?;
    let asked: EmbeddingsBody = view(&object)?;
    asked.check()?;
    let model = app.embedder(&asked.model)?;
    make_whole(&mut object);
    Ok((model, object))
}

impl App {
    /// The model of this name, if it embeds.
    ///
    /// # Errors
    /// 400 for a name that means something else, 404 for one that means nothing; both say which names would do.
    fn embedder(&self, name: &str) -> Result<ModelId, ApiError> {
        let (fleet, id) = (self.router.fleet(), ModelId::from(name));
        if fleet.embedding(&id).is_some() {
            return Ok(id);
        }
        let usable = fleet.all().iter().filter(|m| m.entry.kind == ModelKind::Embedding && m.disabled.is_none());
        let names: Vec<&str> = usable.map(|model| model.entry.id.as_str()).collect();
        let names = match names.as_slice() {
            [] => "no model that does is enabled; GET /v1/models says what each lacks".to_owned(),
            names => format!("these do: {}", names.join(", ")),
        };
        let is_known =
            fleet.get(&id).is_some() || self.router.policies().contains_key(name) || name.starts_with("auto");
        let error = match is_known {
            true => ApiError::bad_request("model_not_suitable", format!("{name:?} does not embed; {names}")),
            false => ApiError::not_found("model_not_found", format!("unknown model {name:?}; {names}")),
        };
        Err(error.at("model"))
    }
}
