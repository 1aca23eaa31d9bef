//! How many requests are served at once. One more is turned away, not kept waiting.

use super::error::ApiError;
use axum::{
    body::{Body, Bytes, HttpBody},
    extract::Request,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use http_body::{Frame, SizeHint};
use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// When to come back: a decision takes milliseconds, an answer seconds.
const PAUSE: Duration = Duration::from_millis(500);

/// Places for requests.
#[derive(Debug, Clone)]
pub(super) struct Limiter(Arc<Semaphore>);

impl Limiter {
    /// So many places, at least 1.
    pub(super) fn new(places: usize) -> Self {
        Self(Arc::new(Semaphore::new(places.clamp(1, Semaphore::MAX_PERMITS))))
    }
}

/// Takes a place or answers 503. A place is held until the last byte of the answer, also of a streamed one, which is why this
/// is not tower's `ConcurrencyLimit`: that one frees it with the headers.
pub(super) async fn limit<F: Future<Output = Response>>(
    limiter: &Limiter,
    request: Request,
    next: impl FnOnce(Request) -> F,
) -> Response {
    let Ok(place) = Arc::clone(&limiter.0).try_acquire_owned() else {
        let message = "too many requests are being served; come back in a moment";
        let error = ApiError::server(StatusCode::SERVICE_UNAVAILABLE, "overloaded", message);
        return error.retry_after(PAUSE).into_response();
    };
    next(request).await.map(|body| Body::new(Held { body, _place: place }))
}

/// A body that gives its place back when it is over or dropped.
struct Held {
    body: Body,
    _place: OwnedSemaphorePermit,
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
