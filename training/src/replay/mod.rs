//! `satisfice-train replay`: what another policy would have given on yesterday's traffic, with intervals.

pub mod log;
pub mod policy;

use crate::ope::{
    Comparison, Confidence, Contest, Diagnostics, Estimator, Evaluation, Faults, Interval, Log, Method, Metric, Policy,
    Predictions, Ruling, WeightBound, rule,
};
use crate::output::write_json;
use anyhow::{Result, ensure};
use log::Logged;
use policy::Variant;
use serde::Serialize;
use std::{collections::BTreeMap, fmt::Write, path::PathBuf};

/// Estimators that are reported; the doubly robust one decides.
const ESTIMATORS: [(&str, Estimator); 6] = [
    ("dr", Estimator::Dr),
    ("ips", Estimator::Ips),
    ("snips", Estimator::Snips),
    ("dm", Estimator::Dm),
    ("switch_dr", Estimator::SwitchDr { tau: 20.0 }),
    ("dr_os", Estimator::DrOs { lambda: 100.0 }),
];

/// Arguments of `replay`.
#[derive(Debug, Clone, clap::Args)]
pub struct ReplayArgs {
    /// The service's log: its data folder, the database file in it, or a folder with decisions.parquet, outcomes.parquet and
    /// feedback.parquet as `satisfice export` writes them.
    #[arg(long)]
    pub log: PathBuf,
    /// Policies to try (TOML): `mode, quality_target, budget_usd, kappa, exploration, without, price_factors`, each as at the
    /// decision unless named.
    #[arg(long, required = true)]
    pub policy: Vec<PathBuf>,
    /// Only decisions of this scope.
    #[arg(long)]
    pub scope: Option<String>,
    /// Where to write the report.
    #[arg(long)]
    pub json: Option<PathBuf>,
}

/// A value with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Estimate {
    /// Estimate.
    pub mean: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// What a policy would have given.
#[derive(Debug, Clone, Serialize)]
pub struct PolicyReport {
    /// Mean score by estimator, over decisions with a score.
    pub quality: BTreeMap<&'static str, Estimate>,
    /// Mean cost in USD by estimator.
    pub cost_usd: BTreeMap<&'static str, Estimate>,
    /// How well the log supports it.
    pub support: Diagnostics,
    /// Share of decisions in which it would probably have chosen another model.
    pub changed: f64,
    /// Decisions in which it has no model to choose, and is taken to choose as logged.
    pub without_candidates: usize,
    /// Change against the policy that wrote the log.
    pub change: Option<Comparison>,
    /// Whether it should replace it.
    pub ruling: Option<Ruling>,
}

/// The whole report.
#[derive(Debug, Clone, Serialize)]
pub struct ReplayReport {
    /// Decisions with a choice.
    pub decisions: usize,
    /// Those with a score.
    pub scored: usize,
    /// Decisions without a choice, left out.
    pub without_choice: usize,
    /// Decisions that another model served, left out.
    pub served_by_another: usize,
    /// The policy that wrote the log, then the others.
    pub policies: BTreeMap<String, PolicyReport>,
}

/// Replays, prints, writes.
///
/// # Errors
/// Log or policies can't be read, or a result can't be written.
pub fn run(args: &ReplayArgs) -> Result<()> {
    let variants = args.policy.iter().map(|p| Variant::read(p)).collect::<Result<Vec<_>>>()?;
    let read = log::read(&args.log, args.scope.as_deref())?;
    let report = replay(read, &variants)?;
    print!("{}", render(&report));
    if let Some(path) = &args.json {
        write_json(path, &report)?;
    }
    Ok(())
}

/// Tries policies on a log.
///
/// # Errors
/// Two policies have the same name.
pub fn replay(read: log::Read, variants: &[Variant]) -> Result<ReplayReport> {
    let mut report = ReplayReport {
        decisions: read.rounds.len(),
        scored: read.rounds.iter().filter(|r| r.round.reward.is_some()).count(),
        without_choice: read.without_choice,
        served_by_another: read.served_by_another,
        policies: BTreeMap::new(),
    };
    let logged = Variant { name: Some("logged".into()), ..Variant::default() };
    for variant in std::iter::once(&logged).chain(variants) {
        let name = variant.name.clone().unwrap_or_default();
        let (probabilities, stuck) = if variant.name == logged.name {
            (propensities(&read.rounds), 0)
        } else {
            variant.probabilities(&read.rounds)
        };
        let tried = try_policy(&read.rounds, variant, probabilities, stuck)?;
        ensure!(report.policies.insert(name.clone(), tried).is_none(), "two policies are called {name:?}");
    }
    Ok(report)
}

fn propensities(rounds: &[Logged]) -> Vec<Vec<f64>> {
    rounds.iter().map(|r| r.propensities.clone()).collect()
}

