//! Estimators of a policy's value, as terms whose mean is the estimate, and the ranges that the terms can't leave.

use super::fault::{Fault, Faults};
use serde::Serialize;

/// How a policy's value is estimated; `w = π(a|x) / π0(a|x)`, `q̂(x, π) = Σ_a π(a|x) q̂(x, a)`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Estimator {
    /// Inverse propensity scoring, `mean(w·r)` (Horvitz & Thompson 1952). Unbiased with full support.
    Ips,
    /// Self-normalised IPS, `Σ w·r / Σ w` (Swaminathan & Joachims 2015). Consistent, less variance, has no bounded terms.
    Snips,
    /// Direct method, `mean q̂(x, π)`. As wrong as q̂ is.
    Dm,
    /// Doubly robust, `mean[q̂(x, π) + w(r − q̂(x, a))]` (Dudík, Langford & Li 2011). Unbiased with full support, whatever q̂
    /// is, as long as it has not seen the round.
    Dr,
    /// DR where `w ≤ τ`, DM where not (Wang, Agarwal & Dudík 2017, with DR in place of IPS). Trades variance for bias.
    SwitchDr {
        /// Threshold τ ≥ 0 on weights; ∞ is DR, 0 is DM.
        tau: f64,
    },
    /// DR with optimistic shrinkage, `w → λw / (w² + λ)` (Su, Dimakopoulou, Krishnamurthy & Dudík 2020). Trades variance
    /// for bias.
    DrOs {
        /// Shrinkage λ ≥ 0, finite; large is DR, 0 is DM.
        lambda: f64,
    },
}

/// One round as an estimator sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Case {
    pub(super) weight: f64,
    pub(super) outcome: f64,
    /// q̂(x, π); 0 without predictions.
    pub(super) direct: f64,
    /// q̂(x, a) of the chosen arm; 0 without predictions.
    pub(super) predicted: f64,
}

impl Estimator {
    /// Whether it works on q̂.
    #[must_use]
    pub fn needs_predictions(self) -> bool {
        !matches!(self, Self::Ips | Self::Snips)
    }

    /// Checks τ and λ.
    pub(super) fn check(self) -> Result<(), Faults> {
        match self {
            Self::SwitchDr { tau } if tau.is_nan() || tau < 0.0 => Err(Fault::Parameter(tau).into()),
            Self::DrOs { lambda } if !lambda.is_finite() || lambda < 0.0 => Err(Fault::Parameter(lambda).into()),
            _ => Ok(()),
        }
    }

    /// The weight that the correction `r − q̂(x, a)` gets.
    fn correction_weight(self, weight: f64) -> f64 {
        match self {
            Self::Dm => 0.0,
            Self::SwitchDr { tau } if weight > tau => 0.0,
            Self::DrOs { lambda } if weight > 0.0 => lambda * weight / (weight * weight + lambda),
            Self::Ips | Self::Snips | Self::Dr | Self::SwitchDr { .. } | Self::DrOs { .. } => weight,
        }
    }

    /// `q̂(x, π) + w'(r − q̂(x, a))`, of which every estimator is a case; SNIPS is yet to be normalised.
    pub(super) fn term(self, case: &Case) -> f64 {
        case.direct + self.correction_weight(case.weight) * (case.outcome - case.predicted)
    }

    /// Supremum of the correction's weight. `λw / (w² + λ)` rises up to `w = √λ`, where it is `√λ / 2`.
    fn max_correction_weight(self, bound: WeightBound) -> f64 {
        match self {
            Self::Ips | Self::Snips | Self::Dr => bound.weight,
            Self::Dm => 0.0,
            Self::SwitchDr { tau } => tau.min(bound.weight),
            Self::DrOs { lambda } => self.correction_weight(bound.weight.min(lambda.sqrt())),
        }
    }

