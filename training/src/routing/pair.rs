//! Measures for a pair of models, the strong and the weak one (RouteLLM, arXiv 2406.18665).

use super::{Predictions, RoutingTable};
use serde::Serialize;

/// Performance gap recovered as more queries go to the strong model.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PairFigures {
    /// Mean of the recovered gap over all shares.
    pub apgr: f64,
    /// Least share of strong calls that recovers half of the gap, per cent.
    pub cpt50: f64,
    /// The same for 80 %.
    pub cpt80: f64,
}

/// Measures a router on two models; the strong one is the one that did better on the training queries. `None` for other
/// numbers of models, or without a gap.
#[must_use]
pub fn figures(predictions: &Predictions, truth: &RoutingTable, strong: usize) -> Option<PairFigures> {
    if truth.models.len() != 2 || truth.is_empty() {
        return None;
    }
    let weak = 1 - strong;
    let recovered = recovered(predictions, truth, strong, weak)?;
    let n = truth.len() as f64;
    // The trapezoidal rule over shares 0, 1/n, …, 1.
    let apgr = recovered.windows(2).map(|w| f64::midpoint(w[0], w[1])).sum::<f64>() / n;
    let mut best = f64::NEG_INFINITY;
    let running: Vec<f64> = recovered
        .iter()
        .map(|&r| {
            best = best.max(r);
            best
        })
        .collect();
    let least = |level: f64| running.iter().position(|&r| r >= level).map_or(f64::NAN, |i| 100.0 * i as f64 / n);
    Some(PairFigures { apgr, cpt50: least(0.5), cpt80: least(0.8) })
}

/// `(A(p) − A_weak)/(A_strong − A_weak)` when the first 0, 1, …, n queries by predicted advantage go to the strong model.
/// Queries with equal predictions share what they gain, so that their order in the file does not matter.
fn recovered(predictions: &Predictions, truth: &RoutingTable, strong: usize, weak: usize) -> Option<Vec<f64>> {
    let advantage = |q: usize| predictions.quality.row(q)[strong] - predictions.quality.row(q)[weak];
    let gain = |q: usize| truth.score.row(q)[strong] - truth.score.row(q)[weak];
    let total: f64 = (0..truth.len()).map(gain).sum();
    if total == 0.0 {
        return None;
    }
    let mut order: Vec<usize> = (0..truth.len()).collect();
    order.sort_by(|&a, &b| advantage(b).total_cmp(&advantage(a)));
    let (mut sum, mut out) = (0.0, vec![0.0]);
    for tied in order.chunk_by(|&a, &b| advantage(a) == advantage(b)) {
        let each = tied.iter().map(|&q| gain(q)).sum::<f64>() / tied.len() as f64;
        for _ in tied {
            sum += each;
            out.push(sum / total);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routing::{Grid, table::fixtures};

    /// Weak is right on the first half, strong on all: the gap is half of the queries.
    fn world() -> RoutingTable {
        let rows: Vec<Vec<f64>> = (0..100).map(|i| vec![if i < 50 { 1.0 } else { 0.0 }, 1.0]).collect();
        fixtures::table(&rows, &vec![vec![0.0, 1.0]; 100])
    }

    fn predictions(advantage: impl Fn(usize) -> f64) -> Predictions {
        let quality = Grid::from_rows(&(0..100).map(|q| vec![0.0, advantage(q)]).collect::<Vec<_>>());
        Predictions { quality, cost: Grid::filled(100, 2, 0.0) }
    }

    #[test]
    fn knowing_the_answer_recovers_the_gap_with_half_of_the_calls() {
        let figures = figures(&predictions(|q| q as f64), &world(), 1).expect("two models with a gap");
        // Rises to 1 over the first half, stays there.
        assert!((figures.apgr - 0.75).abs() < 1e-9, "{figures:?}");
        assert_eq!((figures.cpt50, figures.cpt80), (25.0, 40.0));
    }

    #[test]
    fn knowing_nothing_recovers_in_proportion() {
        let figures = figures(&predictions(|_| 0.3), &world(), 1).expect("two models with a gap");
        assert!((figures.apgr - 0.5).abs() < 1e-9, "{figures:?}");
        assert_eq!(figures.cpt50, 50.0);
    }

    #[test]
    fn without_a_gap_there_is_nothing_to_recover() {
        let table = fixtures::table(&vec![vec![1.0, 1.0]; 4], &vec![vec![0.0, 1.0]; 4]);
        assert_eq!(figures(&predictions(|_| 0.0), &table, 1), None);
    }
}
