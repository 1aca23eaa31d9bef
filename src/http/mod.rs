//! The HTTP interface: extract, call one function of the router, render.
//!
//! Routes and their OpenAPI document are one thing ([`OpenApiRouter`]), so they can't differ. Every answer carries
//! `x-request-id`; every error has OpenAI's envelope, or Anthropic's on Anthropic's paths, also a 404, a 405 and a panic.

mod admin;
mod auth;
mod body;
mod cache;
mod completion;
mod deadline;
mod decisions;
mod edge;
mod embeddings;
mod entrance;
mod envelope;
mod error;
mod feedback;
mod headers;
mod limit;
mod measure;
mod models;
mod operations;
mod paths;
mod refusals;
mod request_id;
mod route;
mod wire;

pub(crate) use admin::alone as keys_alone;
pub use auth::Door;
pub(crate) use refusals::NOTHING_ENABLED;

use crate::{
    access::Access,
    router::{Router, SystemClock},
};
use auth::Gate;
use axum::{body::Bytes, middleware, routing::get};
use entrance::Entrance;
use limit::Limiter;
use metrics_exporter_prometheus::PrometheusHandle;
use paths::Paths;
use std::{
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use utoipa::openapi::{
    InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder,
    security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme},
};
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

/// What handlers share. Every request clones it, more than once.
#[derive(Clone)]
struct App(Arc<Shared>);

struct Shared {
    router: Router,
    door: Door,
    limits: HttpLimits,
    readiness: Readiness,
    metrics: PrometheusHandle,
    /// The OpenAPI document as JSON.
    document: Bytes,
}

impl Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// The service: every route with its limits.
pub fn service(
    router: Router,
    door: Door,
    limits: HttpLimits,
    readiness: Readiness,
    metrics: PrometheusHandle,
) -> axum::Router {
    let entrance = Entrance {
        gate: door.gate.clone(),
        timeout: limits.request_timeout,
        limiter: Limiter::new(limits.max_concurrent),
    };
    let (routes, document) = documented_routes(entrance).split_for_parts();
    let paths = Paths::of(&document);
    let document = Bytes::from(render(&document));
    let shared = Shared { router, door, limits, readiness, metrics, document };
    edge::finish(routes.with_state(App(Arc::new(shared))), paths)
}

/// The OpenAPI document that `/openapi.json` answers with, as JSON.
#[must_use]
pub fn openapi() -> String {
    let nobody = Gate { access: Access::open(), admin: None, clock: Arc::new(SystemClock) };
    let entrance = Entrance { gate: nobody, timeout: Duration::ZERO, limiter: Limiter::new(1) };
    render(&documented_routes(entrance).to_openapi())
}

fn render(document: &OpenApi) -> String {
    document.to_pretty_json().unwrap_or_else(|e| unreachable!("names and texts are always JSON: {e}"))
}

fn documented_routes(entrance: Entrance) -> OpenApiRouter<App> {
    let entrance = Arc::new(entrance);
    let v1 = OpenApiRouter::with_openapi(head())
        .routes(routes!(route::route))
        .routes(routes!(completion::chat::completions))
        .routes(routes!(completion::messages::create))
        .routes(routes!(completion::count::tokens))
        .routes(routes!(completion::responses::create))
        .routes(routes!(embeddings::create))
        .routes(routes!(feedback::one))
        .routes(routes!(feedback::batch))
        .routes(routes!(decisions::decision))
        .routes(routes!(models::models))
        .routes(routes!(models::model))
        // The ids of models have slashes, which a parameter of a documented path can't have.
        .route("/v1/models/{id}/{*rest}", get(models::model))
        .route_layer(middleware::from_fn_with_state(Arc::clone(&entrance), entrance::callers));
    let admin = OpenApiRouter::new()
        .routes(routes!(admin::list, admin::create))
        .routes(routes!(admin::show, admin::revoke))
        .routes(routes!(admin::rotate))
        .routes(routes!(admin::usage))
        .routes(routes!(cache::show, cache::clear))
        .routes(routes!(models::all))
        .route_layer(middleware::from_fn_with_state(entrance, entrance::administrators));
    v1.merge(admin)
        .routes(routes!(operations::healthz))
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
    // Without a key as well: a service on one's own machine may ask for none.
    let security = [SecurityRequirement::new("api_key", NO_SCOPES), SecurityRequirement::default()];
    let mut document = OpenApiBuilder::new().info(info.build()).security(Some(security)).build();
    let components = document.components.get_or_insert_default();
    components.schemas.extend(error::schemas().into_iter().chain(envelope::schemas()));
    for name in ["api_key", "admin_key"] {
        components.add_security_scheme(name, SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    }
    document
}

/// Keys have no scopes in the sense of OAuth.
const NO_SCOPES: [&str; 0] = [];

#[cfg(test)]
mod tests;
