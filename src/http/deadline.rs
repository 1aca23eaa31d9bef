//! How long a request may take until the head of its answer. A streamed body may go on; the gateway bounds it.

use super::error::ApiError;
use axum::{
    extract::{FromRequestParts, Request, State},
    http::{StatusCode, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::{
    convert::Infallible,
    time::{Duration, Instant},
};

/// Kept at the end of the time limit, at most, to record and report that a provider did not answer.
const RESERVE: Duration = Duration::from_millis(100);

/// When a provider must have answered the request at hand; nothing outside the limit.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ProviderDeadline(pub(super) Option<Instant>);

impl<S: Sync> FromRequestParts<S> for ProviderDeadline {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().copied().unwrap_or_default())
    }
}

/// Middleware: answers 504 when the limit is over. The provider's time ends a little before, so that its silence becomes
/// the decision's outcome and the answer names the decision.
pub(super) async fn hold(State(limit): State<Duration>, mut request: Request, next: Next) -> Response {
    let reserve = RESERVE.min(limit / 10);
    request.extensions_mut().insert(ProviderDeadline(Some(Instant::now() + (limit - reserve))));
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => over(limit).into_response(),
    }
}

fn over(limit: Duration) -> ApiError {
    tracing::warn!(?limit, "a request was not answered in time");
    let message = format!(
        "the request was not answered within {} ms (limits.request_timeout_ms); send it again, or ask for less",
        limit.as_millis()
    );
    ApiError::server(StatusCode::GATEWAY_TIMEOUT, "request_timeout", message)
}
