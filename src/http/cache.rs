//! `/admin/cache`: answers that are kept.

use super::{
    App,
    error::{ApiError, ErrorEnvelope},
    wire::{CacheBody, CacheQuery, ClearedBody},
};
use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};

/// Show the cache
///
/// What it holds, and how often it was of use since the start of the service.
#[utoipa::path(
    get,
    path = "/admin/cache",
    operation_id = "get_cache",
    tag = "admin",
    security(("admin_key" = [])),
    responses(
        (status = 200, description = "The cache.", body = CacheBody),
        (status = 401, description = "No admin key, or a wrong one.", body = ErrorEnvelope),
        (status = 403, description = "The admin interface is off.", body = ErrorEnvelope),
    )
)]
pub(super) async fn show(State(app): State<App>) -> Json<CacheBody> {
    Json(CacheBody::from(&app.router.cache().stats()))
}

/// Forget kept answers
///
/// All of them, or those of a tenant, of a policy, by a model; where several are given, those that all of them cover. None of
/// them is given again once this is answered. Answers that are on their way may still be kept.
#[utoipa::path(
    delete,
    path = "/admin/cache",
    operation_id = "clear_cache",
    tag = "admin",
    security(("admin_key" = [])),
    params(CacheQuery),
    responses(
        (status = 200, description = "They are forgotten.", body = ClearedBody),
        (status = 400, description = "A parameter is unknown or wrong.", body = ErrorEnvelope),
        (status = 401, description = "No admin key, or a wrong one.", body = ErrorEnvelope),
        (status = 403, description = "The admin interface is off.", body = ErrorEnvelope),
    )
)]
pub(super) async fn clear(
    State(app): State<App>,
    query: Result<Query<CacheQuery>, QueryRejection>,
) -> Result<Json<ClearedBody>, ApiError> {
    let Query(query) = query.map_err(|e| ApiError::bad_request("invalid_query", e.body_text()))?;
    let filter = query.into_filter()?;
    let removed = app.router.cache().clear(&filter);
    tracing::info!(removed, ?filter, "kept answers were forgotten");
    Ok(Json(ClearedBody { removed }))
}
