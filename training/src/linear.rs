//! Fits the classifier's linear heads: softmax, logistic (soft targets) and squared loss, with ridge penalties.
//!
//! Reproducible to the bit on one machine: rows are summed in fixed chunks whose partial sums are added in order, however many
//! threads work on them.

use crate::{
    lbfgs::{Stop, minimise},
    noise::Noise,
};
use rayon::prelude::*;
use satisfice::classifier::heads::dot;

/// Rows in one chunk of the sum.
const CHUNK: usize = 1024;

/// One training row.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Dense inputs.
    pub dense: Vec<f32>,
    /// Sparse inputs.
    pub sparse: Vec<(u32, f32)>,
    /// Class index, probability or value, by the loss.
    pub target: f64,
    /// Weight in the sum.
    pub weight: f64,
}

/// What is minimised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Cross-entropy over this many classes.
    Softmax(usize),
    /// Cross-entropy of a probability.
    Logistic,
    /// Half the squared error.
    Squared,
}

impl Loss {
    /// Outputs of the model.
    #[must_use]
    pub fn outputs(self) -> usize {
        match self {
            Self::Softmax(classes) => classes,
            Self::Logistic | Self::Squared => 1,
        }
    }
}

/// Shape and penalties.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// What is minimised.
    pub loss: Loss,
    /// Dense inputs.
    pub dense: usize,
    /// Sparse inputs.
    pub sparse: usize,
    /// Ridge on dense weights.
    pub dense_penalty: f64,
    /// Ridge on sparse weights.
    pub sparse_penalty: f64,
    /// Disturbances that the output should not follow, and their weight.
    pub noise: Option<(&'a Noise, f64)>,
    /// When to stop.
    pub stop: Stop,
}

/// A fitted model.
#[derive(Debug, Clone, PartialEq)]
pub struct Linear {
    outputs: usize,
    dense: usize,
    sparse: usize,
    /// `(outputs, dense)`, then `(sparse, outputs)`, then `(outputs,)`.
    weights: Vec<f64>,
}

impl Linear {
    /// Fits; `progress` is called with the objective after each iteration.
    #[must_use]
    pub fn fit(rows: &[&Row], options: Options<'_>, progress: impl FnMut(f64)) -> Self {
        let outputs = options.loss.outputs();
        let size = outputs * (options.dense + options.sparse + 1);
        let mut model = Self { outputs, dense: options.dense, sparse: options.sparse, weights: vec![0.0; size] };
        let mut x = vec![0.0; size];
        let shape = model.clone();
        let objective = |x: &[f64], gradient: &mut [f64]| shape.objective(rows, options, x, gradient);
        minimise(&mut x, options.stop, objective, progress);
        model.weights = x;
        model
    }

    /// `(outputs, dense)`, row-major.
    #[must_use]
    pub fn dense_weights(&self) -> &[f64] {
        &self.weights[..self.outputs * self.dense]
    }

    /// `(sparse, outputs)`, row-major.
    #[must_use]
    pub fn sparse_weights(&self) -> &[f64] {
        &self.weights[self.outputs * self.dense..][..self.sparse * self.outputs]
    }

    /// `(outputs,)`.
    #[must_use]
    pub fn bias(&self) -> &[f64] {
        &self.weights[self.outputs * (self.dense + self.sparse)..]
    }

    /// Raw outputs for a row.
    #[must_use]
    pub fn predict(&self, row: &Row) -> Vec<f64> {
        let x: Vec<f32> = self.weights.iter().map(|&w| w as f32).collect();
        let mut out = vec![0.0; self.outputs];
        self.forward(&x, row, &mut out);
        out
    }

    /// Raw outputs for many rows.
    #[must_use]
    pub fn predict_all(&self, rows: &[&Row]) -> Vec<Vec<f64>> {
        let x: Vec<f32> = self.weights.iter().map(|&w| w as f32).collect();
        rows.par_iter()
            .map(|row| {
                let mut out = vec![0.0; self.outputs];
                self.forward(&x, row, &mut out);
                out
            })
            .collect()
    }

    fn objective(&self, rows: &[&Row], options: Options<'_>, x: &[f64], gradient: &mut [f64]) -> f64 {
        let single: Vec<f32> = x.iter().map(|&w| w as f32).collect();
        let parts: Vec<(f64, Vec<f32>)> =
            rows.par_chunks(CHUNK).map(|chunk| self.chunk(chunk, options.loss, &single)).collect();
        gradient.fill(0.0);
        let mut value = 0.0;
        for (part, sums) in &parts {
            value += part;
            gradient.iter_mut().zip(sums).for_each(|(g, &s)| *g += f64::from(s));
        }
        let (dense, penalised) = (self.outputs * self.dense, self.outputs * (self.dense + self.sparse));
        for (i, (g, w)) in gradient.iter_mut().zip(x).enumerate().take(penalised) {
            let penalty = if i < dense { options.dense_penalty } else { options.sparse_penalty };
            value += 0.5 * penalty * w * w;
            *g += penalty * w;
        }
        if let Some((noise, weight)) = options.noise {
            let (dense, slots) = (&single[..dense], &mut gradient[..dense]);
            for (weights, slots) in dense.chunks_exact(self.dense).zip(slots.chunks_exact_mut(self.dense)) {
                let (part, product) = noise.penalty(weights);
                value += weight * part;
                slots.iter_mut().zip(product).for_each(|(g, p)| *g += weight * p);
            }
        }
        value
    }

