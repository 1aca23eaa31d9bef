//! A model's level: a fast filter for sudden changes that the slow linear model would take long to see.

use crate::domain::sigmoid;

/// Variance that the level may gain from one feedback to the next.
const DRIFT_VARIANCE: f64 = 2e-5;
/// Pull of the level towards zero per feedback: what lasts belongs to the linear model.
const REVERSION: f64 = 0.995;
/// CUSUM slack, in standard deviations.
const SLACK: f64 = 0.5;
/// CUSUM threshold, in standard deviations; a shift of one deviation raises it after about 12 feedbacks.
const THRESHOLD: f64 = 6.0;
/// Variance after an alarm: "I may be wrong by 0.3".
const ALARM_VARIANCE: f64 = 0.09;

/// Local-level Kalman filter on the residual, with a two-sided CUSUM alarm.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Level {
    /// Estimated offset δ of the model's quality.
    pub offset: f64,
    /// Its variance P.
    pub variance: f64,
    /// CUSUM of better-than-expected, in standard deviations.
    pub above: f64,
    /// CUSUM of worse-than-expected, in standard deviations.
    pub below: f64,
    /// Alarms so far.
    pub alarms: u32,
}

impl Level {
    /// Folds one residual `r − (q0 + θᵀψ)` with noise variance `noise` where the linear model's own variance is `model`.
    /// True when it raises the alarm: something changed, and the linear model should forget.
    pub fn observe(&mut self, residual: f64, noise: f64, model: f64) -> bool {
        self.variance += DRIFT_VARIANCE;
        let innovation = residual - self.offset;
        let total = self.variance + noise + model;
        let z = (innovation / total.sqrt()).clamp(-4.0, 4.0);
        let gain = self.variance / total;
        self.offset = (self.offset + gain * innovation) * REVERSION;
        self.variance *= 1.0 - gain;
        self.above = (self.above + z - SLACK).max(0.0);
        self.below = (self.below - z - SLACK).max(0.0);
        let alarm = self.above.max(self.below) > THRESHOLD;
        if alarm {
            self.alarms += 1;
            self.variance = self.variance.max(ALARM_VARIANCE);
            (self.above, self.below) = (0.0, 0.0);
        }
        alarm
    }

    /// Takes a correction of an earlier score into account: moves the level by `change` with today's gain, faded by age. An
    /// approximation (the gain of then is not kept); what it gets wrong fades with the level itself.
    pub fn correct(&mut self, change: f64, noise: f64, age: u64) {
        let gain = self.variance / (self.variance + noise);
        let fade = REVERSION.powi(i32::try_from(age).unwrap_or(i32::MAX));
        self.offset = (self.offset + gain * fade * change).clamp(-1.0, 1.0);
    }

    /// How near the alarm is, 0 to 1, for people.
    #[must_use]
    pub fn alertness(&self) -> f64 {
        2.0 * sigmoid(self.above.max(self.below) / THRESHOLD) - 1.0
    }
}
