//! An answer for a request: one that was kept, or one that is made now; one that is too old where none can be made.

use super::{ChatRequest, ChatResponse, keep::Keeper};
use crate::{
    access::{Caller, Named},
    cache::{Entry, Found},
    domain::{CacheHit, CacheMatch, DecisionId, ModelId, RequestId, SessionId, Usd},
    gateway::GatewayError,
    router::{
        RouteError, Router,
        admission::{expected_tokens, named},
        caching::{self, CacheWish},
        measure,
        sessions::{Session, Used},
    },
};
use serde_json::Value;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// What the cache did for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheResult {
    /// A kept answer to the same request was given.
    Hit,
    /// No model could answer, so an answer was given whose time is over.
    Stale,
    /// There was none.
    Miss,
    /// None was looked for.
    Bypass,
}

/// An answer, however it came about.
pub enum Answered {
    /// A model made it.
    Forwarded {
        /// The answer with its decision.
        response: Box<ChatResponse>,
        /// What the cache did; `None` where it is off.
        cache: Option<CacheResult>,
    },
    /// It was kept.
    Kept(KeptAnswer),
}

/// An answer that was kept. The decision and the model are those that it came from.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptAnswer {
    /// Why it was given.
    pub result: CacheResult,
    /// The decision.
    pub decision: DecisionId,
    /// Version of the posterior that decided.
    pub policy_version: u64,
    /// The model that had answered.
    pub served: ModelId,
    /// How old it is.
    pub age: Duration,
    /// What it had cost, where that is known.
    pub saved: Option<Usd>,
    /// The time this took.
    pub took: Duration,
    /// The chat completion.
    pub completion: Value,
}

/// Who asks, for the log.
struct Asker {
    request_id: RequestId,
    caller: Caller,
    session: Option<SessionId>,
    named: Named,
    tokens: u64,
    since: Instant,
}

impl Asker {
    fn of(request: &ChatRequest, since: Instant) -> Self {
        Self {
            request_id: request.request_id.clone(),
            caller: request.caller.clone(),
            session: request.options.session_id.clone(),
            named: named(&request.choice),
            tokens: expected_tokens(&request.prompt),
            since,
        }
    }
}

impl Router {
    /// Answers a request. A kept answer counts for the caller's limits on requests and costs nothing; that it was given is
    /// committed before it is given out.
    ///
    /// # Errors
    /// [`RouteError`]; a failure of the provider is recorded as the decision's outcome.
    pub async fn answer(&self, request: ChatRequest) -> Result<Answered, RouteError> {
        let look = match self.inner.caching.wish(&request) {
            CacheWish::Off => return self.made(request, None, None).await,
            CacheWish::Bypass => return self.made(request, None, Some(CacheResult::Bypass)).await,
            CacheWish::Use { look } => look,
        };
        let since = Instant::now();
        let key = caching::key(&request);
        let keeper = Keeper::new(self, key, request.caller.tenant());
        if !look {
            return self.made(request, Some(keeper), Some(CacheResult::Bypass)).await;
        }
        let asker = Asker::of(&request, since);
        // A key of the same tenant may be bound to other models.
        let fits = |entry: &Entry| request.caller.may_be_served_by(&entry.served().model);
        let cache = &self.inner.caching.cache;
        let stale = match cache.find(&key, self.clock().now(), fits) {
            Some(Found::Fresh(entry)) => {
                // Its place ends with this function: nothing runs for it.
                let _place = self.inner.admit_named(&asker.caller, asker.named.clone(), asker.tokens)?;
                return self.give(&asker, &entry, CacheResult::Hit).await;
            }
            Some(Found::Stale(entry)) => Some(entry),
            None => None,
        };
        cache.count_missed();
        measure::not_kept(caching::policy(&request.choice));
        match (self.made(request, Some(keeper), Some(CacheResult::Miss)).await, stale) {
            (Err(RouteError::Forward(failure)), Some(entry)) if may_pass(&failure.cause) => {
                tracing::warn!(%failure, "no model answers; an answer is given whose time is over");
                self.give(&Asker { since: Instant::now(), ..asker }, &entry, CacheResult::Stale).await
            }
            (made, _) => made,
        }
    }

    async fn made(
        &self,
        request: ChatRequest,
        keeper: Option<Keeper>,
        cache: Option<CacheResult>,
    ) -> Result<Answered, RouteError> {
        Ok(Answered::Forwarded { response: Box::new(self.chat(request, keeper).await?), cache })
    }

    /// Gives a kept answer to a request that was let in.
    async fn give(&self, asker: &Asker, entry: &Arc<Entry>, result: CacheResult) -> Result<Answered, RouteError> {
        let (served, now) = (entry.served(), self.clock().now());
        let hit = CacheHit {
            request_id: asker.request_id.clone(),
            caller: asker.caller.id(),
            matched: CacheMatch::Exact,
            is_stale: result == CacheResult::Stale,
            decision_id: served.decision,
            served_model: served.model.clone(),
            similarity: None,
            saved_usd: served.cost,
            at: now,
        };
        self.inner.store.append_cache_hit(hit.clone()).await?;
        self.inner.caching.cache.count_given(hit.is_stale, hit.saved_usd);
        measure::given_again(&hit, served);
        if let Some(id) = &asker.session {
            let session = Session { tenant: asker.caller.tenant(), id: id.clone() };
            self.inner.sessions.remember(session, Used { model: served.model.clone(), input_tokens: 0, at: now });
        }
        Ok(Answered::Kept(KeptAnswer {
            result,
            decision: served.decision,
            policy_version: served.policy_version,
            served: served.model.clone(),
            age: entry.age(now),
            saved: served.cost,
            completion: entry.completion(),
            took: asker.since.elapsed(),
        }))
    }
}

/// Whether another provider, or the same one later, might have answered. A request that was refused for what it says is the
/// caller's to change, and an old answer would hide that.
fn may_pass(cause: &GatewayError) -> bool {
    !matches!(cause, GatewayError::Inexpressible { .. } | GatewayError::Status { status: 400 | 413 | 422, .. })
}
