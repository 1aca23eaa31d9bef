//! Decide and forward: chat completions, whole and streamed, with an outcome in the log for each.

mod cached;
mod gate;
mod keep;
mod record;
mod stream;

pub use cached::{Answered, CacheResult, KeptAnswer};
pub use stream::{ChatStream, StreamPiece};

use super::{
    Freshness, ModelChoice, RouteError, RouteOptions, RouteRequest, Router, Speech, admission::Admitted, measure,
    stakes::Stakes,
};
use crate::{
    access::Caller,
    dialect::{Object, Wire},
    domain::{Attempt, Decision, ModelId, OutcomeStatus, Prompt, RequestId, Usd},
    gateway::{ChatCall, ChatReply, Forwarded, GatewayError, Leg, StreamItem, Told},
    store::StoreError,
};
use futures::{
    future::{MaybeDone, maybe_done},
    stream::BoxStream,
};
use gate::{ModelGate, Parcel};
use keep::Keeper;
use record::OutcomeGuard;
use serde_json::Value;
use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::{Arc, Mutex, atomic::Ordering},
    time::Instant,
};
use tokio::sync::Notify;

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
    /// How the caller speaks.
    pub wire: Wire,
    /// The request as a chat completion, without our own fields.
    pub body: Arc<Object>,
    /// The caller's own body where it speaks Messages.
    pub native: Option<Arc<Object>>,
    /// The caller's `anthropic-beta` header.
    pub anthropic_beta: Option<String>,
    /// Whether a stream is asked for.
    pub stream: bool,
    /// Whether the tokens of a stream are asked for.
    pub wants_usage: bool,
    /// When a provider must have answered, or begun to stream.
    pub deadline: Option<Instant>,
    /// What its headers say of kept answers.
    pub freshness: Freshness,
}

/// An answer with the decision behind it.
pub struct ChatResponse {
    /// The decision, committed.
    pub decision: Decision,
    /// The model that served.
    pub served: ModelId,
    /// Calls made to providers.
    pub attempts: u32,
    /// The answer.
    pub body: ChatBody,
}

/// A chat completion that failed after it was decided; the failure is the decision's outcome in the log.
#[derive(Debug, thiserror::Error)]
#[error("{cause}{}", tried(attempts))]
pub struct ChatFailure {
    /// The decision, committed.
    pub decision: Decision,
    /// The model that was tried last; the chosen one if none was.
    pub last: ModelId,
    /// Calls made to providers.
    pub attempts: Vec<Attempt>,
    /// What went wrong.
    pub cause: GatewayError,
}

impl ChatFailure {
    /// Whether several models were tried, and all of them were down.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        let first = self.attempts.first().map(|attempt| &attempt.model);
        self.cause.is_outage() && self.attempts.iter().any(|attempt| Some(&attempt.model) != first)
    }
}

/// What was tried, when it was more than one model.
fn tried(attempts: &[Attempt]) -> String {
    let mut models: Vec<(&ModelId, &str)> = Vec::new();
    for attempt in attempts {
        match models.iter_mut().find(|(model, _)| *model == &attempt.model) {
            Some((_, result)) => *result = &attempt.result,
            None => models.push((&attempt.model, &attempt.result)),
        }
    }
    if models.len() < 2 {
        return String::new();
    }
    let models: Vec<String> = models.iter().map(|(model, result)| format!("{model} ({result})")).collect();
    format!("; tried were {}", models.join(", "))
}

/// Whole or streamed.
pub enum ChatBody {
    /// One JSON body.
    Whole {
        /// The body.
        body: Told<Value>,
        /// What it cost, when known.
        cost_usd: Option<Usd>,
    },
    /// A stream.
    Stream(ChatStream),
}

