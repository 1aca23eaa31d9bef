//! A Gaussian-process smoother of outcomes over what the encoder says of queries.

use crate::routing::{Grid, splits};
use anyhow::{Context, Result, ensure};
use nalgebra::{Cholesky, DMatrix};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use rayon::prelude::*;
use satisfice::classifier::heads::dot;

/// Kernel ridge regression of many targets with `k(x, y) = exp(−|x − y|²/width)` on centred unit vectors; `width` is the median
/// squared distance of the training rows, the means of the targets are not shrunk. With more than 512 rows the kernel is
/// approximated through 512 of them (Nyström: Williams & Seeger 2001).
#[derive(Debug, Clone)]
pub struct Smoother {
    centre: Vec<f32>,
    landmarks: Vec<Vec<f32>>,
    /// Lower triangle L with `LLᵀ` the kernel between landmarks: `φ(x) = L⁻¹k(x)`.
    factor: DMatrix<f64>,
    width: f64,
    means: Vec<f64>,
    /// `(landmarks, targets)`: prediction is the mean plus `φ(x)ᵀ W`.
    weights: DMatrix<f64>,
    left_out: Grid,
}

/// Pairs that the median distance is taken over.
const PAIRS: usize = 20_000;
/// Rows that the kernel is taken to.
const LANDMARKS: usize = 512;
/// Added to the kernel between landmarks, so that equal rows don't make it singular.
const JITTER: f64 = 1e-6;

impl Smoother {
    /// Fits targets `(rows, targets)`, all known, with ridge `lambda` > 0 on a kernel of height 1.
    ///
    /// # Errors
    /// There are fewer than two rows, or a target is not finite.
    pub fn fit(vectors: &[&[f32]], targets: &Grid, lambda: f64) -> Result<Self> {
        ensure!(vectors.len() >= 2, "a smoother needs at least two rows, there are {}", vectors.len());
        let n = vectors.len();
        let centre: Vec<f32> =
            (0..vectors[0].len()).map(|i| vectors.iter().map(|v| v[i]).sum::<f32>() / n as f32).collect();
        let rows: Vec<Vec<f32>> = vectors.iter().map(|v| v.iter().zip(&centre).map(|(x, c)| x - c).collect()).collect();
        let width = median_distance(&rows);
        let landmarks = landmarks(&rows);
        let m = landmarks.len();
        let jitter = |r: usize, c: usize| if r == c { JITTER } else { 0.0 };
        let between = DMatrix::from_fn(m, m, |r, c| kernel(&landmarks[r], &landmarks[c], width) + jitter(r, c));
        let factor = Cholesky::new(between).context("the kernel is not positive definite")?.unpack();
        let means = targets.column_means();
        let mut smoother =
            Self { centre, landmarks, factor, width, means, weights: DMatrix::zeros(m, 0), left_out: Grid::default() };
        smoother.solve(&smoother.features(&rows), targets, lambda)?;
        Ok(smoother)
    }

    /// `W = (ΦᵀΦ + λI)⁻¹ΦᵀY`; leaving row i out divides its residual by one minus its leverage.
    fn solve(&mut self, features: &DMatrix<f64>, targets: &Grid, lambda: f64) -> Result<()> {
        let (n, m) = (features.nrows(), features.ncols());
        let y = DMatrix::from_fn(n, targets.columns(), |r, c| targets.row(r)[c] - self.means[c]);
        ensure!(y.iter().all(|v| v.is_finite()), "a smoother over a value that is not a number");
        let mut gram = features.tr_mul(features);
        (0..m).for_each(|i| gram[(i, i)] += lambda);
        let inverse = Cholesky::new(gram).context("the kernel's second moments are not positive definite")?.inverse();
        self.weights = &inverse * features.tr_mul(&y);
        let (fitted, spread) = (features * &self.weights, features * &inverse);
        let left_out = (0..n).map(|r| {
            let leverage = spread.row(r).dot(&features.row(r)).min(1.0 - 1e-9);
            let cell = |c: usize| targets.row(r)[c] - (y[(r, c)] - fitted[(r, c)]) / (1.0 - leverage);
            (0..targets.columns()).map(cell).collect::<Vec<f64>>()
        });
        self.left_out = Grid::from_rows(&left_out.collect::<Vec<_>>());
        Ok(())
    }

