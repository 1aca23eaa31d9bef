//! What a simulation came to, beside what could be had with hindsight.

use super::{
    agent::{Goal, Lived},
    warm::Warm,
};
use crate::{
    evaluate::Summary,
    routing::{Curve, Point, RoutingTable, figures::Yardstick},
};
use anyhow::{Result, anyhow};
use plotters::prelude::*;
use satisfice::domain::DecisionMode;
use serde_json::{Map, Value, json};
use std::{fmt::Write, path::Path};

/// Scores before this are the burn-in of a target.
const SETTLED: usize = 500;

/// All streams of one goal.
pub(super) struct Run {
    pub(super) goal: Goal,
    pub(super) streams: Vec<Vec<Lived>>,
}

/// Everything simulated.
pub(super) struct Simulation<'a> {
    pub(super) table: &'a RoutingTable,
    pub(super) warm: &'a Warm,
    pub(super) runs: Vec<Run>,
    pub(super) drifts: bool,
}

fn mean<'a>(lived: impl Iterator<Item = &'a Lived>, of: fn(&Lived) -> f64) -> f64 {
    let (sum, n) = lived.fold((0.0, 0usize), |(sum, n), l| (sum + of(l), n + 1));
    sum / n as f64
}

impl Run {
    /// Mean over seeds, with its interval, of a figure of each stream.
    fn over_seeds(&self, figure: impl Fn(&[Lived]) -> f64) -> Summary {
        let values: Vec<f64> = self.streams.iter().map(|s| figure(s)).collect();
        Summary::of(&values).unwrap_or(Summary { mean: f64::NAN, low: f64::NAN, high: f64::NAN })
    }

    fn reward(&self) -> Summary {
        self.over_seeds(|s| mean(s.iter(), |l| l.score))
    }

    fn cost(&self) -> Summary {
        self.over_seeds(|s| mean(s.iter(), |l| l.cost_usd))
    }

    fn in_phase(&self, phase: usize, of: fn(&Lived) -> f64) -> Summary {
        self.over_seeds(|s| mean(s.iter().filter(|l| l.phase == phase), of))
    }

    fn shares(&self, models: &[String]) -> Map<String, Value> {
        let share = |m: usize| {
            let all = self.streams.iter().flatten();
            all.clone().filter(|l| l.model == m).count() as f64 / all.count() as f64
        };
        models.iter().enumerate().map(|(m, name)| (name.clone(), json!(share(m)))).collect()
    }

    /// Mean score of the requests decided with a predicted quality of at least τ.
    fn reward_where_met(&self) -> f64 {
        self.over_seeds(|s| mean(s.iter().filter(|l| l.target_met), |l| l.score)).mean
    }
}