    /// What a term can be for outcomes and predictions in `[0, 1]`; none for SNIPS, whose terms depend on the whole log.
    ///
    /// IPS: `w·r ∈ [0, w_max]`. The others, with `v` the correction's weight and `c` the chosen arm:
    /// `Σ_{a≠c} π_a q̂_a + π_c q̂_c + v(r − q̂_c)`. It is linear in r and each q̂, so its extremes lie at 0 and 1: at most
    /// `1 + max(0, v − π_c)`, at least `−max(0, v − π_c)`. As `v ≤ w`, `v − π_c ≤ w − π_c = w(1 − π0_c)`, so both ends are within
    /// `e = min(v_max, sup w(1 − π0))` of `[0, 1]`.
    #[must_use]
    pub fn range(self, bound: WeightBound) -> Option<Range> {
        let excess = self.max_correction_weight(bound).min(bound.excess);
        match self {
            Self::Snips => None,
            Self::Ips => Some(Range { low: 0.0, high: bound.weight }),
            Self::Dm | Self::Dr | Self::SwitchDr { .. } | Self::DrOs { .. } => {
                Some(Range { low: -excess, high: 1.0 + excess })
            }
        }
    }

    /// What the difference of two policies' terms on one round can be, for outcomes and predictions in `[0, 1]`.
    ///
    /// IPS: `(w − w')r ∈ [−w_max, w_max]`. The others, with `δ = π − π'` (positive and negative parts sum to at most 1 each)
    /// and `u = v − v'`: `Σ_{a≠c} δ_a q̂_a + δ_c q̂_c + u(r − q̂_c)`, at most `1 + |u| ≤ 1 + v_max` in size. For DR
    /// `u = δ_c / π0_c` has the sign of `δ_c`; for `δ_c > 0` the largest value is `(1 − δ_c) + u = 1 + u(1 − π0_c)` and the
    /// smallest `−1 + δ_c − u = −1 − u(1 − π0_c)`, and the other sign mirrors it, so the size is at most `1 + sup w(1 − π0)`:
    /// about half of what the ranges of two policies add up to.
    #[must_use]
    pub fn difference_range(self, bound: WeightBound) -> Option<Range> {
        let most = self.max_correction_weight(bound);
        let size = match self {
            Self::Snips => return None,
            Self::Ips => most,
            Self::Dm | Self::Dr => 1.0 + most.min(bound.excess),
            Self::SwitchDr { .. } | Self::DrOs { .. } => 1.0 + most,
        };
        Some(Range { low: -size, high: size })
    }
}

/// Ends that values can't leave.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Range {
    /// Least value.
    pub low: f64,
    /// Largest value.
    pub high: f64,
}

impl Range {
    /// The range of values times a positive factor.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        Self { low: self.low * factor, high: self.high * factor }
    }

    /// `high − low`.
    #[must_use]
    pub fn width(self) -> f64 {
        self.high - self.low
    }
}

/// Bound on weights that is known before the log is seen; the largest weight in the log would be too small a bound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WeightBound {
    /// sup w.
    weight: f64,
    /// sup w(1 − π0).
    excess: f64,
}

impl WeightBound {
    /// From the largest possible weight, at least 1.
    ///
    /// # Errors
    /// [`Fault::NotABound`]: it is below 1 or not finite.
    pub fn new(max_weight: f64) -> Result<Self, Faults> {
        if max_weight.is_finite() && max_weight >= 1.0 {
            Ok(Self { weight: max_weight, excess: max_weight })
        } else {
            Err(Fault::NotABound(max_weight).into())
        }
    }

    /// From the least propensity p that the logging policy gives to whatever the target policy can choose: `w ≤ 1/p`, and as
    /// `w(1 − π0) = π(1/π0 − 1)`, that is at most `1/p − 1`.
    ///
    /// # Errors
    /// [`Fault::NotABound`]: it is not in `(0, 1]`.
    pub fn from_floor(propensity: f64) -> Result<Self, Faults> {
        let weight = 1.0 / propensity;
        Self::new(weight).map(|bound| Self { excess: weight - 1.0, ..bound })
    }

    /// sup w.
    #[must_use]
    pub fn weight(self) -> f64 {
        self.weight
    }
}
