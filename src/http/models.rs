//! `GET /v1/models`, `/v1/models/{id}`: every name that the field `model` may have, for whoever asks; `GET /admin/models`: all there are.

use super::{
    App,
    error::{ApiError, ErrorEnvelope},
    wire::{ModelBody, ModelList},
};
use crate::{
    access::Caller,
    domain::ModelId,
    router::{FleetModel, ModelChoice, did_you_mean},
};
use axum::{
    Extension, Json,
    extract::{Path, State, rejection::PathRejection},
};

impl App {
    /// Who serves a model, as long as the catalogue knows it.
    pub(super) fn provider(&self, model: &ModelId) -> Option<&str> {
        self.router.fleet().get(model).map(|m| m.entry.provider.as_str())
    }
}

/// List models and virtual names
///
/// `auto`, the policies, then the models of the catalogue, with the reason why one can't be used if it can't, and how it does if
/// it can. A key is told what it may ask for by name, and nothing of the rest; `GET /admin/models` lists all.
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
pub(super) async fn models(State(app): State<App>, Extension(caller): Extension<Caller>) -> Json<ModelList> {
    Json(app.models(|choice| choice.is_open_to(&caller)))
}

/// Show a model or virtual name
///
/// One entry of `GET /v1/models`. The slash in a model's id may stand as it is or as `%2F`.
#[utoipa::path(
    get,
    path = "/v1/models/{id}",
    operation_id = "get_model",
    tag = "routing",
    params(("id" = String, Path, description = "A name of `GET /v1/models`.", example = "simulated/small")),
    responses(
        (status = 200, description = "The model.", body = ModelBody),
        (status = 400, description = "The name is not UTF-8.", body = ErrorEnvelope),
        (status = 401, description = "No key, or one that does not count.", body = ErrorEnvelope),
        (status = 404, description = "Nothing that the key may ask for has this name.", body = ErrorEnvelope),
        (status = 503, description = "Too many requests at once.", body = ErrorEnvelope),
        (status = 504, description = "Not answered within `limits.request_timeout_ms`.", body = ErrorEnvelope),
    )
)]
pub(super) async fn model(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    parts: Result<Path<Vec<String>>, PathRejection>,
) -> Result<Json<ModelBody>, ApiError> {
    let Path(parts) = parts.map_err(|e| ApiError::invalid("id", e.body_text()))?;
    let name = parts.join("/");
    app.model(&name, &caller).map(Json).ok_or_else(|| {
        let near = did_you_mean(&app.router.names_near(&name, &caller));
        let message = format!("unknown model {name:?}; {near}GET /v1/models lists the models and policies");
        ApiError::not_found("model_not_found", message).at("id")
    })
}

/// List all models and virtual names
///
/// The same as `GET /v1/models`, whatever a key may use.
#[utoipa::path(
    get,
    path = "/admin/models",
    operation_id = "list_all_models",
    tag = "admin",
    security(("admin_key" = [])),
    responses(
        (status = 200, description = "The list.", body = ModelList),
        (status = 401, description = "No admin key, or a wrong one.", body = ErrorEnvelope),
        (status = 403, description = "The admin interface is off.", body = ErrorEnvelope),
    )
)]
pub(super) async fn all(State(app): State<App>) -> Json<ModelList> {
    Json(app.models(|_| true))
}

impl App {
    /// What may be asked for by name, as far as it is for these eyes.
    fn models(&self, is_open: impl Fn(ModelChoice) -> bool) -> ModelList {
        let auto = is_open(ModelChoice::Auto).then(|| ModelBody::router("auto"));
        let policies = self.router.policies().keys();
        let policies = policies.filter(|name| is_open(ModelChoice::Policy(name.to_string())));
        let models = self.router.fleet().all().iter();
        let models = models.filter(|model| is_open(ModelChoice::Model(model.entry.id.to_string())));
        let virtuals = auto.into_iter().chain(policies.map(|name| ModelBody::router(name)));
        let models = models.map(|model| self.described(model));
        ModelList { object: "list", data: virtuals.chain(models).collect() }
    }

    /// One of them; nothing if it is not for this caller.
    fn model(&self, name: &str, caller: &Caller) -> Option<ModelBody> {
        let is_policy = self.router.policies().contains_key(name);
        let choice = match name {
            "auto" => ModelChoice::Auto,
            _ if is_policy => ModelChoice::Policy(name.to_owned()),
            _ => ModelChoice::Model(name.to_owned()),
        };
        if !choice.is_open_to(caller) {
            return None;
        }
        match choice {
            ModelChoice::Auto | ModelChoice::Policy(_) => Some(ModelBody::router(name)),
            ModelChoice::Model(_) => self.router.fleet().get(&ModelId::from(name)).map(|model| self.described(model)),
        }
    }

    fn described(&self, model: &FleetModel) -> ModelBody {
        ModelBody::new(model, self.router.health(model))
    }
}