impl Simulation<'_> {
    /// Operating points with the same predictions and the best λ in hindsight.
    fn hindsight(&self) -> Curve {
        self.warm.stream.curve(self.table)
    }

    fn fixed(&self) -> Curve {
        Yardstick::new(self.table, self.table).zero_router()
    }

    /// The report as JSON.
    pub(super) fn to_json(&self) -> Value {
        let (hindsight, fixed) = (self.hindsight(), self.fixed());
        let (budgets, targets): (Vec<&Run>, Vec<&Run>) =
            self.runs.iter().partition(|r| r.goal.mode == DecisionMode::Budget);
        let budgets: Vec<Value> = budgets.into_iter().map(|r| self.budget_json(r, &hindsight, &fixed)).collect();
        let targets: Vec<Value> = targets.into_iter().map(|r| self.target_json(r, &hindsight)).collect();
        let regrets: Vec<f64> = budgets.iter().filter_map(|b| b["regret"].as_f64()).collect();
        let seeds = self.runs.first().map_or(0, |r| r.streams.len());
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "requests": self.runs.first().and_then(|r| r.streams.first()).map_or(0, Vec::len),
            "seeds": seeds,
            "models": self.table.models,
            "fixed": self.table.models.iter().cloned().zip(fixed.0.iter().map(|p| json!(p))).collect::<Map<_, _>>(),
            "budgets": budgets,
            "targets": targets,
            "regret": { "mean": Summary::of(&regrets).map(|s| s.mean), "by_budget": regrets },
        })
    }

    fn budget_json(&self, run: &Run, hindsight: &Curve, fixed: &Curve) -> Value {
        let budget = run.goal.budget_usd;
        let (reward, cost) = (run.reward(), run.cost());
        let (best, hull) = (at_cost(hindsight, budget), at_cost(fixed, budget));
        let mut out = json!({
            "budget_usd": budget,
            "reward": reward.mean, "reward_low": reward.low, "reward_high": reward.high,
            "cost_usd": cost.mean,
            "utilisation": cost.mean / budget,
            "utilisation_max": run.streams.iter().map(|s| mean(s.iter(), |l| l.cost_usd)).fold(0.0, f64::max) / budget,
            "hull_reward": hull, "hindsight_reward": best, "regret": best.map(|b| b - reward.mean),
            "share": run.shares(&self.table.models),
        });
        if self.drifts {
            out["phases"] = (0..3).map(|p| phase_json(run, p)).collect();
        }
        out
    }

    fn target_json(&self, run: &Run, hindsight: &Curve) -> Value {
        let target = run.goal.quality_target;
        let (reward, cost) = (run.reward(), run.cost());
        let optimal = at_quality(hindsight, target);
        let settled = run.over_seeds(|s| mean(s.iter().skip(SETTLED.min(s.len() / 2)), |l| l.score));
        let least = run.streams.iter().map(|s| mean(s.iter(), |l| l.score)).fold(f64::INFINITY, f64::min);
        let met = run.over_seeds(|s| s.iter().filter(|l| l.target_met).count() as f64 / s.len() as f64);
        json!({
            "quality_target": target,
            "mode": format!("{:?}", run.goal.mode).to_lowercase(),
            "reachable": hindsight.best_quality() >= target,
            "reward": reward.mean, "reward_low": reward.low, "reward_high": reward.high, "reward_min": least,
            "reward_settled": settled.mean,
            "cost_usd": cost.mean, "optimal_cost_usd": optimal, "cost_ratio": optimal.map(|c| cost.mean / c),
            "share_met": met.mean, "reward_where_met": run.reward_where_met(),
            "share": run.shares(&self.table.models),
        })
    }

    /// A table for people.
    pub(super) fn table(&self) -> String {
        let (hindsight, fixed) = (self.hindsight(), self.fixed());
        let mut out = String::new();
        let requests = self.runs.first().and_then(|r| r.streams.first()).map_or(0, Vec::len);
        let seeds = self.runs.first().map_or(0, |r| r.streams.len());
        let _ = writeln!(out, "{requests} requests in {seeds} orders, {} models", self.table.models.len());
        for run in &self.runs {
            let (reward, cost) = (run.reward(), run.cost());
            let half = reward.high - reward.mean;
            let line = if run.goal.mode == DecisionMode::Budget {
                let budget = run.goal.budget_usd;
                let number = |v: Option<f64>| v.map_or("·".into(), |v| format!("{v:.4}"));
                let (hull, best) = (number(at_cost(&fixed, budget)), number(at_cost(&hindsight, budget)));
                format!(
                    "budget {budget:.3e}  reward {:.4} ±{half:.4}  spent {:.3} of it  fixed models {hull}  λ in hindsight {best}",
                    reward.mean,
                    cost.mean / budget
                )
            } else {
                let optimal = at_quality(&hindsight, run.goal.quality_target);
                let ratio = optimal.map_or("·".into(), |c| format!("{:.3}", cost.mean / c));
                format!(
                    "target {:.3}  reward {:.4} ±{half:.4}  where met {:.4}  cost {:.3e}, {ratio} of the least in hindsight",
                    run.goal.quality_target,
                    reward.mean,
                    run.reward_where_met(),
                    cost.mean
                )
            };
            let _ = writeln!(out, "{line}");
            if self.drifts {
                let phases: Vec<String> = (0..3).map(|p| phase_text(run, p)).collect();
                let _ = writeln!(out, "    by phase: {}", phases.join("   "));
            }
        }
        out
    }

    /// Draws reward against budget or target; under drift the mean reward over time.
    ///
    /// # Errors
    /// The file can't be written.
    pub(super) fn plot(&self, path: &Path) -> Result<()> {
        if self.drifts { self.plot_time(path) } else { self.plot_goals(path) }.map_err(|e| anyhow!("{e}"))
    }

    fn plot_goals(&self, path: &Path) -> Result<(), Box<dyn std::error::Error>> {
        let mut got: Vec<Point> =
            self.runs.iter().map(|r| Point { cost_usd: r.cost().mean, quality: r.reward().mean }).collect();
        got.sort_by(|a, b| a.cost_usd.total_cmp(&b.cost_usd));
        let (hindsight, fixed) = (self.hindsight().hull(), self.fixed().hull());
        let all = got.iter().chain(&hindsight).chain(&fixed).filter(|p| p.cost_usd > 0.0);
        let costs = all.clone().map(|p| p.cost_usd);
        let (low, high) = (costs.clone().fold(f64::INFINITY, f64::min), costs.fold(0.0, f64::max));
        let floor = all.map(|p| p.quality).fold(1.0, f64::min);
        let root = SVGBackend::new(path, (800, 500)).into_drawing_area();
        root.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&root)
            .caption("Mean score of the stream against what it cost", ("sans-serif", 18))
            .margin(14)
            .x_label_area_size(44)
            .y_label_area_size(56)
            .build_cartesian_2d((low * 0.9..high * 1.1).log_scale(), floor - 0.01..1.0)?;
        chart
            .configure_mesh()
            .x_desc("USD a request (log scale)")
            .y_desc("mean score")
            .x_label_formatter(&|v| format!("{v:.0e}"))
            .light_line_style(RGBColor(238, 238, 238))
            .draw()?;
        let lines = [
            ("fixed models, mixed", &fixed, RGBColor(90, 90, 90)),
            ("λ in hindsight", &hindsight, RGBColor(80, 150, 210)),
            ("satisfice, online", &got, RGBColor(214, 60, 50)),
        ];
        for (name, points, colour) in lines {
            let drawn = points.iter().filter(|p| p.cost_usd > 0.0).map(|p| (p.cost_usd, p.quality));
            chart
                .draw_series(LineSeries::new(drawn, colour.stroke_width(2)).point_size(3))?
                .label(name)
                .legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 18, y)], colour));
        }
        legend(&mut chart)?;
        root.present()?;
        Ok(())
    }

    fn plot_time(&self, path: &Path) -> Result<(), Box<dyn std::error::Error>> {
        const WINDOW: usize = 60;
        let smoothed = |run: &Run| -> Vec<(f64, f64)> {
            let n = run.streams.iter().map(Vec::len).min().unwrap_or(0);
            let at = |t: usize| run.streams.iter().map(|s| s[t].score).sum::<f64>() / run.streams.len() as f64;
            let each: Vec<f64> = (0..n).map(at).collect();
            let windows = each.windows(WINDOW).enumerate();
            windows.map(|(t, w)| ((t + WINDOW) as f64, w.iter().sum::<f64>() / WINDOW as f64)).collect()
        };
        let lines: Vec<Vec<(f64, f64)>> = self.runs.iter().map(smoothed).collect();
        let length = lines.iter().flatten().map(|p| p.0).fold(1.0, f64::max);
        let floor = lines.iter().flatten().map(|p| p.1).fold(1.0, f64::min);
        let root = SVGBackend::new(path, (800, 500)).into_drawing_area();
        root.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&root)
            .caption("Mean score over time; the middle third has the drift", ("sans-serif", 18))
            .margin(14)
            .x_label_area_size(44)
            .y_label_area_size(56)
            .build_cartesian_2d(0.0..length, floor - 0.01..1.0)?;
        let mean_of = format!("mean score of {WINDOW} requests");
        chart.configure_mesh().x_desc("requests").y_desc(mean_of).light_line_style(RGBColor(238, 238, 238)).draw()?;
        for (i, (run, line)) in self.runs.iter().zip(lines).enumerate() {
            let colour = Palette99::pick(i).to_rgba();
            let name = if run.goal.mode == DecisionMode::Budget {
                format!("budget {:.1e} USD", run.goal.budget_usd)
            } else {
                format!("target {}", run.goal.quality_target)
            };
            chart
                .draw_series(LineSeries::new(line, colour.stroke_width(2)))?
                .label(name)
                .legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 18, y)], colour));
        }
        legend(&mut chart)?;
        root.present()?;
        Ok(())
    }
}