/// What a policy that chooses by `target` would have given on the rounds, against the policy that wrote them.
pub(crate) fn try_policy(
    rounds: &[Logged],
    variant: &Variant,
    target: Vec<Vec<f64>>,
    stuck: usize,
) -> Result<PolicyReport> {
    let factor = |r: &Logged, i: usize| variant.price_factor(&r.models[i]);
    let priced = rounds.iter().map(|r| {
        let mut round = r.round;
        let cost = round.cost_usd.get() * factor(r, round.chosen);
        round.cost_usd = satisfice::domain::Usd::new(cost)?;
        Ok(round)
    });
    let log = Log::new(priced.collect::<Result<Vec<_>>>()?)?;
    let costs = Predictions(table(rounds, |r, i| r.scored[i].cost_usd * factor(r, i)));
    let qualities = Predictions(table(rounds, |r, i| r.scored[i].mean.clamp(0.0, 1.0)));
    let bound = WeightBound::new(largest_weight(rounds, &target))?;
    let dearest = costs.0.iter().flatten().copied().chain(log.rounds().iter().map(|r| r.cost_usd.get()));
    let at_most = dearest.fold(0.0, f64::max);
    let (target, baseline) = (Policy::new(target)?, Policy::new(propensities(rounds))?);
    let cost = Evaluation::new(&log, Metric::CostUsd { at_most }, bound, Some(&costs))?;
    // Without any score there is nothing to say about quality.
    let quality = Evaluation::new(&log, Metric::Quality, bound, Some(&qualities)).ok();
    let change = quality
        .map(|quality| Contest { quality, cost_usd: cost, candidate: &target, baseline: &baseline })
        .map(|contest| contest.compare(Estimator::Dr, Method::Normal, Confidence::P95))
        .transpose()?;
    let changed = rounds.iter().zip(target.probabilities()).filter(|(r, p)| p[r.round.chosen] < 0.5).count();
    Ok(PolicyReport {
        quality: quality.map(|q| estimates(&q, &target)).transpose()?.unwrap_or_default(),
        cost_usd: estimates(&cost, &target)?,
        support: quality.unwrap_or(cost).diagnostics(&target)?,
        changed: changed as f64 / rounds.len() as f64,
        without_candidates: stuck,
        ruling: change.as_ref().map(rule),
        change,
    })
}

fn table(rounds: &[Logged], of: impl Fn(&Logged, usize) -> f64) -> Vec<Vec<f64>> {
    rounds.iter().map(|r| (0..r.models.len()).map(|i| of(r, i)).collect()).collect()
}

/// The largest weight that any draw could have had: propensities of all candidates are logged, so it does not depend on what
/// was drawn.
fn largest_weight(rounds: &[Logged], target: &[Vec<f64>]) -> f64 {
    let weights = rounds.iter().zip(target).flat_map(|(r, p)| {
        let pairs = p.iter().zip(&r.propensities);
        pairs.filter(|(_, p0)| **p0 > 0.0).map(|(p, p0)| p / p0)
    });
    weights.fold(1.0, f64::max) * (1.0 + 1e-9)
}

fn estimates(evaluation: &Evaluation<'_>, policy: &Policy) -> Result<BTreeMap<&'static str, Estimate>, Faults> {
    let mut out = BTreeMap::new();
    for (name, estimator) in ESTIMATORS {
        let terms = match evaluation.terms(policy, estimator) {
            Ok(terms) => terms,
            // Without any weight there is nothing to normalise by.
            Err(_) if estimator == Estimator::Snips => continue,
            Err(faults) => return Err(faults),
        };
        let interval = Method::Normal.interval(&terms, Confidence::P95);
        let Interval { low, high } = interval.unwrap_or(Interval { low: f64::NAN, high: f64::NAN });
        out.insert(name, Estimate { mean: terms.mean(), low, high });
    }
    Ok(out)
}

/// A paragraph a policy, for people.
fn render(report: &ReplayReport) -> String {
    let mut out = format!("{} decisions with a choice, {} of them with a score", report.decisions, report.scored);
    if report.without_choice + report.served_by_another > 0 {
        let _ = write!(
            out,
            "; left out: {} without a choice, {} served by another model",
            report.without_choice, report.served_by_another
        );
    }
    out.push('\n');
    for (name, policy) in &report.policies {
        let _ = writeln!(out, "\n{name}: another model in {:.1} % of decisions", 100.0 * policy.changed);
        for (what, values) in [("quality", &policy.quality), ("cost, USD", &policy.cost_usd)] {
            if let (Some(dr), Some(dm)) = (values.get("dr"), values.get("dm")) {
                let _ = writeln!(
                    out,
                    "  {what:10} {:.6}  [{:.6}, {:.6}] doubly robust;  {:.6} by predictions alone",
                    dr.mean, dr.low, dr.high, dm.mean
                );
            }
        }
        let support = &policy.support;
        let _ = writeln!(
            out,
            "  support    {:.0} effective of {} rounds, mean weight {:.3}, largest {:.1}",
            support.effective_sample_size, support.rounds, support.mean_weight, support.max_weight
        );
        if let Some(ruling) = policy.ruling.as_ref().filter(|_| name != "logged") {
            let _ = writeln!(out, "  {:?}", ruling.decision);
            for reason in &ruling.reasons {
                let _ = writeln!(out, "    {reason}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests;
