//! The one shape of an error: OpenAI's envelope, with `retry-after` where coming back helps.

use axum::{
    Json,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::Value;
use std::{collections::BTreeMap, time::Duration};
use utoipa::{
    IntoResponses, PartialSchema, ToSchema,
    openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder, response},
};

const RETRY_AFTER_MS: HeaderName = HeaderName::from_static("retry-after-ms");

/// Whose turn it is, in OpenAI's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) enum ErrorType {
    /// The caller should change the request.
    #[serde(rename = "invalid_request_error")]
    InvalidRequest,
    /// The caller should show another key.
    #[serde(rename = "authentication_error")]
    Authentication,
    /// The caller's key does not allow this.
    #[serde(rename = "permission_error")]
    Permission,
    /// The caller named something that does not exist.
    #[serde(rename = "not_found_error")]
    NotFound,
    /// The caller should come back later.
    #[serde(rename = "rate_limit_error")]
    RateLimit,
    /// The caller has no money left this month.
    #[serde(rename = "insufficient_quota")]
    InsufficientQuota,
    /// The service or a provider failed.
    #[serde(rename = "server_error")]
    Server,
}

/// What is wrong and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct ErrorBody {
    /// For people.
    #[schema(example = "route.quality_target: quality must be a number from 0 to 1, got 1.5 at line 1 column 52")]
    message: String,
    /// Whose turn it is.
    r#type: ErrorType,
    /// JSON path of the field that is wrong, or the name of the header or path parameter.
    #[schema(example = "route.quality_target")]
    param: Option<String>,
    /// For programs; does not change with the wording.
    #[schema(example = "invalid_value")]
    code: &'static str,
}

/// Every answer that is not a success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct ErrorEnvelope {
    /// The error.
    error: ErrorBody,
}

/// An error on its way to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError {
    status: StatusCode,
    body: ErrorBody,
    retry_after: Option<Duration>,
    /// Further headers. Boxed, as few errors have any.
    headers: Option<Box<HeaderMap>>,
}

impl ApiError {
    /// An error of any kind; the more special constructors read better.
    pub(crate) fn new(status: StatusCode, r#type: ErrorType, code: &'static str, message: impl Into<String>) -> Self {
        let body = ErrorBody { message: message.into(), r#type, param: None, code };
        Self { status, body, retry_after: None, headers: None }
    }

    /// 400: a field has the wrong value.
    pub(crate) fn invalid(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self::bad_request("invalid_value", message).at(param)
    }

    /// 400: a field is missing.
    pub(crate) fn missing(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self::bad_request("missing_field", message).at(param)
    }

    /// 400.
    pub(crate) fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, ErrorType::InvalidRequest, code, message)
    }

    /// 404.
    pub(crate) fn not_found(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, ErrorType::NotFound, code, message)
    }

    /// A failure on this side or beyond.
    pub(crate) fn server(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self::new(status, ErrorType::Server, code, message)
    }

    /// Names the field.
    #[must_use]
    pub(crate) fn at(mut self, param: impl Into<String>) -> Self {
        self.body.param = Some(param.into());
        self
    }

    /// Calls the field by another name, in the message too.
    #[must_use]
    pub(crate) fn renamed(mut self, name: String) -> Self {
        if let Some(rest) = self.body.param.as_deref().and_then(|old| self.body.message.strip_prefix(old)) {
            self.body.message = format!("{name}{rest}");
        }
        self.body.param = Some(name);
        self
    }

    /// Puts a path before the field's, for values that were read apart from their surroundings.
    #[must_use]
    pub(crate) fn within(mut self, outer: &str) -> Self {
        self.body.param = Some(match self.body.param {
            Some(inner) => format!("{outer}.{inner}"),
            None => outer.to_owned(),
        });
        self
    }

    /// The same with another status.
    #[must_use]
    pub(crate) const fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// The same in other words.
    #[must_use]
    pub(crate) fn saying(mut self, message: impl Into<String>) -> Self {
        self.body.message = message.into();
        self
    }

    /// Says when to come back.
    #[must_use]
    pub(crate) fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// Adds headers, such as the decision's.
    #[must_use]
    pub(crate) fn with_headers(mut self, headers: HeaderMap) -> Self {
        self.headers = Some(Box::new(headers));
        self
    }

    /// The error as it is told.
    pub(crate) const fn body(&self) -> &ErrorBody {
        &self.body
    }

    /// The status.
    pub(crate) const fn status(&self) -> StatusCode {
        self.status
    }

    /// The code.
    #[cfg(test)]
    pub(crate) const fn code(&self) -> &'static str {
        self.body.code
    }

    /// The field.
    #[cfg(test)]
    pub(crate) fn param(&self) -> Option<&str> {
        self.body.param.as_deref()
    }

    /// The sentence for people.
    #[cfg(test)]
    pub(crate) fn message(&self) -> &str {
        &self.body.message
    }

    /// The error without its envelope, for one result among many.
    pub(crate) fn into_body(self) -> ErrorBody {
        self.body
    }
}

