//! `/admin`: keys and spending. Its own credential opens it, [`administer`](super::auth::administer).

use super::{
    App,
    auth::Door,
    body::Body,
    error::{AdminErrors, ApiError, ErrorEnvelope},
    wire::{IssuedKeyBody, KeyBody, KeyList, NewKeyBody, RotationBody, UsageBody},
};
use crate::{
    access::{BookError, NoRandomness, draw_key_bytes},
    domain::{KeyId, UnixMillis},
};
use axum::{
    Json, Router,
    extract::{FromRef, Path, Request, State, rejection::PathRejection},
    http::StatusCode,
    routing::{get, post},
};

/// Largest body taken, bytes.
const MAX_BODY: usize = 64 << 10;

/// These routes alone and without their credential: for whoever has the data folder itself.
pub(crate) fn alone(door: Door) -> Router {
    Router::new()
        .route("/admin/keys", get(list).post(create))
        .route("/admin/keys/{id}", get(show).delete(revoke))
        .route("/admin/keys/{id}/rotate", post(rotate))
        .route("/admin/usage", get(usage))
        .with_state(door)
}

impl FromRef<App> for Door {
    fn from_ref(app: &App) -> Self {
        app.door.clone()
    }
}

impl Door {
    fn now(&self) -> UnixMillis {
        self.gate.clock.now()
    }
}

/// List API keys
///
/// Oldest first, also those that have expired or were revoked. Secrets are kept nowhere.
#[utoipa::path(
    get,
    path = "/admin/keys",
    operation_id = "list_keys",
    tag = "admin",
    security(("admin_key" = [])),
    responses(
        (status = 200, description = "The keys.", body = KeyList),
        (status = 401, description = "No admin key, or a wrong one.", body = ErrorEnvelope),
        (status = 403, description = "The admin interface is off.", body = ErrorEnvelope),
    )
)]
pub(super) async fn list(State(door): State<Door>) -> Json<KeyList> {
    let now = door.now();
    let data = door.keys.access().keys().iter().map(|key| KeyBody::new(key, now)).collect();
    Json(KeyList { object: "list", data })
}

/// Make an API key
///
/// It counts at once. Its secret is in this answer and nowhere else. With the first key, callers are asked for one.
#[utoipa::path(
    post,
    path = "/admin/keys",
    operation_id = "create_key",
    tag = "admin",
    security(("admin_key" = [])),
    request_body = NewKeyBody,
    responses((status = 200, description = "The key.", body = IssuedKeyBody), AdminErrors)
)]
pub(super) async fn create(State(door): State<Door>, request: Request) -> Result<Json<IssuedKeyBody>, ApiError> {
    let new = Body::receive(request, MAX_BODY).await?.json::<NewKeyBody>()?.into_new()?;
    let (bytes, now) = (draw_key_bytes()?, door.now());
    let issued = door.keys.create(new, &bytes, now).await?;
    tracing::info!(key = %issued.record.id, tenant = %issued.record.tenant, "an API key was made");
    Ok(Json(IssuedKeyBody::new(&issued, now)))
}

