//! From signals to what a decision needs: latency and the cost of retries. Pure functions.

use super::Signal;
use crate::{catalog::Latency, domain::clip01};

/// Answers that the catalogue's figures are worth: after ten recent ones, what is stated and what is seen count the same.
const PRIOR_ANSWERS: f64 = 10.0;
/// Calls that a request is expected to need at most. Beyond that a model is not dear but down, which is the breaker's matter.
const MOST_ATTEMPTS: f64 = 4.0;

/// The catalogue's latency corrected by what is observed.
///
/// `stated^(1−w) · seen^w` with `w = samples / (samples + 10)`: the mean on a logarithmic scale, as latencies differ by
/// factors. No observations give what is stated.
#[must_use]
pub fn blended(stated: Latency, signal: &Signal) -> Latency {
    let seen = signal.samples / (signal.samples + PRIOR_ANSWERS);
    let blend = |stated: f64, observed: Option<f64>| match observed.filter(|x| x.is_finite() && *x > 0.0) {
        Some(observed) if seen > 0.0 => stated.powf(1.0 - seen) * observed.powf(seen),
        _ => stated,
    };
    Latency {
        first_token_ms: blend(stated.first_token_ms, signal.first_token_ms),
        tokens_per_second: blend(stated.tokens_per_second, signal.tokens_per_second),
    }
}

/// The latency of one more call beside those under way, of a model that is usually under `usual_load`:
/// `((in_flight + 1) / usual_load)^elasticity` times as long, from a quarter to 16 times.
#[must_use]
pub(super) fn under_load(latency: Latency, signal: &Signal) -> Latency {
    let load = (f64::from(signal.in_flight) + 1.0) / signal.usual_load.max(1.0);
    let factor = load.powf(signal.load_elasticity).clamp(0.25, 16.0);
    Latency { first_token_ms: latency.first_token_ms * factor, tokens_per_second: latency.tokens_per_second / factor }
}

/// Calls to expect until one succeeds, when each fails with this probability and a failed one is made again: `1 / (1 − p)`,
/// from 1 to 4. Times the cost of a call it bounds the expected cost from above, as most providers bill no failed calls.
#[must_use]
pub fn expected_attempts(error_rate: f64) -> f64 {
    (1.0 / (1.0 - clip01(error_rate))).min(MOST_ATTEMPTS)
}
