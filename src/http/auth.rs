//! Who calls: keys at the door, and what it is to a client to be turned away.

use super::error::{ApiError, ErrorType};
use crate::{
    access::{Access, AdminKey, Allowance, Caller, Headroom, KeyBook, Named, Refusal},
    domain::KeyId,
    router::Clock,
};
use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use std::{sync::Arc, time::Duration};
use tracing::{Instrument, Span};

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
/// OpenAI's and Anthropic's clients repeat a 429 by themselves unless this says no.
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");
/// When to come back once too many requests run: an answer takes seconds.
const CROWDED_PAUSE: Duration = Duration::from_secs(1);

const REQUESTS: [HeaderName; 3] = [
    HeaderName::from_static("x-ratelimit-limit-requests"),
    HeaderName::from_static("x-ratelimit-remaining-requests"),
    HeaderName::from_static("x-ratelimit-reset-requests"),
];
const TOKENS: [HeaderName; 3] = [
    HeaderName::from_static("x-ratelimit-limit-tokens"),
    HeaderName::from_static("x-ratelimit-remaining-tokens"),
    HeaderName::from_static("x-ratelimit-reset-tokens"),
];

/// Who may come in, and who may change that. Cheap to clone.
#[derive(Clone)]
pub struct Door {
    pub(super) gate: Gate,
    pub(super) keys: KeyBook,
}

impl Door {
    /// Callers show one of `keys`; without an admin key there is no `/admin`.
    #[must_use]
    pub fn new(keys: KeyBook, admin: Option<AdminKey>, clock: Arc<dyn Clock>) -> Self {
        Self { gate: Gate { access: keys.access().clone(), admin, clock }, keys }
    }
}

/// What is asked at the door.
#[derive(Clone)]
pub(super) struct Gate {
    pub(super) access: Access,
    pub(super) admin: Option<AdminKey>,
    pub(super) clock: Arc<dyn Clock>,
}

/// Finds out who calls and puts the [`Caller`] into the request's extensions, or answers 401. Every
/// answer to a request that was let in says how its caller's limits stand, errors as well.
pub(super) async fn authenticate<F: Future<Output = Response>>(
    gate: &Gate,
    mut request: Request,
    next: impl FnOnce(Request) -> F,
) -> Response {
    match gate.access.authenticate(presented(request.headers()), gate.clock.now()) {
        Ok(caller) => {
            request.extensions_mut().insert(caller.clone());
            let mut response = next(request).instrument(span_of(&caller)).await;
            add_missing(response.headers_mut(), caller.headroom().map(rate_headers).unwrap_or_default());
            response
        }
        Err(refusal) => {
            tracing::debug!(%refusal, "a caller was turned away");
            ApiError::from(refusal).into_response()
        }
    }
}

/// Says in the log who calls; of those without a key there is nothing to say.
fn span_of(caller: &Caller) -> Span {
    let of_key = |key: &KeyId| tracing::info_span!("caller", key = key.as_str(), tenant = caller.tenant().as_str());
    caller.key().map_or_else(Span::none, of_key)
}

/// Lets the administrator in, and nobody where there is none.
pub(super) async fn administer<F: Future<Output = Response>>(
    gate: &Gate,
    request: Request,
    next: impl FnOnce(Request) -> F,
) -> Response {
    let Some(admin) = &gate.admin else {
        let message = "the admin interface is off: set SATISFICE_ADMIN_KEY and restart the service";
        return forbidden("admin_disabled", message).into_response();
    };
    match presented(request.headers()) {
        Some(shown) if admin.is(shown) => next(request).await,
        Some(_) => {
            tracing::warn!("a wrong admin key was shown");
            unauthenticated("invalid_admin_key", "this is not the admin key").into_response()
        }
        None => {
            let message = "the admin key is needed; send it as `Authorization: Bearer ...` or as `x-api-key`";
            unauthenticated("missing_admin_key", message).into_response()
        }
    }
}

