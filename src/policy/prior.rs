//! Quality before any feedback: item response between a model's abilities and the prompt's difficulty.

use super::{CONTEXT_DIM, FEATURES, Features};
use crate::domain::{Difficulty, TaskProbabilities, TaskType, logit, sigmoid};

/// Task types below this probability are left out of the mixture.
const NEGLIGIBLE: f32 = 0.01;
/// Puts the logit of the prior on the scale of the other features.
const LOGIT_SCALE: f64 = 4.0;

/// `q0_m(x) = Σ_t p(t|x) σ(u_{m,t} − b(x))`: the chance that model m answers well, mixed over the task types the prompt may
/// be of. `ability(t)` is u on the item-response scale, `b = logit(difficulty)`. Between 0 and 1.
pub fn prior_quality(tasks: &TaskProbabilities, difficulty: Difficulty, ability: impl Fn(TaskType) -> f64) -> f64 {
    let b = difficulty.logit();
    let (mut sum, mut mass) = (0.0, 0.0);
    for &(task, p) in tasks.0.iter().filter(|(_, p)| *p >= NEGLIGIBLE) {
        sum += f64::from(p) * sigmoid(ability(task) - b);
        mass += f64::from(p);
    }
    if mass > 0.0 { sum / mass } else { sigmoid(ability(TaskType::Other) - b) }
}

/// ψ = [1, logit(q0)/4, context]; a context that is too short is padded with zeros.
#[must_use]
pub fn context_vector(prior: f64, context: &[f32]) -> Features {
    let mut psi = [0.0; FEATURES];
    psi[0] = 1.0;
    psi[1] = logit(prior).clamp(-LOGIT_SCALE, LOGIT_SCALE) / LOGIT_SCALE;
    for (slot, &z) in psi[2..].iter_mut().zip(context.iter().take(CONTEXT_DIM)) {
        *slot = f64::from(z);
    }
    psi
}
