//! Measures of classifiers.

use serde::Serialize;
use std::collections::BTreeMap;

/// Accuracy and macro F1 of predictions, with the confusion matrix.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Report {
    /// Rows.
    pub n: usize,
    /// Share of right predictions.
    pub accuracy: f64,
    /// Mean over the labels present of the F1 score.
    pub macro_f1: f64,
    /// Rows by true label, then by predicted label.
    pub confusion: BTreeMap<String, BTreeMap<String, usize>>,
}

/// Compares labels with predictions.
#[must_use]
pub fn report<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Report {
    let mut confusion: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
    let (mut n, mut right) = (0, 0);
    for (label, predicted) in pairs {
        n += 1;
        right += usize::from(label == predicted);
        *confusion.entry(label.to_owned()).or_default().entry(predicted.to_owned()).or_default() += 1;
    }
    let f1: Vec<f64> = confusion.keys().map(|label| f1(&confusion, label)).collect();
    Report {
        n,
        accuracy: right as f64 / n.max(1) as f64,
        macro_f1: f1.iter().sum::<f64>() / f1.len().max(1) as f64,
        confusion,
    }
}

fn f1(confusion: &BTreeMap<String, BTreeMap<String, usize>>, label: &str) -> f64 {
    let row = &confusion[label];
    let hits = row.get(label).copied().unwrap_or(0) as f64;
    let labelled: usize = row.values().sum();
    let predicted: usize = confusion.values().filter_map(|row| row.get(label)).sum();
    if hits == 0.0 { 0.0 } else { 2.0 * hits / (labelled + predicted) as f64 }
}

/// Area under the ROC curve of scores for positives against negatives; ties count half. NaN when a side is empty.
#[must_use]
pub fn auc(positives: &[f64], negatives: &[f64]) -> f64 {
    let mut all: Vec<(f64, bool)> =
        positives.iter().map(|&s| (s, true)).chain(negatives.iter().map(|&s| (s, false))).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut sum, mut below, mut i) = (0.0, 0.0, 0);
    while i < all.len() {
        let tie = all[i..].iter().take_while(|x| x.0 == all[i].0).count();
        let positive = all[i..i + tie].iter().filter(|x| x.1).count() as f64;
        let negative = tie as f64 - positive;
        sum += positive * (below + negative / 2.0);
        below += negative;
        i += tie;
    }
    sum / (positives.len() as f64 * negatives.len() as f64)
}

/// Spearman's rank correlation; ties get their mean rank.
#[must_use]
pub fn spearman(x: &[f64], y: &[f64]) -> f64 {
    let (x, y) = (ranks(x), ranks(y));
    let n = x.len() as f64;
    let (mx, my) = (x.iter().sum::<f64>() / n, y.iter().sum::<f64>() / n);
    let covariance: f64 = x.iter().zip(&y).map(|(a, b)| (a - mx) * (b - my)).sum();
    let spread = |v: &[f64], m: f64| v.iter().map(|a| (a - m) * (a - m)).sum::<f64>();
    covariance / (spread(&x, mx) * spread(&y, my)).sqrt()
}

fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut i = 0;
    while i < order.len() {
        let tie = order[i..].iter().take_while(|&&j| values[j] == values[order[i]]).count();
        for &j in &order[i..i + tie] {
            ranks[j] = i as f64 + (tie - 1) as f64 / 2.0;
        }
        i += tie;
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_count_what_is_right() {
        let r = report([("a", "a"), ("a", "b"), ("b", "b"), ("b", "b")]);
        assert_eq!((r.n, r.accuracy), (4, 0.75));
        // F1: a = 2·1/(2+1), b = 2·2/(2+3).
        assert!((r.macro_f1 - f64::midpoint(2.0 / 3.0, 0.8)).abs() < 1e-12);
    }

    #[test]
    fn auc_is_the_chance_that_a_positive_outranks_a_negative() {
        assert_eq!(auc(&[3.0, 2.0], &[1.0, 0.0]), 1.0);
        assert_eq!(auc(&[1.0, 1.0], &[1.0]), 0.5);
        assert_eq!(auc(&[2.0, 0.0], &[1.0]), 0.5);
    }

    #[test]
    fn spearman_sees_order_only() {
        assert!((spearman(&[1.0, 2.0, 3.0], &[1.0, 10.0, 1000.0]) - 1.0).abs() < 1e-12);
        assert!((spearman(&[1.0, 2.0, 3.0], &[3.0, 2.0, 1.0]) + 1.0).abs() < 1e-12);
    }
}
