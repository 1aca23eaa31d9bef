//! What came of a forwarding, written once.

use super::gate::{SharedAdmitted, lock};
use crate::{
    catalog::BilledTokens,
    domain::{Attempt, Decision, ModelId, Outcome, OutcomeStatus, Usd, tokens_of},
    gateway::Usage,
    router::{RouteError, Router, bill::Bill, measure},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

/// What is needed to write the outcome.
struct Record {
    router: Router,
    decision: Arc<Decision>,
    served: ModelId,
    provider: String,
    attempts: Vec<Attempt>,
    /// Settled with the outcome; dropped without one, it counts as estimated.
    admitted: SharedAdmitted,
    started: Instant,
    first_byte_ms: Option<f64>,
}

impl Record {
    fn elapsed_ms(&self) -> f64 {
        self.started.elapsed().as_secs_f64() * 1e3
    }

    /// Shows operators what is about to be recorded.
    fn measure(&self, status: OutcomeStatus, bill: Option<&Bill>) {
        measure::ended(&self.provider, &self.served, status, self.started.elapsed(), bill);
    }

    /// Tells the budget's controller what came of its expectation.
    fn settle(&self, actual: Usd) {
        let decision = &self.decision;
        let chosen = decision.candidates.iter().find(|c| c.model == decision.chosen);
        let expected = chosen.and_then(|c| c.predicted.as_ref()).map(|p| p.cost_usd);
        let inner = &self.router.inner;
        if let (Some(expected), Some(policy)) = (expected, inner.policies.get(&decision.policy)) {
            let budget = policy.budget_usd.map(Usd::get);
            inner.controllers.spent(&decision.scope, &decision.rule, budget, expected.get(), actual.get());
        }
    }

    /// What it all costs: the answer, and calls whose answers nobody heard or could read, which providers may bill all the
    /// same.
    fn bill(&self, status: OutcomeStatus, usage: &Usage) -> Option<Bill> {
        let is_answered = status == OutcomeStatus::Ok || self.first_byte_ms.is_some() || usage.is_counted();
        let answered = is_answered.then_some(&self.served);
        let unanswered = lock(&self.admitted).unanswered(answered);
        let unheard = unanswered.iter().filter_map(|model| self.bill_of(model, &Usage::default()));
        let answer = answered.and_then(|model| self.bill_of(model, usage));
        answer.into_iter().chain(unheard).reduce(Bill::and)
    }

    fn bill_of(&self, model: &ModelId, usage: &Usage) -> Option<Bill> {
        let price = self.router.inner.fleet.get(model)?.entry.price.as_ref()?;
        Some(Bill::of(price, usage, self.expected(model, usage)))
    }

    /// Tokens to assume where the provider does not say: input as estimated for the decision, output as far as it was heard,
    /// or as predicted if nothing was.
    fn expected(&self, model: &ModelId, usage: &Usage) -> BilledTokens {
        let predicted = self.decision.candidate(model).and_then(|candidate| candidate.predicted);
        let output = match usage.said_bytes {
            0 => predicted.map_or(0, |predicted| predicted.output_tokens),
            bytes => tokens_of(bytes),
        };
        BilledTokens { input: self.decision.input_tokens, output, ..BilledTokens::default() }
    }

    /// With the decision, unless that is in the log.
    async fn append(self, is_decided: bool, status: OutcomeStatus, usage: Usage) -> Result<(), RouteError> {
        let bill = self.bill(status, &usage);
        self.measure(status, bill.as_ref());
        if let Some(bill) = &bill {
            self.settle(bill.cost);
        }
        let latency_ms = self.elapsed_ms();
        let outcome = Outcome {
            decision_id: self.decision.id,
            served_model: self.served,
            status,
            cost_usd: bill.map(|bill| bill.cost),
            cost_is_estimate: bill.is_some_and(|bill| bill.is_estimate),
            completion_id: usage.completion_id,
            input_tokens: usage.input_tokens,
            cached_tokens: usage.cached_tokens,
            cache_write_tokens: usage.cache_write_tokens,
            output_tokens: usage.output_tokens,
            reasoning_tokens: usage.reasoning_tokens,
            attempts: Some(self.attempts),
            first_byte_ms: self.first_byte_ms,
            latency_ms,
            at: self.router.clock().now(),
        };
        lock(&self.admitted).settle(bill.as_ref(), &outcome.served_model, outcome.at);
        let store = &self.router.inner.store;
        let written = match is_decided {
            true => store.append_outcome(outcome).await,
            false => store.append_served(Decision::clone(&self.decision), outcome).await,
        };
        Ok(written?)
    }
}

/// Writes the outcome once; on drop as cancelled: a client may leave at any moment, also before the provider answers.
pub(super) struct OutcomeGuard {
    record: Option<Record>,
    /// Whether the decision is in the log, or on its way there by itself. If not, it goes with the outcome.
    decided: Arc<AtomicBool>,
    pub(super) usage: Usage,
}

impl OutcomeGuard {
    /// The clock of the forwarding runs from now on. The chosen model counts as the one that serves until another does.
    pub(super) fn new(router: &Router, decision: &Arc<Decision>, provider: &str, admitted: SharedAdmitted) -> Self {
        let record = Record {
            router: router.clone(),
            decision: Arc::clone(decision),
            served: decision.chosen.clone(),
            provider: provider.to_owned(),
            attempts: Vec::new(),
            admitted,
            started: Instant::now(),
            first_byte_ms: None,
        };
        Self { record: Some(record), decided: Arc::default(), usage: Usage::default() }
    }

    /// To be set when the decision goes into the log by itself.
    pub(super) fn decided(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.decided)
    }

    fn is_decided(&self) -> bool {
        self.decided.load(Ordering::Relaxed)
    }

    /// Writes the decision by itself, unless that was done; after a failure nothing else is written.
    pub(super) async fn decide(&mut self) -> Result<(), RouteError> {
        let Some(record) = &self.record else { return Ok(()) };
        if self.decided.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        let written = record.router.inner.store.append_decision(Decision::clone(&record.decision)).await;
        if written.is_err() {
            self.forget();
        }
        Ok(written?)
    }

    /// Nothing will be written.
    pub(super) fn forget(&mut self) {
        self.record = None;
    }

    /// Says who serves, or was tried last, and what it took.
    pub(super) fn served(&mut self, model: &ModelId, provider: &str, attempts: Vec<Attempt>) {
        if let Some(record) = &mut self.record {
            record.served = model.clone();
            provider.clone_into(&mut record.provider);
            record.attempts = attempts;
        }
    }

    /// The bill so far, if the provider has told all that it is for.
    pub(super) fn cost(&self) -> Option<Usd> {
        let bill = self.record.as_ref()?.bill(OutcomeStatus::Ok, &self.usage)?;
        (!bill.is_estimate).then_some(bill.cost)
    }

    /// Counts the provider's failure.
    pub(super) fn failed(&self, class: &'static str) {
        if let Some(record) = &self.record {
            measure::failed(&record.provider, &record.served, class);
        }
    }

    /// Writes; a failure is the caller's to report.
    pub(super) async fn end(&mut self, status: OutcomeStatus) -> Result<(), RouteError> {
        let Some(record) = self.record.take() else { return Ok(()) };
        record.append(self.is_decided(), status, std::mem::take(&mut self.usage)).await
    }

    pub(super) fn first_byte(&mut self) {
        if let Some(record) = &mut self.record
            && record.first_byte_ms.is_none()
        {
            record.first_byte_ms = Some(record.elapsed_ms());
        }
    }

    /// Writes; a failure is logged.
    pub(super) async fn finish(&mut self, status: OutcomeStatus) {
        if let Some(record) = self.record.take() {
            write(record, self.is_decided(), status, std::mem::take(&mut self.usage)).await;
        }
    }
}

impl Drop for OutcomeGuard {
    fn drop(&mut self) {
        if let (Some(record), Ok(runtime)) = (self.record.take(), tokio::runtime::Handle::try_current()) {
            // The client left. What was bought for it stays in the log.
            runtime.spawn(write(record, self.is_decided(), OutcomeStatus::Cancelled, std::mem::take(&mut self.usage)));
        }
    }
}

async fn write(record: Record, is_decided: bool, status: OutcomeStatus, usage: Usage) {
    let decision = record.decision.id;
    if let Err(e) = record.append(is_decided, status, usage).await {
        tracing::error!(%decision, error = %e, "an outcome could not be recorded");
    }
}
