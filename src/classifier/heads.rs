//! Linear heads over embedding, light and lexical features.

use super::features::{BUCKETS, LIGHT};
use crate::encoder::DIMENSIONS;

/// Factor on the (unit-norm) embedding and trunk beside the other features.
pub const EMBEDDING_SCALE: f32 = 4.0;
/// Dense inputs of a head: the scaled embedding and trunk, then the light features.
pub const DENSE: usize = 2 * DIMENSIONS + LIGHT;

/// One prompt as the heads see it.
#[derive(Debug, Clone, PartialEq)]
pub struct Inputs {
    /// `(DENSE,)`.
    pub dense: Vec<f32>,
    /// Buckets of the lexical features, sorted, each once.
    pub buckets: Vec<u32>,
    /// The value that each bucket has.
    pub value: f32,
}

/// `outputs = W·dense + value·Σ L[bucket] + bias`.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearHead {
    /// `(outputs, DENSE)`, row-major.
    pub dense: Vec<f32>,
    /// `(BUCKETS, outputs)`, row-major; empty for a head without lexical features.
    pub lexical: Vec<f32>,
    /// `(outputs,)`.
    pub bias: Vec<f32>,
}

impl LinearHead {
    /// Zeros.
    #[must_use]
    pub fn zeros(outputs: usize) -> Self {
        Self { dense: vec![0.0; outputs * DENSE], lexical: vec![0.0; outputs * BUCKETS], bias: vec![0.0; outputs] }
    }

    /// Numbers it gives out.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.bias.len()
    }

    /// Raw outputs `(outputs,)`.
    #[must_use]
    pub fn forward(&self, inputs: &Inputs) -> Vec<f32> {
        let outputs = self.outputs();
        let mut out = self.bias.clone();
        for (o, row) in out.iter_mut().zip(self.dense.chunks_exact(DENSE)) {
            *o += dot(row, &inputs.dense);
        }
        if !self.lexical.is_empty() {
            for &bucket in &inputs.buckets {
                let row = &self.lexical[bucket as usize * outputs..][..outputs];
                for (o, &weight) in out.iter_mut().zip(row) {
                    *o += inputs.value * weight;
                }
            }
        }
        out
    }
}

/// Eight partial sums in a fixed order: the compiler makes vectors of them, and the bits do not depend on the machine.
#[must_use]
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; 8];
    let (a8, b8) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f32 = a8.remainder().iter().zip(b8.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a8.zip(b8) {
        for k in 0..8 {
            sums[k] += x[k] * y[k];
        }
    }
    ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7])) + rest
}

/// Probabilities of logits at a temperature.
#[must_use]
pub fn softmax(logits: &[f32], temperature: f32) -> Vec<f32> {
    let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let exps: Vec<f32> = logits.iter().map(|&z| ((z - top) / temperature).exp()).collect();
    let sum: f32 = exps.iter().sum();
    exps.into_iter().map(|e| e / sum).collect()
}
