//! How long a request may take until the head of its answer. A streamed body may go on; the gateway bounds it.

use super::error::ApiError;
use axum::{
    extract::{FromRequestParts, Request},
    http::{HeaderMap, StatusCode, request::Parts},
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

/// How long a request may take, milliseconds.
const TIMEOUT_MS: &str = "x-satisfice-timeout-ms";
/// How long OpenAI's and Anthropic's clients wait, seconds.
const CLIENT_TIMEOUT: &str = "x-stainless-timeout";

/// How long a request may take, and who says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Limit {
    time: Duration,
    set_by: &'static str,
}

impl Limit {
    /// The service's limit, or the caller's if that is shorter.
    ///
    /// # Errors
    /// 400 for a limit that can't be read. A client's own habit is no reason to refuse its requests: it is left alone.
    fn of(headers: &HeaderMap, service: Duration) -> Result<Self, ApiError> {
        let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default().trim());
        let wished = text(TIMEOUT_MS).map(milliseconds).transpose()?;
        let clients = text(CLIENT_TIMEOUT).and_then(seconds);
        let limits = [(Some(service), "limits.request_timeout_ms"), (wished, TIMEOUT_MS), (clients, CLIENT_TIMEOUT)];
        let known = limits.into_iter().filter_map(|(time, set_by)| Some(Self { time: time?, set_by }));
        Ok(known.min_by_key(|limit| limit.time).unwrap_or(Self { time: service, set_by: "" }))
    }

    fn over(self) -> ApiError {
        let Self { time, set_by } = self;
        tracing::warn!(limit = ?time, set_by, "a request was not answered in time");
        let message = format!(
            "the request was not answered within {} ms ({set_by}); send it again, or ask for less",
            time.as_millis()
        );
        ApiError::server(StatusCode::GATEWAY_TIMEOUT, "request_timeout", message)
    }
}

fn milliseconds(text: &str) -> Result<Duration, ApiError> {
    let wished = text.parse().ok().filter(|milliseconds| *milliseconds > 0).map(Duration::from_millis);
    wished.ok_or_else(|| {
        let message = format!("the header {TIMEOUT_MS} is not a whole number of milliseconds of at least 1");
        ApiError::invalid(TIMEOUT_MS, message)
    })
}

fn seconds(text: &str) -> Option<Duration> {
    text.parse().ok().filter(|seconds| *seconds > 0.0).and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
}

/// Answers 504 when the limit is over. The provider's time ends a little before, so that its silence becomes the decision's
/// outcome and the answer names the decision.
pub(super) async fn hold<F: Future<Output = Response>>(
    service: Duration,
    mut request: Request,
    next: impl FnOnce(Request) -> F,
) -> Response {
    let limit = match Limit::of(request.headers(), service) {
        Ok(limit) => limit,
        Err(error) => return error.into_response(),
    };
    let reserve = RESERVE.min(limit.time / 10);
    request.extensions_mut().insert(ProviderDeadline(Some(Instant::now() + (limit.time - reserve))));
    match tokio::time::timeout(limit.time, next(request)).await {
        Ok(response) => response,
        Err(_) => limit.over().into_response(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    fn limit(headers: &[(&'static str, &'static str)]) -> Result<Limit, ApiError> {
        let headers =
            headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        Limit::of(&headers.collect(), Duration::from_secs(60))
    }

    #[test]
    fn the_shortest_of_all_limits_holds() {
        let cases: [(&[(&'static str, &'static str)], u64); 7] = [
            (&[], 60_000),
            (&[(TIMEOUT_MS, "1500")], 1500),
            (&[(TIMEOUT_MS, "90000")], 60_000),
            (&[(CLIENT_TIMEOUT, "600")], 60_000),
            (&[(CLIENT_TIMEOUT, "2.5")], 2500),
            (&[(CLIENT_TIMEOUT, "2.5"), (TIMEOUT_MS, "2000")], 2000),
            (&[(CLIENT_TIMEOUT, "NaN")], 60_000),
        ];
        for (headers, expected) in cases {
            assert_eq!(limit(headers).unwrap().time, Duration::from_millis(expected), "{headers:?}");
        }
        assert_eq!(limit(&[(TIMEOUT_MS, "5")]).unwrap().set_by, "x-satisfice-timeout-ms");
    }

    #[test]
    fn a_limit_that_cant_be_read_is_refused_unless_it_is_the_clients_own_habit() {
        for strange in ["", "0", "-1", "1.5", "soon", "99999999999999999999"] {
            assert_eq!(
                limit(&[(TIMEOUT_MS, strange)]).unwrap_err().param(),
                Some("x-satisfice-timeout-ms"),
                "{strange}"
            );
            assert!(limit(&[(CLIENT_TIMEOUT, strange)]).is_ok(), "{strange}");
        }
    }
}
