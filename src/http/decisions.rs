//! `GET /v1/decisions/{id}`: a decision explained.

use super::{
    App,
    error::{ApiError, ErrorEnvelope},
    wire::DecisionRecordBody,
};
use crate::{
    access::Caller,
    domain::{DecisionId, InvalidId},
};
use axum::{
    Extension, Json,
    extract::{Path, State, rejection::PathRejection},
};

/// Explain a decision
///
/// All candidates with their predictions, why the others were excluded, and what came of it: outcomes and feedback.
#[utoipa::path(
    get,
    path = "/v1/decisions/{id}",
    operation_id = "get_decision",
    tag = "routing",
    params((
        "id" = String, Path, format = "uuid", description = "The decision's id.",
        example = "0199f3c2-6c1e-7a51-9a55-1f5a3a1c9a2e"
    )),
    responses(
        (status = 200, description = "The decision.", body = DecisionRecordBody),
        (status = 400, description = "The id is not a decision's.", body = ErrorEnvelope),
        (status = 401, description = "No key, or one that does not count.", body = ErrorEnvelope),
        (status = 404, description = "No such decision of the caller's tenant.", body = ErrorEnvelope),
        (status = 503, description = "Too many requests at once.", body = ErrorEnvelope),
        (status = 504, description = "Not answered within `limits.request_timeout_ms`.", body = ErrorEnvelope),
    )
)]
pub(super) async fn decision(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<DecisionRecordBody>, ApiError> {
    let Path(id) = id.map_err(|e| ApiError::invalid("id", e.body_text()))?;
    let id: DecisionId = id.parse().map_err(|e: InvalidId| ApiError::invalid("id", e.to_string()))?;
    // What was decided for others is as unknown as what was not decided: ids must not be told apart.
    let record = app.router.decision(id).await?.filter(|record| caller.may_see(record.decision.caller.as_ref()));
    let record =
        record.ok_or_else(|| ApiError::not_found("decision_not_found", format!("no decision has the id {id}")))?;
    Ok(Json(DecisionRecordBody::new(&record, app.provider(&record.decision.chosen))))
}
