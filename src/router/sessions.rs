//! Which model each session used last. In memory only: after a restart a session's next request is decided afresh.

use crate::domain::{ModelId, SessionId, Tenant};
use std::{
    collections::HashMap,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Sessions of a generation; twice as many are remembered at most, some MiB.
const GENERATION: usize = 8192;

/// The sessions used last, in two generations: when the young one is full it becomes the old one, and what was old is
/// forgotten. The lock is held for a look into a table, and only by requests that name a session.
#[derive(Default)]
pub(super) struct Sessions(Mutex<Generations>);

#[derive(Default)]
struct Generations {
    young: HashMap<Session, ModelId>,
    old: HashMap<Session, ModelId>,
}

/// A conversation: whose, and what they call it. Two tenants may have the same name for theirs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Session {
    pub(super) tenant: Tenant,
    pub(super) id: SessionId,
}

impl Sessions {
    /// The model that the session used last, if it is remembered.
    pub(super) fn model(&self, session: &Session) -> Option<ModelId> {
        let generations = self.lock();
        generations.young.get(session).or_else(|| generations.old.get(session)).cloned()
    }

    /// Remembers the model that the session uses from now on.
    pub(super) fn remember(&self, session: Session, model: ModelId) {
        let mut generations = self.lock();
        if generations.young.len() >= GENERATION {
            generations.old = mem::take(&mut generations.young);
        }
        generations.young.insert(session, model);
    }

    /// A table is whole between any two of its operations, so a panic elsewhere does no harm.
    fn lock(&self) -> MutexGuard<'_, Generations> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session_of(tenant: &str, n: usize) -> Session {
        Session { tenant: Tenant::from(tenant), id: SessionId::new(n.to_string()) }
    }

    fn session(n: usize) -> Session {
        session_of("default", n)
    }

    #[test]
    fn tenants_with_one_name_for_their_sessions_have_two_sessions() {
        let sessions = Sessions::default();
        sessions.remember(session_of("acme", 1), "a/first".into());
        assert_eq!(sessions.model(&session_of("other", 1)), None);
        sessions.remember(session_of("other", 1), "a/second".into());
        assert_eq!(sessions.model(&session_of("acme", 1)), Some("a/first".into()));
    }

    #[test]
    fn the_last_model_counts() {
        let sessions = Sessions::default();
        assert_eq!(sessions.model(&session(1)), None);
        sessions.remember(session(1), "a/first".into());
        sessions.remember(session(2), "a/other".into());
        sessions.remember(session(1), "a/second".into());
        assert_eq!(sessions.model(&session(1)), Some("a/second".into()));
        assert_eq!(sessions.model(&session(2)), Some("a/other".into()));
    }

    #[test]
    fn however_many_come_only_the_latest_are_remembered() {
        let sessions = Sessions::default();
        let many = 5 * GENERATION;
        for n in 0..many {
            sessions.remember(session(n), "a/model".into());
        }
        let remembered: Vec<usize> = (0..many).filter(|&n| sessions.model(&session(n)).is_some()).collect();
        assert!((GENERATION..=2 * GENERATION).contains(&remembered.len()), "{}", remembered.len());
        assert_eq!(remembered, (many - remembered.len()..many).collect::<Vec<_>>());
    }

    #[test]
    fn a_session_in_use_outlives_those_that_are_not() {
        let sessions = Sessions::default();
        for n in 1..5 * GENERATION {
            sessions.remember(session(n), "a/model".into());
            if n % 1000 == 0 {
                sessions.remember(session(0), "a/mine".into());
            }
        }
        assert_eq!(sessions.model(&session(0)), Some("a/mine".into()));
    }
}
