//! `POST /v1/route`: decide, spend nothing.

use super::{
    App,
    body::Body,
    error::{ApiError, RouteErrors},
    headers,
    request_id::Id,
    wire::{Asked, DecisionBody, RouteBody},
};
use crate::{access::Caller, domain::RequestId, router::RouteRequest};
use axum::{Extension, Json, extract::State, http::HeaderMap};

/// Decide which model should serve a prompt
///
/// The decision is in the log when the answer arrives; feedback may name it. Nothing is forwarded and nothing spent.
#[utoipa::path(
    post,
    path = "/v1/route",
    operation_id = "route",
    tag = "routing",
    request_body = RouteBody,
    responses((status = 200, description = "The decision.", body = DecisionBody), RouteErrors)
)]
pub(super) async fn route(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Id(request_id): Id,
    body: Body,
) -> Result<(HeaderMap, Json<DecisionBody>), ApiError> {
    let asked = body.json::<RouteBody>()?.into_asked(|name| app.router.policies().contains_key(name))?;
    let (request, explain) = request(request_id, caller, asked);
    let decision = app.router.route(request).await?;
    let headers = headers::of_decision(&decision, &decision.chosen);
    Ok((headers, Json(DecisionBody::new(&decision, app.provider(&decision.chosen), explain))))
}

fn request(request_id: RequestId, caller: Caller, asked: Asked) -> (RouteRequest, bool) {
    let Asked { prompt, choice, options, explain, .. } = asked;
    (RouteRequest { request_id, caller, prompt, choice, options, speech: None }, explain)
}
