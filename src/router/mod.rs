//! One request, once through the house: encode, classify, decide, record; forward if asked; learn from what comes back.
//!
//! Handlers call one function of [`Router`] each. No type of the HTTP framework comes in here.

mod admission;
mod bill;
mod caching;
mod clock;
mod controllers;
mod decide;
mod embeddings;
mod field;
mod fleet;
mod forward;
mod learn;
mod measure;
mod names;
mod reason;
mod request;
mod sessions;
mod stakes;

pub use caching::Freshness;
pub use clock::{Clock, SystemClock};
pub use embeddings::{EmbeddingsRequest, EmbeddingsResponse};
pub use fleet::{Fleet, FleetModel};
pub use forward::{
    Answered, CacheResult, ChatBody, ChatFailure, ChatRequest, ChatResponse, ChatStream, KeptAnswer, StreamPiece,
};
pub use learn::{Learner, LearnerStatus, ReplayReport, fold_log, verify_replay};
pub(crate) use request::did_you_mean;
pub use request::{ModelChoice, ProviderWishes, RouteError, RouteOptions, RouteRequest, Speech};

use crate::{
    access::Access,
    cache::Cache,
    classifier::Classifier,
    config::{PolicySettings, Settings},
    domain::{Decision, DecisionId, ModelId, Reward, Scope},
    encoder::EncoderPool,
    gateway::{Gateway, Health},
    policy::Posterior,
    store::{DecisionRecord, FeedbackError, FeedbackReceipt, NewFeedback, Store, StoreError},
};
use arc_swap::ArcSwap;
use caching::Caching;
use controllers::Controllers;
use sessions::{Session, Sessions, Used};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

/// Posterior of each scope; readers load a snapshot, the learner swaps in the next.
pub type Posteriors = BTreeMap<Scope, Arc<ArcSwap<Posterior>>>;

/// Everything a request needs, shared by all of them. Cheap to clone.
#[derive(Clone)]
pub struct Router {
    inner: Arc<Inner>,
}

struct Inner {
    encoder: EncoderPool,
    classifier: Classifier,
    fleet: Fleet,
    policies: BTreeMap<String, PolicySettings>,
    posteriors: Posteriors,
    controllers: Controllers,
    sessions: Sessions,
    caching: Caching,
    gateway: Gateway,
    store: Store,
    access: Access,
    clock: Arc<dyn Clock>,
    /// How long a call of a model that was asked for by name runs before its prompt is looked at.
    read_named_after: Duration,
}

/// The parts a router is made of.
pub struct Parts {
    /// Embeds prompts.
    pub encoder: EncoderPool,
    /// Heads on the embedding.
    pub classifier: Classifier,
    /// Models that may be chosen.
    pub fleet: Fleet,
    /// The way out.
    pub gateway: Gateway,
    /// The log.
    pub store: Store,
    /// Who may call, how much, and for how much money.
    pub access: Access,
    /// Time and ids.
    pub clock: Arc<dyn Clock>,
}

