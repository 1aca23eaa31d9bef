//! Where a request comes from: what its headers and the door say.

use super::super::{deadline::ProviderDeadline, error::ApiError, request_id::Id, wire::session};
use crate::{
    access::Caller,
    domain::{RequestId, SessionId},
    router::Freshness,
};
use axum::{
    Extension,
    extract::FromRequestParts,
    http::{HeaderMap, StatusCode, header, request::Parts},
};
use std::time::Instant;
use utoipa::IntoParams;

/// Names the conversation, for clients that can't send the field `route.session_id`.
const SESSION: &str = "x-satisfice-session";
/// Features of Anthropic's that a caller switches on.
const ANTHROPIC_BETA: &str = "anthropic-beta";

/// Headers that [`Origin`] heeds, for the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "only its description is used")]
pub(in crate::http) struct OriginHeaders {
    /// The longest that the answer may take, milliseconds; the service's own limit holds as well.
    #[param(rename = "x-satisfice-timeout-ms", value_type = u64, required = false)]
    #[param(minimum = 1, maximum = 18_446_744_073_709_551_615_u64)]
    timeout_ms: Option<u64>,
    /// Your name for the conversation, for clients that can't send `route.session_id`, which goes before it.
    #[param(rename = "x-satisfice-session", value_type = String, required = false)]
    #[param(min_length = 1, max_length = 128, pattern = "^[!-~]([ -~]*[!-~])?$")]
    session: Option<String>,
    /// `no-cache`: ask a model though its answer may have been kept. `no-store`: moreover, do not keep it. All else is ignored.
    #[param(rename = "cache-control", value_type = String, required = false)]
    cache_control: Option<String>,
}

/// What is known of a request beside its body.
#[derive(Debug, Clone)]
pub(in crate::http) struct Origin {
    /// Its id.
    pub(in crate::http) request_id: RequestId,
    /// Who sent it.
    pub(in crate::http) caller: Caller,
    /// When a provider must have answered.
    pub(in crate::http) deadline: Option<Instant>,
    /// The conversation; what the body says goes before it.
    pub(super) session: Option<SessionId>,
    /// For providers that speak Anthropic's dialect.
    pub(super) anthropic_beta: Option<String>,
    /// What it says of kept answers.
    pub(super) freshness: Freshness,
}

impl<S: Send + Sync> FromRequestParts<S> for Origin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Ok(Id(request_id)) = Id::from_request_parts(parts, state).await;
        let Ok(ProviderDeadline(deadline)) = ProviderDeadline::from_request_parts(parts, state).await;
        // The door puts it there. Without a door nobody is let in.
        let caller = Extension::<Caller>::from_request_parts(parts, state).await;
        let Extension(caller) = caller.map_err(|error| {
            tracing::error!(%error, "a route without a door");
            let message = "the service failed on this request; its log says why";
            ApiError::server(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", message)
        })?;
        let session = text(&parts.headers, SESSION).map(|name| session(&name, SESSION)).transpose()?;
        let anthropic_beta = text(&parts.headers, ANTHROPIC_BETA);
        let freshness = freshness(text(&parts.headers, header::CACHE_CONTROL.as_str()).as_deref());
        Ok(Self { request_id, caller, deadline, session, anthropic_beta, freshness })
    }
}

/// What `cache-control` says of kept answers.
fn freshness(header: Option<&str>) -> Freshness {
    let says = |word: &str| header.is_some_and(|h| h.split(',').any(|said| said.trim().eq_ignore_ascii_case(word)));
    Freshness { asks_anew: says("no-cache"), keeps_nothing: says("no-store") }
}

/// A header's values; Anthropic's clients send a header for each feature. What is no text becomes nothing.
fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    let values: Vec<&str> = headers.get_all(name).iter().map(|value| value.to_str().unwrap_or_default()).collect();
    (!values.is_empty()).then(|| values.join(","))
}