fn legend<'a, X: Ranged, Y: Ranged>(
    chart: &mut ChartContext<'a, SVGBackend<'a>, Cartesian2d<X, Y>>,
) -> Result<(), String> {
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .background_style(WHITE.mix(0.85))
        .border_style(RGBColor(200, 200, 200))
        .draw()
        .map_err(|e| e.to_string())
}

fn phase_json(run: &Run, phase: usize) -> Value {
    let (reward, cost) = (run.in_phase(phase, |l| l.score), run.in_phase(phase, |l| l.cost_usd));
    json!({
        "reward": reward.mean, "reward_low": reward.low, "reward_high": reward.high,
        "utilisation": cost.mean / run.goal.budget_usd,
    })
}

fn phase_text(run: &Run, phase: usize) -> String {
    let (reward, cost) = (run.in_phase(phase, |l| l.score), run.in_phase(phase, |l| l.cost_usd));
    let spent = if run.goal.budget_usd > 0.0 {
        format!("spent {:.3}", cost.mean / run.goal.budget_usd)
    } else {
        format!("cost {:.2e}", cost.mean)
    };
    format!("{:.4} ({spent})", reward.mean)
}

/// The hull's height at a cost; `None` below its least cost.
fn at_cost(curve: &Curve, cost: f64) -> Option<f64> {
    let hull = curve.hull();
    let (first, last) = (hull.first()?, hull.last()?);
    if cost >= last.cost_usd {
        return Some(last.quality);
    }
    if cost < first.cost_usd {
        return None;
    }
    let w = hull.windows(2).find(|w| cost < w[1].cost_usd)?;
    let share = (cost - w[0].cost_usd) / (w[1].cost_usd - w[0].cost_usd);
    Some(w[0].quality + share * (w[1].quality - w[0].quality))
}

/// The least cost at which the hull reaches a quality.
fn at_quality(curve: &Curve, quality: f64) -> Option<f64> {
    let hull = curve.hull();
    if hull.first()?.quality >= quality {
        return Some(hull[0].cost_usd);
    }
    let w = hull.windows(2).find(|w| quality <= w[1].quality)?;
    let share = (quality - w[0].quality) / (w[1].quality - w[0].quality);
    Some(w[0].cost_usd + share * (w[1].cost_usd - w[0].cost_usd))
}
