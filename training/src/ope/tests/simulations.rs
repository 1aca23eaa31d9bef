//! Estimators and intervals against a world whose truth is known.

use super::world::{CONTEXTS, Dice, Logged, World};
use crate::ope::{
    BettingSequence, Confidence, Estimator, Evaluation, Interval, Log, Method, Policy, Predictions, Range, Refusal,
    Reliability, Round, Scheme, Terms,
};

/// Estimates of the target's quality on many logs.
fn estimates(logs: u64, rounds: usize, of: impl Fn(&Logged, &Policy) -> Terms) -> Vec<Terms> {
    let world = World::new();
    let one = |seed| {
        let log = world.log(rounds, seed);
        let policy = log.policy(World::target);
        of(&log, &policy)
    };
    (0..logs).map(one).collect()
}

fn truth() -> f64 {
    let world = World::new();
    world.value(World::target)
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (n, sum) = values.fold((0.0, 0.0), |(n, sum), value| (n + 1.0, sum + value));
    sum / n
}

fn rmse(terms: &[Terms], truth: f64) -> f64 {
    mean(terms.iter().map(|t| (t.mean() - truth).powi(2))).sqrt()
}

fn covered(terms: &[Terms], truth: f64, method: Method) -> f64 {
    let intervals = terms.iter().map(|t| method.interval(t, Confidence::P95).unwrap());
    mean(intervals.map(|i| f64::from(u8::from(i.contains(truth)))))
}

fn dr(log: &Logged, policy: &Policy, scheme: Scheme) -> Terms {
    log.quality(Some(&log.predictions(scheme))).terms(policy, Estimator::Dr).unwrap()
}

#[test]
fn ips_is_unbiased() {
    let terms = estimates(400, 500, |log, policy| log.quality(None).terms(policy, Estimator::Ips).unwrap());
    // w ≤ 7, so Var(w·r) ≤ E[w²r²] ≤ 7·E[w·r] = 7V; over 400·500 rounds 4.5 standard errors are below 4.5·√(7V/200 000),
    // about 0.022, exceeded with probability below 1e-5.
    let allowed = 4.5 * (7.0 * truth() / 200_000.0).sqrt();
    let bias = mean(terms.iter().map(Terms::mean)) - truth();
    assert!(bias.abs() < allowed, "{bias} {allowed}");
}

#[test]
fn dr_is_unbiased_whatever_the_predictions_and_dm_is_not() {
    let wrong = |log: &Logged, policy: &Policy, estimator| {
        let predictions = Predictions(vec![vec![0.2; 4]; log.contexts.len()]);
        log.quality(Some(&predictions)).terms(policy, estimator).unwrap()
    };
    let runs = [
        estimates(400, 500, |log, policy| dr(log, policy, Scheme::Before)),
        estimates(400, 500, |log, policy| dr(log, policy, Scheme::Others)),
        estimates(400, 500, |log, policy| wrong(log, policy, Estimator::Dr)),
    ];
    // Var(term) ≤ Var(q̂(x, π)) + E[w²(r − q̂)²] ≤ 1/4 + 7·E[w] = 7.25, as |r − q̂| ≤ 1 and E[w] = 1.
    let allowed = 4.5 * (7.25_f64 / 200_000.0).sqrt();
    for terms in &runs {
        let bias = mean(terms.iter().map(Terms::mean)) - truth();
        assert!(bias.abs() < allowed, "{bias} {allowed}");
    }
    let direct = estimates(10, 500, |log, policy| wrong(log, policy, Estimator::Dm));
    assert!(direct.iter().all(|t| (t.mean() - 0.2).abs() < 1e-9), "DM only repeats its predictions");
}

#[test]
fn dr_has_at_most_seven_tenths_of_the_error_of_ips() {
    let ips = estimates(400, 500, |log, policy| log.quality(None).terms(policy, Estimator::Ips).unwrap());
    let doubly = estimates(400, 500, |log, policy| dr(log, policy, Scheme::Before));
    let (ips, doubly) = (rmse(&ips, truth()), rmse(&doubly, truth()));
    assert!(doubly <= 0.7 * ips, "DR {doubly}, IPS {ips}");
}

