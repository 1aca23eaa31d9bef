//! A request for embeddings in the log, written once however it ends.

use super::EmbeddingsRequest;
use crate::{
    catalog::{BilledTokens, Price},
    domain::{Attempt, CallerId, EmbeddingRecord, ModelId, OutcomeStatus, RequestId, UnixMillis, Usd},
    gateway::{Leg, Usage},
    router::{RouteError, Router, admission::Admitted, bill::Bill, measure},
};
use std::time::Instant;

/// What is needed to write it.
struct Record {
    router: Router,
    request_id: RequestId,
    caller: CallerId,
    model: ModelId,
    provider: String,
    price: Option<Price>,
    expected: BilledTokens,
    attempts: Vec<Attempt>,
    admitted: Admitted,
    started: Instant,
    at: UnixMillis,
}

impl Record {
    /// What it costs: nothing where the provider failed, which sends no bill, unless its answer came and could not be read.
    fn bill(&self, status: OutcomeStatus, usage: &Usage) -> Option<Bill> {
        let price = self.price.as_ref()?;
        let unread = self.attempts.iter().filter(|attempt| attempt.result == UNREADABLE);
        let unread = unread.map(|_| Bill::of(price, &Usage::default(), self.expected));
        let answer = (status != OutcomeStatus::UpstreamError).then(|| Bill::of(price, usage, self.expected));
        answer.into_iter().chain(unread).reduce(Bill::and)
    }

    async fn append(mut self, status: OutcomeStatus, usage: Usage) -> Result<(), RouteError> {
        let bill = self.bill(status, &usage);
        measure::ended(&self.provider, &self.model, status, self.started.elapsed(), bill.as_ref());
        self.admitted.settle(bill.as_ref(), &self.model, self.router.clock().now());
        let record = EmbeddingRecord {
            request_id: self.request_id,
            caller: self.caller,
            model: self.model,
            status,
            input_tokens: usage.input_tokens,
            cost_usd: bill.map(|bill| bill.cost),
            cost_is_estimate: bill.is_some_and(|bill| bill.is_estimate),
            attempts: self.attempts,
            latency_ms: self.started.elapsed().as_secs_f64() * 1e3,
            at: self.at,
        };
        Ok(self.router.inner.store.append_embedding(record).await?)
    }
}

/// The result of a call whose answer could not be read: [`GatewayError::class`](crate::gateway::GatewayError::class).
const UNREADABLE: &str = "malformed";

/// Writes the record once; on drop as cancelled: a client may leave at any moment.
pub(super) struct RecordGuard {
    record: Option<Record>,
    pub(super) usage: Usage,
}

impl RecordGuard {
    /// The clock runs from now on.
    pub(super) fn new(
        router: &Router,
        request: &EmbeddingsRequest,
        leg: &Leg<'_>,
        expected: BilledTokens,
        admitted: Admitted,
    ) -> Self {
        let record = Record {
            router: router.clone(),
            request_id: request.request_id.clone(),
            caller: request.caller.id(),
            model: request.model.clone(),
            provider: leg.model.provider.clone(),
            price: leg.model.price.clone(),
            expected,
            attempts: Vec::new(),
            admitted,
            started: Instant::now(),
            at: router.clock().now(),
        };
        Self { record: Some(record), usage: Usage::default() }
    }

    /// Says which calls were made.
    pub(super) fn called(&mut self, attempts: &[Attempt]) {
        if let Some(record) = &mut self.record {
            record.attempts = attempts.to_vec();
        }
    }

    /// Counts the provider's failure.
    pub(super) fn failed(&self, class: &'static str) {
        if let Some(record) = &self.record {
            measure::failed(&record.provider, &record.model, class);
        }
    }

    /// The bill so far, if the provider has told all that it is for.
    pub(super) fn cost(&self) -> Option<Usd> {
        let bill = self.record.as_ref()?.bill(OutcomeStatus::Ok, &self.usage)?;
        (!bill.is_estimate).then_some(bill.cost)
    }

    /// Writes; a failure is the caller's to report.
    pub(super) async fn end(&mut self, status: OutcomeStatus) -> Result<(), RouteError> {
        let Some(record) = self.record.take() else { return Ok(()) };
        record.append(status, std::mem::take(&mut self.usage)).await
    }
}

impl Drop for RecordGuard {
    fn drop(&mut self) {
        if let (Some(record), Ok(runtime)) = (self.record.take(), tokio::runtime::Handle::try_current()) {
            let usage = std::mem::take(&mut self.usage);
            runtime.spawn(async move {
                if let Err(e) = record.append(OutcomeStatus::Cancelled, usage).await {
                    tracing::error!(error = %e, "embeddings could not be recorded");
                }
            });
        }
    }
}