impl Router {
    /// Puts the parts together; one posterior for every scope that a policy names.
    #[must_use]
    pub fn new(parts: Parts, settings: &Settings) -> Self {
        let rates = settings.learning.rates();
        let fresh = || Arc::new(ArcSwap::from_pointee(Posterior::new(rates)));
        let policies = settings.policies();
        let posteriors = policies.values().map(|p| (p.scope.clone(), fresh())).collect();
        let inner = Inner {
            encoder: parts.encoder,
            classifier: parts.classifier,
            fleet: parts.fleet,
            controllers: Controllers::default(),
            sessions: Sessions::default(),
            caching: Caching::new(settings),
            policies,
            posteriors,
            gateway: parts.gateway,
            store: parts.store,
            access: parts.access,
            clock: parts.clock,
            read_named_after: Duration::from_millis(settings.gateway.read_named_after_ms),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The learner that folds this router's log into its posteriors.
    #[must_use]
    pub fn learner(&self, settings: &Settings) -> Learner {
        Learner::new(self.inner.store.clone(), self.inner.posteriors.clone(), settings.learning, self.clone())
    }

    /// The models it knows.
    #[must_use]
    pub fn fleet(&self) -> &Fleet {
        &self.inner.fleet
    }

    /// How a model does at the moment; nothing is known of one that can't be called.
    #[must_use]
    pub fn health(&self, model: &FleetModel) -> Option<Health> {
        let entry = &model.entry;
        model.disabled.is_none().then(|| self.inner.gateway.health(&entry.id, &entry.provider, Instant::now()))
    }

    /// Shows operators how breakers stand. They change with time alone too, so it is done when somebody looks.
    pub fn show_breakers(&self) {
        let (gateway, now) = (&self.inner.gateway, Instant::now());
        let callable = || self.fleet().all().iter().filter(|model| model.disabled.is_none()).map(|model| &model.entry);
        for entry in callable() {
            measure::model_breaker(&entry.provider, &entry.id, gateway.model_breaker(&entry.id, now));
        }
        let providers: BTreeSet<&str> = callable().map(|entry| entry.provider.as_str()).collect();
        for provider in providers {
            measure::provider_breaker(provider, gateway.provider_breaker(provider, now));
        }
    }

    /// Answers that are kept.
    #[must_use]
    pub fn cache(&self) -> &Cache {
        &self.inner.caching.cache
    }

    /// Shows operators what kept answers take. They come and go, so it is done when somebody looks.
    pub fn show_cache(&self) {
        measure::cached(&self.cache().stats());
    }

    /// Named policies; `default` is always among them.
    #[must_use]
    pub fn policies(&self) -> &BTreeMap<String, PolicySettings> {
        &self.inner.policies
    }

    /// Prompts waiting for the encoder.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.inner.encoder.waiting()
    }

    /// Version and digest of each scope's posterior.
    #[must_use]
    pub fn learner_status(&self) -> Vec<LearnerStatus> {
        self.inner.posteriors.iter().map(|(scope, p)| LearnerStatus::of(scope, &p.load())).collect()
    }

    /// Decides and records; answers after the commit.
    ///
    /// # Errors
    /// [`RouteError`] says what the caller should change or when to come back.
    pub async fn route(&self, request: RouteRequest) -> Result<Decision, RouteError> {
        // Its place ends with this function.
        let _admitted = self.inner.admit(&request)?;
        let decision = self.decide(&request).await?;
        self.inner.store.append_decision(decision.clone()).await?;
        measure::decided(&decision);
        self.remember(&decision, &decision.chosen);
        Ok(decision)
    }

    /// The session goes on with this model.
    fn remember(&self, decision: &Decision, model: &ModelId) {
        if let (Some(id), Some(caller)) = (&decision.session_id, &decision.caller) {
            let session = Session { tenant: caller.tenant.clone(), id: id.clone() };
            let used = Used { model: model.clone(), input_tokens: decision.input_tokens, at: decision.at };
            self.inner.sessions.remember(session, used);
        }
    }

    /// Appends feedback; answers after the commit. An answer that was not good enough for the policy that it came from is not
    /// given again.
    ///
    /// # Errors
    /// [`FeedbackError`] when the decision is unknown or a key is used twice for different things.
    pub async fn feedback(&self, feedback: NewFeedback) -> Result<FeedbackReceipt, FeedbackError> {
        let receipt = self.inner.store.append_feedback(feedback).await?;
        let cache = self.cache();
        if let (Reward::Score(score), Some(kept)) = (receipt.reward, cache.of_decision(receipt.decision_id))
            && score < kept.served().quality_target
        {
            cache.forget(receipt.decision_id);
        }
        Ok(receipt)
    }

    /// A decision with what came of it.
    ///
    /// # Errors
    /// [`StoreError`] when the log can't be read.
    pub async fn decision(&self, id: DecisionId) -> Result<Option<DecisionRecord>, StoreError> {
        self.inner.store.decision(id).await
    }

    /// The time, for handlers that stamp what they pass on.
    #[must_use]
    pub fn clock(&self) -> &dyn Clock {
        self.inner.clock.as_ref()
    }
}