#[test]
fn normal_intervals_cover_as_they_say() {
    let logs = 2000;
    let doubly = estimates(logs, 1500, |log, policy| dr(log, policy, Scheme::Before));
    let snips = estimates(logs, 1500, |log, policy| log.quality(None).terms(policy, Estimator::Snips).unwrap());
    for terms in [doubly, snips] {
        // The standard error of a coverage of 95 % over 2000 logs is 0.5 %. 1500 rounds count as about 290: with many fewer,
        // which diagnostics refuse, the skew of weights takes about 1 % off.
        let share = covered(&terms, truth(), Method::Normal);
        assert!((0.94..=0.98).contains(&share), "{share}");
    }
}

#[test]
fn normal_intervals_of_a_difference_cover_as_they_say() {
    let world = World::new();
    let truth = truth() - world.value(World::logging);
    let terms = estimates(2000, 1500, |log, policy| {
        let (baseline, predictions) = (log.policy(World::logging), log.predictions(Scheme::Before));
        log.quality(Some(&predictions)).difference(policy, &baseline, Estimator::Dr).unwrap()
    });
    let share = covered(&terms, truth, Method::Normal);
    assert!((0.94..=0.98).contains(&share), "{share}");
}

#[test]
fn empirical_bernstein_covers_at_least_what_it_says() {
    // A bound for every distribution with the range, so it covers more than 95 % of logs of any one; never less.
    for estimator in [Estimator::Ips, Estimator::Dr] {
        let terms = estimates(500, 600, |log, policy| {
            let predictions = log.predictions(Scheme::Before);
            log.quality(Some(&predictions)).terms(policy, estimator).unwrap()
        });
        assert!(covered(&terms, truth(), Method::EmpiricalBernstein) >= 0.95);
    }
}

#[test]
fn cost_is_estimated_without_bias_and_covered() {
    let truth = World::cost(World::target);
    let terms = estimates(500, 600, |log, policy| {
        log.cost(Some(&log.cost_predictions())).terms(policy, Estimator::Dr).unwrap()
    });
    // In units of the dearest request terms are as those of quality: 4.5·√(7.25/300 000)·0.045.
    let bias = mean(terms.iter().map(Terms::mean)) - truth;
    assert!(bias.abs() < 4.5 * (7.25_f64 / 300_000.0).sqrt() * 0.045, "{bias}");
    assert!((0.93..=0.98).contains(&covered(&terms, truth, Method::Normal)));
    assert!(covered(&terms, truth, Method::EmpiricalBernstein) >= 0.95);
}

#[test]
fn betting_contains_the_truth_at_all_times() {
    // The running interval only shrinks, so the truth is in it at all times if it is in the last. At most 5 % of runs may
    // miss; the sequence is conservative, so 200 runs with more than 10 misses would be a fault, not chance.
    let terms = estimates(200, 500, |log, policy| dr(log, policy, Scheme::Before));
    let share = covered(&terms, truth(), Method::Betting { grid: 400 });
    assert!(share >= 0.95, "{share}");
}

#[test]
fn betting_is_that_of_the_paper() {
    // The same 500 values through the formulas of theorem 3 written out in NumPy, all times and grid points at once.
    let mut sequence = BettingSequence::new(Range { low: 0.0, high: 1.0 }, Confidence::P95, 1000);
    let expected =
        [(100, 0.244, 0.413), (200, 0.285, 0.413), (300, 0.298, 0.412), (400, 0.309, 0.412), (500, 0.311, 0.406)];
    for (n, low, high) in expected {
        let values = (n - 99..=n).map(|i: u32| f64::from(i * i * 7919 % 1000) / 1000.0);
        values.for_each(|x| sequence.push(x * x));
        let interval = sequence.interval();
        assert!((interval.low - low).abs() < 1e-9 && (interval.high - high).abs() < 1e-9, "{n} {interval:?}");
    }
}

