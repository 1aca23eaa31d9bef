//! The HTTP interface: extract, call one function of the router, render.
//!
//! Routes and their OpenAPI document are one thing ([`OpenApiRouter`]), so they can't differ. Every answer carries
//! `x-request-id`; every error has OpenAI's envelope, also a 404, a 405 and a panic.

mod body;
mod chat;
mod deadline;
mod decisions;
mod edge;
mod error;
mod feedback;
mod headers;
mod limit;
mod measure;
mod models;
mod operations;
mod refusals;
mod request_id;
mod route;
mod wire;

pub(crate) use refusals::NOTHING_ENABLED;

use crate::router::Router;
use axum::{body::Bytes, middleware};
use limit::{Limiter, limit};
use metrics_exporter_prometheus::PrometheusHandle;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use utoipa::openapi::{InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder};
use utoipa_axum::{router::OpenApiRouter, routes};

/// Limits that hold at the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpLimits {
    /// Size of a request's body, bytes.
    pub max_body_bytes: usize,
    /// Requests under `/v1` served at once, at least 1; one more is answered 503.
    pub max_concurrent: usize,
    /// Time from a request under `/v1` to the head of its answer; beyond it is answered 504.
    pub request_timeout: Duration,
}

/// Whether the service may be sent requests; clones share it. Starts as not ready.
#[derive(Debug, Clone, Default)]
pub struct Readiness(Arc<AtomicBool>);

impl Readiness {
    /// Says so from now on: ready once the learner has resumed, no longer ready when shutting down.
    pub fn set(&self, ready: bool) {
        self.0.store(ready, Ordering::Release);
    }

    /// Whether it is ready.
    #[must_use]
    pub fn get(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// What handlers share. Cheap to clone.
#[derive(Clone)]
struct App {
    router: Router,
    limits: HttpLimits,
    readiness: Readiness,
    metrics: PrometheusHandle,
    /// The OpenAPI document as JSON.
    document: Bytes,
}

/// The service: every route with its limits.
pub fn service(router: Router, limits: HttpLimits, readiness: Readiness, metrics: PrometheusHandle) -> axum::Router {
    let (routes, document) =
        documented_routes(Limiter::new(limits.max_concurrent), limits.request_timeout).split_for_parts();
    let document = Bytes::from(render(&document));
    edge::finish(routes.with_state(App { router, limits, readiness, metrics, document }))
}

/// The OpenAPI document that `/openapi.json` answers with, as JSON.
#[must_use]
pub fn openapi() -> String {
    render(&documented_routes(Limiter::new(1), Duration::ZERO).to_openapi())
}

fn render(document: &OpenApi) -> String {
    document.to_pretty_json().unwrap_or_else(|e| unreachable!("names and texts are always JSON: {e}"))
}

fn documented_routes(limiter: Limiter, timeout: Duration) -> OpenApiRouter<App> {
    let v1 = OpenApiRouter::with_openapi(head())
        .routes(routes!(route::route))
        .routes(routes!(chat::completions))
        .routes(routes!(feedback::one))
        .routes(routes!(feedback::batch))
        .routes(routes!(decisions::decision))
        .routes(routes!(models::models))
        .route_layer(middleware::from_fn_with_state(limiter, limit))
        .route_layer(middleware::from_fn_with_state(timeout, deadline::hold));
    v1.routes(routes!(operations::healthz))
        .routes(routes!(operations::readyz))
        .routes(routes!(operations::metrics))
        .routes(routes!(operations::openapi_json))
}

fn head() -> OpenApi {
    let license = LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build();
    let info = InfoBuilder::new()
        .title("Satisfice")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(env!("CARGO_PKG_DESCRIPTION")))
        .license(Some(license));
    let mut document = OpenApiBuilder::new().info(info.build()).build();
    document.components.get_or_insert_default().schemas.extend(error::schemas());
    document
}

#[cfg(test)]
mod tests;