    /// `(rows, landmarks)` of centred rows.
    fn features(&self, rows: &[Vec<f32>]) -> DMatrix<f64> {
        let near: Vec<Vec<f64>> =
            rows.par_iter().map(|row| self.landmarks.iter().map(|l| kernel(l, row, self.width)).collect()).collect();
        let mut columns = DMatrix::from_fn(self.landmarks.len(), rows.len(), |r, c| near[c][r]);
        // A triangle with a positive diagonal can be solved for anything.
        self.factor.solve_lower_triangular_mut(&mut columns);
        columns.transpose()
    }

    /// Predictions `(vectors, targets)`.
    #[must_use]
    pub fn predict(&self, vectors: &[&[f32]]) -> Grid {
        let rows: Vec<Vec<f32>> =
            vectors.iter().map(|v| v.iter().zip(&self.centre).map(|(x, c)| x - c).collect()).collect();
        let fitted = self.features(&rows) * &self.weights;
        let row = |r: usize| fitted.row(r).iter().zip(&self.means).map(|(f, m)| f + m).collect::<Vec<f64>>();
        Grid::from_rows(&(0..rows.len()).map(row).collect::<Vec<_>>())
    }

    /// What would be predicted of each training row without it.
    #[must_use]
    pub fn left_out(&self) -> &Grid {
        &self.left_out
    }
}

/// At most 512 rows, drawn with a fixed seed.
fn landmarks(rows: &[Vec<f32>]) -> Vec<Vec<f32>> {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    if rows.len() > LANDMARKS {
        splits::shuffle(&mut order, &mut ChaCha8Rng::seed_from_u64(512));
        order.truncate(LANDMARKS);
        order.sort_unstable();
    }
    order.into_iter().map(|i| rows[i].clone()).collect()
}

fn kernel(a: &[f32], b: &[f32], width: f64) -> f64 {
    let distance = f64::from(dot(a, a) + dot(b, b) - 2.0 * dot(a, b)).max(0.0);
    (-distance / width).exp()
}

fn median_distance(rows: &[Vec<f32>]) -> f64 {
    let n = rows.len();
    let stride = (n * (n - 1) / 2 / PAIRS).max(1);
    let pairs = (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j))).step_by(stride);
    let mut all: Vec<f64> = pairs
        .map(|(i, j)| f64::from(dot(&rows[i], &rows[i]) + dot(&rows[j], &rows[j]) - 2.0 * dot(&rows[i], &rows[j])))
        .collect();
    all.sort_by(f64::total_cmp);
    all[all.len() / 2].max(1e-6)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(n: usize) -> Vec<Vec<f32>> {
        (0..n).map(|i| vec![(i as f32 * 0.1).sin(), (i as f32 * 0.1).cos(), 0.3]).collect()
    }

    fn targets(rows: &[Vec<f32>]) -> Grid {
        Grid::from_rows(&rows.iter().map(|r| vec![f64::from(r[0] * r[1]), 1.0]).collect::<Vec<_>>())
    }

    #[test]
    fn smooth_laws_are_found_and_constants_kept() {
        let rows = rows(60);
        let refs: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
        let y = targets(&rows);
        let fitted = Smoother::fit(&refs, &y, 1e-3).expect("a fit").predict(&refs);
        for r in 0..60 {
            assert!((fitted.row(r)[0] - y.row(r)[0]).abs() < 0.02 && (fitted.row(r)[1] - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn leaving_a_row_out_is_fitting_without_it() {
        let rows = rows(20);
        let refs: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
        let y = targets(&rows);
        let all = Smoother::fit(&refs, &y, 0.5).expect("a fit");
        // The same centre, width and means, without row 7.
        let kept: Vec<usize> = (0..20).filter(|&i| i != 7).collect();
        let gram = DMatrix::from_fn(19, 19, |r, c| {
            kernel(&all.landmarks[kept[r]], &all.landmarks[kept[c]], all.width) + if r == c { 0.5 } else { 0.0 }
        });
        let rest = DMatrix::from_fn(19, 1, |r, _| y.row(kept[r])[0] - all.means[0]);
        let alpha = Cholesky::new(gram).expect("positive definite").solve(&rest);
        let near = kept.iter().map(|&k| kernel(&all.landmarks[k], &all.landmarks[7], all.width));
        let direct = all.means[0] + near.zip(alpha.iter()).map(|(k, a)| k * a).sum::<f64>();
        // The jitter on the kernel is 1e-6.
        assert!((all.left_out().row(7)[0] - direct).abs() < 1e-5);
    }
}