    /// Loss and gradient of some rows.
    fn chunk(&self, rows: &[&Row], loss: Loss, x: &[f32]) -> (f64, Vec<f32>) {
        let mut gradient = vec![0.0f32; x.len()];
        let (mut value, mut out) = (0.0, vec![0.0; self.outputs]);
        for row in rows {
            self.forward(x, row, &mut out);
            value += row.weight * residuals(loss, row.target, &mut out);
            self.backward(row, &out, &mut gradient);
        }
        (value, gradient)
    }

    fn forward(&self, x: &[f32], row: &Row, out: &mut [f64]) {
        let k = self.outputs;
        let (dense, rest) = x.split_at(k * self.dense);
        let (sparse, bias) = rest.split_at(k * self.sparse);
        for (i, out) in out.iter_mut().enumerate() {
            *out = f64::from(bias[i] + dot(&dense[i * self.dense..][..self.dense], &row.dense));
        }
        for &(bucket, value) in &row.sparse {
            for (out, &w) in out.iter_mut().zip(&sparse[bucket as usize * k..][..k]) {
                *out += f64::from(value * w);
            }
        }
    }

    fn backward(&self, row: &Row, residuals: &[f64], gradient: &mut [f32]) {
        let k = self.outputs;
        let (dense, rest) = gradient.split_at_mut(k * self.dense);
        let (sparse, bias) = rest.split_at_mut(k * self.sparse);
        for (i, r) in residuals.iter().enumerate() {
            let r = (row.weight * r) as f32;
            bias[i] += r;
            let slots = &mut dense[i * self.dense..][..self.dense];
            slots.iter_mut().zip(&row.dense).for_each(|(g, v)| *g += r * v);
        }
        for &(bucket, value) in &row.sparse {
            let slots = &mut sparse[bucket as usize * k..][..k];
            slots.iter_mut().zip(residuals).for_each(|(g, r)| *g += (row.weight * r) as f32 * value);
        }
    }
}

/// Replaces raw outputs by the gradient of the loss in them; gives the loss.
fn residuals(loss: Loss, target: f64, out: &mut [f64]) -> f64 {
    match loss {
        Loss::Softmax(_) => {
            let top = out.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = out.iter().map(|z| (z - top).exp()).sum();
            let class = target as usize;
            let value = sum.ln() + top - out[class];
            out.iter_mut().for_each(|z| *z = (*z - top).exp() / sum);
            out[class] -= 1.0;
            value
        }
        Loss::Logistic => {
            let z = out[0];
            let p = satisfice::domain::sigmoid(z);
            out[0] = p - target;
            // ln(1 + e^z) − t·z without overflow.
            z.max(0.0) + (-z.abs()).exp().ln_1p() - target * z
        }
        Loss::Squared => {
            let error = out[0] - target;
            out[0] = error;
            0.5 * error * error
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(x: f32, target: f64) -> Row {
        Row { dense: vec![x, 1.0 - x], sparse: vec![(u32::from(x > 0.5), 1.0)], target, weight: 1.0 }
    }

    fn options(loss: Loss) -> Options<'static> {
        let stop = Stop { iterations: 100, tolerance: 1e-9 };
        Options { loss, dense: 2, sparse: 2, dense_penalty: 0.01, sparse_penalty: 0.01, noise: None, stop }
    }

    #[test]
    fn softmax_separates_what_is_separable_and_repeats_to_the_bit() {
        let rows: Vec<Row> = (0..60).map(|i| row(i as f32 / 60.0, f64::from(i / 20))).collect();
        let refs: Vec<&Row> = rows.iter().collect();
        let fit = || Linear::fit(&refs, options(Loss::Softmax(3)), |_| {});
        let model = fit();
        assert_eq!(model, fit());
        let right = rows.iter().filter(|r| {
            let out = model.predict(r);
            (0..3).max_by(|&a, &b| out[a].total_cmp(&out[b])) == Some(r.target as usize)
        });
        assert!(right.count() >= 52);
    }

    #[test]
    fn logistic_learns_soft_targets() {
        let rows: Vec<Row> = (0..50).map(|_| row(0.3, 0.7)).collect();
        let refs: Vec<&Row> = rows.iter().collect();
        let out = Linear::fit(&refs, options(Loss::Logistic), |_| {}).predict(&rows[0])[0];
        assert!((satisfice::domain::sigmoid(out) - 0.7).abs() < 0.01);
    }
}
