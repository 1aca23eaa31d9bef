//! Every instruction set of this processor against plain sums in f64, over random shapes.

use super::{
    AttentionScratch, Codes, HEAD, HEADS, HIDDEN, INNER, Isa, Kernels, Norm, QKV, Then,
    lanes::{self, fma},
};
use proptest::prelude::*;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

fn kernels() -> Vec<Kernels> {
    Isa::available().into_iter().filter_map(Kernels::new).collect()
}

/// Numbers from −`scale` to `scale`.
fn numbers(seed: u64, count: usize, scale: f32) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..count).map(|_| (rng.next_u32() as f32 / u32::MAX as f32 * 2.0 - 1.0) * scale).collect()
}

fn close(got: f32, expected: f64, tolerance: f64) -> Result<(), TestCaseError> {
    let error = (f64::from(got) - expected).abs();
    prop_assert!(error <= tolerance * (1.0 + expected.abs()), "{got} for {expected}");
    Ok(())
}

fn gelu(x: f64) -> f64 {
    // Φ by its series; plenty for |x| ≤ 6.
    let (mut term, mut sum) = (x, x);
    for k in 1..200 {
        term *= x * x / f64::from(2 * k + 1);
        sum += term;
    }
    x * (0.5 + sum * (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn linear_layers_come_to_the_sums_of_their_codes(
        seed: u64, rows in 1usize..20, wide: bool, then in prop::sample::select(vec![Then::Store, Then::Gelu, Then::Add]),
    ) {
        let (inputs, outputs) = if wide { (INNER, 48) } else { (HIDDEN, 144) };
        let weights = numbers(seed, inputs * outputs, 0.1);
        let bias = numbers(seed ^ 1, outputs, 0.5);
        let x = numbers(seed ^ 2, rows * inputs, 2.0);
        let before = numbers(seed ^ 3, rows * outputs, 1.0);
        for k in kernels() {
            let (mut codes, layer) = (Codes::new(inputs), k.pack(&weights, &bias, inputs));
            k.quantise(&x, &mut codes);
            let mut out = before.clone();
            k.linear(&codes, &layer, &mut out, then);
            for r in 0..rows {
                let grid = codes.grid()[r];
                for n in (0..outputs).step_by(7) {
                    let sum: i64 = (0..inputs)
                        .map(|i| i64::from(codes.codes()[r * inputs + i]) * i64::from(layer.code(n, i)))
                        .sum();
                    let total: i64 = (0..inputs).map(|i| i64::from(layer.code(n, i))).sum();
                    let y = f64::from(grid.scale) * f64::from(layer.scale[n])
                        * (sum as f64 - f64::from(grid.zero) * total as f64) + f64::from(bias[n]);
                    let at = r * outputs + n;
                    match then {
                        Then::Store => close(out[at], y, 2e-5)?,
                        Then::Gelu => close(out[at], gelu(y), 3e-4)?,
                        Then::Add => close(out[at], f64::from(before[at]) + y, 2e-5)?,
                    }
                    let exact: f64 = (0..inputs)
                        .map(|i| f64::from(x[r * inputs + i]) * f64::from(weights[n * inputs + i])).sum();
                    prop_assert!((y - f64::from(bias[n]) - exact).abs() < 0.15, "quantised {y}, exact {exact}");
                }
            }
        }
    }

    #[test]
    fn attention_is_the_softmax_average_of_the_values(seed: u64, tokens in 1usize..70) {
        let qkv = numbers(seed, tokens * QKV, 1.5);
        for k in kernels() {
            let tolerance = if k.isa() == Isa::Avx512 { 0.02 } else { 1e-4 };
            let mut out = vec![f32::NAN; tokens * HIDDEN];
            k.attention(&qkv, &mut out, &mut AttentionScratch::default());
            for head in [0, HEADS - 1] {
                for t in (0..tokens).step_by(5) {
                    let part = |t: usize, what: usize| &qkv[t * QKV + what * HIDDEN + head * HEAD..][..HEAD];
                    let score = |j: usize| -> f64 {
                        let dot: f64 = part(t, 0).iter().zip(part(j, 1)).map(|(q, k)| f64::from(q * k)).sum();
                        (dot / (HEAD as f64).sqrt()).exp()
                    };
                    let scores: Vec<f64> = (0..tokens).map(score).collect();
                    let sum: f64 = scores.iter().sum();
                    for d in [0, 13, HEAD - 1] {
                        let mixed: f64 = scores.iter().enumerate().map(|(j, s)| s * f64::from(part(j, 2)[d])).sum();
                        close(out[t * HIDDEN + head * HEAD + d], mixed / sum, tolerance)?;
                    }
                }
            }
        }
    }

    #[test]
    fn normalised_rows_have_their_mean_and_width_and_codes_within_half_a_step(seed: u64, rows in 1usize..9) {
        let norm = Norm {
            gamma: numbers(seed, HIDDEN, 1.0),
            beta: numbers(seed ^ 1, HIDDEN, 1.0),
            code_factor: numbers(seed ^ 2, HIDDEN, 0.5).iter().map(|x| 1.0 + x).collect(),
        };
        let before = numbers(seed ^ 3, rows * HIDDEN, 3.0);
        for k in kernels() {
            let (mut x, mut codes) = (before.clone(), Codes::new(HIDDEN));
            k.normalise(&mut x, &norm, &mut codes);
            for (r, (x, before)) in x.chunks_exact(HIDDEN).zip(before.chunks_exact(HIDDEN)).enumerate() {
                let mean = before.iter().map(|&v| f64::from(v)).sum::<f64>() / HIDDEN as f64;
                let variance = before.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / HIDDEN as f64;
                let grid = codes.grid()[r];
                for i in 0..HIDDEN {
                    let y = (f64::from(before[i]) - mean) / variance.sqrt() * f64::from(norm.gamma[i])
                        + f64::from(norm.beta[i]);
                    close(x[i], y, 1e-5)?;
                    let coded = grid.scale * (f32::from(codes.codes()[r * HIDDEN + i]) - grid.zero);
                    let error = (coded - x[i] * norm.code_factor[i]).abs();
                    prop_assert!(error <= 0.501 * grid.scale, "off by {error}, a step is {}", grid.scale);
                }
            }
        }
    }

    #[test]
    fn a_row_does_not_depend_on_the_rows_beside_it(seed: u64, rows in 2usize..20, row in 0usize..20) {
        let row = row % rows;
        let x = numbers(seed, rows * HIDDEN, 2.0);
        for k in kernels() {
            let layer = k.pack(&numbers(seed ^ 1, HIDDEN * 48, 0.1), &numbers(seed ^ 2, 48, 0.1), HIDDEN);
            let run = |x: &[f32]| {
                let mut codes = Codes::new(HIDDEN);
                k.quantise(x, &mut codes);
                let mut out = vec![0.0; codes.rows() * 48];
                k.linear(&codes, &layer, &mut out, Then::Gelu);
                out
            };
            let (all, alone) = (run(&x), run(&x[row * HIDDEN..][..HIDDEN]));
            prop_assert_eq!(&all[row * 48..][..48], &alone[..]);
        }
    }

    #[test]
    fn gelu_and_powers_are_near_the_exact_ones(x in -6.0f32..6.0, y in -125.0f32..0.0) {
        close(lanes::gelu::<true>(x), gelu(f64::from(x)), 4e-4)?;
        let power = f64::from(y).exp2();
        prop_assert!((f64::from(lanes::exp2::<true>(y)) / power - 1.0).abs() < 1e-5);
        close(fma::<false>(x, y, 1.0), f64::from(x) * f64::from(y) + 1.0, 1e-4)?;
    }
}

#[test]
fn a_row_of_zeros_codes_to_zeros() {
    for k in kernels() {
        let mut codes = Codes::new(HIDDEN);
        k.quantise(&[0.0; HIDDEN], &mut codes);
        assert!(codes.codes().iter().all(|&c| c == 0) && codes.grid()[0].scale == 0.0, "{:?}", k.isa());
    }
}

#[test]
fn the_mean_of_rows_is_their_mean() {
    let rows: Vec<f32> = (0..3 * HIDDEN).map(|i| (i / HIDDEN) as f32).collect();
    for k in kernels() {
        let mut out = [f32::NAN; HIDDEN];
        k.mean(&rows, &mut out);
        assert_eq!(out, [1.0; HIDDEN], "{:?}", k.isa());
    }
}
