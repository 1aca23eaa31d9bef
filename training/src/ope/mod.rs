//! Off-policy evaluation: what a policy would have earned, from a log that another policy wrote. Pure code, no IO.
//!
//! 1. [`Log`] and [`Policy`] check what they are made of; [`cross_fit`] makes [`Predictions`] q̂ without using a round's own
//!    outcome.
//! 2. [`Evaluation`] ties a log to a [`Metric`] and gives the per-round [`Terms`] of an [`Estimator`], for one policy or for
//!    the paired difference of two.
//! 3. [`Method`] turns terms into an [`Interval`]; [`BettingSequence`] does so round by round.
//! 4. [`Diagnostics`] refuses to conclude from thin support, [`Contest`] and [`rule`] decide about promotion.
//!
//! Notation: context x, arm a, logging policy π0, target policy π, weight `w = π(a|x) / π0(a|x)`, reward r.
//!
//! **Rounds without a reward** are left out of quality and kept for cost. What is estimated is quality on requests of the kind
//! that get feedback, and without bias only while whether it comes depends neither on the arm nor on the reward itself; judge a
//! random sample where it does. Silence that depends on the arm can move the mean weight away from 1, which [`Diagnostics`]
//! watches; silence that depends on the reward leaves no trace.

pub mod betting;
pub mod crossfit;
pub mod diagnostics;
pub mod estimators;
pub mod evaluation;
pub mod fault;
pub mod gate;
pub mod intervals;
pub mod log;

pub use betting::BettingSequence;
pub use crossfit::{Scheme, cross_fit};
pub use diagnostics::{Diagnostics, Refusal, Reliability};
pub use estimators::{Estimator, Range, WeightBound};
pub use evaluation::{Evaluation, Terms};
pub use fault::{Fault, Faults};
pub use gate::{CompareError, Comparison, Contest, Decision, Party, Reason, Ruling, rule};
pub use intervals::{Confidence, Interval, Method, NoInterval};
pub use log::{Log, Metric, Policy, Predictions, Round};

#[cfg(test)]
mod tests;
