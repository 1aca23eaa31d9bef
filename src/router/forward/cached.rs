//! An answer for a request: one that was kept, or one that is made now; one that is too old where none can be made.

use super::{ChatRequest, ChatResponse, keep::Keeper};
use crate::{
    access::{Caller, Named},
    cache::{Entry, Found, Guard, Question},
    domain::{CacheHit, CacheMatch, DecisionId, ModelId, Prompt, RequestId, SessionId, Usd},
    encoder::visible_text,
    gateway::GatewayError,
    router::{
        RouteError, Router,
        admission::{Admitted, expected_tokens, named},
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
    /// A kept answer to a similar request was given.
    SemanticHit,
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
    /// Cosine of the two messages, where the answer is to a similar request.
    pub similarity: Option<f32>,
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
        let (look, similar) = match self.inner.caching.wish(&request) {
            CacheWish::Off => return self.made(request, None, None, None).await,
            CacheWish::Bypass => return self.made(request, None, None, Some(CacheResult::Bypass)).await,
            CacheWish::Use { look, similar } => (look, similar),
        };
        let key = caching::key(&request);
        let asker = Asker::of(&request, Instant::now());
        let cache = &self.inner.caching.cache;
        // A key of the same tenant may be bound to other models.
        let fits = |entry: &Entry| request.caller.may_be_served_by(&entry.served().model);
        let same = if look { cache.find(&key, self.clock().now(), fits) } else { None };
        // Before anything is spent on it: what is similar costs an encoding. Where an answer is given, the place ends with this
        // function, as nothing runs for it.
        let admitted = self.inner.admit_named(&asker.caller, asker.named.clone(), asker.tokens)?;
        if let Some(Found::Fresh(entry)) = &same {
            return self.give(&asker, entry, CacheResult::Hit, None).await;
        }
        let question = if similar { Box::pin(self.question(&request)).await } else { None };
        let like = question.as_ref().filter(|_| look);
        let like = like.and_then(|question| cache.find_similar(question, self.clock().now(), fits));
        if let Some((Found::Fresh(entry), similarity)) = &like {
            return self.give(&asker, entry, CacheResult::SemanticHit, Some(*similarity)).await;
        }
        let stale = same.map(|same| (same, None)).or(like.map(|(like, similarity)| (like, Some(similarity))));
        let keeper = Keeper::new(self, key, question, request.caller.tenant());
        if !look {
            return self.made(request, Some(keeper), Some(admitted), Some(CacheResult::Bypass)).await;
        }
        cache.count_missed();
        measure::not_kept(caching::policy(&request.choice));
        match (self.made(request, Some(keeper), Some(admitted), Some(CacheResult::Miss)).await, stale) {
            (Err(RouteError::Forward(failure)), Some((kept, similarity))) if may_pass(&failure.cause) => {
                tracing::warn!(%failure, "no model answers; an answer is given whose time is over");
                let asker = Asker { since: Instant::now(), ..asker };
                self.give(&asker, kept.entry(), CacheResult::Stale, similarity).await
            }
            (made, _) => made,
        }
    }

    /// What a request asks, for comparison with others; `None` where it is not to be compared, or the encoder has no place.
    async fn question(&self, request: &ChatRequest) -> Option<Question> {
        let (words, frame) = caching::words_and_frame(request)?;
        let guard = Guard::of(words)?;
        // The words alone: all else is the same. For a first message they are what routing looks at, and encoded once.
        let encoded = self.inner.encoder.embed(visible_text(&Prompt::user(words))).await.ok()?;
        Some(Question::new(frame, guard, encoded.encoding.embedding.values()))
    }

    async fn made(
        &self,
        request: ChatRequest,
        keeper: Option<Keeper>,
        admitted: Option<Admitted>,
        cache: Option<CacheResult>,
    ) -> Result<Answered, RouteError> {
        Ok(Answered::Forwarded { response: Box::new(self.chat(request, keeper, admitted).await?), cache })
    }

    /// Gives a kept answer to a request that was let in.
    async fn give(
        &self,
        asker: &Asker,
        entry: &Arc<Entry>,
        result: CacheResult,
        similarity: Option<f32>,
    ) -> Result<Answered, RouteError> {
        let (served, now) = (entry.served(), self.clock().now());
        let hit = CacheHit {
            request_id: asker.request_id.clone(),
            caller: asker.caller.id(),
            matched: if similarity.is_some() { CacheMatch::Semantic } else { CacheMatch::Exact },
            is_stale: result == CacheResult::Stale,
            decision_id: served.decision,
            served_model: served.model.clone(),
            similarity: similarity.map(f64::from),
            saved_usd: served.cost,
            at: now,
        };
        self.inner.store.append_cache_hit(hit.clone()).await?;
        self.inner.caching.cache.count_given(hit.matched, hit.is_stale, hit.saved_usd);
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
            similarity,
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
