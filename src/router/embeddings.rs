//! Embeddings: forwarded to the model that is named; there is nothing to decide.

use super::{RouteError, Router};
use crate::{
    access::{Admission, Caller, Named},
    catalog::BilledTokens,
    dialect::Object,
    domain::{ModelId, RequestId, Usd},
    gateway::{ChatReply, EmbeddingsCall, Forwarded, GatewayError, Leg, OpenGate, Told},
};
use serde_json::Value;
use std::{sync::Arc, time::Instant};

/// Bytes of text to a token, roughly.
const BYTES_PER_TOKEN: usize = 4;

/// Texts to embed.
#[derive(Debug, Clone)]
pub struct EmbeddingsRequest {
    /// Echoed or made.
    pub request_id: RequestId,
    /// Who asks.
    pub caller: Caller,
    /// The model that is named.
    pub model: ModelId,
    /// The request as it came.
    pub body: Arc<Object>,
    /// When the answer must be there.
    pub deadline: Option<Instant>,
}

/// Vectors.
pub struct EmbeddingsResponse {
    /// The model that served.
    pub served: ModelId,
    /// Calls made to its provider.
    pub attempts: u32,
    /// The answer.
    pub body: Value,
    /// What it cost, when known.
    pub cost_usd: Option<Usd>,
}

impl Router {
    /// Embeds with the model that is named, within the caller's limits and budget.
    ///
    /// # Errors
    /// [`RouteError`].
    pub async fn embeddings(&self, request: EmbeddingsRequest) -> Result<EmbeddingsResponse, RouteError> {
        let inner = &self.inner;
        let EmbeddingsRequest { caller, model: id, body, deadline, .. } = request;
        let unknown = || RouteError::UnknownModel(id.to_string());
        let model = inner.fleet.embedding(&id).ok_or_else(unknown)?;
        let excluded = |reason: &str| RouteError::ModelExcluded { model: id.to_string(), reason: reason.to_owned() };
        if let Some(reason) = &model.disabled {
            return Err(excluded(reason));
        }
        let price = model.entry.price.as_ref().ok_or_else(|| excluded("no price is known"))?;
        let tokens = body.get("input").map_or(0, |input| input.to_string().len() / BYTES_PER_TOKEN);
        let tokens = u32::try_from(tokens).unwrap_or(u32::MAX);
        let now = inner.clock.now();
        let admission = Admission { named: Named::Model(id.clone()), tokens: u64::from(tokens), now };
        let place = inner.access.admit(&caller, &admission)?;
        let at_model = inner.access.admit_model(&id, u64::from(tokens), now)?;
        let expected_cost = price.cost(BilledTokens { input: tokens, ..BilledTokens::default() });
        let money = inner.access.reserve(&caller, expected_cost, now)?;
        let leg = Leg { model: &model.entry, dialect: model.dialect, expected_cost };
        let call = EmbeddingsCall { body, decision: inner.clock.decision_id(), deadline, gate: Arc::new(OpenGate) };
        let Forwarded { attempts, reply, .. } = inner.gateway.embeddings(&leg, &call).await;
        let (body, usage) = match reply {
            Ok(ChatReply::Whole { body: Told::Hub(body) | Told::Native(body), usage }) => (body, usage),
            Ok(ChatReply::Stream(_)) => return Err(malformed(&leg)),
            Err(error) => {
                // A provider that failed sends no bill.
                money.release();
                return Err(error.into());
            }
        };
        let cost_usd = usage.billed().map(|tokens| price.cost(tokens));
        if let Some(cost) = cost_usd {
            money.settle(cost);
        }
        if let Some(input) = usage.input_tokens {
            let now = inner.clock.now();
            place.settle(u64::from(input), now);
            at_model.settle(u64::from(input), now);
        }
        let attempts = u32::try_from(attempts.len()).unwrap_or(u32::MAX);
        Ok(EmbeddingsResponse { served: id, attempts, body, cost_usd })
    }
}

fn malformed(leg: &Leg<'_>) -> RouteError {
    let (provider, problem) = (leg.model.provider.clone(), "a stream of embeddings".to_owned());
    GatewayError::Malformed { provider, problem }.into()
}