impl Router {
    /// Decides, records, forwards. The decision is committed before any byte of the answer is given out, the outcome before
    /// the end of it. A `keeper` is given what is answered. Lets the request in, unless it was.
    ///
    /// # Errors
    /// [`RouteError`]; a failure of the provider is recorded as the decision's outcome.
    async fn chat(
        &self,
        request: ChatRequest,
        keeper: Option<Keeper>,
        admitted: Option<Admitted>,
    ) -> Result<ChatResponse, RouteError> {
        let ChatRequest { request_id, caller, prompt, choice, options, wire, body, native, .. } = request;
        let speech = Some(Speech { body: Arc::clone(&body), is_messages: native.is_some() });
        let asked = RouteRequest { request_id, caller, prompt, choice, options, speech };
        self.inner.store.has_room()?;
        let mut admitted = match admitted {
            Some(admitted) => admitted,
            None => self.inner.admit(&asked)?,
        };
        let (decision, is_unread) = match self.decide_unread(&asked)? {
            Some(decision) => (Arc::new(decision), true),
            None => (Arc::new(Box::pin(self.decide(&asked)).await?), false),
        };
        let legs = self.legs(&decision)?;
        let stakes = Stakes::of_request(&asked.prompt, &body);
        let mut parcel = Parcel::prepare(&mut admitted, &decision, &legs, stakes, (body, native))?;
        let admitted = Arc::new(Mutex::new(admitted));
        let gate = Arc::new(ModelGate::new(self, &admitted, &decision, &mut parcel));
        let call = ChatCall {
            wire,
            body: parcel.body,
            native: parcel.native,
            anthropic_beta: request.anthropic_beta,
            stream: request.stream,
            wants_usage: request.wants_usage,
            decision: decision.id,
            task: decision.tasks.top(),
            difficulty: decision.difficulty,
            deadline: request.deadline,
            gate,
        };
        let mut guard = OutcomeGuard::new(self, &decision, &legs[0].model.provider, admitted);
        // The commit and the upstream's work overlap; both must be done before the client sees a byte.
        let (answered, decided) = (Notify::new(), guard.decided());
        let decision = async {
            let decision = if is_unread {
                match self.read_meanwhile(&asked, &decision, &answered).await {
                    Some(read) => read,
                    // It goes into the log with its outcome.
                    None => return Ok(Decision::clone(&decision)),
                }
            } else {
                Decision::clone(&decision)
            };
            decided.store(true, Ordering::Relaxed);
            self.inner.store.append_decision(decision.clone()).await.map(|()| decision)
        };
        let mut recording = pin!(maybe_done(decision));
        let forwarded = alongside(recording.as_mut(), self.inner.gateway.chat(&legs, &call)).await;
        answered.notify_one();
        drop(call);
        let Forwarded { attempts, leg, reply } = forwarded;
        let served = legs[leg].model.id.clone();
        guard.served(&served, &legs[leg].model.provider, attempts.clone());
        // An outcome without its decision would be refused; where a journal acknowledges, it is known at once that there is none.
        let _ = futures::poll!(recording.as_mut());
        if matches!(recording.as_mut().output_mut(), Some(Err(_))) {
            guard.forget();
        }
        let outcome = match reply {
            Ok(ChatReply::Stream(items)) => {
                recording.as_mut().await;
                guard.decide().await.map(|()| Reply::Stream(items))
            }
            Ok(ChatReply::Whole { body, usage }) => {
                guard.first_byte();
                guard.usage = usage;
                let cost_usd = guard.cost();
                // One after the other into the log, and perhaps in one commit.
                let ((), ended) = tokio::join!(recording.as_mut(), guard.end(OutcomeStatus::Ok));
                ended.map(|()| Reply::Whole { body, cost_usd })
            }
            Err(cause) => {
                guard.failed(cause.class());
                let ((), ended) = tokio::join!(recording.as_mut(), guard.end(status_of(&cause)));
                ended.map(|()| Reply::Failed(cause))
            }
        };
        let decision = match recording.take_output() {
            Some(Ok(decision)) => decision,
            Some(Err(error)) => {
                guard.forget();
                return Err(error.into());
            }
            None => return Err(StoreError::Closed.into()),
        };
        let reply = outcome?;
        measure::decided(&decision);
        let body = match reply {
            Reply::Whole { body, cost_usd } => {
                if let Some(keeper) = keeper {
                    keeper.whole(&decision, &served, &body, cost_usd);
                }
                ChatBody::Whole { body, cost_usd }
            }
            Reply::Stream(items) => {
                let listener = keeper.and_then(|keeper| keeper.listen(&decision, &served));
                ChatBody::Stream(ChatStream::new(guard, items, listener))
            }
            Reply::Failed(cause) => {
                return Err(Box::new(ChatFailure { decision, last: served, attempts, cause }).into());
            }
        };
        self.remember(&decision, &served);
        let attempts = u32::try_from(attempts.len()).unwrap_or(u32::MAX);
        Ok(ChatResponse { decision, served, attempts, body })
    }

    /// Looks at a prompt that nobody looked at, while the provider works; not if the answer is there before that, which need
    /// not wait for it.
    async fn read_meanwhile(&self, asked: &RouteRequest, unread: &Decision, answered: &Notify) -> Option<Decision> {
        let late = async {
            tokio::time::sleep(self.inner.read_named_after).await;
            Some(Box::pin(self.read_late(asked, unread.clone())).await)
        };
        tokio::select! {
            biased;
            () = answered.notified() => None,
            read = late => read,
        }
    }

    /// The chosen model and those that may step in for it.
    fn legs(&self, decision: &Decision) -> Result<Vec<Leg<'_>>, RouteError> {
        let unknown = || RouteError::unknown(&decision.chosen);
        let leg = |id: &ModelId| {
            let model = self.inner.fleet.get(id)?;
            let predicted = decision.candidate(id).and_then(|candidate| candidate.predicted.as_ref());
            let expected_cost = predicted.map_or(Usd::ZERO, |predicted| predicted.cost_usd);
            Some(Leg { model: &model.entry, dialect: model.dialect, expected_cost })
        };
        let chosen = leg(&decision.chosen).ok_or_else(unknown)?;
        Ok([chosen].into_iter().chain(decision.fallbacks.iter().filter_map(leg)).collect())
    }
}

/// What came of a forwarding.
enum Reply {
    Whole { body: Told<Value>, cost_usd: Option<Usd> },
    Stream(BoxStream<'static, Result<StreamItem, GatewayError>>),
    Failed(GatewayError),
}

/// Runs the second to its end while the first runs along, which may not be at its end by then.
async fn alongside<A: Future, B: Future>(mut aside: Pin<&mut MaybeDone<A>>, main: B) -> B::Output {
    let mut main = pin!(main);
    poll_fn(|context| {
        let _ = aside.as_mut().poll(context);
        main.as_mut().poll(context)
    })
    .await
}

/// How a failed call ends.
pub(super) fn status_of(error: &GatewayError) -> OutcomeStatus {
    match error {
        GatewayError::Timeout { .. } => OutcomeStatus::Timeout,
        _ => OutcomeStatus::UpstreamError,
    }
}
