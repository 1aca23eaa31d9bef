#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]
//! Laws that hold on every log; simulations with known truth are in `simulations`, the comparison with obp in `peers`.

mod gate;
mod peers;
mod simulations;
mod world;

use super::*;
use satisfice::domain::{Propensity, Quality, Usd};
use std::num::NonZeroUsize;
use world::{Dice, World};

const ALL: [Estimator; 6] = [
    Estimator::Ips,
    Estimator::Snips,
    Estimator::Dm,
    Estimator::Dr,
    Estimator::SwitchDr { tau: 2.0 },
    Estimator::DrOs { lambda: 3.0 },
];

fn round(arms: usize, chosen: usize, propensity: f64, reward: Option<f64>) -> Round {
    Round {
        arms,
        chosen,
        propensity: Propensity::new(propensity).unwrap(),
        reward: reward.map(Quality::clipped),
        cost_usd: Usd::new(0.01).unwrap(),
    }
}

fn bound(max_weight: f64) -> WeightBound {
    WeightBound::new(max_weight).unwrap()
}

fn close(a: f64, b: f64) {
    assert!((a - b).abs() < 1e-12, "{a} {b}");
}

#[test]
fn on_policy_ips_is_the_sample_mean() {
    let world = World::new();
    let log = world.log(500, 1);
    let policy = log.policy(World::logging);
    let terms = log.quality(None).terms(&policy, Estimator::Ips).unwrap();
    let rewards: Vec<f64> = log.log.rounds().iter().map(|r| r.reward.unwrap().get()).collect();
    assert_eq!(terms.mean(), rewards.iter().sum::<f64>() / 500.0);
    let diagnostics = log.quality(None).diagnostics(&policy).unwrap();
    assert_eq!((diagnostics.effective_sample_size, diagnostics.mean_weight, diagnostics.support), (500.0, 1.0, 1.0));
}

#[test]
fn identical_policies_have_zero_difference() {
    let world = World::new();
    let log = world.log(500, 2);
    let predictions = log.predictions(Scheme::Before);
    let policy = log.policy(World::target);
    for evaluation in [log.quality(Some(&predictions)), log.cost(Some(&log.cost_predictions()))] {
        for estimator in ALL {
            let difference = evaluation.difference(&policy, &policy, estimator).unwrap();
            assert!(difference.values().iter().all(|&d| d == 0.0), "{estimator:?}");
            let interval = Method::Normal.interval(&difference, Confidence::P95).unwrap();
            assert_eq!((interval.low, interval.high), (0.0, 0.0));
        }
    }
}

#[test]
fn differences_are_paired() {
    let world = World::new();
    let log = world.log(300, 3);
    let predictions = log.predictions(Scheme::Before);
    let (ours, theirs) = (log.policy(World::target), log.policy(World::logging));
    let evaluation = log.quality(Some(&predictions));
    for estimator in ALL {
        let (a, b) = (evaluation.terms(&ours, estimator).unwrap(), evaluation.terms(&theirs, estimator).unwrap());
        close(evaluation.difference(&ours, &theirs, estimator).unwrap().mean(), a.mean() - b.mean());
    }
}

#[test]
fn snips_terms_have_the_ratio_as_their_mean() {
    let log = Log::new(vec![round(2, 0, 0.5, Some(1.0)), round(2, 1, 0.25, Some(0.5)), round(2, 1, 0.5, Some(0.0))]);
    let log = log.unwrap();
    let policy = Policy::new(vec![vec![0.5, 0.5]; 3]).unwrap();
    let evaluation = Evaluation::new(&log, Metric::Quality, bound(2.0), None).unwrap();
    // Weights 1, 2, 1: (1·1 + 2·0.5 + 1·0) / 4.
    close(evaluation.terms(&policy, Estimator::Snips).unwrap().mean(), 0.5);
    close(evaluation.terms(&policy, Estimator::Ips).unwrap().mean(), 2.0 / 3.0);
}

