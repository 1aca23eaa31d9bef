//! The whole encoder, from token ids to the two pooled vectors of each sequence.
//!
//! Sequences lie one after the other without padding. They are taken in groups of about [`GROUP_TOKENS`] tokens, and a group
//! goes through all layers before the next begins, so that its hidden states stay in the second-level cache.

use super::super::kernels::{AttentionScratch, Codes, HIDDEN, INNER, Kernels, Lines, Norm, Packed, QKV, Then};
use half::{f16, slice::HalfFloatSliceExt};
use std::ops::Range;

/// A group ends with the sequence that reaches this many tokens.
const GROUP_TOKENS: usize = 256;
/// Tokens that go through a feed-forward layer together: their inner states take 384 KiB.
const BLOCK_TOKENS: usize = 64;

/// One layer of BERT.
pub(super) struct Layer {
    pub(super) qkv: Packed,
    pub(super) projection: Packed,
    pub(super) after_attention: Norm,
    pub(super) up: Packed,
    pub(super) down: Packed,
    pub(super) after_feed_forward: Norm,
}

/// All weights, as the kernels want them.
pub(super) struct Weights {
    /// `(vocabulary, 384)`.
    pub(super) words: Vec<f16>,
    /// `(positions, 384)`; the embedding of the (only) token type is added in.
    pub(super) positions: Vec<f32>,
    pub(super) norm: Norm,
    pub(super) layers: Vec<Layer>,
    /// Layers below the trunk.
    pub(super) trunk_layers: usize,
}

impl Weights {
    /// Token ids below this are known.
    pub(super) fn vocabulary(&self) -> usize {
        self.words.len() / HIDDEN
    }

    /// Sequences may have this many tokens.
    pub(super) fn longest(&self) -> usize {
        self.positions.len() / HIDDEN
    }
}

/// Memory for one pass; kept between passes so that nothing is allocated in them.
pub(super) struct Work {
    hidden: Lines<f32>,
    qkv: Lines<f32>,
    context: Lines<f32>,
    inner: Lines<f32>,
    codes: Codes,
    wide: Codes,
    attention: AttentionScratch,
    /// Set to observe what the layers see.
    pub(super) observed: Option<ChannelSquares>,
}

/// Sums of squares of the normalised hidden states, by normalisation (embedding, then after attention and after feed-forward of
/// each layer) and channel.
pub(super) struct ChannelSquares {
    pub(super) rows: usize,
    pub(super) sums: Vec<[f64; HIDDEN]>,
}

impl ChannelSquares {
    fn add(&mut self, normalisation: usize, hidden: &[f32]) {
        if normalisation == 0 {
            self.rows += hidden.len() / HIDDEN;
        }
        for row in hidden.chunks_exact(HIDDEN) {
            for (sum, &x) in self.sums[normalisation].iter_mut().zip(row) {
                *sum += f64::from(x) * f64::from(x);
            }
        }
    }
}

impl Default for Work {
    fn default() -> Self {
        Self {
            hidden: Lines::default(),
            qkv: Lines::default(),
            context: Lines::default(),
            inner: Lines::default(),
            codes: Codes::new(HIDDEN),
            wide: Codes::new(INNER),
            attention: AttentionScratch::default(),
            observed: None,
        }
    }
}

/// Width of a row of the output: pooled last hidden state, then pooled trunk.
pub(super) const POOLED: usize = 2 * HIDDEN;

/// Encodes sequences of `lengths` tokens whose ids follow one another; `out` is `(sequences, 768)`. Ids must be below
/// [`Weights::vocabulary`] and lengths from 1 to [`Weights::longest`].
pub(super) fn forward(
    weights: &Weights,
    kernels: Kernels,
    work: &mut Work,
    ids: &[u32],
    lengths: &[usize],
    out: &mut [f32],
) {
    let (mut token, mut sequence) = (0, 0);
    while sequence < lengths.len() {
        let mut tokens = 0;
        let mut end = sequence;
        while end < lengths.len() && (end == sequence || tokens < GROUP_TOKENS) {
            tokens += lengths[end];
            end += 1;
        }
        let mut group = Group { weights, kernels, work, lengths: &lengths[sequence..end] };
        group.run(&ids[token..token + tokens], &mut out[sequence * POOLED..end * POOLED]);
        (token, sequence) = (token + tokens, end);
    }
}

