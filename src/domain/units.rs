//! Quantities that could be mistaken for one another, each a type of its own.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A value outside the range its type allows.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("{what} must be {allowed}, got {value}")]
pub struct OutOfRange {
    /// The quantity, as users know it.
    pub what: &'static str,
    /// The range in words.
    pub allowed: &'static str,
    /// What was given.
    pub value: f64,
}

macro_rules! unit {
    ($(#[$doc:meta])* $name:ident, $what:literal, $allowed:literal, |$v:ident| $ok:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
        #[serde(try_from = "f64", into = "f64")]
        pub struct $name(f64);

        impl $name {
            /// Checks the range.
            ///
            /// # Errors
            /// [`OutOfRange`] when the value is NaN, infinite or outside the range; tell whoever supplied it.
            pub fn new($v: f64) -> Result<Self, OutOfRange> {
                if $v.is_finite() && $ok {
                    Ok(Self($v))
                } else {
                    Err(OutOfRange { what: $what, allowed: $allowed, value: $v })
                }
            }

            /// The bare number.
            #[must_use]
            pub const fn get(self) -> f64 {
                self.0
            }
        }

        impl TryFrom<f64> for $name {
            type Error = OutOfRange;
            fn try_from(value: f64) -> Result<Self, OutOfRange> {
                Self::new(value)
            }
        }

        impl From<$name> for f64 {
            fn from(value: $name) -> f64 {
                value.0
            }
        }
    };
}

unit!(
    /// Quality of an answer, 0 (useless) to 1 (as good as it gets).
    Quality, "quality", "a number from 0 to 1", |v| (0.0..=1.0).contains(&v)
);
unit!(
    /// Difficulty of a prompt, 0 (any model gets it right) to 1 (no model does): the probability that a model of
    /// ability 0 on the item-response scale fails, `σ(b)`.
    Difficulty, "difficulty", "a number from 0 to 1", |v| (0.0..=1.0).contains(&v)
);
unit!(
    /// Probability with which the logging policy chose a model.
    Propensity, "propensity", "a number from 0 to 1", |v| (0.0..=1.0).contains(&v)
);
unit!(
    /// An amount of money in US dollars, never negative.
    Usd, "amount in USD", "a number of at least 0", |v| v >= 0.0
);

impl Usd {
    /// Nothing.
    pub const ZERO: Self = Self(0.0);
}

impl std::ops::Add for Usd {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Quality {
    /// Puts any finite prediction into range.
    #[must_use]
    pub fn clipped(value: f64) -> Self {
        Self(clip01(value))
    }
}

impl Difficulty {
    /// Puts any finite prediction into range.
    #[must_use]
    pub fn clipped(value: f64) -> Self {
        Self(clip01(value))
    }

    /// `b = logit(difficulty)` on the item-response scale, within ±6.
    #[must_use]
    pub fn logit(self) -> f64 {
        logit(self.0).clamp(-6.0, 6.0)
    }
}

impl fmt::Display for Usd {
    /// Four significant digits for small sums, cents for large ones.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0.0 || self.0 >= 1.0 {
            write!(f, "${:.2}", self.0)
        } else {
            let digits = (3 - self.0.log10().floor() as i32).clamp(2, 12) as usize;
            write!(f, "${:.digits$}", self.0)
        }
    }
}

/// Milliseconds since the Unix epoch, handed in by whoever owns the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixMillis(pub i64);

/// `ln(p / (1 − p))`, with p kept 1e-6 away from the ends.
#[must_use]
pub fn logit(p: f64) -> f64 {
    let p = p.clamp(1e-6, 1.0 - 1e-6);
    (p / (1.0 - p)).ln()
}

/// The logistic function `1 / (1 + e^{-x})`.
#[must_use]
pub fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + (-x).exp())
    } else {
        let e = x.exp();
        e / (1.0 + e)
    }
}

/// Into [0, 1]; NaN becomes 0.
#[must_use]
pub fn clip01(value: f64) -> f64 {
    if value.is_nan() { 0.0 } else { value.clamp(0.0, 1.0) }
}
