//! Decide and forward: chat completions, whole and streamed, with an outcome in the log for each.

use super::{ModelChoice, RouteError, RouteOptions, RouteRequest, Router, admission::Admitted, measure};
use crate::{
    access::{Caller, Headroom},
    catalog,
    domain::{Decision, ModelId, Outcome, OutcomeStatus, Prompt, RequestId, Usd},
    gateway::{ChatCall, ChatReply, Forwarded, GatewayError, StreamItem, Usage},
};
use bytes::Bytes;
use futures::{Stream, StreamExt, stream::BoxStream};
use serde_json::{Map, Value};
use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

/// A chat completion to decide and forward.
#[derive(Debug, Clone)]
pub struct ChatRequest {
    /// Echoed or made.
    pub request_id: RequestId,
    /// Who asks.
    pub caller: Caller,
    /// What routing looks at.
    pub prompt: Prompt,
    /// Policy or model by name.
    pub choice: ModelChoice,
    /// The caller's wishes.
    pub options: RouteOptions,
    /// The body to forward.
    pub body: Map<String, Value>,
    /// Whether a stream is asked for.
    pub stream: bool,
    /// When a provider must have answered, or begun to stream.
    pub deadline: Option<Instant>,
}

/// An answer with the decision behind it.
pub struct ChatResponse {
    /// The decision, committed.
    pub decision: Decision,
    /// The model that served.
    pub served: ModelId,
    /// Calls made to providers.
    pub attempts: u32,
    /// How the caller's limits stand.
    pub headroom: Headroom,
    /// The answer.
    pub body: ChatBody,
}

/// A chat completion that failed after it was decided; the failure is the decision's outcome in the log.
#[derive(Debug, thiserror::Error)]
#[error("{cause}")]
pub struct ChatFailure {
    /// The decision, committed.
    pub decision: Decision,
    /// Calls made to providers.
    pub attempts: u32,
    /// What went wrong.
    pub cause: GatewayError,
}

/// Whole or streamed.
pub enum ChatBody {
    /// One JSON body.
    Whole {
        /// The body.
        body: Value,
        /// What it cost, when known.
        cost_usd: Option<Usd>,
    },
    /// Server-sent events.
    Stream(ChatStream),
}

impl Router {
    /// Decides, records, forwards. The decision is committed before any byte of the answer is given out, the outcome before
    /// the end of it.
    ///
    /// # Errors
    /// [`RouteError`]; a failure of the provider is recorded as the decision's outcome.
    pub async fn chat(&self, request: ChatRequest) -> Result<ChatResponse, RouteError> {
        let ChatRequest { request_id, caller, prompt, choice, options, body, stream, deadline } = request;
        let asked = RouteRequest { request_id, caller, prompt, choice, options };
        let mut admitted = self.inner.admit(&asked)?;
        let decision = self.decide(&asked).await?;
        let model = self.inner.fleet.get(&decision.chosen);
        let model = model.ok_or_else(|| RouteError::UnknownModel(decision.chosen.to_string()))?;
        let call = ChatCall {
            body,
            stream,
            decision: decision.id,
            task: decision.tasks.top(),
            difficulty: decision.difficulty,
            deadline,
        };
        let headroom = admitted.headroom();
        admitted.prepare(&decision, &decision.chosen)?;
        let mut guard = OutcomeGuard::new(self, &decision, &model.entry.provider, admitted);
        // The commit and the upstream's work overlap; both must be done before the client sees a byte.
        let (recorded, forwarded) = tokio::join!(
            self.inner.store.append_decision(decision.clone()),
            self.inner.gateway.chat(&model.entry, model.dialect, call),
        );
        if let Err(error) = recorded {
            guard.record = None;
            return Err(error.into());
        }
        measure::decided(&decision);
        let Forwarded { attempts, reply } = forwarded;
        let body = match reply {
            Ok(ChatReply::Whole { body, usage }) => {
                guard.first_byte();
                guard.usage = usage;
                let cost_usd = guard.cost();
                guard.end(OutcomeStatus::Ok).await?;
                ChatBody::Whole { body, cost_usd }
            }
            Ok(ChatReply::Stream(items)) => ChatBody::Stream(ChatStream::new(guard, items)),
            Err(cause) => {
                guard.failed(cause.class());
                guard.end(status_of(&cause)).await?;
                return Err(Box::new(ChatFailure { decision, attempts, cause }).into());
            }
        };
        self.remember(&decision);
        Ok(ChatResponse { served: decision.chosen.clone(), decision, attempts, headroom, body })
    }
}

fn status_of(error: &GatewayError) -> OutcomeStatus {
    match error {
        GatewayError::Timeout { .. } => OutcomeStatus::Timeout,
        _ => OutcomeStatus::UpstreamError,
    }
}

/// What is needed to write the outcome.
struct Record {
    router: Router,
    decision: Decision,
    provider: String,
    /// Settled with the outcome; dropped without one, it counts as estimated.
    admitted: Admitted,
    started: Instant,
    first_byte_ms: Option<f64>,
}

impl Record {
    fn elapsed_ms(&self) -> f64 {
        self.started.elapsed().as_secs_f64() * 1e3
    }

