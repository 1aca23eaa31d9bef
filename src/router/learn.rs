//! Folds committed feedback into the posteriors, in log order, and publishes snapshots by atomic swap.

use super::{Posteriors, Router, measure};
use crate::{
    config::LearningSettings,
    domain::{Reward, Scope},
    encoder::fetch::sha256_hex,
    policy::{self, Event, LearningRates, Posterior},
    store::{LearningEvent, Reader, Snapshot, Store, StoreError},
};
use serde::Serialize;
use std::sync::Arc;

/// Rows read at a time.
const BATCH: u32 = 1000;

/// Prior of a model that served without having been a candidate of the decision.
const UNKNOWN_PRIOR: f64 = 0.5;

/// Version of the snapshot's meaning; raised when the fold changes.
const FOLD_VERSION: u32 = 2;

/// What the learner of a scope has folded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LearnerStatus {
    /// The scope.
    pub scope: String,
    /// Feedback rows folded.
    pub version: u64,
    /// SHA-256 of the posterior's bytes.
    pub digest: String,
}

impl LearnerStatus {
    /// Describes a posterior.
    #[must_use]
    pub fn of(scope: &Scope, posterior: &Posterior) -> Self {
        Self { scope: scope.to_string(), version: posterior.version(), digest: sha256_hex(&posterior.to_bytes()) }
    }
}

/// One learner for all scopes of this service.
pub struct Learner {
    store: Store,
    posteriors: Posteriors,
    settings: LearningSettings,
    router: Router,
    saved: std::collections::BTreeMap<Scope, u64>,
}

impl Learner {
    pub(super) fn new(store: Store, posteriors: Posteriors, settings: LearningSettings, router: Router) -> Self {
        Self { store, posteriors, settings, router, saved: std::collections::BTreeMap::new() }
    }

    /// Loads the newest usable snapshot of each scope and folds the tail.
    ///
    /// # Errors
    /// [`StoreError`] when the log can't be read.
    pub async fn resume(&mut self) -> Result<(), StoreError> {
        let rates = self.settings.rates();
        for (scope, shared) in &self.posteriors {
            let posterior = from_snapshot(&self.store, scope, rates).await?;
            self.saved.insert(scope.clone(), posterior.version());
            measure::published(scope, posterior.version());
            shared.store(Arc::new(posterior));
        }
        self.catch_up().await
    }

    /// Learns until `stop` changes, then saves a last snapshot.
    pub async fn run(mut self, mut stop: tokio::sync::watch::Receiver<bool>) {
        let mut committed = self.store.feedback_committed();
        loop {
            if let Err(e) = self.catch_up().await {
                tracing::error!(error = %e, "the learner can't read the log; it tries again with the next feedback");
            }
            tokio::select! {
                changed = committed.changed() => if changed.is_err() { break },
                _ = stop.wait_for(|stop| *stop) => break,
            }
        }
        if let Err(e) = self.save(0).await {
            tracing::warn!(error = %e, "no last snapshot; the next start folds a longer tail");
        }
    }

    async fn catch_up(&mut self) -> Result<(), StoreError> {
        if !self.settings.enabled {
            return Ok(());
        }
        for (scope, shared) in &self.posteriors {
            let mut posterior = Posterior::clone(&shared.load());
            loop {
                let rows = self.store.learning_events(scope, posterior.version(), BATCH).await?;
                for row in &rows {
                    self.report(scope, &posterior, row);
                    posterior.fold(&event(row));
                }
                if !rows.is_empty() {
                    shared.store(Arc::new(posterior.clone()));
                    measure::published(scope, posterior.version());
                }
                if rows.len() < BATCH as usize {
                    break;
                }
            }
        }
        self.save(self.settings.snapshot_every).await
    }

    /// Tells the controllers how the prediction came out, before it is learned from.
    fn report(&self, scope: &Scope, posterior: &Posterior, row: &LearningEvent) {
        if let (Reward::Score(score), None, false) = (row.reward, &row.superseded, row.context.is_empty()) {
            let prior = row.prior.unwrap_or(UNKNOWN_PRIOR);
            let psi = policy::context_vector(prior, &row.context);
            let predicted = posterior.believe(&row.model, prior, &psi).mean;
            self.router.inner.controllers.realised(scope, predicted, score.get());
        }
    }

    async fn save(&mut self, every: u64) -> Result<(), StoreError> {
        for (scope, shared) in &self.posteriors {
            let posterior = shared.load_full();
            let saved = self.saved.entry(scope.clone()).or_default();
            let due = posterior.version() >= *saved + every.max(1);
            if due {
                let now = self.router.clock().now();
                let snapshot = Snapshot {
                    scope: scope.clone(),
                    number: posterior.version(),
                    version: FOLD_VERSION,
                    body: posterior.to_bytes(),
                    at: now,
                };
                self.store.save_snapshot(snapshot).await?;
                *saved = posterior.version();
            }
        }
        Ok(())
    }
}

