//! A model's level: a fast filter for sudden changes that the slow linear model would take long to see.
//!
//! While a model is healthy its level stays at zero and only the size of its usual errors is followed: the model chosen is
//! chosen partly because it is overestimated, and a level that followed every score would push traffic away from the right
//! model. A CUSUM of the errors raises the alarm; then a Kalman filter follows the level, until the scores look more like
//! before than like the change.

use crate::domain::sigmoid;

/// Variance that the level of a shifted model may gain from one feedback to the next.
const DRIFT_VARIANCE: f64 = 2e-5;
/// CUSUM slack, in standard deviations.
const SLACK: f64 = 0.5;
/// CUSUM threshold, in standard deviations: on a judge's scores about one false alarm in 25,000 feedbacks, and a fall of two
/// deviations raises it after about 8.
const THRESHOLD: f64 = 7.0;
/// Bound on one error in the CUSUM: scores have a heavy lower tail.
const CLIP: f64 = 1.5;
/// Variance after an alarm: "I may be wrong by 0.2".
const ALARM_VARIANCE: f64 = 0.04;
/// How fast the usual error is followed.
const NOISE_GAIN: f64 = 0.005;
/// Bounds on the usual error, as a share of what the source and the quality say of it.
const NOISE: std::ops::RangeInclusive<f64> = 0.02..=4.0;
/// Bounds of the log odds for "as before".
const ODDS: std::ops::RangeInclusive<f64> = -3.0..=0.5;

/// Alarm-gated local-level Kalman filter on the residual.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level {
    /// Estimated offset δ of the model's quality; 0 while healthy.
    pub offset: f64,
    /// Its variance P.
    pub variance: f64,
    /// CUSUM of better-than-expected, in standard deviations.
    pub above: f64,
    /// CUSUM of worse-than-expected, in standard deviations.
    pub below: f64,
    /// Alarms so far.
    pub alarms: u32,
    /// Whether the level has left zero.
    pub shifted: bool,
    /// Mean square of errors while healthy, as a share of the variance that is stated for them.
    pub noise: f64,
    /// Log odds that a shifted model is as before, over those that it is as the offset says.
    pub odds: f64,
}

impl Default for Level {
    fn default() -> Self {
        Self {
            offset: 0.0,
            variance: 0.0,
            above: 0.0,
            below: 0.0,
            alarms: 0,
            shifted: false,
            noise: 1.0,
            odds: *ODDS.start(),
        }
    }
}

impl Level {
    /// Folds one residual `r − (q0 + θᵀψ)` whose noise variance is stated as `noise`, where the linear model's own variance is
    /// `model`. True when it raises the alarm: something changed, and the linear model should forget.
    pub fn observe(&mut self, residual: f64, noise: f64, model: f64) -> bool {
        if self.shifted {
            self.variance += DRIFT_VARIANCE;
        }
        let usual = self.noise * noise + model;
        let (innovation, total) = (residual - self.offset, self.variance + usual);
        let z = (innovation / total.sqrt()).clamp(-CLIP, CLIP);
        if self.shifted {
            self.follow(residual, innovation, usual, total);
        } else {
            let share = (innovation * innovation / (noise + model)).min(16.0 * self.noise);
            self.noise = (self.noise + NOISE_GAIN * (share - self.noise)).clamp(*NOISE.start(), *NOISE.end());
        }
        self.above = (self.above + z - SLACK).max(0.0);
        self.below = (self.below - z - SLACK).max(0.0);
        let alarm = self.above.max(self.below) > THRESHOLD;
        if alarm {
            self.alarms += 1;
            self.shifted = true;
            self.variance = self.variance.max(ALARM_VARIANCE);
            (self.above, self.below) = (0.0, 0.0);
        }
        alarm
    }

    /// Kalman step of a shifted model, and the test whether it is as before: a clipped log-likelihood ratio of offset 0
    /// against the offset.
    fn follow(&mut self, residual: f64, innovation: f64, usual: f64, total: f64) {
        let gain = self.variance / total;
        self.offset += gain * innovation;
        self.variance *= 1.0 - gain;
        let bounded = |error: f64| (error * error).min(9.0 * usual);
        let evidence = ((bounded(innovation) - bounded(residual)) / (2.0 * usual)).clamp(-2.0, 2.0);
        self.odds = (self.odds + evidence).max(*ODDS.start());
        let settled = self.offset.abs() < 0.02 && self.variance < 0.001;
        if self.odds > *ODDS.end() || settled {
            *self = Self { alarms: self.alarms, noise: self.noise, ..Self::default() };
        }
    }

    /// Takes a correction of an earlier score into account: moves the level of a shifted model by `change` with today's gain.
    /// An approximation (the gain of then is not kept), faded by age.
    pub fn correct(&mut self, change: f64, noise: f64, age: u64) {
        if !self.shifted {
            return;
        }
        let gain = self.variance / (self.variance + self.noise * noise);
        let fade = 0.995f64.powi(i32::try_from(age).unwrap_or(i32::MAX));
        self.offset = (self.offset + gain * fade * change).clamp(-1.0, 1.0);
    }

    /// How near the alarm is, 0 to 1, for people.
    #[must_use]
    pub fn alertness(&self) -> f64 {
        2.0 * sigmoid(self.above.max(self.below) / THRESHOLD) - 1.0
    }
}
