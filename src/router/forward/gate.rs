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
    sync::{Arc, Mutex, MutexGuard, PoisonError},
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
    /// A call of the chosen model that there was made room for.
    pub(super) ready: Option<Ticket>,
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
        let ready = match admitted.prepare(decision, chosen, &stakes) {
            Ok(ticket) => Some(ticket),
            Err(refusal) if refusal.is_of_model() && legs.len() > 1 => None,
            Err(refusal) => return Err(refusal),
        };
        let bound = admitted.money().and_then(|money| stakes.bound(chosen, money));
        let Some(bound) = bound else { return Ok(Self { body, native, stakes, ready }) };
        let native = native.map(|native| with_bound(&native, bound));
        Ok(Self { body: with_bound(&body, bound), native, stakes: stakes.bounded(bound), ready })
    }
}

/// Lets calls through as far as the limits on models and the caller's budget go.
pub(super) struct ModelGate {
    router: Router,
    admitted: SharedAdmitted,
    decision: Arc<Decision>,
    stakes: Stakes,
    /// The next call, if it is the one that there was made room for.
    ready: Mutex<Option<Ticket>>,
}

impl ModelGate {
    /// For a request as it was prepared.
    pub(super) fn new(
        router: &Router,
        admitted: &SharedAdmitted,
        decision: &Arc<Decision>,
        parcel: &mut Parcel,
    ) -> Self {
        let (admitted, decision) = (Arc::clone(admitted), Arc::clone(decision));
        let (stakes, ready) = (parcel.stakes, Mutex::new(parcel.ready.take()));
        Self { router: router.clone(), admitted, decision, stakes, ready }
    }

    fn prepare(&self, model: &ModelId) -> Result<Ticket, Duration> {
        let Some(model) = self.router.inner.fleet.get(model) else { return Err(PAUSE) };
        let mut admitted = lock(&self.admitted);
        let ticket = admitted.prepare(&self.decision, &model.entry, &self.stakes).map_err(|refusal| wait(&refusal))?;
        // It is too late to bound the answer any further.
        let fits = admitted.money().is_none_or(|money| self.stakes.bound(&model.entry, money).is_none());
        if fits {
            return Ok(ticket);
        }
        ticket.set_unbilled();
        Err(PAUSE)
    }

    /// The call that there was made room for, once.
    fn ready(&self) -> Option<Ticket> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Gate for ModelGate {
    fn admit(&self, model: &ModelId) -> Result<Ticket, Duration> {
        match self.ready() {
            Some(ticket) if *model == self.decision.chosen => Ok(ticket),
            unused => {
                // The chosen model was passed over.
                if let Some(ticket) = unused {
                    ticket.set_unbilled();
                }
                self.prepare(model)
            }
        }
    }
}

impl Drop for ModelGate {
    fn drop(&mut self) {
        if let Some(ticket) = self.ready() {
            ticket.set_unbilled();
        }
    }
}

fn wait(refusal: &Refusal) -> Duration {
    match refusal {
        Refusal::RateLimited { retry_after, .. } | Refusal::BudgetExhausted { retry_after, .. } => *retry_after,
        _ => PAUSE,
    }
}
