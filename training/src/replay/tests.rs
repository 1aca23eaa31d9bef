use super::*;
use crate::ope::{Decision as Verdict, Round};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};
use satisfice::{
    domain::{DecisionMode, ModelId, Propensity, Quality, RoutingRule, Usd},
    policy::Scored,
};

/// A log of two models that were drawn evenly: the cheap one is right in 60 % of requests, the dear one in 90 %.
fn rounds(n: usize) -> Vec<Logged> {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let mut uniform = || (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
    let half = Propensity::new(0.5).expect("a propensity");
    let round = |_| {
        let chosen = usize::from(uniform() < 0.5);
        let right = uniform() < [0.6, 0.9][chosen];
        Logged {
            rule: RoutingRule {
                mode: DecisionMode::Floor,
                quality_target: Quality::clipped(0.5),
                kappa: 0.0,
                lambda_usd: 0.0,
                exploration: 0.0,
            },
            models: vec![ModelId::from("cheap"), ModelId::from("dear")],
            scored: vec![scored(0.65, 0.001), scored(0.85, 0.01)],
            propensities: vec![0.5, 0.5],
            round: Round {
                arms: 2,
                chosen,
                propensity: half,
                reward: Some(Quality::clipped(f64::from(u8::from(right)))),
                cost_usd: Usd::new([0.001, 0.01][chosen]).expect("a cost"),
            },
        }
    };
    (0..n).map(round).collect()
}

fn scored(mean: f64, cost_usd: f64) -> Scored {
    Scored { mean, spread: 0.0, cost_usd }
}

fn replayed(variant: Variant) -> ReplayReport {
    let read = log::Read { rounds: rounds(4000), ..log::Read::default() };
    replay(read, &[Variant { name: Some("other".into()), ..variant }]).expect("a report")
}

#[test]
fn a_higher_target_is_estimated_at_what_the_dear_model_gives() {
    let report = replayed(Variant { quality_target: Some(0.8), ..Variant::default() });
    let other = &report.policies["other"];
    let (quality, cost) = (other.quality["dr"], other.cost_usd["dr"]);
    assert!(quality.low <= 0.9 && 0.9 <= quality.high && quality.high - quality.low < 0.06, "{quality:?}");
    assert!((cost.mean - 0.01).abs() < 1e-9, "{cost:?}");
    // Half of the traffic was the dear model: better, and dearer.
    let ruling = other.ruling.as_ref().expect("a ruling");
    assert_eq!(ruling.decision, Verdict::Keep);
}

#[test]
fn leaving_a_model_out_or_a_lower_price_changes_cost_as_it_must() {
    let without = replayed(Variant { without: vec!["dear".into()], ..Variant::default() });
    let (quality, cost) = (without.policies["other"].quality["dr"], without.policies["other"].cost_usd["dr"]);
    assert!(quality.low <= 0.6 && 0.6 <= quality.high, "{quality:?}");
    assert!((cost.mean - 0.001).abs() < 1e-9);
    // The floor of 0.5 takes the cheapest: with a hundredth of its price, that is the dear one.
    let cheaper = replayed(Variant { price_factors: [("dear".into(), 0.01)].into(), ..Variant::default() });
    assert!((cheaper.policies["other"].cost_usd["dr"].mean - 0.0001).abs() < 1e-9);
}

#[test]
fn the_logged_policy_is_estimated_at_what_was_logged() {
    let report = replayed(Variant::default());
    let logged = &report.policies["logged"];
    let all = rounds(4000);
    let mean = all.iter().filter_map(|r| r.round.reward).map(|r| r.get()).sum::<f64>() / all.len() as f64;
    assert!((logged.quality["ips"].mean - mean).abs() < 1e-9);
    assert_eq!(logged.support.effective_sample_size, 4000.0);
}

#[test]
fn nothing_is_concluded_from_a_log_that_never_tried_the_model() {
    let mut rounds = rounds(1000);
    for round in &mut rounds {
        round.propensities = vec![0.999, 0.001];
        round.round.chosen = 0;
        round.round.propensity = Propensity::new(0.999).expect("a propensity");
        round.round.cost_usd = Usd::new(0.001).expect("a cost");
    }
    let read = log::Read { rounds, ..log::Read::default() };
    let other = Variant { name: Some("other".into()), without: vec!["cheap".into()], ..Variant::default() };
    let report = replay(read, &[other]).expect("a report");
    let comparison = report.policies["other"].change.as_ref().expect("a comparison");
    assert!(!comparison.refusals.is_empty(), "{comparison:?}");
}

#[test]
fn a_faulty_policy_file_is_refused_by_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("p.toml");
    for (text, word) in [("quality_targett = 0.9", "quality_targett"), ("quality_target = 1.9", "quality_target")] {
        std::fs::write(&path, text).expect("a file");
        let error = format!("{:#}", Variant::read(&path).expect_err("a fault"));
        assert!(error.contains(word), "{error}");
    }
    std::fs::write(&path, "without = [\"a/b\"]\n[price_factors]\n\"c/d\" = 0.5\n").expect("a file");
    let variant = Variant::read(&path).expect("a policy");
    assert_eq!((variant.name.as_deref(), variant.price_factor(&"c/d".into())), (Some("p"), 0.5));
}
