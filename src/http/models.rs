//! `GET /v1/models`: every name that the field `model` may have.

use super::{
    App,
    error::ErrorEnvelope,
    wire::{ModelBody, ModelList},
};
use crate::domain::ModelId;
use axum::{Json, extract::State};

impl App {
    /// Who serves a model, as long as the catalogue knows it.
    pub(super) fn provider(&self, model: &ModelId) -> Option<&str> {
        self.router.fleet().get(model).map(|m| m.entry.provider.as_str())
    }
}

/// List models and virtual names
///
/// `auto`, the policies, then every model of the catalogue, with the reason why it can't be used if it can't.
#[utoipa::path(
    get,
    path = "/v1/models",
    operation_id = "list_models",
    tag = "routing",
    responses(
        (status = 200, description = "The list.", body = ModelList),
        (status = 401, description = "No key, or one that does not count.", body = ErrorEnvelope),
        (status = 503, description = "Too many requests at once.", body = ErrorEnvelope),
    )
)]
pub(super) async fn models(State(app): State<App>) -> Json<ModelList> {
    let policies = app.router.policies().keys().map(|name| ModelBody::router(name));
    let auto = std::iter::once(ModelBody::router("auto"));
    let data = auto.chain(policies).chain(app.router.fleet().all().iter().map(Into::into)).collect();
    Json(ModelList { object: "list", data })
}
