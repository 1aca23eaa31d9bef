//! What every request passes: its id, its log span and measure, and an envelope for what no handler answers.

use super::{
    envelope::speak,
    error::ApiError,
    paths::Paths,
    request_id::{Id, identify},
};
use crate::telemetry::names;
use axum::{
    Router,
    extract::{MatchedPath, Request},
    http::StatusCode,
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use std::{any::Any, sync::Arc, time::Instant};
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument;

/// Adds the layers and the answers for what does not exist.
pub(super) fn finish(routes: Router, paths: Paths) -> Router {
    let paths = Arc::new(paths);
    let served = Arc::clone(&paths);
    routes
        .fallback(move |request: Request| async move { no_route(&paths, &request) })
        .method_not_allowed_fallback(move |request: Request| async move { no_method(&served, &request) })
        .layer((middleware::from_fn(pass), CatchPanicLayer::custom(panicked)))
}

/// Middleware: what every request passes, in one, as each of the framework's own would copy everything behind it.
async fn pass(request: Request, next: Next) -> Response {
    let observed = |request| observe(request, |request| next.run(request));
    identify(request, |request| speak(request, observed)).await
}

fn no_route(paths: &Paths, request: &Request) -> ApiError {
    let hint = paths.hint(request.uri(), request.headers());
    let hint = hint.map_or(String::new(), |hint| format!("; {hint}"));
    let message = format!("there is nothing at {}{hint}; GET /openapi.json lists what there is", request.uri().path());
    ApiError::not_found("route_not_found", message)
}

/// The framework adds the header `allow`, which says the same.
fn no_method(paths: &Paths, request: &Request) -> ApiError {
    let (path, method) = (request.uri().path(), request.method());
    let message = match paths.methods(path).as_slice() {
        [] => format!("{path} does not take {method}"),
        methods => format!("{path} does not take {method}, only {}", methods.join(", ")),
    };
    ApiError::bad_request("method_not_allowed", message).with_status(StatusCode::METHOD_NOT_ALLOWED)
}

fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
    tracing::error!(panic = text, "a handler panicked");
    let message = "the service failed on this request; its log says why";
    ApiError::server(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", message).into_response()
}

/// A span with the request's id, and the time until the answer's headers.
async fn observe<F: Future<Output = Response>>(request: Request, next: impl FnOnce(Request) -> F) -> Response {
    let started = Instant::now();
    // The template, not the path: ids in labels would make a series for each.
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).to_owned();
    let id = request.extensions().get::<Id>().map(|id| id.0.shared());
    let span = tracing::info_span!("request", request_id = id.as_deref(), route, method = %request.method());
    let response = next(request).instrument(span).await;
    let status = response.status().as_str().to_owned();
    metrics::histogram!(names::HTTP_REQUEST_SECONDS, "route" => route, "status" => status)
        .record(started.elapsed().as_secs_f64());
    response
}
