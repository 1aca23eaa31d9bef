//! Ties a log to a metric and gives the terms of estimators on it.

use super::{
    diagnostics::Diagnostics,
    estimators::{Case, Estimator, Range, WeightBound},
    fault::{Fault, Faults},
    log::{Log, Metric, Policy, Predictions, Round},
};

/// A log, the outcome that is meant, and what is known beforehand: a bound on weights and predictions.
#[derive(Debug, Clone, Copy)]
pub struct Evaluation<'a> {
    log: &'a Log,
    metric: Metric,
    bound: WeightBound,
    predictions: Option<&'a Predictions>,
}

impl<'a> Evaluation<'a> {
    /// Checks that outcomes and predictions fit the log and the metric. IPS and SNIPS do without predictions.
    ///
    /// # Errors
    /// [`Fault::NoOutcome`], [`Fault::OutOfRange`], [`Fault::Rounds`] or [`Fault::Arms`]; all that are found.
    pub fn new(
        log: &'a Log,
        metric: Metric,
        bound: WeightBound,
        predictions: Option<&'a Predictions>,
    ) -> Result<Self, Faults> {
        let this = Self { log, metric, bound, predictions };
        let mut faults = predictions.map_or_else(Vec::new, |table| log.shape_faults(&table.0));
        let outcomes = this.seen().map(|(i, _, outcome)| (i, outcome));
        let predicted = predictions.iter().flat_map(|p| p.0.iter().enumerate());
        let values = outcomes.chain(predicted.flat_map(|(i, row)| row.iter().map(move |&q| (i, q))));
        let at_most = metric.at_most();
        let wrong = values.filter(|(_, value)| !(0.0..=at_most).contains(value));
        faults.extend(wrong.map(|(round, value)| Fault::OutOfRange { round, value, at_most }));
        if this.seen().next().is_none() {
            faults.push(Fault::NoOutcome);
        }
        Faults::or(faults, this)
    }

    /// Terms of a policy's estimate, one for each round whose outcome was seen. SNIPS is linearised,
    /// `V + w(r − V) / mean(w)` with `V = Σ w·r / Σ w`: the mean is V, the variance that of the delta method.
    ///
    /// # Errors
    /// The policy doesn't fit the log, a weight is above the bound, predictions are missing, or τ or λ is none.
    pub fn terms(&self, policy: &Policy, estimator: Estimator) -> Result<Terms, Faults> {
        let cases = self.cases(policy, estimator)?;
        let mut values: Vec<f64> = cases.iter().map(|case| estimator.term(case)).collect();
        if estimator == Estimator::Snips {
            values = self_normalised(&cases)?;
        }
        Ok(Terms { values, range: estimator.range(self.bound).map(|r| r.scaled(self.metric.at_most())) })
    }

    /// Terms of the difference candidate − baseline, paired by round: what both policies share cancels.
    ///
    /// # Errors
    /// As [`Self::terms`], for either policy.
    pub fn difference(&self, candidate: &Policy, baseline: &Policy, estimator: Estimator) -> Result<Terms, Faults> {
        let (ours, theirs) = (self.terms(candidate, estimator)?, self.terms(baseline, estimator)?);
        let values = ours.values.iter().zip(&theirs.values).map(|(a, b)| a - b).collect();
        let range = estimator.difference_range(self.bound).map(|r| r.scaled(self.metric.at_most()));
        Ok(Terms { values, range })
    }

    /// How well the log supports a policy, over the rounds whose outcome was seen.
    ///
    /// # Errors
    /// The policy doesn't fit the log or a weight is above the bound.
    pub fn diagnostics(&self, policy: &Policy) -> Result<Diagnostics, Faults> {
        let cases = self.cases(policy, Estimator::Ips)?;
        let unseen = self.log.rounds().len() - cases.len();
        Ok(Diagnostics::new(cases.iter().map(|case| case.weight), unseen))
    }

    /// Rounds with a seen outcome.
    fn seen(&self) -> impl Iterator<Item = (usize, &'a Round, f64)> {
        let metric = self.metric;
        let rounds = self.log.rounds().iter().enumerate();
        rounds.filter_map(move |(i, round)| Some((i, round, metric.of(round)?)))
    }

    fn cases(&self, policy: &Policy, estimator: Estimator) -> Result<Vec<Case>, Faults> {
        estimator.check()?;
        Faults::or(self.log.shape_faults(policy.probabilities()), ())?;
        if estimator.needs_predictions() && self.predictions.is_none() {
            return Err(Fault::NoPredictions(estimator).into());
        }
        let predictions = self.predictions.filter(|_| estimator.needs_predictions());
        let mut faults = Vec::new();
        let cases = self.seen().map(|(i, round, outcome)| {
            let row = &policy.probabilities()[i];
            let weight = row[round.chosen] / round.propensity.get();
            faults.extend(self.above_bound(i, weight));
            let predicted = predictions.map(|table| table.0[i].as_slice());
            let direct = predicted.map_or(0.0, |q| row.iter().zip(q).map(|(p, q)| p * q).sum());
            Case { weight, outcome, direct, predicted: predicted.map_or(0.0, |q| q[round.chosen]) }
        });
        let cases = cases.collect();
        Faults::or(faults, cases)
    }

    /// A weight above the bound by more than rounding.
    fn above_bound(&self, round: usize, weight: f64) -> Option<Fault> {
        let bound = self.bound.weight();
        (weight > bound * (1.0 + 1e-9)).then_some(Fault::WeightAboveBound { round, weight, bound })
    }
}

fn self_normalised(cases: &[Case]) -> Result<Vec<f64>, Faults> {
    let sum: f64 = cases.iter().map(|case| case.weight).sum();
    if sum == 0.0 {
        return Err(Fault::NoSupport.into());
    }
    let value = cases.iter().map(|case| case.weight * case.outcome).sum::<f64>() / sum;
    let scale = cases.len() as f64 / sum;
    Ok(cases.iter().map(|case| value + scale * case.weight * (case.outcome - value)).collect())
}

/// Terms whose mean is an estimate, in the order of time and in the metric's unit; at least one.
#[derive(Debug, Clone, PartialEq)]
pub struct Terms {
    values: Vec<f64>,
    range: Option<Range>,
}

impl Terms {
    /// One for each round used.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// What a term can be, known beforehand; none for SNIPS.
    #[must_use]
    pub fn range(&self) -> Option<Range> {
        self.range
    }

    /// The estimate: their mean.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.values.iter().sum::<f64>() / self.values.len() as f64
    }

    /// Sample variance, `Σ (t − mean)² / (n − 1)`; NaN for one term.
    #[must_use]
    pub fn variance(&self) -> f64 {
        let mean = self.mean();
        self.values.iter().map(|t| (t - mean) * (t - mean)).sum::<f64>() / (self.values.len() as f64 - 1.0)
    }
}
