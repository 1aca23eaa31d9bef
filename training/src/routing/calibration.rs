//! Whether predicted quality means what it says.

use super::{Predictions, RoutingTable};

/// Bins of equal mass.
const BINS: usize = 15;

/// Expected calibration error of one model on graded quality: `Σ_b (n_b/n) |mean q̂ − mean r|` over 15 bins of equal mass.
/// Pairs with an unknown score don't count; NaN without pairs.
#[must_use]
pub fn ece(predicted: &[f64], realised: &[f64]) -> f64 {
    let mut pairs: Vec<(f64, f64)> =
        predicted.iter().copied().zip(realised.iter().copied()).filter(|(_, r)| !r.is_nan()).collect();
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let n = pairs.len();
    if n == 0 {
        return f64::NAN;
    }
    let bins = (0..BINS).map(|b| &pairs[b * n / BINS..(b + 1) * n / BINS]);
    bins.map(|bin| bin.iter().map(|(p, r)| p - r).sum::<f64>().abs()).sum::<f64>() / n as f64
}

/// ECE of each model.
#[must_use]
pub fn ece_by_model(predictions: &Predictions, truth: &RoutingTable) -> Vec<f64> {
    let column = |grid: &super::Grid, m: usize| -> Vec<f64> { (0..grid.rows()).map(|r| grid.row(r)[m]).collect() };
    (0..truth.models.len()).map(|m| ece(&column(&predictions.quality, m), &column(&truth.score, m))).collect()
}

/// Mean of `μ − r` on the models chosen with λ: above zero, the router promises more than it keeps.
#[must_use]
pub fn decision_calibration(predictions: &Predictions, truth: &RoutingTable, lambda: f64) -> f64 {
    let gap = |q: usize| {
        let chosen = predictions.choice(q, lambda);
        predictions.quality.row(q)[chosen] - truth.score.row(q)[chosen]
    };
    (0..truth.len()).map(gap).sum::<f64>() / truth.len().max(1) as f64
}

/// Mean of P(a right model is chosen | exactly r of K are right) over those r in 1..K that occur, at λ = ∞; right is a score
/// of at least ½. NaN when none occurs.
#[must_use]
pub fn recall_at(predictions: &Predictions, truth: &RoutingTable) -> f64 {
    let k = truth.models.len();
    let mut counts = vec![(0.0, 0.0); k + 1];
    for q in 0..truth.len() {
        let scores = truth.score.row(q);
        let right = scores.iter().filter(|s| **s >= 0.5).count();
        let hit = scores[predictions.choice(q, f64::INFINITY)] >= 0.5;
        counts[right].0 += f64::from(u8::from(hit));
        counts[right].1 += 1.0;
    }
    let rates: Vec<f64> = counts[1..k.max(1)].iter().filter(|c| c.1 > 0.0).map(|c| c.0 / c.1).collect();
    rates.iter().sum::<f64>() / rates.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routing::{Grid, table::fixtures};

    #[test]
    fn honest_predictions_have_no_calibration_error() {
        let predicted: Vec<f64> = (0..300).map(|i| f64::from(i / 100) / 2.0).collect();
        let realised: Vec<f64> = (0..300).map(|i| [0.0, f64::from(i % 2), 1.0][i as usize / 100]).collect();
        assert!(ece(&predicted, &realised) < 1e-9);
    }

    #[test]
    fn a_constant_error_is_its_size() {
        let predicted = vec![0.9; 150];
        let realised: Vec<f64> = (0..150).map(|i| f64::from(u8::from(i % 10 < 6))).collect();
        assert!((ece(&predicted, &realised) - 0.3).abs() < 1e-9);
    }

    #[test]
    fn promising_more_than_is_kept_shows_on_the_chosen_models() {
        let truth = fixtures::table(&[vec![0.5, 0.2], vec![0.5, 0.2]], &[vec![1.0, 1.0], vec![1.0, 1.0]]);
        let quality = Grid::from_rows(&[vec![0.9, 0.1], vec![0.7, 0.1]]);
        let predictions = Predictions { quality, cost: Grid::filled(2, 2, 1.0) };
        assert!((decision_calibration(&predictions, &truth, f64::INFINITY) - 0.3).abs() < 1e-12);
    }

    #[test]
    fn recall_counts_queries_that_some_but_not_all_get_right() {
        let scores = [vec![1.0, 0.0], vec![0.0, 1.0], vec![1.0, 1.0], vec![0.0, 0.0]];
        let truth = fixtures::table(&scores, &vec![vec![1.0, 1.0]; 4]);
        let first = Predictions { quality: Grid::from_rows(&vec![vec![1.0, 0.0]; 4]), cost: Grid::filled(4, 2, 1.0) };
        assert_eq!(recall_at(&first, &truth), 0.5);
    }
}