impl ErrorBody {
    /// The field.
    pub(super) fn param(&self) -> Option<&str> {
        self.param.as_deref()
    }

    /// Its fields as JSON, for other envelopes.
    pub(super) fn to_json(&self) -> Value {
        serde_json::to_value(self).unwrap_or_else(|e| unreachable!("names and texts are always JSON: {e}"))
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = self.body.clone();
        let mut response = (self.status, Json(ErrorEnvelope { error: self.body })).into_response();
        // For middleware that tells it in the words of another dialect.
        response.extensions_mut().insert(body);
        if let Some(wait) = self.retry_after {
            let milliseconds = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
            let headers = response.headers_mut();
            headers.insert(header::RETRY_AFTER, HeaderValue::from(milliseconds.div_ceil(1000).max(1)));
            headers.insert(RETRY_AFTER_MS, HeaderValue::from(milliseconds));
        }
        response.headers_mut().extend(self.headers.map(|headers| *headers).unwrap_or_default());
        response
    }
}

/// Errors that any route reading a body can answer with, for the document.
pub(crate) struct BodyErrors;

/// Errors of a route that decides, for the document.
pub(crate) struct RouteErrors;

/// Errors of a route that forwards, for the document.
pub(crate) struct ChatErrors;

/// Errors of a route that records feedback, for the document.
pub(crate) struct FeedbackErrors;

/// Errors of an administrator's route that reads a body, for the document.
pub(crate) struct AdminErrors;

const BODY: [(&str, &str); 7] = [
    ("400", "A field is missing or wrong; `param` names it."),
    ("401", "No key, or one that is unknown, has expired or was revoked."),
    ("413", "The body is larger than `limits.max_body_bytes`."),
    ("415", "The body is compressed."),
    ("500", "The service failed; its log says why."),
    ("504", "Not answered within `limits.request_timeout_ms`."),
    (
        "503",
        "Too many requests at once, the log's queue is full, no model is enabled, or every provider that may serve fails; see `retry-after`.",
    ),
];
const DECIDING: [(&str, &str); 3] = [
    ("403", "The key may not use this model or policy."),
    ("404", "No such model or policy."),
    (
        "429",
        "A limit or budget of the key, tenant, policy or model is reached, or the encoder's queue is full, or a provider's \
         limit is reached; `retry-after` says when to come back.",
    ),
];
const FORWARDING: [(&str, &str); 2] =
    [("502", "The provider failed."), ("504", "The provider did not answer in time, or the service did not.")];
const RECORDING: [(&str, &str); 2] = [
    ("404", "No such decision of the caller's tenant."),
    ("409", "The idempotency key was used for another feedback."),
];
const ADMINISTERING: [(&str, &str); 1] = [("403", "The admin interface is off.")];

type Documented = BTreeMap<String, RefOr<response::Response>>;

fn documented(sets: &[&[(&str, &str)]]) -> Documented {
    let content = || ContentBuilder::new().schema(Some(Ref::from_schema_name(ErrorEnvelope::name()))).build();
    let response = |text: &str| ResponseBuilder::new().description(text).content("application/json", content()).build();
    sets.iter().copied().flatten().map(|(status, text)| ((*status).to_owned(), response(text).into())).collect()
}

macro_rules! documents {
    ($($type:ty => $sets:expr;)+) => {
        $(impl IntoResponses for $type {
            fn responses() -> Documented {
                documented($sets)
            }
        })+
    };
}
documents! {
    BodyErrors => &[&BODY];
    RouteErrors => &[&BODY, &DECIDING];
    ChatErrors => &[&BODY, &DECIDING, &FORWARDING];
    FeedbackErrors => &[&BODY, &RECORDING];
    AdminErrors => &[&BODY, &ADMINISTERING];
}

/// Names and schemas that [`documented`] refers to.
pub(super) fn schemas() -> Vec<(String, RefOr<utoipa::openapi::Schema>)> {
    let mut all = vec![(ErrorEnvelope::name().into_owned(), ErrorEnvelope::schema())];
    ErrorEnvelope::schemas(&mut all);
    all
}