/// The key that a request shows: as a bearer token, else as `x-api-key`. What is no text is a wrong key.
fn presented(headers: &HeaderMap) -> Option<&str> {
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or_default().trim());
    let bearer = text(header::AUTHORIZATION).and_then(|value| {
        let (scheme, key) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
    });
    bearer.or_else(|| text(X_API_KEY))
}

fn unauthenticated(code: &'static str, message: impl Into<String>) -> ApiError {
    let challenge = HeaderMap::from_iter([(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))]);
    ApiError::new(StatusCode::UNAUTHORIZED, ErrorType::Authentication, code, message).with_headers(challenge)
}

fn forbidden(code: &'static str, message: impl Into<String>) -> ApiError {
    ApiError::new(StatusCode::FORBIDDEN, ErrorType::Permission, code, message)
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let message = refusal.to_string();
        match refusal {
            Refusal::NoKey => unauthenticated("missing_api_key", message),
            Refusal::UnknownKey => unauthenticated("invalid_api_key", message),
            Refusal::Expired { .. } => unauthenticated("expired_api_key", message),
            Refusal::Revoked { .. } => unauthenticated("revoked_api_key", message),
            Refusal::NotAllowed { named: Named::Policy(_), .. } => forbidden("policy_not_allowed", message).at("model"),
            Refusal::NotAllowed { named: Named::Model(_), .. } => forbidden("model_not_allowed", message).at("model"),
            Refusal::TooLarge { .. } => Self::bad_request("request_exceeds_token_limit", message),
            Refusal::RateLimited { retry_after, headroom, .. } => {
                later(ErrorType::RateLimit, "rate_limit_exceeded", message, retry_after, rate_headers(&headroom))
            }
            Refusal::TooManyConcurrent { headroom, .. } => {
                let (code, headers) = ("too_many_concurrent_requests", rate_headers(&headroom));
                later(ErrorType::RateLimit, code, message, CROWDED_PAUSE, headers)
            }
            Refusal::BudgetExhausted { retry_after, .. } => {
                let headers = HeaderMap::from_iter([(SHOULD_RETRY, HeaderValue::from_static("false"))]);
                later(ErrorType::InsufficientQuota, "insufficient_quota", message, retry_after, headers)
            }
        }
    }
}

/// 429.
fn later(r#type: ErrorType, code: &'static str, message: String, wait: Duration, headers: HeaderMap) -> ApiError {
    ApiError::new(StatusCode::TOO_MANY_REQUESTS, r#type, code, message).retry_after(wait).with_headers(headers)
}

/// What a refusal says of the limit that is reached goes before what is known of others.
fn add_missing(headers: &mut HeaderMap, more: HeaderMap) {
    for (name, value) in more {
        if let Some(name) = name {
            headers.entry(name).or_insert(value);
        }
    }
}

/// How a caller's limits stand.
fn rate_headers(headroom: &Headroom) -> HeaderMap {
    let of = |names, allowance: Option<Allowance>| allowance.map(|allowance| allowance_headers(names, allowance));
    let (requests, tokens) = (of(REQUESTS, headroom.requests), of(TOKENS, headroom.tokens));
    requests.into_iter().chain(tokens).flatten().collect()
}

fn allowance_headers(names: [HeaderName; 3], allowance: Allowance) -> [(HeaderName, HeaderValue); 3] {
    let Allowance { limit, remaining, reset } = allowance;
    let [name_of_limit, name_of_remaining, name_of_reset] = names;
    // Digits, points and letters are always a header value.
    let reset = HeaderValue::from_str(&short(reset)).unwrap_or(HeaderValue::from_static("60s"));
    [(name_of_limit, limit.into()), (name_of_remaining, remaining.into()), (name_of_reset, reset)]
}

/// A time as OpenAI's headers have it: `120ms`, `8.64s`.
fn short(time: Duration) -> String {
    match time.as_millis() {
        milliseconds @ 0..1000 => format!("{milliseconds}ms"),
        milliseconds => format!("{}s", milliseconds as f64 / 1e3),
    }
}

#[cfg(test)]
mod tests;
