//! A clock that runs with the machine's, ahead of it as a test wants.

use satisfice::{
    domain::{DecisionId, UnixMillis},
    router::{Clock, SystemClock},
};
use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

/// Ahead by so many milliseconds.
#[derive(Debug, Default)]
pub(crate) struct ShiftedClock(AtomicI64);

impl ShiftedClock {
    /// Goes further ahead.
    pub(crate) fn advance(&self, time: Duration) {
        self.0.fetch_add(i64::try_from(time.as_millis()).expect("a short time"), Ordering::Relaxed);
    }
}

impl Clock for ShiftedClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(SystemClock.now().0 + self.0.load(Ordering::Relaxed))
    }

    fn decision_id(&self) -> DecisionId {
        SystemClock.decision_id()
    }
}
