//! Which model each session used last. In memory only: after a restart a session's next request is decided afresh.

use crate::domain::{ModelId, SessionId, Tenant, UnixMillis};
use std::{
    collections::HashMap,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Tokens from which on providers cache a prompt: 1,024 for most models of OpenAI, Anthropic and Google (their documents, November
/// 2026).
const LEAST_CACHED: u32 = 1024;
/// After so long nothing of a prompt is cached any more, milliseconds: OpenAI states 5 to 10 minutes without use, Anthropic 5.
const COLD_MS: f64 = 600_000.0;

/// Sessions of a generation; twice as many are remembered at most, some MiB.
const GENERATION: usize = 8192;

/// The sessions used last, in two generations: when the young one is full it becomes the old one, and what was old is
/// forgotten. The lock is held for a look into a table, and only by requests that name a session.
#[derive(Default)]
pub(super) struct Sessions(Mutex<Generations>);

#[derive(Default)]
struct Generations {
    young: HashMap<Session, Used>,
    old: HashMap<Session, Used>,
}

/// A conversation: whose, and what they call it. Two tenants may have the same name for theirs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Session {
    pub(super) tenant: Tenant,
    pub(super) id: SessionId,
}

/// What a session used last.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Used {
    pub(super) model: ModelId,
    /// Tokens that its provider read then; 0 if it was not asked.
    pub(super) input_tokens: u32,
    pub(super) at: UnixMillis,
}

impl Used {
    /// How many of a request's tokens the provider is expected to have cached: those it read last time, as far as they can be
    /// cached at all, times the chance that they still are, which falls evenly until they surely are not.
    pub(super) fn cached(&self, input_tokens: u32, now: UnixMillis) -> u32 {
        let shared = self.input_tokens.min(input_tokens);
        if shared < LEAST_CACHED {
            return 0;
        }
        let age = now.0.saturating_sub(self.at.0).max(0) as f64;
        // The cast rounds down.
        (f64::from(shared) * (1.0 - age / COLD_MS).max(0.0)) as u32
    }
}

impl Sessions {
    /// The model that the session used last, if it is remembered.
    pub(super) fn model(&self, session: &Session) -> Option<ModelId> {
        self.used(session).map(|used| used.model)
    }

    /// What the session used last, if it is remembered.
    pub(super) fn used(&self, session: &Session) -> Option<Used> {
        let generations = self.lock();
        generations.young.get(session).or_else(|| generations.old.get(session)).cloned()
    }

    /// Remembers what the session uses from now on.
    pub(super) fn remember(&self, session: Session, used: Used) {
        let mut generations = self.lock();
        if generations.young.len() >= GENERATION {
            generations.old = mem::take(&mut generations.young);
        }
        generations.young.insert(session, used);
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

    fn used(model: &str) -> Used {
        Used { model: model.into(), input_tokens: 2000, at: UnixMillis(0) }
    }

    #[test]
    fn what_a_provider_read_is_cached_for_a_while_if_it_is_long_enough() {
        let used = used("a/model");
        let cached = |input, minutes: i64| used.cached(input, UnixMillis(60_000 * minutes));
        assert_eq!([cached(2000, 0), cached(9000, 0), cached(1500, 0)], [2000, 2000, 1500]);
        assert_eq!([cached(2000, 5), cached(2000, 10), cached(2000, 99), cached(2000, -5)], [1000, 0, 0, 2000]);
        assert_eq!(cached(1000, 0), 0, "too short");
        assert_eq!(Used { input_tokens: 0, ..used }.cached(2000, UnixMillis(0)), 0);
    }

    fn session(n: usize) -> Session {
        session_of("default", n)
    }

    #[test]
    fn tenants_with_one_name_for_their_sessions_have_two_sessions() {
        let sessions = Sessions::default();
        sessions.remember(session_of("acme", 1), used("a/first"));
        assert_eq!(sessions.model(&session_of("other", 1)), None);
        sessions.remember(session_of("other", 1), used("a/second"));
        assert_eq!(sessions.model(&session_of("acme", 1)), Some("a/first".into()));
    }

    #[test]
    fn the_last_model_counts() {
        let sessions = Sessions::default();
        assert_eq!(sessions.model(&session(1)), None);
        sessions.remember(session(1), used("a/first"));
        sessions.remember(session(2), used("a/other"));
        sessions.remember(session(1), used("a/second"));
        assert_eq!(sessions.model(&session(1)), Some("a/second".into()));
        assert_eq!(sessions.model(&session(2)), Some("a/other".into()));
    }

    #[test]
    fn however_many_come_only_the_latest_are_remembered() {
        let sessions = Sessions::default();
        let many = 5 * GENERATION;
        for n in 0..many {
            sessions.remember(session(n), used("a/model"));
        }
        let remembered: Vec<usize> = (0..many).filter(|&n| sessions.model(&session(n)).is_some()).collect();
        assert!((GENERATION..=2 * GENERATION).contains(&remembered.len()), "{}", remembered.len());
        assert_eq!(remembered, (many - remembered.len()..many).collect::<Vec<_>>());
    }

    #[test]
    fn a_session_in_use_outlives_those_that_are_not() {
        let sessions = Sessions::default();
        for n in 1..5 * GENERATION {
            sessions.remember(session(n), used("a/model"));
            if n % 1000 == 0 {
                sessions.remember(session(0), used("a/mine"));
            }
        }
        assert_eq!(sessions.model(&session(0)), Some("a/mine".into()));
    }
}
