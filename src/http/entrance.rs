//! What stands before the handlers: who calls, how long it may take, whether there is a place. One middleware for all, as each
//! of the framework's own would copy everything behind it for every request.

use super::{
    auth::{Gate, administer, authenticate},
    deadline::hold,
    limit::{Limiter, limit},
};
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use std::{sync::Arc, time::Duration};

/// What is asked of a request before a handler sees it.
pub(super) struct Entrance {
    pub(super) gate: Gate,
    pub(super) timeout: Duration,
    pub(super) limiter: Limiter,
}

/// Middleware: lets callers in. Who they are is asked first.
pub(super) async fn callers(State(entrance): State<Arc<Entrance>>, request: Request, next: Next) -> Response {
    let Entrance { gate, timeout, limiter } = &*entrance;
    let placed = |request| limit(limiter, request, |request| next.run(request));
    authenticate(gate, request, |request| hold(*timeout, request, placed)).await
}

/// Middleware: lets the administrator in.
pub(super) async fn administrators(State(entrance): State<Arc<Entrance>>, request: Request, next: Next) -> Response {
    let Entrance { gate, timeout, .. } = &*entrance;
    administer(gate, request, |request| hold(*timeout, request, |request| next.run(request))).await
}
