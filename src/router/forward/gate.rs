//! The caller's limits as the gateway meets them: before each call of a model.

use crate::{
    access::Refusal,
    domain::{Decision, ModelId},
    gateway::{Gate, Ticket},
    router::admission::Admitted,
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

/// Lets calls through as far as the limits on models and the caller's budget go.
pub(super) struct ModelGate {
    admitted: SharedAdmitted,
    decision: Arc<Decision>,
    /// Whether the first call is still to come; there was made room for it before.
    is_first: AtomicBool,
}

impl ModelGate {
    /// For a request that is prepared for its chosen model.
    pub(super) fn new(admitted: &SharedAdmitted, decision: &Arc<Decision>) -> Self {
        Self { admitted: Arc::clone(admitted), decision: Arc::clone(decision), is_first: AtomicBool::new(true) }
    }
}

impl Gate for ModelGate {
    fn admit(&self, model: &ModelId) -> Result<Ticket, Duration> {
        let is_first = self.is_first.swap(false, Ordering::Relaxed);
        if !(is_first && *model == self.decision.chosen) {
            lock(&self.admitted).prepare(&self.decision, model).map_err(|refusal| wait(&refusal))?;
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
