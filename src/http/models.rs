//! `GET /v1/models`: every name that the field `model` may have, for whoever asks; `GET /admin/models`: all there are.

use super::{
    App,
    error::ErrorEnvelope,
    wire::{ModelBody, ModelList},
};
use crate::{access::Caller, domain::ModelId, router::ModelChoice};
use axum::{Extension, Json, extract::State};

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
        let models = models.map(|model| ModelBody::new(model, self.router.health(model)));
        ModelList { object: "list", data: virtuals.chain(models).collect() }
    }
}
