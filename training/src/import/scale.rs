//! The range that scores are in.

use std::{
    fmt::{self, Display},
    str::FromStr,
};

/// The range of scores, `worst < best`, both finite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    worst: f64,
    best: f64,
}

impl Scale {
    /// Scores that need no rescaling.
    pub const UNIT: Self = Self { worst: 0.0, best: 1.0 };
    /// The rating that MT-Bench's judge gives (Zheng et al. 2023, arXiv 2306.05685).
    pub const MT_BENCH: Self = Self { worst: 1.0, best: 10.0 };

    /// `(score − worst) / (best − worst)`; `None` for a score outside the range or not a number.
    #[must_use]
    pub fn unit(self, score: f64) -> Option<f64> {
        (self.worst..=self.best).contains(&score).then(|| (score - self.worst) / (self.best - self.worst))
    }
}

impl FromStr for Scale {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let ends = text.split_once("..").and_then(|(a, b)| Some((a.trim().parse().ok()?, b.trim().parse().ok()?)));
        let (worst, best): (f64, f64) = ends.ok_or("write WORST..BEST, such as 1..5")?;
        if !(worst.is_finite() && best.is_finite() && worst < best) {
            return Err(format!("{worst} is not less than {best}"));
        }
        Ok(Self { worst, best })
    }
}

impl Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.worst, self.best)
    }
}