/// Show an API key
#[utoipa::path(
    get,
    path = "/admin/keys/{id}",
    operation_id = "get_key",
    tag = "admin",
    security(("admin_key" = [])),
    params(("id" = String, Path, description = "The key's public part.", example = "k3hq7xv2mzpa")),
    responses(
        (status = 200, description = "The key.", body = KeyBody),
        (status = 401, description = "No admin key, or a wrong one.", body = ErrorEnvelope),
        (status = 403, description = "The admin interface is off.", body = ErrorEnvelope),
        (status = 404, description = "No such key.", body = ErrorEnvelope),
        (status = 400, description = "The path is not UTF-8.", body = ErrorEnvelope),
    )
)]
pub(super) async fn show(
    State(door): State<Door>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<KeyBody>, ApiError> {
    let id = key_id(id)?;
    let key = door.keys.access().key(&id).ok_or(BookError::Unknown(id))?;
    Ok(Json(KeyBody::new(&key, door.now())))
}

/// Revoke an API key
///
/// It no longer counts once this is answered; requests that run go on. Revoking it again changes nothing.
#[utoipa::path(
    delete,
    path = "/admin/keys/{id}",
    operation_id = "revoke_key",
    tag = "admin",
    security(("admin_key" = [])),
    params(("id" = String, Path, description = "The key's public part.", example = "k3hq7xv2mzpa")),
    responses(
        (status = 200, description = "The key as it is now.", body = KeyBody),
        (status = 401, description = "No admin key, or a wrong one.", body = ErrorEnvelope),
        (status = 403, description = "The admin interface is off.", body = ErrorEnvelope),
        (status = 404, description = "No such key.", body = ErrorEnvelope),
        (status = 400, description = "The path is not UTF-8.", body = ErrorEnvelope),
        (status = 503, description = "The log's queue is full.", body = ErrorEnvelope),
        (status = 504, description = "Not answered within `limits.request_timeout_ms`.", body = ErrorEnvelope),
    )
)]
pub(super) async fn revoke(
    State(door): State<Door>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<KeyBody>, ApiError> {
    let (id, now) = (key_id(id)?, door.now());
    let key = door.keys.revoke(&id, now).await?;
    tracing::info!(key = %key.id, "an API key was revoked");
    Ok(Json(KeyBody::new(&key, now)))
}

/// Replace an API key
///
/// Makes a key with the same name, tenant and limits. The old one goes on counting for `grace_seconds`; both spend from one
/// budget.
#[utoipa::path(
    post,
    path = "/admin/keys/{id}/rotate",
    operation_id = "rotate_key",
    tag = "admin",
    security(("admin_key" = [])),
    params(("id" = String, Path, description = "The old key's public part.", example = "k3hq7xv2mzpa")),
    request_body = RotationBody,
    responses(
        (status = 200, description = "The new key.", body = IssuedKeyBody),
        (status = 404, description = "No such key.", body = ErrorEnvelope),
        (status = 409, description = "The key no longer counts, or was replaced already.", body = ErrorEnvelope),
        AdminErrors,
    )
)]
pub(super) async fn rotate(
    State(door): State<Door>,
    id: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Json<IssuedKeyBody>, ApiError> {
    let id = key_id(id)?;
    let grace = Body::receive(request, MAX_BODY).await?.json::<RotationBody>()?.grace()?;
    let (bytes, now) = (draw_key_bytes()?, door.now());
    let issued = door.keys.rotate(&id, grace, &bytes, now).await?;
    tracing::info!(key = %issued.record.id, replaces = %id, "an API key was rotated");
    Ok(Json(IssuedKeyBody::new(&issued, now)))
}

/// Show this month's spending
///
/// By key and by tenant, in the calendar month (UTC), with what is reserved for requests that still run.
#[utoipa::path(
    get,
    path = "/admin/usage",
    operation_id = "get_usage",
    tag = "admin",
    security(("admin_key" = [])),
    responses(
        (status = 200, description = "The spending.", body = UsageBody),
        (status = 401, description = "No admin key, or a wrong one.", body = ErrorEnvelope),
        (status = 403, description = "The admin interface is off.", body = ErrorEnvelope),
    )
)]
pub(super) async fn usage(State(door): State<Door>) -> Json<UsageBody> {
    Json(UsageBody::from(&door.keys.access().usage(door.now())))
}

fn key_id(id: Result<Path<String>, PathRejection>) -> Result<KeyId, ApiError> {
    let Path(id) = id.map_err(|e| ApiError::invalid("id", e.body_text()))?;
    Ok(KeyId::from(id.as_str()))
}

impl From<BookError> for ApiError {
    fn from(error: BookError) -> Self {
        let message = error.to_string();
        let conflict = |code, message| Self::bad_request(code, message).with_status(StatusCode::CONFLICT).at("id");
        match error {
            BookError::Invalid { field, .. } => Self::invalid(field, message),
            BookError::Unknown(_) => Self::not_found("key_not_found", message).at("id"),
            BookError::Ended(_) => conflict("key_ended", message),
            BookError::Replaced { .. } => conflict("key_replaced", message),
            BookError::Store(e) => e.into(),
        }
    }
}

impl From<NoRandomness> for ApiError {
    fn from(error: NoRandomness) -> Self {
        tracing::error!(%error, "no key can be made");
        Self::server(StatusCode::INTERNAL_SERVER_ERROR, "no_randomness", error.to_string())
    }
}

#[cfg(test)]
mod tests;