    /// Shows operators what is about to be recorded.
    fn measure(&self, status: OutcomeStatus, cost: Option<Usd>) {
        let (provider, model) = (&self.provider, &self.decision.chosen);
        if status == OutcomeStatus::Ok {
            measure::answered(provider, model, self.started.elapsed());
        }
        if let Some(cost) = cost {
            measure::spent(provider, model, cost);
        }
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

    fn cost(&self, usage: &Usage) -> Option<Usd> {
        let model = self.router.inner.fleet.get(&self.decision.chosen)?;
        let price = model.entry.price.as_ref()?;
        Some(catalog::expected_cost(price, usage.input_tokens?, usage.output_tokens?))
    }

    async fn append(self, status: OutcomeStatus, usage: Usage) -> Result<(), RouteError> {
        let cost_usd = self.cost(&usage);
        self.measure(status, cost_usd);
        if let Some(actual) = cost_usd {
            self.settle(actual);
        }
        let outcome = Outcome {
            decision_id: self.decision.id,
            served_model: self.decision.chosen.clone(),
            status,
            cost_usd,
            completion_id: usage.completion_id,
            input_tokens: usage.input_tokens,
            output_tokens: usage.output_tokens,
            first_byte_ms: self.first_byte_ms,
            latency_ms: self.elapsed_ms(),
            at: self.router.clock().now(),
        };
        self.admitted.settle(&outcome);
        Ok(self.router.inner.store.append_outcome(outcome).await?)
    }
}

/// Server-sent events of an answer. However it ends (whole, broken, or dropped because the client left), one outcome is
/// written; at a regular end before the last event is given out.
pub struct ChatStream {
    events: BoxStream<'static, Bytes>,
}

impl ChatStream {
    fn new(guard: OutcomeGuard, items: BoxStream<'static, Result<StreamItem, GatewayError>>) -> Self {
        let state = Streaming { guard, items, over: false };
        let events = futures::stream::unfold(state, |mut state| async move {
            let event = state.next().await?;
            Some((event, state))
        });
        Self { events: events.boxed() }
    }
}

impl Stream for ChatStream {
    type Item = Bytes;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        self.events.poll_next_unpin(cx)
    }
}

struct Streaming {
    guard: OutcomeGuard,
    items: BoxStream<'static, Result<StreamItem, GatewayError>>,
    over: bool,
}

impl Streaming {
    async fn next(&mut self) -> Option<Bytes> {
        while !self.over {
            match self.items.next().await {
                Some(Ok(StreamItem::Usage(usage))) => self.guard.usage.merge(usage),
                Some(Ok(StreamItem::Event(bytes))) => {
                    self.guard.first_byte();
                    if bytes.as_ref() == b"data: [DONE]\n\n" {
                        self.over = true;
                        self.guard.finish(OutcomeStatus::Ok).await;
                    }
                    return Some(bytes);
                }
                Some(Err(error)) => {
                    self.over = true;
                    self.guard.failed(error.class());
                    self.guard.finish(status_of(&error)).await;
                    return Some(error_event(&error));
                }
                None => {
                    self.over = true;
                    self.guard.failed("broken_off");
                    self.guard.finish(OutcomeStatus::UpstreamError).await;
                }
            }
        }
        None
    }
}

/// An error after the first byte is sent as an event, and the stream ends.
fn error_event(error: &GatewayError) -> Bytes {
    let body = serde_json::json!({"error": {
        "message": error.to_string(), "type": "server_error", "param": null, "code": "upstream_error",
    }});
    Bytes::from(format!("data: {body}\n\n"))
}

/// Writes the outcome once; on drop as cancelled: a client may leave at any moment, also before the provider answers.
struct OutcomeGuard {
    record: Option<Record>,
    usage: Usage,
}

impl OutcomeGuard {
    /// The clock of the forwarding runs from now on.
    fn new(router: &Router, decision: &Decision, provider: &str, admitted: Admitted) -> Self {
        let (router, decision, provider) = (router.clone(), decision.clone(), provider.to_owned());
        let record = Record { router, decision, provider, admitted, started: Instant::now(), first_byte_ms: None };
        Self { record: Some(record), usage: Usage::default() }
    }

    fn cost(&self) -> Option<Usd> {
        self.record.as_ref()?.cost(&self.usage)
    }

    /// Counts the provider's failure.
    fn failed(&self, class: &'static str) {
        if let Some(record) = &self.record {
            measure::failed(&record.provider, &record.decision.chosen, class);
        }
    }

    /// Writes; a failure is the caller's to report.
    async fn end(&mut self, status: OutcomeStatus) -> Result<(), RouteError> {
        let Some(record) = self.record.take() else { return Ok(()) };
        record.append(status, std::mem::take(&mut self.usage)).await
    }

    fn first_byte(&mut self) {
        if let Some(record) = &mut self.record
            && record.first_byte_ms.is_none()
        {
            record.first_byte_ms = Some(record.elapsed_ms());
        }
    }

    /// Writes; a failure is logged.
    async fn finish(&mut self, status: OutcomeStatus) {
        if let Some(record) = self.record.take() {
            write(record, status, std::mem::take(&mut self.usage)).await;
        }
    }
}

impl Drop for OutcomeGuard {
    fn drop(&mut self) {
        if let (Some(record), Ok(runtime)) = (self.record.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(write(record, OutcomeStatus::Cancelled, std::mem::take(&mut self.usage)));
        }
    }
}

async fn write(record: Record, status: OutcomeStatus, usage: Usage) {
    let decision = record.decision.id;
    if let Err(e) = record.append(status, usage).await {
        tracing::error!(%decision, error = %e, "an outcome could not be recorded");
    }
}