#[test]
fn switching_keeps_the_correction_at_the_threshold_and_drops_it_above() {
    let log = Log::new(vec![round(2, 0, 0.5, Some(1.0))]).unwrap();
    let (policy, predictions) = (Policy::new(vec![vec![1.0, 0.0]]).unwrap(), Predictions(vec![vec![0.25, 0.0]]));
    let evaluation = Evaluation::new(&log, Metric::Quality, bound(2.0), Some(&predictions)).unwrap();
    let value = |tau| evaluation.terms(&policy, Estimator::SwitchDr { tau }).unwrap().mean();
    close(value(2.0), 0.25 + 2.0 * 0.75);
    close(value(1.999), 0.25);
}

#[test]
fn extreme_parameters_are_dm_and_dr() {
    let world = World::new();
    let log = world.log(200, 4);
    let predictions = log.predictions(Scheme::Others);
    let policy = log.policy(World::target);
    let evaluation = log.quality(Some(&predictions));
    let mean = |estimator| evaluation.terms(&policy, estimator).unwrap().mean();
    let pairs = [
        (Estimator::SwitchDr { tau: 0.0 }, Estimator::Dm),
        (Estimator::SwitchDr { tau: f64::INFINITY }, Estimator::Dr),
        (Estimator::DrOs { lambda: 0.0 }, Estimator::Dm),
        (Estimator::DrOs { lambda: 1e18 }, Estimator::Dr),
    ];
    for (extreme, plain) in pairs {
        close(mean(extreme), mean(plain));
    }
}

/// A distribution with some arms at 0.
fn sparse_distribution(dice: &mut Dice, arms: usize) -> Vec<f64> {
    let mut row: Vec<f64> = (0..arms).map(|_| (dice.uniform() - 0.4).max(0.0)).collect();
    row[0] += 1e-3;
    let sum: f64 = row.iter().sum();
    row.iter().map(|p| p / sum).collect()
}

/// One round with rewards and predictions at the ends of their range, where terms have their extremes.
fn extreme_round(dice: &mut Dice, floor: f64) -> (Log, Predictions, [Policy; 2]) {
    let arms = 2 + dice.below(3);
    let free = 1.0 - floor * arms as f64;
    let logging: Vec<f64> = sparse_distribution(dice, arms).iter().map(|p| floor + free * p).collect();
    let chosen = dice.below(arms);
    let reward = dice.below(2) as f64;
    let predictions = Predictions(vec![(0..arms).map(|_| dice.below(2) as f64).collect()]);
    let policies = [(); 2].map(|()| Policy::new(vec![sparse_distribution(dice, arms)]).unwrap());
    (Log::new(vec![round(arms, chosen, logging[chosen], Some(reward))]).unwrap(), predictions, policies)
}

#[test]
fn no_term_leaves_its_range_and_no_range_is_idle() {
    let mut dice = Dice::new(5);
    let floor = 0.05;
    let bound = WeightBound::from_floor(floor).unwrap();
    let mut reached = [[0.0_f64; 2]; 6];
    for _ in 0..20_000 {
        let (log, predictions, [ours, theirs]) = extreme_round(&mut dice, floor);
        let evaluation = Evaluation::new(&log, Metric::Quality, bound, Some(&predictions)).unwrap();
        for (reached, estimator) in reached.iter_mut().zip(ALL).filter(|(_, e)| *e != Estimator::Snips) {
            let single = evaluation.terms(&ours, estimator).unwrap();
            let paired = evaluation.difference(&ours, &theirs, estimator).unwrap();
            for (reached, terms) in reached.iter_mut().zip([single, paired]) {
                let (range, term) = (terms.range().unwrap(), terms.values()[0]);
                assert!(range.low - 1e-9 <= term && term <= range.high + 1e-9, "{estimator:?} {term} {range:?}");
                *reached = reached.max(term / range.high);
            }
        }
    }
    // A range that nothing comes near would only widen intervals. SNIPS (index 1) has none.
    let all = reached.iter().enumerate().filter(|(i, _)| *i != 1);
    assert!(all.flat_map(|(_, r)| r).all(|&share| share > 0.7), "{reached:?}");
}

