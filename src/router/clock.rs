//! Time and ids as an argument.

use crate::domain::{DecisionId, UnixMillis};
use std::time::{SystemTime, UNIX_EPOCH};
use uuid::Uuid;

/// Where the service gets time and fresh ids from.
pub trait Clock: Send + Sync {
    /// Milliseconds since the epoch.
    fn now(&self) -> UnixMillis;

    /// A fresh UUIDv7.
    fn decision_id(&self) -> DecisionId;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> UnixMillis {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn decision_id(&self) -> DecisionId {
        DecisionId::from_uuid(Uuid::now_v7())
    }
}
