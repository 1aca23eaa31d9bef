//! Whether a candidate policy replaces the one that serves, from intervals of the paired differences.

use super::{
    diagnostics::Refusal,
    estimators::Estimator,
    evaluation::Evaluation,
    fault::Faults,
    intervals::{Confidence, Interval, Method, NoInterval},
    log::Policy,
};
use serde::Serialize;
use std::fmt;

/// Loss of mean quality that is too small to keep or take back a policy for; the project's choice.
pub const QUALITY_MARGIN: f64 = 0.005;

/// Two policies on one log.
#[derive(Debug, Clone, Copy)]
pub struct Contest<'a> {
    /// The log with quality.
    pub quality: Evaluation<'a>,
    /// The log with cost.
    pub cost_usd: Evaluation<'a>,
    /// The policy that might be promoted.
    pub candidate: &'a Policy,
    /// The policy that serves.
    pub baseline: &'a Policy,
}

/// Why two policies can't be compared.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CompareError {
    /// The inputs don't fit one another: correct them.
    #[error(transparent)]
    Faults(#[from] Faults),
    /// The method can't make an interval for the estimator: choose another of either.
    #[error(transparent)]
    NoInterval(#[from] NoInterval),
}

impl Contest<'_> {
    /// Intervals of candidate − baseline for quality and cost, and whatever speaks against concluding from them.
    ///
    /// # Errors
    /// [`CompareError`]: inputs that don't fit, or a method that doesn't suit the estimator.
    pub fn compare(
        &self,
        estimator: Estimator,
        method: Method,
        confidence: Confidence,
    ) -> Result<Comparison, CompareError> {
        let interval = |evaluation: &Evaluation<'_>| -> Result<Interval, CompareError> {
            let terms = evaluation.difference(self.candidate, self.baseline, estimator)?;
            Ok(method.interval(&terms, confidence)?)
        };
        Ok(Comparison {
            quality: interval(&self.quality)?,
            cost_usd: interval(&self.cost_usd)?,
            refusals: self.refusals()?,
        })
    }

    /// Of both policies for both outcomes; a reason that quality and cost share is given once.
    fn refusals(&self) -> Result<Vec<(Party, Refusal)>, Faults> {
        let mut distinct = Vec::new();
        for evaluation in [&self.quality, &self.cost_usd] {
            for (party, policy) in [(Party::Candidate, self.candidate), (Party::Baseline, self.baseline)] {
                let reliability = evaluation.diagnostics(policy)?.reliability();
                let reasons = reliability.refusals().iter().map(|&refusal| (party, refusal));
                let new: Vec<_> = reasons.filter(|reason| !distinct.contains(reason)).collect();
                distinct.extend(new);
            }
        }
        Ok(distinct)
    }
}

/// One of the two policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    /// The one that might be promoted.
    Candidate,
    /// The one that serves.
    Baseline,
}

/// Candidate against baseline.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// Interval of the difference in mean quality.
    pub quality: Interval,
    /// Interval of the difference in mean cost, USD a request.
    pub cost_usd: Interval,
    /// Reasons not to conclude; empty if there is none.
    pub refusals: Vec<(Party, Refusal)>,
}

/// What to do with the candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// It is no worse and no dearer: let it serve.
    Promote,
    /// Not known well enough: leave what serves, go on collecting.
    Keep,
    /// It is worse: take it back if it serves.
    RollBack,
}

/// A decision with what it rests on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ruling {
    /// What to do.
    pub decision: Decision,
    /// Why; at least one.
    pub reasons: Vec<Reason>,
}

/// What a decision rests on. Bounds are of candidate − baseline.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The log is not to be concluded from for this policy.
    Refused(Party, Refusal),
    /// Quality holds: its lower bound is within the margin.
    QualityHolds(Interval),
    /// Quality may have dropped: its lower bound is beyond the margin.
    QualityUncertain(Interval),
    /// Quality drops: its upper bound is beyond the margin.
    QualityDrops(Interval),
    /// Cost doesn't rise: its upper bound is at most 0.
    CostHolds(Interval),
    /// Cost may rise: its upper bound is above 0.
    CostUncertain(Interval),
}

/// Promote iff `LCB(Δquality) ≥ −0.005` and `UCB(Δcost) ≤ 0`; roll back if `UCB(Δquality) < −0.005`; else keep, as when the log
/// is not to be concluded from. Bounds that are not numbers keep.
///
/// With two-sided intervals at confidence `1 − α`, a policy that is worse by more than the margin or dearer is promoted with
/// probability at most `α/2`: one of the two ends would have to be wrong.
#[must_use]
pub fn rule(comparison: &Comparison) -> Ruling {
    let (quality, cost) = (comparison.quality, comparison.cost_usd);
    if !comparison.refusals.is_empty() {
        let reasons = comparison.refusals.iter().map(|&(party, refusal)| Reason::Refused(party, refusal)).collect();
        return Ruling { decision: Decision::Keep, reasons };
    }
    if quality.high < -QUALITY_MARGIN {
        return Ruling { decision: Decision::RollBack, reasons: vec![Reason::QualityDrops(quality)] };
    }
    let (good, cheap) = (quality.low >= -QUALITY_MARGIN, cost.high <= 0.0);
    let reasons = vec![
        if good { Reason::QualityHolds(quality) } else { Reason::QualityUncertain(quality) },
        if cheap { Reason::CostHolds(cost) } else { Reason::CostUncertain(cost) },
    ];
    Ruling { decision: if good && cheap { Decision::Promote } else { Decision::Keep }, reasons }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quality = |f: &mut fmt::Formatter<'_>, claim: &str, i: &Interval| {
            write!(
                f,
                "{claim}: the change lies between {:+.4} and {:+.4}, the margin is -{QUALITY_MARGIN}.",
                i.low, i.high
            )
        };
        let cost = |f: &mut fmt::Formatter<'_>, claim: &str, i: &Interval| {
            write!(f, "{claim}: the change lies between {:+.6} and {:+.6} USD a request.", i.low, i.high)
        };
        match self {
            Self::Refused(Party::Candidate, refusal) => write!(f, "Nothing is known of the candidate. {refusal}"),
            Self::Refused(Party::Baseline, refusal) => write!(f, "Nothing is known of the baseline. {refusal}"),
            Self::QualityHolds(i) => quality(f, "Quality holds", i),
            Self::QualityUncertain(i) => quality(f, "Quality may have dropped", i),
            Self::QualityDrops(i) => quality(f, "Quality drops", i),
            Self::CostHolds(i) => cost(f, "Cost doesn't rise", i),
            Self::CostUncertain(i) => cost(f, "Cost may rise", i),
        }
    }
}
