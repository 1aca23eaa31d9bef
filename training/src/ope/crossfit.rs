//! Predictions for DM and DR that have not seen the outcomes they correct.

use super::log::Predictions;
use serde::Serialize;
use std::{num::NonZeroUsize, ops::Range};

/// Which blocks of time a block's predictions are learnt from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scheme {
    /// Those before it. DR's terms then have the same mean given the past, so that [`super::BettingSequence`] holds; the model
    /// of the first block has seen nothing.
    Before,
    /// All others. More to learn from, but terms depend on later rounds: for fixed-n intervals of a log without drift only.
    Others,
}

/// Cross-fits q̂ in `blocks` of consecutive rounds as equal as can be.
///
/// `fit` gets the indices of the rounds to learn from, in the order of time (none, for the first block of [`Scheme::Before`]:
/// answer with a prior); `predict` gets a round's index and gives one value for each of its arms. Both look up what they need of
/// a round; `predict` must not look at its outcome.
pub fn cross_fit<M>(
    rounds: usize,
    blocks: NonZeroUsize,
    scheme: Scheme,
    mut fit: impl FnMut(&[usize]) -> M,
    mut predict: impl FnMut(&M, usize) -> Vec<f64>,
) -> Predictions {
    let mut table = Vec::with_capacity(rounds);
    for block in (0..blocks.get()).map(|b| bounds(rounds, blocks, b)).filter(|block| !block.is_empty()) {
        let model = fit(&learnt_from(rounds, &block, scheme));
        table.extend(block.map(|round| predict(&model, round)));
    }
    Predictions(table)
}

fn bounds(rounds: usize, blocks: NonZeroUsize, block: usize) -> Range<usize> {
    block * rounds / blocks..(block + 1) * rounds / blocks
}

fn learnt_from(rounds: usize, block: &Range<usize>, scheme: Scheme) -> Vec<usize> {
    let after = match scheme {
        Scheme::Before => rounds..rounds,
        Scheme::Others => block.end..rounds,
    };
    (0..block.start).chain(after).collect()
}
