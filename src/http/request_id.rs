//! Gives every request an id, the caller's or a new one, and every answer the id of its request.

use crate::domain::RequestId;
use axum::{
    extract::{FromRequestParts, Request},
    http::{HeaderMap, HeaderName, HeaderValue, request::Parts},
    response::Response,
};
use std::convert::Infallible;
use uuid::Uuid;

/// The header that carries it.
pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest id that is taken over.
const MAX_LENGTH: usize = 128;

/// The id of the request at hand.
#[derive(Debug, Clone)]
pub(super) struct Id(pub(super) RequestId);

impl<S: Sync> FromRequestParts<S> for Id {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_else(fresh))
    }
}

/// Finds or makes the id, and puts it on the answer.
pub(super) async fn identify<F: Future<Output = Response>>(
    mut request: Request,
    next: impl FnOnce(Request) -> F,
) -> Response {
    let id = given(request.headers()).unwrap_or_else(fresh);
    // Visible ASCII, so it is a header value; if it were not, an answer without the id is better than none.
    let value = HeaderValue::from_str(id.0.as_str()).ok();
    request.extensions_mut().insert(id);
    let mut response = next(request).await;
    if let Some(value) = value {
        response.headers_mut().insert(X_REQUEST_ID, value);
    }
    response
}

fn given(headers: &HeaderMap) -> Option<Id> {
    let text = headers.get(X_REQUEST_ID)?.to_str().ok()?;
    let fits = (1..=MAX_LENGTH).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    fits.then(|| Id(RequestId::from(text)))
}

fn fresh() -> Id {
    Id(RequestId::new(format!("req_{}", Uuid::now_v7().simple())))
}
