//! Plain Rust: correct everywhere, and the measure that the other instruction sets are tested against.

use super::{
    AttentionScratch, Codes, HEAD, HEADS, HIDDEN, Norm, Packed, QKV, Then, lanes, packed::Layout, scratch::LANES,
};

pub(super) const LAYOUT: Layout = Layout { panel: 16, group: 1 };

pub(super) fn linear(input: &Codes, layer: &Packed, out: &mut [f32], then: Then) {
    for r in 0..input.rows() {
        let (codes, out) = (row(input, r), &mut out[r * layer.outputs()..][..layer.outputs()]);
        linear_row::<false>(codes, input, r, layer, out, then);
    }
}

fn row(input: &Codes, r: usize) -> &[u8] {
    &input.codes()[r * input.width()..][..input.width()]
}

fn linear_row<const FUSED: bool>(codes: &[u8], input: &Codes, r: usize, layer: &Packed, out: &mut [f32], then: Then) {
    let panels = layer.weights().chunks_exact(layer.inputs() * LAYOUT.panel);
    for (p, (panel, out)) in panels.zip(out.chunks_exact_mut(LAYOUT.panel)).enumerate() {
        let mut sums = [0i32; LAYOUT.panel];
        for (&code, weights) in codes.iter().zip(panel.chunks_exact(LAYOUT.panel)) {
            for (sum, &w) in sums.iter_mut().zip(weights) {
                *sum += i32::from(code) * i32::from(w);
            }
        }
        let grid = input.grid()[r];
        for (lane, (&sum, out)) in sums.iter().zip(out).enumerate() {
            let n = p * LAYOUT.panel + lane;
            *out = finish::<FUSED>(sum, grid.scale, grid.zero, layer, n, *out, then);
        }
    }
}

/// From the integer sum to the output.
#[inline(always)]
pub(super) fn finish<const FUSED: bool>(
    sum: i32,
    scale: f32,
    zero: f32,
    layer: &Packed,
    output: usize,
    before: f32,
    then: Then,
) -> f32 {
    let shifted = lanes::fma::<FUSED>(-(scale * zero), layer.offset[output], layer.bias[output]);
    let y = lanes::fma::<FUSED>(sum as f32, scale * layer.scale[output], shifted);
    match then {
        Then::Store => y,
        Then::Gelu => lanes::gelu::<FUSED>(y),
        Then::Add => before + y,
    }
}

pub(super) fn attention(qkv: &[f32], out: &mut [f32], scratch: &mut AttentionScratch) {
    attention_lanes::<false>(qkv, out, scratch);
}

/// Attention in f32. Keys lie transposed, `(32, tokens padded)`, so that scores of neighbouring tokens are neighbours.
#[inline(always)]
pub(super) fn attention_lanes<const FUSED: bool>(qkv: &[f32], out: &mut [f32], scratch: &mut AttentionScratch) {
    let tokens = qkv.len() / QKV;
    let padded = tokens.next_multiple_of(LANES);
    for head in 0..HEADS {
        let AttentionScratch { keys, scores, .. } = scratch;
        let keys: &mut [f32] = bytemuck::cast_slice_mut(keys);
        let scores = &mut scores[..padded];
        transpose(qkv, head, keys, padded);
        for (t, row) in qkv.chunks_exact(QKV).enumerate() {
            let query = &row[head * HEAD..][..HEAD];
            score::<FUSED>(query, keys, scores);
            let sum = softmax::<FUSED>(&mut scores[..tokens]);
            let out = &mut out[t * HIDDEN + head * HEAD..][..HEAD];
            mix::<FUSED>(qkv, head, &scores[..tokens], 1.0 / sum, out);
        }
    }
}

#[inline(always)]
fn transpose(qkv: &[f32], head: usize, keys: &mut [f32], padded: usize) {
    keys[..HEAD * padded].fill(0.0);
    for (t, row) in qkv.chunks_exact(QKV).enumerate() {
        for (d, &k) in row[HIDDEN + head * HEAD..][..HEAD].iter().enumerate() {
            keys[d * padded + t] = k;
        }
    }
}

/// Scores of one query against every token, in units of ln 2.
#[inline(always)]
fn score<const FUSED: bool>(query: &[f32], keys: &[f32], scores: &mut [f32]) {
    let padded = scores.len();
    for (block, out) in scores.chunks_exact_mut(LANES).enumerate() {
        let mut sums = [0.0f32; LANES];
        for (d, &q) in query.iter().enumerate() {
            let keys = &keys[d * padded + block * LANES..][..LANES];
            for i in 0..LANES {
                sums[i] = lanes::fma::<FUSED>(q, keys[i], sums[i]);
            }
        }
        for i in 0..LANES {
            out[i] = sums[i] * super::SCORE_SCALE;
        }
    }
}

/// Replaces scores by `2^(score − greatest)` and gives their sum.
#[inline(always)]
fn softmax<const FUSED: bool>(scores: &mut [f32]) -> f32 {
    let greatest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    scores.iter_mut().for_each(|s| *s = lanes::exp2::<FUSED>(*s - greatest));
    scores.iter().sum()
}

/// The values, weighted.
#[inline(always)]
fn mix<const FUSED: bool>(qkv: &[f32], head: usize, weights: &[f32], factor: f32, out: &mut [f32]) {
    let mut sums = [0.0f32; HEAD];
    for (row, &weight) in qkv.chunks_exact(QKV).zip(weights) {
        let values = &row[2 * HIDDEN + head * HEAD..][..HEAD];
        for i in 0..HEAD {
            sums[i] = lanes::fma::<FUSED>(weight, values[i], sums[i]);
        }
    }
    for i in 0..HEAD {
        out[i] = sums[i] * factor;
    }
}

pub(super) fn quantise(rows: &[f32], codes: &mut Codes) {
    lanes::quantise::<false>(rows, codes);
}

pub(super) fn normalise(rows: &mut [f32], norm: &Norm, codes: &mut Codes) {
    lanes::normalise::<false>(rows, norm, codes);
}

pub(super) fn mean(rows: &[f32], out: &mut [f32]) {
    lanes::mean(rows, out);
}
