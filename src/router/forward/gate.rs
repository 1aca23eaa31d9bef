//! The caller's limits as the gateway meets them: before each call of a model.

use crate::{
    access::Refusal,
    dialect::Object,
    domain::{Decision, ModelId},
    gateway::{Gate, Leg, Ticket},
    router::{
        Router,
        admission::Admitted,
        stakes::{Stakes, with_bound},
    },
};
use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// A request's place and money, for whoever ends it.
pub(super) type SharedAdmitted = Arc<Mutex<Admitted>>;

/// When to ask again for what is full of running requests.
const PAUSE: Duration = Duration::from_secs(1);

/// Its fields are set one at a time and each is right by itself, so a panic elsewhere does no harm.
pub(super) fn lock(admitted: &SharedAdmitted) -> MutexGuard<'_, Admitted> {
    admitted.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A request as it is sent: within what its caller's budget holds.
pub(super) struct Parcel {
    pub(super) body: Arc<Object>,
    pub(super) native: Option<Arc<Object>>,
    pub(super) stakes: Stakes,
    /// Whether there was made room for a call of the chosen model.
    pub(super) is_ready: bool,
}

impl Parcel {
    /// Makes room for a call of the chosen model, the first leg. Where the budget does not hold the longest answer it may give,
    /// the output is bounded by what the budget does hold.
    ///
    /// # Errors
    /// [`Refusal`] of the chosen model, unless another one may have room.
    pub(super) fn prepare(
        admitted: &mut Admitted,
        decision: &Decision,
        legs: &[Leg<'_>],
        stakes: Stakes,
        (body, native): (Arc<Object>, Option<Arc<Object>>),
    ) -> Result<Self, Refusal> {
        let chosen = legs[0].model;
        let is_ready = match admitted.prepare(decision, chosen, &stakes) {
            Ok(()) => true,
            Err(refusal) if refusal.is_of_model() && legs.len() > 1 => false,
            Err(refusal) => return Err(refusal),
        };
        let bound = admitted.money().and_then(|money| stakes.bound(chosen, money));
        let Some(bound) = bound else { return Ok(Self { body, native, stakes, is_ready }) };
        let native = native.map(|native| with_bound(&native, bound));
        Ok(Self { body: with_bound(&body, bound), native, stakes: stakes.bounded(bound), is_ready })
    }
}

/// Lets calls through as far as the limits on models and the caller's budget go.
pub(super) struct ModelGate {
    router: Router,
    admitted: SharedAdmitted,
    decision: Arc<Decision>,
    stakes: Stakes,
    /// Whether the next call is the one that there was made room for.
    is_ready: AtomicBool,
}

impl ModelGate {
    /// For a request as it was prepared.
    pub(super) fn new(router: &Router, admitted: &SharedAdmitted, decision: &Arc<Decision>, parcel: &Parcel) -> Self {
        let (admitted, decision) = (Arc::clone(admitted), Arc::clone(decision));
        let Parcel { stakes, is_ready, .. } = *parcel;
        Self { router: router.clone(), admitted, decision, stakes, is_ready: AtomicBool::new(is_ready) }
    }

    fn prepare(&self, model: &ModelId) -> Result<(), Duration> {
        let Some(model) = self.router.inner.fleet.get(model) else { return Err(PAUSE) };
        let mut admitted = lock(&self.admitted);
        admitted.prepare(&self.decision, &model.entry, &self.stakes).map_err(|refusal| wait(&refusal))?;
        // It is too late to bound the answer any further.
        let fits = admitted.money().is_none_or(|money| self.stakes.bound(&model.entry, money).is_none());
        if fits { Ok(()) } else { Err(PAUSE) }
    }
}

impl Gate for ModelGate {
    fn admit(&self, model: &ModelId) -> Result<Ticket, Duration> {
        let is_ready = self.is_ready.swap(false, Ordering::Relaxed);
        if !(is_ready && *model == self.decision.chosen) {
            self.prepare(model)?;
        }
        // The place itself stays with the request until its outcome is known.
        Ok(Box::new(()))
    }
}

fn wait(refusal: &Refusal) -> Duration {
    match refusal {
        Refusal::RateLimited { retry_after, .. } | Refusal::BudgetExhausted { retry_after, .. } => *retry_after,
        _ => PAUSE,
    }
}