#[test]
fn a_floor_bounds_dr_more_tightly_than_the_weight_alone() {
    let (floor, weight) = (WeightBound::from_floor(0.1).unwrap(), bound(10.0));
    let range = |bound| Estimator::Dr.range(bound).unwrap();
    close(range(floor).high, 10.0);
    close(range(weight).high, 11.0);
    close(Estimator::DrOs { lambda: 4.0 }.range(weight).unwrap().low, -1.0);
}

#[test]
fn unseen_rewards_count_for_cost_only() {
    let log = Log::new(vec![round(2, 0, 0.5, Some(0.8)), round(2, 0, 0.5, None)]).unwrap();
    let policy = Policy::new(vec![vec![0.5, 0.5]; 2]).unwrap();
    let quality = Evaluation::new(&log, Metric::Quality, bound(2.0), None).unwrap();
    let cost = Evaluation::new(&log, Metric::CostUsd { at_most: 0.02 }, bound(2.0), None).unwrap();
    assert_eq!(quality.terms(&policy, Estimator::Ips).unwrap().values(), [0.8]);
    assert_eq!(cost.terms(&policy, Estimator::Ips).unwrap().values(), [0.01, 0.01]);
    assert_eq!(cost.terms(&policy, Estimator::Ips).unwrap().range(), Some(Range { low: 0.0, high: 0.04 }));
    let diagnostics = quality.diagnostics(&policy).unwrap();
    assert_eq!((diagnostics.rounds, diagnostics.unseen), (1, 1));
}

#[test]
fn faults_are_all_collected() {
    let faults = Log::new(vec![round(2, 2, 0.5, None), round(2, 0, 0.0, None), round(2, 1, 0.5, None)]).unwrap_err();
    let expected = [Fault::NoSuchArm { round: 0, chosen: 2, arms: 2 }, Fault::ZeroPropensity { round: 1 }];
    assert_eq!(faults.all(), expected);
    assert_eq!(faults.to_string(), "round 0: arm 2 was chosen of 2; round 1: the chosen arm has propensity 0");
    let rows = vec![vec![0.5, 0.6], vec![1.0, 0.0], vec![-0.5, 1.5], vec![f64::NAN, 1.0]];
    assert_eq!(Policy::new(rows).unwrap_err().all().len(), 3);
    let many = Policy::new(vec![vec![0.5]; 15]).unwrap_err().to_string();
    assert!(many.ends_with("; and 5 more"), "{many}");
}

#[test]
fn inputs_that_do_not_fit_are_refused() {
    let log = Log::new(vec![round(2, 0, 0.5, Some(1.0))]).unwrap();
    let policy = |rows: Vec<Vec<f64>>| Policy::new(rows).unwrap();
    let evaluation = Evaluation::new(&log, Metric::Quality, bound(1.5), None).unwrap();
    let fault = |policy: &Policy, estimator| evaluation.terms(policy, estimator).unwrap_err().all()[0];
    let fits = policy(vec![vec![0.5, 0.5]]);
    let never = policy(vec![vec![0.0, 1.0]]);
    assert_eq!(fault(&policy(vec![]), Estimator::Ips), Fault::Rounds { expected: 1, given: 0 });
    assert_eq!(fault(&policy(vec![vec![1.0]]), Estimator::Ips), Fault::Arms { round: 0, expected: 2, given: 1 });
    assert_eq!(fault(&fits, Estimator::Dr), Fault::NoPredictions(Estimator::Dr));
    assert_eq!(fault(&fits, Estimator::SwitchDr { tau: -1.0 }), Fault::Parameter(-1.0));
    assert_eq!(fault(&never, Estimator::Snips), Fault::NoSupport);
    let above = Fault::WeightAboveBound { round: 0, weight: 2.0, bound: 1.5 };
    assert_eq!(fault(&policy(vec![vec![1.0, 0.0]]), Estimator::Ips), above);
    let wrong = Predictions(vec![vec![0.5, 1.1]]);
    let refused = Evaluation::new(&log, Metric::Quality, bound(2.0), Some(&wrong)).unwrap_err();
    assert_eq!(refused.all(), [Fault::OutOfRange { round: 0, value: 1.1, at_most: 1.0 }]);
    let silent = Log::new(vec![round(2, 0, 0.5, None)]).unwrap();
    assert!(Evaluation::new(&silent, Metric::Quality, bound(2.0), None).is_err());
    assert!(WeightBound::new(0.9).is_err() && WeightBound::new(f64::NAN).is_err());
}

