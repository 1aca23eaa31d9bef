//! The record of a model: sums whose terms fade.

use super::{Signal, Timing, blended};
use crate::catalog::Latency;
use std::time::{Duration, Instant};

/// Time in which a call loses half its weight in the error rate. Outages begin and end within minutes.
const ERRORS_HALVE: Duration = Duration::from_secs(60);
/// The same for latency, which changes with the load of a day but needs more answers to be told.
const LATENCY_HALVES: Duration = Duration::from_secs(300);
/// Tokens a second that no model exceeds. Some providers send an answer in one burst, whose duration says nothing.
const FASTEST: f64 = 5000.0;
/// Spread of ln(load) that a slope of 0 is worth: some ten answers of which half came at twice the load of the others.
const PRIOR_SPREAD: f64 = 1.2;
/// The most that load slows answers: one that waits for all others, and a little.
const STEEPEST: f64 = 1.5;
/// Weight below which nothing is known any more.
const FADED: f64 = 1e-3;

/// Weighted sums over what was seen, as of `at`.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seen {
    at: Option<Instant>,
    calls: f64,
    failures: f64,
    answers: f64,
    /// Of the logarithm of milliseconds to the first token.
    log_first_token: f64,
    /// Tokens after the first.
    tokens: f64,
    /// Seconds in which they came.
    seconds: f64,
    slowness: Slowness,
}

/// Sums for the line of ln(time / stated time) over ln(load), which is how much longer answers take the more calls are under way.
#[derive(Debug, Clone, Copy, Default)]
struct Slowness {
    load: f64,
    load_squared: f64,
    time: f64,
    product: f64,
}

impl Seen {
    /// The same, with weights as of `now`. Threads may note things out of order; time then stands still.
    pub(super) fn aged(&self, now: Instant) -> Self {
        let passed = self.at.map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        let (errors, latency) = (weight(passed, ERRORS_HALVE), weight(passed, LATENCY_HALVES));
        Self {
            at: self.at.max(Some(now)),
            calls: self.calls * errors,
            failures: self.failures * errors,
            answers: self.answers * latency,
            log_first_token: self.log_first_token * latency,
            tokens: self.tokens * latency,
            seconds: self.seconds * latency,
            slowness: self.slowness.times(latency),
        }
    }

    /// With one more call.
    pub(super) fn call(self, failed: bool) -> Self {
        Self { calls: self.calls + 1.0, failures: self.failures + f64::from(u8::from(failed)), ..self }
    }

    /// With one more answer.
    pub(super) fn answer(self, timing: Timing, stated: Latency) -> Self {
        let Some((first_ms, rest_ms)) = self.parts(timing, stated) else { return self };
        let tokens = f64::from(timing.output_tokens.saturating_sub(1));
        Self {
            answers: self.answers + 1.0,
            log_first_token: self.log_first_token + first_ms.max(1.0).ln(),
            tokens: self.tokens + tokens,
            seconds: self.seconds + if tokens > 0.0 { (rest_ms / 1e3).max(tokens / FASTEST) } else { 0.0 },
            slowness: self.slowness.and(timing, stated),
            ..self
        }
    }

    /// Time to the first token, and from there to the end. A whole answer tells only their sum; it is divided in the
    /// proportion that would be expected of the model, so that it still tells whether the model is slow.
    fn parts(&self, timing: Timing, stated: Latency) -> Option<(f64, f64)> {
        let total_ms = Some(timing.total_ms).filter(|ms| ms.is_finite() && *ms > 0.0)?;
        let first_ms = match timing.first_token_ms {
            Some(ms) => Some(ms).filter(|ms| ms.is_finite() && *ms >= 0.0)?.min(total_ms),
            None => {
                let expected = blended(stated, &self.signal());
                let rest_ms = 1e3 * f64::from(timing.output_tokens) / expected.tokens_per_second;
                total_ms * expected.first_token_ms / (expected.first_token_ms + rest_ms)
            }
        };
        Some((first_ms, total_ms - first_ms))
    }

    /// What the sums say; `in_flight` is not theirs to know.
    pub(super) fn signal(&self) -> Signal {
        let known = self.answers >= FADED;
        Signal {
            first_token_ms: known.then(|| (self.log_first_token / self.answers).exp()),
            tokens_per_second: (known && self.seconds > 0.0).then(|| self.tokens / self.seconds),
            error_rate: self.failures / (self.calls + Signal::PRIOR_CALLS),
            in_flight: 0,
            usual_load: if known { (self.slowness.load / self.answers).exp() } else { 1.0 },
            load_elasticity: if known { self.slowness.elasticity(self.answers) } else { 0.0 },
            samples: self.answers,
        }
    }
}

impl Slowness {
    fn times(self, weight: f64) -> Self {
        let Self { load, load_squared, time, product } = self;
        Self {
            load: load * weight,
            load_squared: load_squared * weight,
            time: time * weight,
            product: product * weight,
        }
    }

    /// With one more answer whose times are sound.
    fn and(self, timing: Timing, stated: Latency) -> Self {
        let stated_ms = stated.first_token_ms + 1e3 * f64::from(timing.output_tokens) / stated.tokens_per_second;
        let (load, time) = (f64::from(timing.load.max(1)).ln(), (timing.total_ms.max(1.0) / stated_ms).ln());
        Self {
            load: self.load + load,
            load_squared: self.load_squared + load * load,
            time: self.time + time,
            product: self.product + load * time,
        }
    }

    /// Slope of the line through so many answers, by ridge regression, within what queues can do.
    fn elasticity(&self, answers: f64) -> f64 {
        let mean = self.load / answers;
        let spread = (self.load_squared - self.load * mean).max(0.0);
        let common = self.product - self.time * mean;
        (common / (spread + PRIOR_SPREAD)).clamp(0.0, STEEPEST)
    }
}

/// What is left of a weight of 1 after this time.
fn weight(passed: Duration, halves: Duration) -> f64 {
    (-passed.as_secs_f64() / halves.as_secs_f64()).exp2()
}