/// Rows of each sequence.
fn rows(lengths: &[usize]) -> impl Iterator<Item = Range<usize>> {
    lengths.iter().scan(0, |at, &length| {
        let first = *at;
        *at += length;
        Some(first..*at)
    })
}

struct Group<'a> {
    weights: &'a Weights,
    kernels: Kernels,
    work: &'a mut Work,
    lengths: &'a [usize],
}

impl Group<'_> {
    fn run(&mut self, ids: &[u32], out: &mut [f32]) {
        self.embed(ids);
        for (i, layer) in self.weights.layers.iter().enumerate() {
            self.attend(layer);
            self.feed_forward(layer, 2 * i + 1);
            if i + 1 == self.weights.trunk_layers {
                self.pool(out, HIDDEN);
            }
        }
        self.pool(out, 0);
    }

    /// Sums of word and position, normalised.
    fn embed(&mut self, ids: &[u32]) {
        self.work.hidden.resize(ids.len() * HIDDEN);
        for sequence in rows(self.lengths) {
            for (position, t) in sequence.enumerate() {
                let row = &mut self.work.hidden[t * HIDDEN..][..HIDDEN];
                self.weights.words[ids[t] as usize * HIDDEN..][..HIDDEN].convert_to_f32_slice(row);
                for (x, p) in row.iter_mut().zip(&self.weights.positions[position * HIDDEN..][..HIDDEN]) {
                    *x += p;
                }
            }
        }
        let Work { hidden, codes, observed, .. } = &mut *self.work;
        self.kernels.normalise(hidden, &self.weights.norm, codes);
        observed.iter_mut().for_each(|o| o.add(0, hidden));
    }

    /// Adds attention to the hidden states. The codes of the (normalised) hidden states are at hand.
    fn attend(&mut self, layer: &Layer) {
        let tokens = self.work.codes.rows();
        self.work.qkv.resize(tokens * QKV);
        self.work.context.resize(tokens * HIDDEN);
        self.kernels.linear(&self.work.codes, &layer.qkv, &mut self.work.qkv, Then::Store);
        for Range { start, end } in rows(self.lengths) {
            let Work { qkv, context, attention, .. } = &mut *self.work;
            self.kernels.attention(&qkv[start * QKV..end * QKV], &mut context[start * HIDDEN..end * HIDDEN], attention);
        }
        let Work { hidden, context, codes, .. } = &mut *self.work;
        self.kernels.quantise(context, codes);
        self.kernels.linear(codes, &layer.projection, hidden, Then::Add);
    }

    /// Normalises, adds the feed-forward layer, normalises again and leaves the codes of the result. `normalisation` is the
    /// number of the first of the two.
    fn feed_forward(&mut self, layer: &Layer, normalisation: usize) {
        let Work { hidden, inner, codes, wide, observed, .. } = &mut *self.work;
        for block in hidden.chunks_mut(BLOCK_TOKENS * HIDDEN) {
            self.kernels.normalise(block, &layer.after_attention, codes);
            observed.iter_mut().for_each(|o| o.add(normalisation, block));
            inner.resize(codes.rows() * INNER);
            self.kernels.linear(codes, &layer.up, inner, Then::Gelu);
            self.kernels.quantise(inner, wide);
            self.kernels.linear(wide, &layer.down, block, Then::Add);
        }
        self.kernels.normalise(hidden, &layer.after_feed_forward, codes);
        observed.iter_mut().for_each(|o| o.add(normalisation + 1, hidden));
    }

    /// Means of the hidden states of each sequence, to `column` of its row.
    fn pool(&self, out: &mut [f32], column: usize) {
        for (Range { start, end }, out) in rows(self.lengths).zip(out.chunks_exact_mut(POOLED)) {
            self.kernels.mean(&self.work.hidden[start * HIDDEN..end * HIDDEN], &mut out[column..column + HIDDEN]);
        }
    }
}
