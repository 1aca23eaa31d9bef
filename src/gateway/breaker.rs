//! A circuit breaker: leaves a provider that keeps failing alone, and then asks it again with one call at a time.
//!
//! ```text
//! closed ── too many failures ──> open ── its time is over ──> half-open ── the probe succeeds ──> closed
//!                                  ^                               │
//!                                  └── the probe fails: twice as long
//! ```
//!
//! Whoever makes the call says what came of it. Only failures of the provider count, see
//! [`counts_against_breaker`](super::retry::counts_against_breaker).

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Calls that the share of failures is taken over.
const WINDOW: u32 = 20;
/// Calls before the share of failures says anything.
const LEAST_CALLS: u32 = 10;
/// When to come again while a probe is under way: how it ends is usually known within this.
const PROBE_TAKES: Duration = Duration::from_secs(1);

/// When a breaker opens, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BreakerRules {
    /// Failures in a row that open it; it also opens when half of the last 10 to 20 calls failed. 0: it never opens.
    pub(super) failures: u32,
    /// How long it stays open the first time. Each failed probe doubles that.
    pub(super) open_for: Duration,
    /// How long it stays open at most.
    pub(super) open_at_most: Duration,
}

impl BreakerRules {
    /// Doubles up to ten times the first pause.
    pub(super) const fn new(failures: u32, open_for: Duration) -> Self {
        Self { failures, open_for, open_at_most: open_for.saturating_mul(10) }
    }

    /// How long to stay open after this many failed probes in a row.
    fn pause(&self, failed_probes: u32) -> Duration {
        let doubled = self.open_for.saturating_mul(2_u32.saturating_pow(failed_probes));
        doubled.min(self.open_at_most.max(self.open_for))
    }
}

/// What a breaker says to a call.
#[derive(Debug)]
#[must_use]
pub(super) enum Permission {
    /// Go ahead.
    Yes(Pass),
    /// Go ahead; nobody else may until it is known what came of this call.
    Probe(Pass),
    /// Not now.
    No {
        /// When it is worth asking again.
        retry_after: Duration,
    },
}

/// How a breaker stands; the later ones let fewer calls through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum BreakerState {
    /// Every call goes through.
    Closed,
    /// One call may go through, or is under way.
    HalfOpen,
    /// No call goes through.
    Open,
}

/// A breaker; clones are the same breaker. The lock is held for some arithmetic.
#[derive(Debug, Clone)]
pub(super) struct Breaker(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    rules: BreakerRules,
    record: Mutex<Record>,
}

#[derive(Debug)]
struct Record {
    phase: Phase,
    /// Failures in a row.
    failures: u32,
    /// The last calls, newest in the lowest bit; 1 is a failure.
    recent: u32,
    /// How many of them there are, up to [`WINDOW`].
    calls: u32,
    /// Probes in a row that failed.
    failed_probes: u32,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    Closed,
    /// Until then no call goes through.
    Open(Instant),
    /// A probe is under way since a time at or after this one.
    Probing(Instant),
}

impl Breaker {
    /// A closed one.
    pub(super) fn new(rules: BreakerRules) -> Self {
        Self(Arc::new(Shared { rules, record: Mutex::new(Record::fresh()) }))
    }

    /// Asks for a call. A probe is handed out once; the next one only after its pass was used or dropped.
    pub(super) fn allow(&self, now: Instant) -> Permission {
        let mut record = self.0.lock();
        match (record.phase, record.refuses(now)) {
            (_, Some(retry_after)) => Permission::No { retry_after },
            (Phase::Open(until), None) => {
                record.phase = Phase::Probing(until);
                Permission::Probe(self.pass(true))
            }
            (Phase::Closed | Phase::Probing(_), None) => Permission::Yes(self.pass(false)),
        }
    }

    /// Why not to choose what is behind it: how long calls are refused. Takes no probe, so it suits looking ahead.
    pub(super) fn refuses(&self, now: Instant) -> Option<Duration> {
        self.0.lock().refuses(now)
    }

    /// How it stands.
    pub(super) fn state(&self, now: Instant) -> BreakerState {
        match self.0.lock().phase {
            Phase::Closed => BreakerState::Closed,
            Phase::Open(until) if now < until => BreakerState::Open,
            Phase::Open(_) | Phase::Probing(_) => BreakerState::HalfOpen,
        }
    }

    fn pass(&self, is_probe: bool) -> Pass {
        Pass { breaker: Arc::clone(&self.0), is_probe, used: false }
    }
}

/// The right to make one call. Dropped unused, because the caller left or the provider can't be blamed for what happened,
/// it counts for nothing, and a probe is free for the next.
#[derive(Debug)]
#[must_use]
pub(super) struct Pass {
    breaker: Arc<Shared>,
    is_probe: bool,
    used: bool,
}

impl Pass {
    /// The provider works. A probe's success closes the breaker.
    pub(super) fn succeeded(mut self) {
        self.used = true;
        let mut record = self.breaker.lock();
        match record.phase {
            Phase::Probing(_) if self.is_probe => *record = Record::fresh(),
            Phase::Closed if !self.is_probe => record.count(false),
            // A call from before it opened says nothing about now.
            _ => {}
        }
    }

    /// The provider failed.
    pub(super) fn failed(mut self, now: Instant) {
        self.used = true;
        let rules = self.breaker.rules;
        let mut record = self.breaker.lock();
        match record.phase {
            Phase::Probing(_) if self.is_probe => {
                record.failed_probes = record.failed_probes.saturating_add(1);
                record.open(&rules, now);
            }
            Phase::Closed if !self.is_probe => {
                record.count(true);
                if record.is_too_much(&rules) {
                    record.open(&rules, now);
                }
            }
            _ => {}
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if self.used || !self.is_probe {
            return;
        }
        let mut record = self.breaker.lock();
        if let Phase::Probing(since) = record.phase {
            record.phase = Phase::Open(since);
        }
    }
}

impl Shared {
    /// A record is whole between any two changes, so a panic elsewhere does no harm.
    fn lock(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Record {
    const fn fresh() -> Self {
        Self { phase: Phase::Closed, failures: 0, recent: 0, calls: 0, failed_probes: 0 }
    }

    fn refuses(&self, now: Instant) -> Option<Duration> {
        match self.phase {
            Phase::Closed => None,
            Phase::Open(until) => until.checked_duration_since(now).filter(|left| !left.is_zero()),
            Phase::Probing(_) => Some(PROBE_TAKES),
        }
    }

    fn count(&mut self, failed: bool) {
        self.failures = if failed { self.failures.saturating_add(1) } else { 0 };
        self.recent = ((self.recent << 1) | u32::from(failed)) & ((1 << WINDOW) - 1);
        self.calls = (self.calls + 1).min(WINDOW);
    }

    fn is_too_much(&self, rules: &BreakerRules) -> bool {
        let half_failed = self.calls >= LEAST_CALLS && self.recent.count_ones() * 2 >= self.calls;
        rules.failures > 0 && (self.failures >= rules.failures || half_failed)
    }

    fn open(&mut self, rules: &BreakerRules, now: Instant) {
        // Far beyond what a clock can tell there is nothing to wait for.
        self.phase = Phase::Open(now.checked_add(rules.pause(self.failed_probes)).unwrap_or(now));
    }
}

#[cfg(test)]
mod tests;
