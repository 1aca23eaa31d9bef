//! Chance that depends on nothing but a seed and a number.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

/// A number in [0, 1) for the `n`-th throw.
pub(super) fn throw(seed: u64, n: u64) -> f64 {
    let mut material = [0u8; 32];
    material[..8].copy_from_slice(&seed.to_le_bytes());
    material[8..16].copy_from_slice(&n.to_le_bytes());
    (ChaCha8Rng::from_seed(material).next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

/// The numbers below `n` in an order of the seed's choice (Fisher and Yates; the bias of the remainder is below 2⁻⁴⁰).
pub(super) fn shuffled(seed: u64, n: usize) -> Vec<usize> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut order: Vec<usize> = (0..n).collect();
    for i in (1..n).rev() {
        order.swap(i, (rng.next_u64() % (i as u64 + 1)) as usize);
    }
    order
}
