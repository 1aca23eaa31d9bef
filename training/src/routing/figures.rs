//! All measures of one router on test queries.

use super::{Curve, Point, Predictions, RoutingTable, calibration, pair};
use std::collections::BTreeMap;

/// Measures by name.
pub type Figures = BTreeMap<&'static str, f64>;

/// What all routers are measured against.
#[derive(Debug, Clone, PartialEq)]
pub struct Yardstick {
    /// The model that did best on the training queries.
    pub best_single: usize,
    /// Each model used for everything, on the test queries.
    pub fixed: Vec<Point>,
    /// Whether every cost is known; if not, there are no figures of cost.
    pub priced: bool,
}

impl Yardstick {
    /// Takes the best single model from training, its figures from test.
    #[must_use]
    pub fn new(train: &RoutingTable, test: &RoutingTable) -> Self {
        let (quality, cost) = (test.score.column_means(), test.cost.column_means());
        let fixed = cost.into_iter().zip(quality).map(|(cost_usd, quality)| Point { cost_usd, quality }).collect();
        let means = train.score.column_means();
        let best = (0..means.len()).max_by(|&a, &b| known(means[a]).total_cmp(&known(means[b])));
        Self { best_single: best.unwrap_or_default(), fixed, priced: test.is_priced() }
    }

    /// Costs of the cheapest and the dearest single model.
    #[must_use]
    pub fn cost_range(&self) -> (f64, f64) {
        let costs = self.fixed.iter().map(|p| p.cost_usd);
        (costs.clone().fold(f64::INFINITY, f64::min), costs.fold(f64::NEG_INFINITY, f64::max))
    }

    /// The single models' curve: the zero router is its hull.
    #[must_use]
    pub fn zero_router(&self) -> Curve {
        Curve(self.fixed.clone())
    }

    /// Measures of a curve: `aiq`, `perf_gain`, `cost_save`, `cost_save_95`, `qnc`. What is never reached saves nothing: there
    /// the cost of the best single model's quality is that of the best single model, which every router can fall back on.
    #[must_use]
    pub fn of_curve(&self, curve: &Curve) -> Figures {
        let best = self.fixed[self.best_single];
        let (low, high) = self.cost_range();
        let gain = ("perf_gain", curve.best_quality() / best.quality - 1.0);
        if !self.priced {
            return Figures::from([gain]);
        }
        let saved = |quality: f64| {
            let cost = curve.least_cost(quality).unwrap_or(f64::INFINITY).min(best.cost_usd);
            1.0 - cost / best.cost_usd
        };
        let cost_save = saved(best.quality);
        Figures::from([
            ("aiq", curve.aiq(low, high)),
            gain,
            ("cost_save", cost_save),
            ("cost_save_95", saved(0.95 * best.quality)),
            ("qnc", 1.0 - cost_save),
        ])
    }
}

fn known(value: f64) -> f64 {
    if value.is_nan() { f64::NEG_INFINITY } else { value }
}

/// Measures of predictions at an operating point λ, and the curve. `avg_acc` (mean over tasks) and `recall_at` are taken where
/// quality alone counts.
#[must_use]
pub fn of_predictions(
    predictions: &Predictions,
    test: &RoutingTable,
    yardstick: &Yardstick,
    lambda: f64,
) -> (Figures, Curve) {
    let curve = predictions.curve(test);
    let mut figures = yardstick.of_curve(&curve);
    let point = predictions.point(test, lambda);
    figures.extend([
        ("avg_quality", point.quality),
        ("avg_acc", avg_acc(predictions, test)),
        ("recall_at", calibration::recall_at(predictions, test)),
    ]);
    if yardstick.priced {
        figures.extend([("avg_cost_usd", point.cost_usd), ("lambda_usd", lambda)]);
    }
    let ece = calibration::ece_by_model(predictions, test);
    figures.extend([
        ("ece", ece.iter().sum::<f64>() / ece.len().max(1) as f64),
        ("ece_max", ece.iter().copied().fold(f64::NAN, f64::max)),
        ("decision_calibration", calibration::decision_calibration(predictions, test, lambda)),
    ]);
    if let Some(found) = pair::figures(predictions, test, yardstick.best_single) {
        figures.extend([("apgr", found.apgr), ("cpt50", found.cpt50), ("cpt80", found.cpt80)]);
    }
    (figures, curve)
}

