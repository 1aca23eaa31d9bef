//! Without libFuzzer: the seeds, then seeds with bytes changed, for so many seconds. Finds less, runs everywhere.
//!
//! `cargo run --release --example soak -- [SECONDS, default 10]`

use satisfice_fuzz::{answers, events, frames, requests, sse};
use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

type Target = fn(&[u8]);

const TARGETS: [(&str, Target); 5] =
    [("requests", requests), ("answers", answers), ("events", events), ("sse", sse), ("frames", frames)];

fn main() {
    let seconds = std::env::args().nth(1).map_or(10, |text| text.parse().expect("seconds"));
    let share = Duration::from_secs(seconds) / TARGETS.len() as u32;
    for (name, target) in TARGETS {
        let seeds = seeds(name);
        assert!(!seeds.is_empty(), "{name} has no seeds");
        seeds.iter().for_each(|seed| target(seed));
        let (mut dice, mut runs, started) = (Dice(12345), 0u64, Instant::now());
        while started.elapsed() < share {
            let input = changed(&seeds, &mut dice);
            // Shown only when it fails, and then whole.
            let failed = std::panic::catch_unwind(|| target(&input)).is_err();
            assert!(!failed, "{name} fails on {input:?}\nas text: {}", String::from_utf8_lossy(&input));
            runs += 1;
        }
        println!("{name}: {} seeds, {runs} inputs", seeds.len());
    }
}

fn seeds(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(name);
    let files = fs::read_dir(folder).expect("a folder of seeds");
    files.map(|file| fs::read(file.expect("a file").path()).expect("it can be read")).collect()
}

/// A seed with a few bytes changed, taken out or put in; or nothing but dice.
fn changed(seeds: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    if dice.below(4) == 0 {
        return (0..dice.below(600)).map(|_| dice.byte()).collect();
    }
    let mut input = seeds[dice.below(seeds.len())].clone();
    for _ in 0..=dice.below(4) {
        let at = dice.below(input.len() + 1);
        match dice.below(3) {
            0 if at < input.len() => input[at] = dice.byte(),
            1 if at < input.len() => drop(input.drain(at..(at + dice.below(40)).min(input.len()))),
            _ => input.insert(at, dice.byte()),
        }
    }
    input
}

/// A fixed generator, so that a failure comes again.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn byte(&mut self) -> u8 {
        (self.next() >> 7) as u8
    }

    fn below(&mut self, end: usize) -> usize {
        self.next() as usize % end.max(1)
    }
}
