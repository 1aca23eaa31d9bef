//! The report: figures of every router, with intervals over the rounds.

use super::{EvaluateArgs, Evaluated, Round, Source};
use crate::routing::{Curve, pair::PairFigures};
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, fmt::Write};

/// Figures that the printed table shows.
const SHOWN: [&str; 8] =
    ["avg_quality", "avg_cost_usd", "aiq", "perf_gain", "cost_save", "cost_save_95", "ece", "same_decision"];
/// Those it shows for a pair of models.
const SHOWN_OF_PAIRS: [&str; 3] = ["apgr", "cpt50", "cpt80"];

/// Everything measured.
#[derive(Debug, Clone)]
pub struct Report {
    head: Value,
    rounds: Vec<RoundReport>,
}

#[derive(Debug, Clone)]
struct RoundReport {
    name: String,
    group: String,
    queries: (usize, usize),
    models: Vec<String>,
    evaluated: Evaluated,
}

/// Mean over rounds, with a 95 % interval of the mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// Mean.
    pub mean: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Summary {
    /// Student's t interval; one value is its own interval. `None` without finite values.
    #[must_use]
    pub fn of(values: &[f64]) -> Option<Self> {
        let values: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
        let n = values.len();
        if n == 0 {
            return None;
        }
        let mean = values.iter().sum::<f64>() / n as f64;
        let variance = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / (n.max(2) - 1) as f64;
        let half = t_quantile(n - 1) * (variance / n as f64).sqrt();
        Some(Self { mean, low: mean - half, high: mean + half })
    }
}

/// The 97.5 % quantile of Student's t by degrees of freedom; 1.96 beyond 30.
fn t_quantile(freedom: usize) -> f64 {
    const TABLE: [f64; 30] = [
        12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
        2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
    ];
    match freedom {
        0 => 0.0,
        f => TABLE.get(f - 1).copied().unwrap_or(1.96),
    }
}

