//! What a router is, offline: trained on some queries, it predicts quality and cost of every model on others.

use super::{Curve, Grid, Point, RoutingTable};
use anyhow::Result;

/// λ at which the curve is drawn, USD per unit of quality: 0, 160 values spaced evenly on a log scale in [1e-7, 1e3], ∞.
#[must_use]
pub fn lambdas() -> Vec<f64> {
    let steps = (0..160).map(|i| 10f64.powf(-7.0 + 10.0 * f64::from(i) / 159.0));
    std::iter::once(0.0).chain(steps).chain(std::iter::once(f64::INFINITY)).collect()
}

/// Predicted quality and cost of each model on each query.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Predictions {
    /// `(queries, models)`, 0 to 1 for those that claim to be probabilities.
    pub quality: Grid,
    /// `(queries, models)`, USD.
    pub cost: Grid,
}

impl Predictions {
    /// Those for some queries.
    #[must_use]
    pub fn rows(&self, rows: &[usize]) -> Self {
        let of = |grid: &Grid| Grid::from_rows(&rows.iter().map(|&r| grid.row(r).to_vec()).collect::<Vec<_>>());
        Self { quality: of(&self.quality), cost: of(&self.cost) }
    }

    /// The model chosen for a query: `argmin ĉ − λ q̂`; at λ = ∞ the highest q̂, of equals the cheapest.
    #[must_use]
    pub fn choice(&self, query: usize, lambda: f64) -> usize {
        let (quality, cost) = (self.quality.row(query), self.cost.row(query));
        let key = |m: usize| if lambda.is_infinite() { -quality[m] } else { cost[m] - lambda * quality[m] };
        let compare = |a: &usize, b: &usize| key(*a).total_cmp(&key(*b)).then(cost[*a].total_cmp(&cost[*b]));
        (0..quality.len()).min_by(compare).unwrap_or_default()
    }

    /// What choosing with λ would have cost and been worth.
    #[must_use]
    pub fn point(&self, truth: &RoutingTable, lambda: f64) -> Point {
        let (mut cost_usd, mut quality) = (0.0, 0.0);
        for query in 0..truth.len() {
            let chosen = self.choice(query, lambda);
            cost_usd += truth.cost.row(query)[chosen];
            quality += truth.score.row(query)[chosen];
        }
        let n = truth.len().max(1) as f64;
        Point { cost_usd: cost_usd / n, quality: quality / n }
    }

    /// Its operating points over [`lambdas`].
    #[must_use]
    pub fn curve(&self, truth: &RoutingTable) -> Curve {
        Curve(lambdas().into_iter().map(|lambda| self.point(truth, lambda)).collect())
    }
}

/// Learns from outcomes.
pub trait Router: Send + Sync {
    /// Name in reports.
    fn name(&self) -> String;

    /// Learns. The table may lack scores and costs of some models on some queries.
    ///
    /// # Errors
    /// The table is too small for it.
    fn train(&self, table: &RoutingTable) -> Result<Box<dyn Trained>>;
}

/// Has learned.
pub trait Trained: Send + Sync {
    /// Predictions for the queries of a table with the same models in the same order. Only the oracle looks at its outcomes,
    /// and only the source table at its tasks.
    fn predict(&self, table: &RoutingTable) -> Predictions;
}
