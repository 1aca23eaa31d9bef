//! Ridge regression of many targets on one set of inputs, in closed form.

use crate::routing::Grid;
use anyhow::{Context, Result, ensure};
use nalgebra::{Cholesky, DMatrix, DVector};
use rayon::prelude::*;

/// `Y ≈ (X − x̄) W + ȳ`, with `W = (XᵀX + αI)⁻¹ XᵀY` on centred data; the means are not penalised.
#[derive(Debug, Clone, PartialEq)]
pub struct Ridge {
    mean: DVector<f64>,
    offset: DVector<f64>,
    /// `(inputs, targets)`.
    weights: DMatrix<f64>,
}

impl Ridge {
    /// Fits with penalty `alpha` > 0. Inputs `(rows, inputs)`, targets `(rows, targets)`, all known.
    ///
    /// # Errors
    /// There are no rows, or a value is not finite.
    pub fn fit(inputs: &[&[f32]], targets: &Grid, alpha: f64) -> Result<Self> {
        ensure!(!inputs.is_empty(), "ridge regression needs at least one row");
        let (rows, width) = (inputs.len(), inputs[0].len());
        let mut x = DMatrix::from_fn(rows, width, |r, c| f64::from(inputs[r][c]));
        let mut y = DMatrix::from_fn(rows, targets.columns(), |r, c| targets.row(r)[c]);
        let (mean, offset) = (centre(&mut x), centre(&mut y));
        let mut gram = x.tr_mul(&x);
        for i in 0..width {
            gram[(i, i)] += alpha;
        }
        let right = x.tr_mul(&y);
        ensure!(right.iter().all(|v| v.is_finite()), "ridge regression over a value that is not a number");
        let weights =
            Cholesky::new(gram).context("the inputs' second moments are not positive definite")?.solve(&right);
        Ok(Self { mean, offset, weights })
    }

    /// Predictions `(rows, targets)`.
    #[must_use]
    pub fn predict(&self, inputs: &[&[f32]]) -> Grid {
        let rows: Vec<Vec<f64>> = inputs
            .par_iter()
            .map(|row| {
                let mut out: Vec<f64> = self.offset.iter().copied().collect();
                for (i, &x) in row.iter().enumerate() {
                    let d = f64::from(x) - self.mean[i];
                    out.iter_mut().zip(self.weights.row(i).iter()).for_each(|(o, w)| *o += d * w);
                }
                out
            })
            .collect();
        Grid::from_rows(&rows)
    }
}

/// Takes the column means out, and gives them.
fn centre(matrix: &mut DMatrix<f64>) -> DVector<f64> {
    let means = matrix.row_mean().transpose();
    for (mut column, mean) in matrix.column_iter_mut().zip(means.iter()) {
        column.add_scalar_mut(-mean);
    }
    means
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linear_law_is_found_and_more_penalty_pulls_to_the_mean() {
        let rows: Vec<Vec<f32>> = (0..50).map(|i| vec![i as f32 / 50.0, (i % 7) as f32]).collect();
        let inputs: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
        let law = |r: &[f32]| vec![f64::from(2.0 * r[0] - r[1] + 3.0), f64::from(r[1])];
        let targets = Grid::from_rows(&rows.iter().map(|r| law(r)).collect::<Vec<_>>());
        let fitted = Ridge::fit(&inputs, &targets, 1e-9).expect("a fit").predict(&inputs);
        for (r, row) in rows.iter().enumerate() {
            assert!((fitted.row(r)[0] - law(row)[0]).abs() < 1e-5);
        }
        let flat = Ridge::fit(&inputs, &targets, 1e12).expect("a fit").predict(&inputs);
        assert!((flat.row(7)[0] - targets.column_mean(0)).abs() < 1e-6);
    }

    #[test]
    fn what_is_not_a_number_is_refused() {
        let targets = Grid::from_rows(&[vec![f64::NAN], vec![1.0]]);
        assert!(Ridge::fit(&[&[1.0], &[2.0]], &targets, 1.0).is_err());
    }
}