fn avg_acc(predictions: &Predictions, test: &RoutingTable) -> f64 {
    let mut sums: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
    for (q, query) in test.queries.iter().enumerate() {
        let sum = sums.entry(query.task).or_default();
        sum.0 += test.score.row(q)[predictions.choice(q, f64::INFINITY)];
        sum.1 += 1.0;
    }
    sums.values().map(|(sum, n)| sum / n).sum::<f64>() / sums.len() as f64
}

/// λ for operation, chosen on validation: the least cost at which the quality of the best single model is met, else the
/// highest quality.
#[must_use]
pub fn operating_lambda(predictions: &Predictions, validation: &RoutingTable, best_single: usize) -> f64 {
    if !validation.is_priced() {
        return f64::INFINITY;
    }
    let target = validation.score.column_mean(best_single);
    let points = super::router::lambdas().into_iter().map(|l| (l, predictions.point(validation, l)));
    let points: Vec<(f64, Point)> = points.collect();
    let enough = points.iter().filter(|(_, p)| p.quality >= target);
    let cheapest = enough.min_by(|a, b| a.1.cost_usd.total_cmp(&b.1.cost_usd));
    let best = || points.iter().max_by(|a, b| a.1.quality.total_cmp(&b.1.quality));
    cheapest.or_else(best).map_or(f64::INFINITY, |(lambda, _)| *lambda)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routing::{Grid, table::fixtures};

    /// The cheap model is right on the first half, the dear one on all but the first fifth.
    fn world() -> RoutingTable {
        let score = |i: usize| vec![f64::from(u8::from(i < 50)), f64::from(u8::from(i >= 20))];
        fixtures::table(&(0..100).map(score).collect::<Vec<_>>(), &vec![vec![1.0, 11.0]; 100])
    }

    #[test]
    fn the_oracle_gains_quality_and_saves_cost_by_exactly_what_it_can() {
        let table = world();
        let yardstick = Yardstick::new(&table, &table);
        let truth = Predictions { quality: table.score.clone(), cost: table.cost.clone() };
        let (figures, _) = of_predictions(&truth, &table, &yardstick, f64::INFINITY);
        assert_eq!(yardstick.best_single, 1);
        // All right instead of 80 of 100; half of the queries cost 1 instead of 11.
        assert!((figures["perf_gain"] - 0.25).abs() < 1e-12);
        assert!((figures["avg_cost_usd"] - 6.0).abs() < 1e-12);
        assert!((figures["cost_save"] - 5.0 / 11.0).abs() < 1e-12);
        assert_eq!((figures["ece"], figures["decision_calibration"]), (0.0, 0.0));
    }

    #[test]
    fn a_router_that_knows_nothing_saves_nothing() {
        let table = world();
        let yardstick = Yardstick::new(&table, &table);
        let blind = Predictions { quality: Grid::from_rows(&vec![vec![0.5, 0.8]; 100]), cost: table.cost.clone() };
        let (figures, curve) = of_predictions(&blind, &table, &yardstick, f64::INFINITY);
        assert_eq!((figures["perf_gain"], figures["cost_save"]), (0.0, 0.0));
        assert!((figures["aiq"] - yardstick.of_curve(&yardstick.zero_router())["aiq"]).abs() < 1e-12, "{curve:?}");
    }

    #[test]
    fn the_operating_point_is_the_cheapest_that_keeps_the_best_models_quality() {
        let table = world();
        let truth = Predictions { quality: table.score.clone(), cost: table.cost.clone() };
        let lambda = operating_lambda(&truth, &table, 1);
        assert!(truth.point(&table, lambda).quality >= 0.8);
        assert!(truth.point(&table, lambda).cost_usd <= 6.0);
    }
}
