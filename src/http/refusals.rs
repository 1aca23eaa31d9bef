//! What each failure of the modules below means to a client: exhaustive matches, so that a new variant needs an answer.

use super::{
    error::{ApiError, ErrorType},
    headers, measure,
};
use crate::{
    dialect::Inexpressible,
    encoder::EncodeError,
    gateway::GatewayError,
    router::RouteError,
    store::{FeedbackError, FeedbackTarget, StoreError},
};
use axum::http::StatusCode;
use std::{fmt::Display, time::Duration};

/// A queue of prompts drains in milliseconds.
const ENCODER_PAUSE: Duration = Duration::from_millis(100);
/// A queue of writes drains within a few commits.
const STORE_PAUSE: Duration = Duration::from_millis(250);
/// For what an operator or a restart has to repair.
const REPAIR_PAUSE: Duration = Duration::from_secs(5);

/// The code of an answer that coming back soon does not mend.
pub(crate) const NOTHING_ENABLED: &str = "no_model_enabled";

impl From<RouteError> for ApiError {
    fn from(error: RouteError) -> Self {
        match error {
            RouteError::Refused(refusal) => refusal.into(),
            RouteError::UnknownModel { .. } => Self::not_found("model_not_found", error.to_string()).at("model"),
            RouteError::ModelExcluded { .. } => Self::bad_request("model_not_suitable", error.to_string()).at("model"),
            RouteError::NothingEnabled => {
                Self::server(StatusCode::SERVICE_UNAVAILABLE, NOTHING_ENABLED, error.to_string())
                    .retry_after(REPAIR_PAUSE)
            }
            RouteError::NoneEligible(_) => Self::bad_request("no_eligible_model", error.to_string()),
            RouteError::Inexpressible(e) => e.into(),
            RouteError::Gateway(e) => e.into(),
            RouteError::Encode(e) => e.into(),
            RouteError::Store(e) => e.into(),
            RouteError::Forward(failure) => {
                let headers = headers::of_failure(&failure);
                let message = failure.to_string();
                if failure.is_outage() {
                    tell_operators(&failure.cause);
                    let wait = failure.cause.retry_after().unwrap_or(REPAIR_PAUSE);
                    let error = Self::server(StatusCode::SERVICE_UNAVAILABLE, "providers_unavailable", message);
                    return error.retry_after(wait).with_headers(headers);
                }
                Self::from(failure.cause).saying(message).with_headers(headers)
            }
        }
    }
}

impl From<Inexpressible> for ApiError {
    fn from(error: Inexpressible) -> Self {
        let message = error.to_string();
        Self::invalid(error.field, message)
    }
}

impl From<EncodeError> for ApiError {
    fn from(error: EncodeError) -> Self {
        match error {
            EncodeError::QueueFull(_) => {
                measure::encoder_was_full();
                let status = StatusCode::TOO_MANY_REQUESTS;
                Self::new(status, ErrorType::RateLimit, "encoder_overloaded", error.to_string())
                    .retry_after(ENCODER_PAUSE)
            }
            EncodeError::Stopped => shutting_down(),
            EncodeError::Load(_) | EncodeError::Failed(_) => internal("encoder_failed", "the encoder failed", &error),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Overloaded { .. } => {
                measure::store_was_full();
                Self::server(StatusCode::SERVICE_UNAVAILABLE, "store_overloaded", error.to_string())
                    .retry_after(STORE_PAUSE)
            }
            StoreError::Closed => shutting_down(),
            StoreError::UnknownDecision(_) => Self::not_found("decision_not_found", error.to_string()),
            // Nothing was written, e.g. for a full disk: the same request may work once there is room.
            StoreError::Database(_) | StoreError::Io { .. } => {
                tracing::error!(%error, "the log can't be used");
                let message = "the log can't be written or read at the moment; nothing was recorded";
                Self::server(StatusCode::SERVICE_UNAVAILABLE, "store_unavailable", message).retry_after(REPAIR_PAUSE)
            }
            StoreError::DuplicateDecision(_)
            | StoreError::Unstorable { .. }
            | StoreError::Locked { .. }
            | StoreError::Missing { .. }
            | StoreError::NotAStore { .. }
            | StoreError::NewerSchema { .. }
            | StoreError::OlderSchema { .. }
            | StoreError::Corrupt { .. }
            | StoreError::Migration(_) => internal("store_failed", "the log failed", &error),
        }
    }
}