#[test]
fn no_block_learns_from_itself_and_none_before_time() {
    let blocks = NonZeroUsize::new(3).unwrap();
    let learnt = |scheme| {
        let mut seen = Vec::new();
        let table = cross_fit(8, blocks, scheme, <[usize]>::to_vec, |model: &Vec<usize>, round| {
            seen.push((round, model.clone()));
            vec![round as f64]
        });
        assert_eq!(table.0, (0..8).map(|i| vec![f64::from(i)]).collect::<Vec<_>>());
        seen
    };
    for (round, from) in learnt(Scheme::Before) {
        assert!(from.iter().all(|&i| i < round), "{round} {from:?}");
    }
    let sizes: Vec<usize> = learnt(Scheme::Others).iter().map(|(_, from)| from.len()).collect();
    assert_eq!(sizes, [6, 6, 5, 5, 5, 5, 5, 5]);
    assert!(learnt(Scheme::Others).iter().all(|(round, from)| !from.contains(round)));
}

#[test]
fn normal_quantiles_are_those_of_the_tables() {
    // NIST/SEMATECH e-Handbook, 1.3.6.7.1.
    for (confidence, z) in [(0.8, 1.281_551_565_5), (0.95, 1.959_963_984_5), (0.99, 2.575_829_303_5)] {
        assert!((Confidence::new(confidence).unwrap().z() - z).abs() < 1e-9);
    }
    assert!(Confidence::new(1.0).is_err() && Confidence::new(f64::NAN).is_err());
}

#[test]
fn empirical_bernstein_is_that_of_the_paper() {
    let rounds = (0..400).map(|i| round(2, 0, 0.5, Some(f64::from(i % 2)))).collect();
    let (log, policy) = (Log::new(rounds).unwrap(), Policy::new(vec![vec![0.5, 0.5]; 400]).unwrap());
    let terms =
        Evaluation::new(&log, Metric::Quality, bound(1.0), None).unwrap().terms(&policy, Estimator::Ips).unwrap();
    let interval = Method::EmpiricalBernstein.interval(&terms, Confidence::P95).unwrap();
    // s² = 100/399, ln(4/0.05) = 4.382027: √(2·s²·4.382027/400) + 7·4.382027/(3·399) = 0.074103 + 0.025626.
    assert!((interval.high - 0.599_729).abs() < 1e-5, "{interval:?}");
    close(interval.low + interval.high, 1.0);
}

#[test]
fn snips_has_no_bounded_interval() {
    let world = World::new();
    let log = world.log(50, 6);
    let policy = log.policy(World::target);
    let terms = log.quality(None).terms(&policy, Estimator::Snips).unwrap();
    for method in [Method::EmpiricalBernstein, Method::Betting { grid: 10 }] {
        assert_eq!(method.interval(&terms, Confidence::P95), Err(NoInterval::NoRange));
    }
    assert!(Method::Normal.interval(&terms, Confidence::P95).is_ok());
}
