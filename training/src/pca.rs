//! Principal directions of embeddings by subspace iteration: what the posterior sees of a prompt.

use satisfice::{classifier::CONTEXT, encoder::DIMENSIONS};

/// Rounds of subspace iteration; the 30th eigenvalue has settled long before.
const ROUNDS: usize = 150;

/// Mean and whitened directions: `z = D(e − mean)` has expected norm 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Projection {
    /// `(384,)`.
    pub mean: Vec<f32>,
    /// `(30, 384)`, row-major.
    pub directions: Vec<f32>,
}

/// Fits on embeddings. Deterministic: starts from fixed vectors, signs are fixed by the largest entry.
#[must_use]
pub fn fit(embeddings: &[&[f32; DIMENSIONS]]) -> Projection {
    let n = embeddings.len().max(1) as f64;
    let mut mean = vec![0.0f64; DIMENSIONS];
    for e in embeddings {
        mean.iter_mut().zip(e.iter()).for_each(|(m, &v)| *m += f64::from(v) / n);
    }
    let covariance = covariance(embeddings, &mean);
    let mut basis: Vec<Vec<f64>> = (0..CONTEXT)
        .map(|k| (0..DIMENSIONS).map(|i| ((i * (k + 1) * 37 + k * 11) % 101) as f64 - 50.0).collect())
        .collect();
    for _ in 0..ROUNDS {
        basis = basis.iter().map(|v| times(&covariance, v)).collect();
        orthonormalise(&mut basis);
    }
    let mut directions = Vec::with_capacity(CONTEXT * DIMENSIONS);
    for v in &basis {
        let variance = dot(v, &times(&covariance, v)).max(1e-9);
        let top = v.iter().copied().fold(0.0, |a: f64, b| if b.abs() > a.abs() { b } else { a });
        let scale = top.signum() / (variance * CONTEXT as f64).sqrt();
        directions.extend(v.iter().map(|x| (x * scale) as f32));
    }
    Projection { mean: mean.into_iter().map(|m| m as f32).collect(), directions }
}

fn covariance(embeddings: &[&[f32; DIMENSIONS]], mean: &[f64]) -> Vec<f64> {
    let mut c = vec![0.0; DIMENSIONS * DIMENSIONS];
    for e in embeddings {
        let d: Vec<f64> = e.iter().zip(mean).map(|(&v, m)| f64::from(v) - m).collect();
        for (row, &x) in c.chunks_exact_mut(DIMENSIONS).zip(&d) {
            row.iter_mut().zip(&d).for_each(|(c, y)| *c += x * y);
        }
    }
    c.iter_mut().for_each(|v| *v /= embeddings.len().max(1) as f64);
    c
}

fn times(matrix: &[f64], v: &[f64]) -> Vec<f64> {
    matrix.chunks_exact(DIMENSIONS).map(|row| dot(row, v)).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// Modified Gram-Schmidt.
fn orthonormalise(basis: &mut [Vec<f64>]) {
    for k in 0..basis.len() {
        let (done, rest) = basis.split_at_mut(k);
        let v = &mut rest[0];
        for u in done.iter() {
            let along = dot(u, v);
            v.iter_mut().zip(u).for_each(|(x, y)| *x -= along * y);
        }
        let norm = dot(v, v).sqrt().max(1e-12);
        v.iter_mut().for_each(|x| *x /= norm);
    }
}
