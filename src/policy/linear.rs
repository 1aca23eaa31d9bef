//! Bayesian linear regression in information form, the residual model of one arm.

use super::{FEATURES, Features};

const N: usize = FEATURES;

/// Prior standard deviations of θ: constant, slope on the prior's logit, each number of the context (whose norm is about 1).
///
/// A model's quality is known to about 0.12 before its first score. Wider priors let a few bad scores drive traffic to dearer
/// models, narrower ones trust the catalogue more than it deserves. `satisfice simulate` with `learning.prior_strength` varied
/// (2026-11-23, the day's earlier classifier): 2,000 requests with three seeds end at 97 % adequate choices for $2.1 per 1,000
/// requests with these, at 95 % for $1.9 with 0.047, 0.063, 0.047, without any feedback at 78 % and 71 %. 1,000 requests with two
/// seeds end at 98 % for $3.2 with 0.15, 0.20, 0.15.
const DEVIATIONS: [f64; 3] = [0.075, 0.10, 0.075];

/// Posterior `θ ~ N(A⁻¹b, A⁻¹)` of the residual quality `r − q0 = θᵀψ + noise`, noise variance `1/w`.
///
/// A and b are sums over feedback and so revisable: taking a contribution back is adding it with a negative weight.
/// The inverse is recomputed from A after every change (N = 32: tens of microseconds), so state depends on A and b alone and
/// can't drift away from them.
#[derive(Clone, PartialEq)]
pub struct LinearGaussian {
    precision: Box<[f64]>,
    weighted: Features,
    inverse: Box<[f64]>,
    mean: Features,
}

impl LinearGaussian {
    /// The prior: mean zero, standard deviations 0.075 for the constant, 0.10 for the slope on the prior's logit and 0.075 for
    /// each number of the context; `strength` (20 is neutral) scales the precision.
    #[must_use]
    pub fn prior(strength: f64) -> Self {
        let mut precision = vec![0.0; N * N].into_boxed_slice();
        for (i, value) in prior_diagonal(strength).into_iter().enumerate() {
            precision[i * N + i] = value;
        }
        Self::from_sums(precision, [0.0; N])
    }

    /// From stored sums; the rest is derived.
    pub(super) fn from_sums(precision: Box<[f64]>, weighted: Features) -> Self {
        let mut model = Self { precision, weighted, inverse: vec![0.0; N * N].into_boxed_slice(), mean: [0.0; N] };
        model.refresh();
        model
    }

    pub(super) fn precision(&self) -> &[f64] {
        &self.precision
    }

    pub(super) fn weighted(&self) -> &Features {
        &self.weighted
    }

    /// `θᵀψ`.
    #[must_use]
    pub fn mean(&self, psi: &Features) -> f64 {
        dot(&self.mean, psi)
    }

    /// `ψᵀA⁻¹ψ`, at least 0.
    #[must_use]
    pub fn variance(&self, psi: &Features) -> f64 {
        let mut sum = 0.0;
        for (row, &p) in self.inverse.chunks_exact(N).zip(psi) {
            sum += p * dot_row(row, psi);
        }
        sum.max(0.0)
    }

    /// Moves a share `1 − keep` of the way back to the prior: `A ← gA + (1−g)A0`, `b ← gb`.
    pub fn forget(&mut self, keep: f64, strength: f64) {
        if keep >= 1.0 {
            return;
        }
        self.precision.iter_mut().for_each(|a| *a *= keep);
        self.weighted.iter_mut().for_each(|b| *b *= keep);
        for (i, value) in prior_diagonal(strength).into_iter().enumerate() {
            self.precision[i * N + i] += (1.0 - keep) * value;
        }
        self.refresh();
    }

    /// Adds `A += wψψᵀ`, `b += w·residual·ψ`; a negative weight takes an earlier contribution back.
    pub fn add(&mut self, psi: &Features, residual: f64, weight: f64) {
        for (row, &pi) in self.precision.chunks_exact_mut(N).zip(psi) {
            for (a, &pj) in row.iter_mut().zip(psi) {
                *a += weight * pi * pj;
            }
        }
        for (b, &p) in self.weighted.iter_mut().zip(psi) {
            *b += weight * residual * p;
        }
        self.refresh();
    }

    fn refresh(&mut self) {
        let factor = cholesky(&self.precision);
        invert(&factor, &mut self.inverse);
        for (mean, row) in self.mean.iter_mut().zip(self.inverse.chunks_exact(N)) {
            *mean = dot_row(row, &self.weighted);
        }
    }
}

impl std::fmt::Debug for LinearGaussian {
    /// The mean alone; the matrices fill screens.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LinearGaussian").field("mean", &self.mean).finish_non_exhaustive()
    }
}

fn prior_diagonal(strength: f64) -> Features {
    let scale = strength / 20.0;
    let [constant, slope, context] = DEVIATIONS.map(|d| scale / (d * d));
    let mut diagonal = [context; N];
    (diagonal[0], diagonal[1]) = (constant, slope);
    diagonal
}

fn dot(a: &Features, b: &Features) -> f64 {
    dot_row(a, b)
}

/// Four partial sums in a fixed order: fast, and the same bits everywhere.
fn dot_row(a: &[f64], b: &Features) -> f64 {
    let mut sums = [0.0f64; 4];
    for (x, y) in a.chunks_exact(4).zip(b.chunks_exact(4)) {
        for k in 0..4 {
            sums[k] += x[k] * y[k];
        }
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3])
}

/// Lower triangle L with `LLᵀ = A`. A is positive definite (prior plus a sum of squares); a pivot that rounding brought near
/// zero is held at 1e-9.
fn cholesky(a: &[f64]) -> Vec<f64> {
    let mut l = vec![0.0; N * N];
    for i in 0..N {
        for j in 0..=i {
            let mut sum = a[i * N + j];
            for k in 0..j {
                sum -= l[i * N + k] * l[j * N + k];
            }
            l[i * N + j] = if i == j { sum.max(1e-9).sqrt() } else { sum / l[j * N + j] };
        }
    }
    l
}

/// `A⁻¹ = L⁻ᵀL⁻¹`.
fn invert(l: &[f64], out: &mut [f64]) {
    let mut m = vec![0.0; N * N];
    for j in 0..N {
        m[j * N + j] = 1.0 / l[j * N + j];
        for i in j + 1..N {
            let mut sum = 0.0;
            for k in j..i {
                sum += l[i * N + k] * m[k * N + j];
            }
            m[i * N + j] = -sum / l[i * N + i];
        }
    }
    for i in 0..N {
        for j in 0..=i {
            let sum: f64 = (i..N).map(|k| m[k * N + i] * m[k * N + j]).sum();
            out[i * N + j] = sum;
            out[j * N + i] = sum;
        }
    }
}
