//! Row operations in plain Rust over arrays of lanes. The instruction sets inline these into functions compiled for them,
//! where they become vector code; the order of every sum is fixed.

use super::{
    HIDDEN, Norm,
    codes::{Codes, Grid},
};

/// Lanes of a sum: four 512-bit vectors.
const WIDE: usize = 64;
/// ε of BERT's layer normalisation.
const EPSILON: f32 = 1e-12;
/// Adding it leaves a number between 0 and 2²² rounded (ties to even) in the low bits.
const ROUND: f32 = 12_582_912.0;

/// `a·b + c`, fused where the instructions have it: elsewhere a fused result costs a library call.
#[inline(always)]
pub(super) fn fma<const FUSED: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

/// One number of all lanes, halving.
#[inline(always)]
fn halve(mut lanes: [f32; WIDE], of: impl Fn(f32, f32) -> f32) -> f32 {
    let mut half = WIDE / 2;
    while half > 0 {
        for i in 0..half {
            lanes[i] = of(lanes[i], lanes[i + half]);
        }
        half /= 2;
    }
    lanes[0]
}

/// Reads `N` numbers that are known to be there.
#[inline(always)]
fn lanes<const N: usize>(chunk: &[f32]) -> [f32; N] {
    let mut out = [0.0; N];
    out.copy_from_slice(chunk);
    out
}

#[inline(always)]
pub(super) fn quantise<const FUSED: bool>(rows: &[f32], codes: &mut Codes) {
    let width = codes.width();
    for (r, row) in rows.chunks_exact(width).enumerate() {
        let (out, grid) = codes.row_mut(r);
        *grid = quantise_row::<FUSED>(|at| lanes(&row[at..at + WIDE]), out);
    }
}

/// Codes of one row, a multiple of 64 numbers that `read` gives 64 at a time.
#[inline(always)]
fn quantise_row<const FUSED: bool>(read: impl Fn(usize) -> [f32; WIDE], out: &mut [u8]) -> Grid {
    let (mut least, mut greatest) = ([0.0f32; WIDE], [0.0f32; WIDE]);
    for at in (0..out.len()).step_by(WIDE) {
        let x = read(at);
        for i in 0..WIDE {
            least[i] = if x[i] < least[i] { x[i] } else { least[i] };
            greatest[i] = if x[i] > greatest[i] { x[i] } else { greatest[i] };
        }
    }
    let (grid, factor) = Grid::over(halve(least, f32::min), halve(greatest, f32::max));
    for (chunk, out) in out.chunks_exact_mut(WIDE).enumerate() {
        let x = read(chunk * WIDE);
        for i in 0..WIDE {
            // 0 to 255 by the choice of the grid, so the low byte is the code.
            out[i] = (fma::<FUSED>(x[i], factor, grid.zero) + ROUND).to_bits() as u8;
        }
    }
    grid
}

#[inline(always)]
pub(super) fn normalise<const FUSED: bool>(rows: &mut [f32], norm: &Norm, codes: &mut Codes) {
    for (r, row) in rows.chunks_exact_mut(HIDDEN).enumerate() {
        normalise_row::<FUSED>(row, norm);
        let (out, grid) = codes.row_mut(r);
        let smoothed = |at: usize| {
            let (mut x, factor): ([f32; WIDE], [f32; WIDE]) =
                (lanes(&row[at..at + WIDE]), lanes(&norm.code_factor[at..at + WIDE]));
            for i in 0..WIDE {
                x[i] *= factor[i];
            }
            x
        };
        *grid = quantise_row::<FUSED>(smoothed, out);
    }
}

#[inline(always)]
fn normalise_row<const FUSED: bool>(row: &mut [f32], norm: &Norm) {
    // One pass for both sums. Hidden states have means well below their deviations, so nothing cancels.
    let (mut sums, mut squares) = ([0.0f32; WIDE], [0.0f32; WIDE]);
    for chunk in row.chunks_exact(WIDE) {
        let x: [f32; WIDE] = lanes(chunk);
        for i in 0..WIDE {
            sums[i] += x[i];
            squares[i] = fma::<FUSED>(x[i], x[i], squares[i]);
        }
    }
    let mean = halve(sums, |a, b| a + b) / HIDDEN as f32;
    let variance = (halve(squares, |a, b| a + b) / HIDDEN as f32 - mean * mean).max(0.0);
    let factor = 1.0 / (variance + EPSILON).sqrt();
    let shift = -mean * factor;
    let parts = norm.gamma.chunks_exact(WIDE).zip(norm.beta.chunks_exact(WIDE));
    for (chunk, (gamma, beta)) in row.chunks_exact_mut(WIDE).zip(parts) {
        let (x, gamma, beta): ([f32; WIDE], [f32; WIDE], [f32; WIDE]) = (lanes(chunk), lanes(gamma), lanes(beta));
        for i in 0..WIDE {
            chunk[i] = fma::<FUSED>(fma::<FUSED>(x[i], factor, shift), gamma[i], beta[i]);
        }
    }
}

#[inline(always)]
pub(super) fn mean(rows: &[f32], out: &mut [f32]) {
    out.fill(0.0);
    for row in rows.chunks_exact(HIDDEN) {
        for (sum, x) in out.iter_mut().zip(row) {
            *sum += x;
        }
    }
    let count = (rows.len() / HIDDEN).max(1) as f32;
    out.iter_mut().for_each(|sum| *sum /= count);
}

/// `Φ(x) − ½ ≈ x·P(x²)` on |x| ≤ 4, P's coefficients from the lowest: a minimax fit that leaves `x·Φ(x)` within 2e-4 of GELU
/// on |x| ≤ 8.
pub(super) const GELU: [f32; 7] =
    [0.397_883_32, -0.064_573_07, 0.008_772_372, -0.000_814_012_5, 4.795_523_8e-5, -1.598_589_2e-6, 2.278_120_2e-8];
/// Beyond it Φ is taken as constant.
pub(super) const GELU_BOUND: f32 = 4.0;

/// `x·Φ(x)`.
#[inline(always)]
pub(super) fn gelu<const FUSED: bool>(x: f32) -> f32 {
    let bounded = x.clamp(-GELU_BOUND, GELU_BOUND);
    let square = bounded * bounded;
    let mut p = GELU[6];
    for &c in GELU[..6].iter().rev() {
        p = fma::<FUSED>(p, square, c);
    }
    x * fma::<FUSED>(bounded, p, 0.5)
}

/// `2^r` on |r| ≤ ½, coefficients from the lowest; relative error 3e-6.
pub(super) const EXP2: [f32; 5] = [0.999_999_3, 0.693_121_8, 0.240_247_45, 0.055_917_86, 0.009_570_1];

/// `2^x` for x ≤ 0; 2⁻¹²⁶ below −126.
#[inline(always)]
pub(super) fn exp2<const FUSED: bool>(x: f32) -> f32 {
    let x = if x > -126.0 { x } else { -126.0 };
    // x + 2^23·1.5 rounds to an integer n in the low bits.
    let shifted = x + ROUND;
    let n = shifted - ROUND;
    let r = x - n;
    let mut p = EXP2[4];
    for &c in EXP2[..4].iter().rev() {
        p = fma::<FUSED>(p, r, c);
    }
    let power = f32::from_bits((shifted.to_bits().wrapping_add(127)) << 23);
    p * power
}
