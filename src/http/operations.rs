//! Health, readiness, metrics and the OpenAPI document. Not limited: they must answer when nothing else does.

use super::App;
use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};
use serde::Serialize;
use utoipa::ToSchema;

/// That the process answers.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Alive {
    /// Always `alive`.
    #[schema(example = "alive")]
    status: &'static str,
    /// The release.
    #[schema(example = "0.1.0")]
    version: &'static str,
}

/// Whether requests may be sent here.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReadyBody {
    /// The learner has resumed and the service is not shutting down.
    ready: bool,
    /// Models that may be chosen.
    models_usable: usize,
    /// Prompts waiting for the encoder.
    encoder_waiting: usize,
    /// What each scope has learned.
    scopes: Vec<ScopeBody>,
}

/// What the learner of a scope has folded.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ScopeBody {
    /// The scope.
    #[schema(example = "default")]
    scope: String,
    /// Feedbacks folded.
    version: u64,
    /// SHA-256 of the posterior: equal on every replica that has folded as much.
    digest: String,
}

/// Is the process alive?
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "operations",
    responses((status = 200, description = "It is.", body = Alive))
)]
pub(super) async fn healthz() -> Json<Alive> {
    Json(Alive { status: "alive", version: env!("CARGO_PKG_VERSION") })
}

/// May requests be sent here?
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "operations",
    responses(
        (status = 200, description = "They may.", body = ReadyBody),
        (status = 503, description = "Not yet, or no longer.", body = ReadyBody),
    )
)]
pub(super) async fn readyz(State(app): State<App>) -> (StatusCode, Json<ReadyBody>) {
    let ready = app.readiness.get();
    let scope = |s: crate::router::LearnerStatus| ScopeBody { scope: s.scope, version: s.version, digest: s.digest };
    let body = ReadyBody {
        ready,
        models_usable: app.router.fleet().usable().count(),
        encoder_waiting: app.router.waiting(),
        scopes: app.router.learner_status().into_iter().map(scope).collect(),
    };
    (if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, Json(body))
}

/// Metrics for Prometheus
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "operations",
    responses((status = 200, description = "The text format of Prometheus.", body = String, content_type = "text/plain"))
)]
pub(super) async fn metrics(State(app): State<App>) -> impl IntoResponse {
    app.router.show_breakers();
    app.router.show_cache();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], app.metrics.render())
}

/// This document
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "operations",
    responses((status = 200, description = "OpenAPI.", body = Object, content_type = "application/json"))
)]
pub(super) async fn openapi_json(State(app): State<App>) -> impl IntoResponse {
    let document: Bytes = app.document.clone();
    ([(header::CONTENT_TYPE, "application/json")], document)
}
