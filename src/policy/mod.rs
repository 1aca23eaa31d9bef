//! Which model, and how sure: the quality posterior, the decision rule, exploration with exact propensities, forgetting.
//!
//! Pure code: no IO, no clock, no global randomness. Time and randomness come in as arguments, so that a decision or a
//! posterior can be repeated offline to the bit.

mod codec;
mod decide;
mod explore;
mod level;
mod linear;
mod posterior;
mod prior;
mod target;

pub use codec::CodecError;
pub use decide::{Choice, NoCandidates, Scored, choose, greedy, keep, ranked};
pub use explore::{ExplorationCaps, distribution, draw};
pub use level::Level;
pub use linear::LinearGaussian;
pub use posterior::{Belief, Event, LearningRates, Posterior, Superseded};
pub use prior::{context_vector, prior_quality};
pub use target::{MeanGoal, TargetController};

/// Numbers of the projected embedding that the posterior sees.
pub const CONTEXT_DIM: usize = 30;
/// Features ψ of the posterior: constant, scaled logit of the prior quality, context.
pub const FEATURES: usize = CONTEXT_DIM + 2;

/// ψ of one model on one prompt.
pub type Features = [f64; FEATURES];

#[cfg(test)]
mod tests;