/// The newest snapshot that this build can read and that was folded with these rates; else an empty posterior.
async fn from_snapshot(store: &Reader, scope: &Scope, rates: LearningRates) -> Result<Posterior, StoreError> {
    let Some(snapshot) = store.latest_snapshot(scope).await? else {
        return Ok(Posterior::new(rates));
    };
    match Posterior::from_bytes(&snapshot.body) {
        Ok(posterior) if snapshot.version == FOLD_VERSION && posterior.rates() == rates => Ok(posterior),
        Ok(_) => {
            tracing::info!(%scope, "learning settings changed; folding the log from the beginning");
            Ok(Posterior::new(rates))
        }
        Err(e) => {
            tracing::warn!(%scope, error = %e, "snapshot not usable; folding the log from the beginning");
            Ok(Posterior::new(rates))
        }
    }
}

/// Of a prompt that nobody looked at nothing is learned: what it asked, and so what was to be expected, is not known.
fn event(row: &LearningEvent) -> Event {
    if row.context.is_empty() {
        let (number, model, source) = (row.number, row.model.clone(), row.source);
        return Event {
            number,
            model,
            source,
            reward: Reward::Revoked,
            context: Vec::new(),
            prior: UNKNOWN_PRIOR,
            superseded: None,
        };
    }
    Event {
        number: row.number,
        model: row.model.clone(),
        source: row.source,
        reward: row.reward,
        context: row.context.clone(),
        prior: row.prior.unwrap_or(UNKNOWN_PRIOR),
        superseded: row.superseded.as_ref().map(|s| policy::Superseded {
            number: s.number,
            model: s.model.clone(),
            reward: s.reward,
            prior: s.prior.unwrap_or(UNKNOWN_PRIOR),
        }),
    }
}

/// Folds a scope's whole log, from the beginning or on from a posterior.
///
/// # Errors
/// [`StoreError`] when the log can't be read.
pub async fn fold_log(store: &Reader, scope: &Scope, mut posterior: Posterior) -> Result<Posterior, StoreError> {
    loop {
        let rows = store.learning_events(scope, posterior.version(), BATCH).await?;
        rows.iter().for_each(|row| posterior.fold(&event(row)));
        if rows.len() < BATCH as usize {
            return Ok(posterior);
        }
    }
}

/// What [`verify_replay`] found for one scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReplayReport {
    /// From the beginning of the log.
    pub from_log: LearnerStatus,
    /// From the newest snapshot and the tail.
    pub from_snapshot: LearnerStatus,
    /// Row that the snapshot had reached.
    pub snapshot_at: u64,
    /// Whether both are equal to the bit.
    pub equal: bool,
}

/// Folds the log from the beginning and from the newest snapshot, and compares the bytes.
///
/// # Errors
/// [`StoreError`] when the log can't be read.
pub async fn verify_replay(store: &Reader, scope: &Scope, rates: LearningRates) -> Result<ReplayReport, StoreError> {
    let snapshot = from_snapshot(store, scope, rates).await?;
    let snapshot_at = snapshot.version();
    let resumed = fold_log(store, scope, snapshot).await?;
    let whole = fold_log(store, scope, Posterior::new(rates)).await?;
    let (from_log, from_snapshot) = (LearnerStatus::of(scope, &whole), LearnerStatus::of(scope, &resumed));
    let equal = from_log == from_snapshot;
    Ok(ReplayReport { from_log, from_snapshot, snapshot_at, equal })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{DecisionId, Difficulty, FeedbackSource, ModelId, Quality, UnixMillis};
    use uuid::Uuid;

    fn row(number: u64, context: Vec<f32>) -> LearningEvent {
        LearningEvent {
            number,
            model: ModelId::from("acme/model"),
            source: FeedbackSource::User,
            reward: Reward::Score(Quality::clipped(1.0)),
            decision_id: DecisionId::from_uuid(Uuid::from_u128(number.into())),
            context,
            prior: Some(0.2),
            difficulty: Difficulty::clipped(0.5),
            explored: false,
            at: UnixMillis(0),
            superseded: None,
        }
    }

    #[test]
    fn feedback_on_an_unread_prompt_is_counted_and_not_learned_from() {
        let believed = |posterior: &Posterior| {
            posterior.believe(&ModelId::from("acme/model"), 0.2, &policy::context_vector(0.2, &[])).mean
        };
        let mut posterior = Posterior::new(LearningRates::default());
        let before = believed(&posterior);
        posterior.fold(&event(&row(1, Vec::new())));
        assert_eq!((posterior.version(), believed(&posterior)), (1, before));
        posterior.fold(&event(&row(2, vec![0.1; policy::CONTEXT_DIM])));
        assert!(posterior.version() == 2 && believed(&posterior) > before, "others are learned from");
    }
}