#[test]
fn betting_intervals_shrink_towards_the_mean() {
    let (range, mut dice) = (Range { low: -1.0, high: 3.0 }, Dice::new(7));
    let mut sequence = BettingSequence::new(range, Confidence::P95, 1000);
    let mut before = sequence.interval();
    assert_eq!((before.low, before.high), (-1.0, 3.0));
    for _ in 0..4000 {
        sequence.push(0.5 + dice.uniform());
        let after = sequence.interval();
        assert!(before.low <= after.low && after.high <= before.high);
        before = after;
    }
    // Mean 1, standard deviation 0.29: a normal interval would be 0.018 wide, time-uniform ones about three times that.
    assert!(before.contains(1.0) && before.width() < 0.08, "{before:?}");
}

/// Share of runs in which some look at the log excludes the truth.
fn misses(runs: u64, interval: impl Fn(&[f64]) -> Interval) -> f64 {
    let missed = |seed| {
        let mut dice = Dice::new(seed);
        let values: Vec<f64> = (0..600).map(|_| f64::from(u8::from(dice.uniform() < 0.3))).collect();
        (20..=600).step_by(20).any(|n| !interval(&values[..n]).contains(0.3))
    };
    mean((0..runs).map(missed).map(|m| f64::from(u8::from(m))))
}

#[test]
fn peeking_breaks_normal_intervals_and_not_betting() {
    let normal = misses(200, |values| {
        let n = values.len() as f64;
        let p = values.iter().sum::<f64>() / n;
        let half = 1.96 * (p * (1.0 - p) / n).sqrt();
        Interval { low: p - half, high: p + half }
    });
    let betting = misses(200, |values| {
        let mut sequence = BettingSequence::new(Range { low: 0.0, high: 1.0 }, Confidence::P95, 200);
        values.iter().for_each(|&x| sequence.push(x));
        sequence.interval()
    });
    assert!(normal > 0.15 && betting <= 0.05, "normal {normal}, betting {betting}");
}

#[test]
fn ends_of_the_range_are_kept_where_all_values_lie_there() {
    for (value, end) in [(0.0, 0.0), (1.0, 1.0)] {
        let mut sequence = BettingSequence::new(Range { low: 0.0, high: 1.0 }, Confidence::P95, 100);
        (0..2000).for_each(|_| sequence.push(value));
        let interval = sequence.interval();
        assert!(interval.contains(end) && interval.width() < 0.03, "{interval:?}");
    }
}

fn reliability(evaluation: &Evaluation<'_>, policy: &Policy) -> Reliability {
    evaluation.diagnostics(policy).unwrap().reliability()
}

#[test]
fn thin_support_is_refused() {
    let world = World::new();
    let enough = world.log(2000, 8);
    let policy = enough.policy(World::target);
    assert_eq!(reliability(&enough.quality(None), &policy), Reliability::Conclusive);

    // E[w²] = 0.7²/0.1 + 0.1²/0.7 + 2·0.1²/0.1 ≈ 5.1 at mean 1: 300 rounds count as about 59.
    let few = world.log(300, 9);
    let refused = reliability(&few.quality(None), &few.policy(World::target));
    assert!(matches!(refused.refusals()[0], Refusal::FewEffectiveRounds { effective_sample_size, rounds: 300 }
        if (30.0..120.0).contains(&effective_sample_size)));
}

#[test]
fn an_arm_that_was_never_tried_is_refused() {
    let world = World::new();
    let log = world.log(3000, 10);
    // A fifth arm that the logging policy never had takes all of the harder half: half of the mass has no support.
    let five = log.log.rounds().iter().map(|round| Round { arms: 5, ..*round }).collect();
    let five = Logged { log: Log::new(five).unwrap(), contexts: log.contexts };
    let row = |&context: &usize| {
        if context < CONTEXTS / 2 { vec![0.1, 0.7, 0.1, 0.1, 0.0] } else { vec![0.0, 0.0, 0.0, 0.0, 1.0] }
    };
    let policy = Policy::new(five.contexts.iter().map(row).collect()).unwrap();
    let refused = reliability(&five.quality(None), &policy);
    assert!(matches!(refused.refusals(), [Refusal::MeanWeight { mean_weight }] if (0.4..0.6).contains(mean_weight)));
}
