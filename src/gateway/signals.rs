//! What every model does at the moment: how fast it answers, how often it fails, how many calls are under way.
//!
//! All of it is a weighted sum whose weights halve with time, so that a quiet model returns to what its catalogue entry
//! says. Reading takes no lock, as every decision reads all models: an observation swaps in a new small record.

mod blend;
mod seen;

pub use blend::{blended, expected_attempts};

use crate::{catalog::Latency, domain::ModelId};
use arc_swap::ArcSwap;
use blend::under_load;
use seen::Seen;
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Instant,
};

/// Signals of a fixed set of models. An unknown model is never an error: nothing is noted, and nothing is known.
#[derive(Debug)]
pub struct Signals(HashMap<ModelId, Arc<Live>>);

#[derive(Debug)]
struct Live {
    stated: Latency,
    in_flight: AtomicU32,
    seen: ArcSwap<Seen>,
}

/// How long an answer took.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timing {
    /// From sending the request to the first token, milliseconds; `None` for an answer that came whole.
    pub first_token_ms: Option<f64>,
    /// Tokens of the answer, reasoning included.
    pub output_tokens: u32,
    /// From sending the request to the end of the answer, milliseconds.
    pub total_ms: f64,
    /// Calls of the model that were under way when it began, itself included.
    pub load: u32,
}

/// A model's signals at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Signal {
    /// Typical time to the first token, milliseconds: a geometric mean, which one stalled answer does not dominate.
    pub first_token_ms: Option<f64>,
    /// Output tokens a second after the first: all tokens over all time, so long answers weigh more.
    pub tokens_per_second: Option<f64>,
    /// Share of calls that failed, 0 to 1, drawn towards 0 as if [`PRIOR_CALLS`](Self::PRIOR_CALLS) more had succeeded.
    pub error_rate: f64,
    /// Calls under way.
    pub in_flight: u32,
    /// How many usually are when one begins, itself included: a geometric mean, at least 1.
    pub usual_load: f64,
    /// By which power of the load answers take longer: 0 for a provider that has room for any number, 1 for a server on which calls
    /// share what there is. Estimated from the loads that were seen, and drawn towards 0 as long as they were few or alike.
    pub load_elasticity: f64,
    /// How many recent answers the latency figures are worth, at least 0; not whole, as old ones count less.
    pub samples: f64,
}

impl Default for Signal {
    fn default() -> Self {
        Self {
            first_token_ms: None,
            tokens_per_second: None,
            error_rate: 0.0,
            in_flight: 0,
            usual_load: 1.0,
            load_elasticity: 0.0,
            samples: 0.0,
        }
    }
}

impl Signal {
    /// Successes that every model is credited with: a single failure is an error rate of 1 in 6.
    pub const PRIOR_CALLS: f64 = 5.0;
}

/// A call under way; dropping it ends it.
#[derive(Debug)]
#[must_use]
pub struct InFlight {
    live: Option<Arc<Live>>,
    load: u32,
}

impl InFlight {
    /// Calls of the model that were under way when it began, itself included.
    #[must_use]
    pub const fn load(&self) -> u32 {
        self.load
    }
}

impl Signals {
    /// Nothing seen yet of these models; `Latency` is what the catalogue says.
    #[must_use]
    pub fn new(models: impl IntoIterator<Item = (ModelId, Latency)>) -> Self {
        let live = |stated| Arc::new(Live { stated, in_flight: AtomicU32::new(0), seen: ArcSwap::default() });
        Self(models.into_iter().map(|(id, stated)| (id, live(stated))).collect())
    }

    /// An answer came to its end. Numbers that can't be (not finite, no time at all) are left out.
    pub fn observe_success(&self, model: &ModelId, timing: Timing, now: Instant) {
        if let Some(live) = self.0.get(model) {
            live.note(now, |seen| seen.call(false).answer(timing, live.stated));
        }
    }

    /// A call failed, and the model or its provider is to blame.
    pub fn observe_failure(&self, model: &ModelId, now: Instant) {
        if let Some(live) = self.0.get(model) {
            live.note(now, |seen| seen.call(true));
        }
    }

    /// A call begins; it is counted until the guard is dropped.
    pub fn started(&self, model: &ModelId) -> InFlight {
        let live = self.0.get(model).map(Arc::clone);
        let others = live.as_ref().map_or(0, |live| live.in_flight.fetch_add(1, Ordering::Relaxed));
        InFlight { live, load: others.saturating_add(1) }
    }

    /// How a model does now.
    #[must_use]
    pub fn snapshot(&self, model: &ModelId, now: Instant) -> Signal {
        self.0.get(model).map_or_else(Signal::default, |live| live.signal(now))
    }

    /// How fast to expect the model to be for one more call now: what was seen, blended with what the catalogue states, under the
    /// load of the calls that are under way.
    #[must_use]
    pub fn latency(&self, model: &ModelId, now: Instant) -> Option<Latency> {
        self.0.get(model).map(|live| {
            let signal = live.signal(now);
            under_load(blended(live.stated, &signal), &signal)
        })
    }
}

impl Live {
    fn signal(&self, now: Instant) -> Signal {
        Signal { in_flight: self.in_flight.load(Ordering::Relaxed), ..self.seen.load().aged(now).signal() }
    }

    fn note(&self, now: Instant, change: impl Fn(Seen) -> Seen) {
        self.seen.rcu(|seen| change(seen.aged(now)));
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if let Some(live) = &self.live {
            live.in_flight.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests;
