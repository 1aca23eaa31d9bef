//! Memory that attention works in.

use super::{HEAD, Lines};

/// Tokens are padded to whole vectors of this many.
pub(super) const LANES: usize = 16;
/// Query rows that are computed together.
pub(super) const QUERIES: usize = 8;

/// Operands of one head, and the scores of [`QUERIES`] rows. Kept between calls so that nothing is allocated.
#[derive(Default, Clone)]
pub(in crate::encoder) struct AttentionScratch {
    /// Queries `(tokens padded, 32)`.
    pub(super) queries: Lines<u32>,
    /// Keys, transposed by blocks of 16 tokens.
    pub(super) keys: Lines<u32>,
    /// Values.
    pub(super) values: Lines<u32>,
    /// Scores of a block of queries, `(8, tokens padded)`.
    pub(super) scores: Lines<f32>,
}

impl AttentionScratch {
    /// Room for a sequence.
    pub(super) fn resize(&mut self, tokens: usize) {
        let padded = tokens.next_multiple_of(LANES);
        self.queries.resize(padded * HEAD);
        self.keys.resize(padded * HEAD);
        self.values.resize(padded * HEAD);
        self.scores.resize(QUERIES * padded);
    }
}