impl From<FeedbackError> for ApiError {
    fn from(error: FeedbackError) -> Self {
        let message = error.to_string();
        match error {
            FeedbackError::UnknownDecision(target) => {
                let field = match target {
                    FeedbackTarget::Decision(_) => "decision_id",
                    FeedbackTarget::Completion(_) => "completion_id",
                    FeedbackTarget::Request(_) => "request_id",
                };
                Self::not_found("decision_not_found", message).at(field)
            }
            FeedbackError::KeyReused { .. } => {
                let (status, code) = (StatusCode::CONFLICT, "idempotency_key_reused");
                Self::new(status, ErrorType::InvalidRequest, code, message).at("idempotency_key")
            }
            FeedbackError::Store(e) => e.into(),
        }
    }
}

impl From<GatewayError> for ApiError {
    fn from(error: GatewayError) -> Self {
        tell_operators(&error);
        let message = error.to_string();
        let bad_gateway = |code| Self::server(StatusCode::BAD_GATEWAY, code, message.clone());
        match error {
            GatewayError::NoAccess(_) => {
                Self::server(StatusCode::SERVICE_UNAVAILABLE, "provider_not_configured", message)
                    .retry_after(REPAIR_PAUSE)
            }
            GatewayError::Unavailable { retry_after, .. } => {
                Self::server(StatusCode::SERVICE_UNAVAILABLE, "provider_unavailable", message).retry_after(retry_after)
            }
            GatewayError::Inexpressible { field, .. } => Self::invalid(field, message),
            GatewayError::Connection { .. } => bad_gateway("upstream_unreachable"),
            GatewayError::Malformed { .. } => bad_gateway("upstream_malformed"),
            GatewayError::Timeout { .. } => Self::server(StatusCode::GATEWAY_TIMEOUT, "upstream_timeout", message),
            GatewayError::Status { status, retry_after, .. } => upstream_status(status, retry_after, message),
        }
    }
}

/// What happened, without the provider's words, which may quote the prompt; those are for whoever asks for details.
fn tell_operators(error: &GatewayError) {
    tracing::warn!(class = error.class(), provider = error.provider(), "a provider gave no answer");
    tracing::debug!(%error, "what it said");
}

/// A provider's refusal of the request is the caller's to repair; of the key, the operator's.
fn upstream_status(status: u16, retry_after: Option<u64>, message: String) -> ApiError {
    match status {
        400 | 413 | 422 => ApiError::bad_request("upstream_rejected", message),
        429 => {
            let wait = retry_after.map_or(Duration::from_secs(1), Duration::from_secs);
            let status = StatusCode::TOO_MANY_REQUESTS;
            ApiError::new(status, ErrorType::RateLimit, "upstream_rate_limited", message).retry_after(wait)
        }
        401..=403 => ApiError::server(StatusCode::BAD_GATEWAY, "upstream_refused_key", message),
        408 | 504 => ApiError::server(StatusCode::GATEWAY_TIMEOUT, "upstream_timeout", message),
        _ => ApiError::server(StatusCode::BAD_GATEWAY, "upstream_error", message),
    }
}

fn shutting_down() -> ApiError {
    let message = "the service is shutting down";
    ApiError::server(StatusCode::SERVICE_UNAVAILABLE, "shutting_down", message).retry_after(Duration::from_secs(1))
}

/// A failure whose details, paths among them, are for the log and not for the client.
fn internal(code: &'static str, message: &str, cause: &dyn Display) -> ApiError {
    tracing::error!(%cause, code, "a request failed");
    let message = format!("{message}; the service's log says why");
    ApiError::server(StatusCode::INTERNAL_SERVER_ERROR, code, message)
}
