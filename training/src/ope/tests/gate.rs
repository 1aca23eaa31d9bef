//! Promotion: the three decisions, their sentences, and the way from two policies to one of them.

use super::world::{Logged, World};
use crate::ope::{
    CompareError, Comparison, Confidence, Contest, Decision, Estimator, Interval, Method, NoInterval, Party, Reason,
    Refusal, Scheme, rule,
};

fn comparison(quality: (f64, f64), cost_usd: (f64, f64)) -> Comparison {
    let interval = |(low, high)| Interval { low, high };
    Comparison { quality: interval(quality), cost_usd: interval(cost_usd), refusals: Vec::new() }
}

#[test]
fn only_no_worse_and_no_dearer_is_promoted() {
    let decided = |quality, cost| rule(&comparison(quality, cost)).decision;
    assert_eq!(decided((-0.005, 0.02), (-0.001, 0.0)), Decision::Promote);
    assert_eq!(decided((-0.0051, 0.02), (-0.001, 0.0)), Decision::Keep);
    assert_eq!(decided((-0.005, 0.02), (-0.001, 1e-9)), Decision::Keep);
    assert_eq!(decided((-0.03, -0.005), (-0.001, 0.0)), Decision::Keep);
    assert_eq!(decided((-0.03, -0.0051), (-0.001, 0.0)), Decision::RollBack);
    assert_eq!(decided((f64::NAN, f64::NAN), (f64::NAN, f64::NAN)), Decision::Keep);
}

#[test]
fn refusals_keep_whatever_the_intervals_say() {
    let refusal = Refusal::MeanWeight { mean_weight: 0.5 };
    let refused = Comparison { refusals: vec![(Party::Candidate, refusal)], ..comparison((0.1, 0.2), (-0.2, -0.1)) };
    let ruling = rule(&refused);
    assert_eq!((ruling.decision, ruling.reasons), (Decision::Keep, vec![Reason::Refused(Party::Candidate, refusal)]));
}

#[test]
fn reasons_are_sentences() {
    let sentences = |c: &Comparison| rule(c).reasons.iter().map(ToString::to_string).collect::<Vec<_>>();
    let promoted = [
        "Quality holds: the change lies between -0.0010 and +0.0200, the margin is -0.005.",
        "Cost doesn't rise: the change lies between -0.001000 and -0.000200 USD a request.",
    ];
    assert_eq!(sentences(&comparison((-0.001, 0.02), (-0.001, -0.0002))), promoted);
    let kept = [
        "Quality may have dropped: the change lies between -0.0100 and +0.0200, the margin is -0.005.",
        "Cost may rise: the change lies between -0.001000 and +0.000200 USD a request.",
    ];
    assert_eq!(sentences(&comparison((-0.01, 0.02), (-0.001, 0.0002))), kept);
    let back = ["Quality drops: the change lies between -0.0200 and -0.0100, the margin is -0.005."];
    assert_eq!(sentences(&comparison((-0.02, -0.01), (0.0, 0.0))), back);
    let thin = Refusal::FewEffectiveRounds { effective_sample_size: 59.4, rounds: 300 };
    let refusals = vec![(Party::Candidate, thin), (Party::Baseline, Refusal::MeanWeight { mean_weight: 0.5 })];
    let refused = [
        "Nothing is known of the candidate. The 300 rounds count as 59, fewer than 200.",
        "Nothing is known of the baseline. The mean weight is 0.500, not within 0.9 to 1.1.",
    ];
    assert_eq!(sentences(&Comparison { refusals, ..comparison((0.0, 0.0), (0.0, 0.0)) }), refused);
}

/// What is decided about a policy, `always` one arm but for a little of each, against the logging policy.
fn decided(log: &Logged, always: usize, method: Method) -> Result<Comparison, CompareError> {
    let (quality, cost) = (log.predictions(Scheme::Before), log.cost_predictions());
    let candidate = log.policy(|_| {
        let mut row = [0.04; 4];
        row[always] = 0.88;
        row
    });
    let baseline = log.policy(World::logging);
    let (quality, cost_usd) = (log.quality(Some(&quality)), log.cost(Some(&cost)));
    Contest { quality, cost_usd, candidate: &candidate, baseline: &baseline }.compare(
        Estimator::Dr,
        method,
        Confidence::P95,
    )
}

#[test]
fn a_log_decides_what_the_world_knows() {
    let world = World::new();
    let log = world.log(4000, 11);
    let ruling = |arm, method| rule(&decided(&log, arm, method).unwrap()).decision;
    // The cheapest arm is worse than the logging mixture; the dearest is better, and dearer.
    assert_eq!(ruling(0, Method::Normal), Decision::RollBack);
    assert_eq!(ruling(3, Method::Normal), Decision::Keep);
    assert_eq!(ruling(0, Method::Betting { grid: 2000 }), Decision::RollBack);
    let better = decided(&log, 3, Method::Normal).unwrap();
    assert!(better.quality.low > 0.0 && better.cost_usd.low > 0.0, "{better:?}");
}

#[test]
fn the_same_policy_without_its_waste_is_promoted() {
    let world = World::new();
    let log = world.log(20_000, 12);
    let predictions = log.predictions(Scheme::Before);
    // The dearest arm only where it helps: in the easiest context all arms are alike.
    let thrifty = |context: usize| if context == 0 { [0.7, 0.1, 0.1, 0.1] } else { World::logging(context) };
    let (candidate, baseline) = (log.policy(thrifty), log.policy(World::logging));
    let cost = log.cost_predictions();
    let (quality, cost_usd) = (log.quality(Some(&predictions)), log.cost(Some(&cost)));
    let contest = Contest { quality, cost_usd, candidate: &candidate, baseline: &baseline };
    let comparison = contest.compare(Estimator::Dr, Method::Normal, Confidence::P95).unwrap();
    assert_eq!(rule(&comparison).decision, Decision::Promote, "{comparison:?}");
    let error = contest.compare(Estimator::Snips, Method::EmpiricalBernstein, Confidence::P95).unwrap_err();
    assert_eq!(error, CompareError::NoInterval(NoInterval::NoRange));
}
