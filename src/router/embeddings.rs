//! Embeddings: forwarded to the model that is named; there is nothing to decide. Each request stands in the log with its bill.

mod record;

use super::{FleetModel, Inner, RouteError, Router, forward::status_of};
use crate::{
    access::{Caller, Named, Stake},
    catalog::{BilledTokens, Price},
    config::DEFAULT_POLICY,
    dialect::Object,
    domain::{ModelId, OutcomeStatus, RequestId, Usd, tokens_of},
    gateway::{ChatReply, EmbeddingsCall, Forwarded, GatewayError, Leg, OpenGate, Told, Usage},
};
use record::RecordGuard;
use serde_json::Value;
use std::{sync::Arc, time::Instant};

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
    /// What it cost, when the provider told.
    pub cost_usd: Option<Usd>,
}

impl Router {
    /// Embeds with the model that is named, within the caller's limits and budget. The bill is committed before the answer is
    /// given out.
    ///
    /// # Errors
    /// [`RouteError`].
    pub async fn embeddings(&self, request: EmbeddingsRequest) -> Result<EmbeddingsResponse, RouteError> {
        let inner = &self.inner;
        let (model, price) = inner.embedder(&request.model)?;
        let input = request.body.get("input").map_or(0, expected_tokens);
        let expected = BilledTokens { input, ..BilledTokens::default() };
        let leg = Leg { model: &model.entry, dialect: model.dialect, expected_cost: price.cost(expected) };
        let named = Named::Model(request.model.clone());
        let mut admitted = inner.admit_named(&request.caller, named, u64::from(input))?;
        let _call = admitted.make_room(&request.model, u64::from(input), stake(price, expected, &request.body))?;
        let mut guard = RecordGuard::new(self, &request, &leg, expected, admitted);
        let EmbeddingsRequest { model: served, body, deadline, .. } = request;
        let call = EmbeddingsCall { body, decision: inner.clock.decision_id(), deadline, gate: Arc::new(OpenGate) };
        let Forwarded { attempts, reply, .. } = inner.gateway.embeddings(&leg, &call).await;
        guard.called(&attempts);
        let (body, usage) = match whole(&leg, reply) {
            Ok(answer) => answer,
            Err(error) => {
                guard.failed(error.class());
                guard.end(status_of(&error)).await?;
                return Err(error.into());
            }
        };
        guard.usage = usage;
        let cost_usd = guard.cost();
        guard.end(OutcomeStatus::Ok).await?;
        let attempts = u32::try_from(attempts.len()).unwrap_or(u32::MAX);
        Ok(EmbeddingsResponse { served, attempts, body, cost_usd })
    }
}

impl Inner {
    /// A model that embeds and can be used, and what it costs.
    fn embedder(&self, id: &ModelId) -> Result<(&FleetModel, &Price), RouteError> {
        let unknown = || RouteError::unknown(id);
        let model = self.fleet.embedding(id).ok_or_else(unknown)?;
        let excluded = |reason: &str| RouteError::ModelExcluded { model: id.to_string(), reason: reason.to_owned() };
        if let Some(reason) = &model.disabled {
            return Err(excluded(reason));
        }
        let price = model.entry.price.as_ref().ok_or_else(|| excluded("no price is known"))?;
        if let Some(policy) = self.policies.get(DEFAULT_POLICY) {
            let met = model.handling.meet(&policy.regions, policy.data_policy);
            met.map_err(|exclusion| excluded(&exclusion.to_string()))?;
        }
        Ok((model, price))
    }
}

/// What it may come to: no token has less than a byte.
fn stake(price: &Price, expected: BilledTokens, body: &Object) -> Stake {
    let input = body.get("input").map_or(0, most_tokens);
    let most = price.cost(BilledTokens { input, ..expected });
    Stake { expected: price.cost(expected), least: most, most }
}

/// The most tokens that texts can have.
fn most_tokens(input: &Value) -> u32 {
    match input {
        Value::String(text) => u32::try_from(text.len()).unwrap_or(u32::MAX),
        Value::Number(_) => 1,
        Value::Array(items) => items.iter().map(most_tokens).fold(0, u32::saturating_add),
        _ => 0,
    }
}

/// An estimate of the tokens of texts, or the number of those that are given as tokens.
fn expected_tokens(input: &Value) -> u32 {
    match input {
        Value::String(text) => tokens_of(text.len()),
        Value::Number(_) => 1,
        Value::Array(items) => items.iter().map(expected_tokens).fold(0, u32::saturating_add),
        _ => 0,
    }
}

fn whole(leg: &Leg<'_>, reply: Result<ChatReply, GatewayError>) -> Result<(Value, Usage), GatewayError> {
    match reply? {
        ChatReply::Whole { body: Told::Hub(body) | Told::Native(body), usage } => Ok((body, usage)),
        ChatReply::Stream(_) => {
            let (provider, problem) = (leg.model.provider.clone(), "a stream of embeddings".to_owned());
            Err(GatewayError::Malformed { provider, problem })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn texts_are_estimated_and_tokens_counted() {
        let cases = [
            (json!("four byte"), 3),
            (json!(["four", "five5"]), 1 + 2),
            (json!([1, 2, 3]), 3),
            (json!([[100_000, 2], [3]]), 3),
            (json!(null), 0),
        ];
        for (input, tokens) in cases {
            assert_eq!(expected_tokens(&input), tokens, "{input}");
        }
    }
}