impl Report {
    /// Starts a report: what was asked, of which data, by which versions.
    #[must_use]
    pub fn new(args: &EvaluateArgs, sources: &[Source], encoder: &str) -> Self {
        let protocol = args.protocol.map_or("train-test".to_owned(), |p| format!("{p:?}"));
        let head = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "encoder": encoder,
            "protocol": protocol,
            "seeds": args.seeds,
            "priced_only": args.priced_only,
            "tables": sources,
        });
        Self { head, rounds: Vec::new() }
    }

    /// Adds a round.
    pub fn add(&mut self, round: &Round, evaluated: &Evaluated) {
        self.rounds.push(RoundReport {
            name: round.name.clone(),
            group: round.group.clone(),
            queries: (round.train.len(), round.test.len()),
            models: round.test.models.clone(),
            evaluated: evaluated.clone(),
        });
    }

    /// Curves of the first round.
    #[must_use]
    pub fn curves(&self) -> BTreeMap<String, Curve> {
        self.rounds.first().map(|r| r.evaluated.curves.clone()).unwrap_or_default()
    }

    /// Groups of rounds that are averaged, in order of appearance.
    fn groups(&self) -> Vec<&str> {
        let mut groups: Vec<&str> = Vec::new();
        for round in &self.rounds {
            if !groups.contains(&round.group.as_str()) {
                groups.push(&round.group);
            }
        }
        groups
    }

    /// Values of a figure over the rounds of a group.
    fn values(&self, group: &str, router: &str, figure: &str) -> Vec<f64> {
        let rounds = self.rounds.iter().filter(|r| r.group == group);
        rounds.filter_map(|r| r.evaluated.figures.get(router)?.get(figure).copied()).collect()
    }

    fn routers(&self, group: &str) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for round in self.rounds.iter().filter(|r| r.group == group) {
            for name in round.evaluated.figures.keys() {
                if !names.contains(&name.as_str()) {
                    names.push(name);
                }
            }
        }
        // Ours first, then the others, single models last.
        names.sort_by_key(|n| (n.starts_with("model:"), *n != "satisfice", *n));
        names
    }

    fn figures(&self, group: &str, router: &str) -> Vec<&'static str> {
        let rounds = self.rounds.iter().filter(|r| r.group == group);
        let mut names: Vec<&'static str> =
            rounds.filter_map(|r| r.evaluated.figures.get(router)).flat_map(|f| f.keys().copied()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The report as JSON: `routers`, then what it rests on.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut out = self.head.as_object().cloned().unwrap_or_default();
        let groups = self.groups();
        let last = groups.last().copied().unwrap_or_default();
        out.insert("routers".into(), self.group_json(last));
        if groups.len() > 1 {
            let all = groups.iter().map(|g| ((*g).to_owned(), self.group_json(g))).collect::<Map<_, _>>();
            out.insert("groups".into(), Value::Object(all));
        }
        out.insert("rounds".into(), self.rounds.iter().map(round_json).collect());
        Value::Object(out)
    }

    fn group_json(&self, group: &str) -> Value {
        let single = self.rounds.iter().filter(|r| r.group == group).count() == 1;
        let router = |name: &str| {
            let figures = self.figures(group, name).into_iter().filter_map(|figure| {
                let s = Summary::of(&self.values(group, name, figure))?;
                let value =
                    if single { json!(s.mean) } else { json!({ "mean": s.mean, "low": s.low, "high": s.high }) };
                Some((figure.to_owned(), value))
            });
            Value::Object(figures.collect())
        };
        Value::Object(self.routers(group).into_iter().map(|name| (name.to_owned(), router(name))).collect())
    }

    /// A table for people.
    #[must_use]
    pub fn table(&self) -> String {
        let mut out = String::new();
        for group in self.groups() {
            let rounds: Vec<&RoundReport> = self.rounds.iter().filter(|r| r.group == group).collect();
            let names: Vec<&str> = rounds.iter().map(|r| r.name.as_str()).collect();
            let (train, test) = rounds[0].queries;
            let of = if names.len() > 6 { format!("{} rounds", names.len()) } else { names.join(", ") };
            let _ = writeln!(
                out,
                "{group}{}{of}: {} models, {train} queries to train and {test} to test",
                if group.is_empty() { "" } else { ": " },
                rounds[0].models.len()
            );
            self.group_table(group, &mut out);
            self.pair_table(group, &mut out);
        }
        out
    }

    /// APGR and calls to the strong model by benchmark, for a pair of models.
    fn pair_table(&self, group: &str, out: &mut String) {
        let mut values: BTreeMap<(&str, &str), Vec<PairFigures>> = BTreeMap::new();
        for round in self.rounds.iter().filter(|r| r.group == group) {
            for (router, benchmarks) in &round.evaluated.pairs {
                for (benchmark, figures) in benchmarks {
                    values.entry((benchmark, router)).or_default().push(*figures);
                }
            }
        }
        for ((benchmark, router), figures) in values {
            let mean = |of: fn(&PairFigures) -> f64| Summary::of(&figures.iter().map(of).collect::<Vec<_>>());
            if let (Some(apgr), Some(half), Some(most)) = (mean(|f| f.apgr), mean(|f| f.cpt50), mean(|f| f.cpt80)) {
                let _ = writeln!(
                    out,
                    "{benchmark:14}{router:14} APGR {:.4} ±{:.4}  CPT50 {:.1} %  CPT80 {:.1} %",
                    apgr.mean,
                    apgr.high - apgr.mean,
                    half.mean,
                    most.mean
                );
            }
        }
    }

    fn group_table(&self, group: &str, out: &mut String) {
        let mean = |router: &str, figure: &str| Summary::of(&self.values(group, router, figure));
        let routers: Vec<&str> = self.routers(group).into_iter().filter(|r| !r.starts_with("model:")).collect();
        let all = SHOWN.iter().chain(&SHOWN_OF_PAIRS);
        let shown: Vec<&str> = all.copied().filter(|f| routers.iter().any(|r| mean(r, f).is_some())).collect();
        let _ = write!(out, "{:14}", "");
        for figure in &shown {
            let _ = write!(out, "{figure:>19}");
        }
        out.push('\n');
        for router in routers {
            let _ = write!(out, "{router:14}");
            for figure in &shown {
                let _ = write!(out, "{:>19}", mean(router, figure).map_or("·".into(), |s| cell(figure, s)));
            }
            out.push('\n');
        }
    }
}

fn cell(figure: &str, s: Summary) -> String {
    if figure == "avg_cost_usd" {
        return format!("{:.3e}", s.mean);
    }
    if s.high > s.low { format!("{:.4} ±{:.4}", s.mean, s.high - s.mean) } else { format!("{:.4}", s.mean) }
}

fn round_json(round: &RoundReport) -> Value {
    json!({
        "name": round.name,
        "group": round.group,
        "train_queries": round.queries.0,
        "test_queries": round.queries.1,
        "models": round.models,
        "routers": round.evaluated.figures,
        "ece_by_model": round.evaluated.ece,
        "pairs": round.evaluated.pairs,
        "curves": round.evaluated.curves,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_students() {
        // Mean 2, standard deviation 1 over three values: 4.303/√3.
        let s = Summary::of(&[1.0, 2.0, 3.0]).expect("three values");
        assert!((s.mean - 2.0).abs() < 1e-12 && (s.high - 2.0 - 4.303 / 3f64.sqrt()).abs() < 1e-9);
    }

    #[test]
    fn what_was_not_measured_is_left_out() {
        assert_eq!(Summary::of(&[f64::NAN]), None);
        assert_eq!(Summary::of(&[2.0, f64::NAN]), Some(Summary { mean: 2.0, low: 2.0, high: 2.0 }));
    }
}
