//! How much the heads' inputs move when nothing that matters has changed: 8-bit rounding, casing, spacing, typos, courtesies.
//!
//! A head that leans on directions which such changes move gives another answer for the same request. Training on disturbed
//! copies of every prompt would teach it not to; to second order that is a quadratic penalty with the disturbances' second
//! moments (Bishop 1995, "Training with noise is equivalent to Tikhonov regularization"), at no cost per row.

use crate::{
    embed::{Embedder, bar},
    perturb,
};
use anyhow::Result;
use nalgebra::DMatrix;
use rayon::prelude::*;
use satisfice::{
    classifier::heads::{DENSE, Inputs, dot},
    domain::{Prompt, Role, Turn},
};

/// Disturbances of the wording that a head should not see; the order of options and the language of a wrapper may matter.
const COURTESIES: usize = 6;

/// Second moments `E[ddᵀ]` of disturbances of the dense inputs, `(DENSE, DENSE)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Noise {
    moments: Vec<f32>,
}

impl Noise {
    /// Measures on prompts: 8 bits against f32, and each kind of wording against the original, all kinds alike.
    ///
    /// # Errors
    /// A prompt can't be encoded.
    pub fn measure(embedder: &mut Embedder, prompts: &[&Prompt]) -> Result<Self> {
        let original = embedder.inputs(prompts, "originals")?;
        let mut disturbances: Vec<Vec<f32>> = Vec::new();
        for kind in 0..COURTESIES {
            let varied: Vec<Prompt> = prompts.par_iter().map(|p| reworded(p, kind)).collect();
            let inputs = embedder.inputs(&varied.iter().collect::<Vec<_>>(), perturb::KINDS[kind])?;
            disturbances.extend(original.iter().zip(&inputs).map(|(a, b)| difference(&a.0, &b.0)));
        }
        // Rounding disturbs every prompt, each kind of wording some: it counts as much as all of them together.
        let exact = embedder.exact_inputs(prompts, &bar(prompts.len() as u64, "encoding in f32"))?;
        let rounding = original.iter().zip(&exact).map(|(a, b)| difference(&a.0, b));
        let scale = (COURTESIES as f32).sqrt();
        disturbances.extend(rounding.map(|d| d.into_iter().map(|v| v * scale).collect::<Vec<f32>>()));
        Ok(Self::of(&disturbances))
    }

    pub(crate) fn of(disturbances: &[Vec<f32>]) -> Self {
        let d = DMatrix::from_fn(disturbances.len(), DENSE, |r, c| disturbances[r][c]);
        let moments = d.tr_mul(&d) / disturbances.len().max(1) as f32;
        Self { moments: moments.as_slice().to_vec() }
    }

    /// `(½ wᵀCw, Cw)` of one output's dense weights.
    #[must_use]
    pub fn penalty(&self, weights: &[f32]) -> (f64, Vec<f64>) {
        let product: Vec<f64> = self.moments.chunks_exact(DENSE).map(|row| f64::from(dot(row, weights))).collect();
        let value = product.iter().zip(weights).map(|(p, &w)| p * f64::from(w)).sum::<f64>();
        (0.5 * value, product)
    }
}

fn difference(a: &Inputs, b: &Inputs) -> Vec<f32> {
    a.dense.iter().zip(&b.dense).map(|(x, y)| y - x).collect()
}

/// The prompt with its last user turn in other words.
fn reworded(prompt: &Prompt, kind: usize) -> Prompt {
    let mut out = prompt.clone();
    if let Some(Turn { text, .. }) = out.turns.iter_mut().rev().find(|t| t.role == Role::User) {
        *text = perturb::variants(text)[kind].clone();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        lbfgs::Stop,
        linear::{Linear, Loss, Options, Row},
    };

    #[test]
    fn directions_that_are_disturbed_cost_and_others_are_free() {
        let mut one = vec![0.0f32; DENSE];
        one[3] = 0.5;
        let noise = Noise::of(&[one.clone(), one.iter().map(|v| -v).collect()]);
        let mut weights = vec![0.0f32; DENSE];
        weights[4] = 2.0;
        assert_eq!(noise.penalty(&weights).0, 0.0);
        weights[3] = 2.0;
        // ½ · 0.25 · 2².
        let (value, gradient) = noise.penalty(&weights);
        assert!((value - 0.5).abs() < 1e-6 && (gradient[3] - 0.5).abs() < 1e-6);
    }

    #[test]
    fn a_head_leans_on_the_direction_that_is_not_disturbed() {
        // Two inputs say the same; one of them is disturbed.
        let dense = |x: f32| {
            let mut dense = vec![0.0; DENSE];
            (dense[0], dense[1]) = (x, x);
            dense
        };
        let rows: Vec<Row> = (0..40)
            .map(|i| Row { dense: dense((i % 2) as f32), sparse: Vec::new(), target: f64::from(i % 2), weight: 1.0 })
            .collect();
        let mut disturbed = vec![0.0f32; DENSE];
        disturbed[0] = 1.0;
        let noise = Noise::of(&[disturbed]);
        let fit = |noise| {
            let stop = Stop { iterations: 100, tolerance: 1e-9 };
            let loss = Loss::Logistic;
            let options =
                Options { loss, dense: DENSE, sparse: 0, dense_penalty: 0.1, sparse_penalty: 0.1, noise, stop };
            let model = Linear::fit(&rows.iter().collect::<Vec<_>>(), options, |_| {});
            (model.dense_weights()[0], model.dense_weights()[1])
        };
        let (free, firm) = (fit(None), fit(Some((&noise, 10.0))));
        assert!((free.0 - free.1).abs() < 1e-6, "{free:?}");
        assert!(firm.0 < 0.1 * firm.1, "{firm:?}");
    }
}
