#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use super::*;
use crate::domain::{DecisionMode, FeedbackSource, ModelId, Quality, Reward, RoutingRule};
use proptest::prelude::*;

fn rule(mode: DecisionMode) -> RoutingRule {
    RoutingRule { mode, quality_target: Quality::clipped(0.8), kappa: 0.5, lambda_usd: 0.01, exploration: 0.05 }
}

fn scored(mean: f64, cost_usd: f64) -> Scored {
    Scored { mean, spread: 0.05, cost_usd }
}

fn event(number: u64, model: &str, score: f64) -> Event {
    Event {
        number,
        model: model.into(),
        source: FeedbackSource::Tests,
        reward: Reward::Score(Quality::clipped(score)),
        context: (0..CONTEXT_DIM).map(|i| ((number as usize * 7 + i * 3) % 11) as f32 / 30.0 - 0.15).collect(),
        prior: 0.8,
        superseded: None,
    }
}

fn folded(events: &[Event]) -> Posterior {
    let mut posterior = Posterior::new(LearningRates::default());
    events.iter().for_each(|e| posterior.fold(e));
    posterior
}

fn belief(posterior: &Posterior, model: &str) -> Belief {
    posterior.believe(&ModelId::from(model), 0.8, &context_vector(0.8, &[]))
}

#[test]
fn a_kept_candidate_is_certain_however_it_compares() {
    let candidates = [scored(0.95, 1.0), scored(0.70, 3.0)];
    let kept = |i| keep(&rule(DecisionMode::Floor), &candidates, i);
    let certain = |i, target_met, propensities| Choice { chosen: i, greedy: i, target_met, propensities };
    assert_eq!(kept(0), certain(0, true, vec![1.0, 0.0]));
    assert_eq!(kept(1), certain(1, false, vec![0.0, 1.0]));
}

#[test]
fn floor_takes_the_cheapest_that_meets_the_target() {
    let candidates = [scored(0.95, 3.0), scored(0.86, 1.0), scored(0.70, 0.1)];
    assert_eq!(greedy(&rule(DecisionMode::Floor), &candidates), Some((1, true)));
}

#[test]
fn floor_takes_the_best_when_none_meets_the_target_and_says_so() {
    let candidates = [scored(0.5, 3.0), scored(0.6, 5.0), scored(0.4, 0.1)];
    assert_eq!(greedy(&rule(DecisionMode::Floor), &candidates), Some((1, false)));
}

#[test]
fn caution_judges_an_uncertain_model_lower() {
    let unsure = Scored { mean: 0.85, spread: 0.2, cost_usd: 0.1 };
    let candidates = [scored(0.9, 1.0), unsure];
    assert_eq!(greedy(&rule(DecisionMode::Floor), &candidates).unwrap().0, 0);
}

#[test]
fn average_buys_quality_only_at_its_price() {
    let candidates = [scored(0.95, 0.02), scored(0.85, 0.001)];
    let mut r = rule(DecisionMode::Average);
    r.lambda_usd = 0.1;
    assert_eq!(greedy(&r, &candidates).unwrap().0, 1, "0.1 of quality is worth 0.01 USD, it costs 0.019");
    r.lambda_usd = 1.0;
    assert_eq!(greedy(&r, &candidates).unwrap().0, 0);
}

#[test]
fn fallbacks_are_the_cheapest_good_ones_then_the_best_of_the_rest() {
    let candidates = [scored(0.9, 1.0), scored(0.95, 3.0), scored(0.9, 2.0), scored(0.5, 0.1), scored(0.6, 0.2)];
    assert_eq!(ranked(&rule(DecisionMode::Floor), &candidates, 0), vec![2, 1, 4, 3]);
}

#[test]
fn nothing_eligible_is_an_error_not_a_panic() {
    let caps = ExplorationCaps::default();
    assert_eq!(choose(&rule(DecisionMode::Floor), &caps, &[], 0, 0), Err(NoCandidates));
}

#[test]
fn the_same_key_draws_the_same_model_and_keys_are_spread_as_propensities_say() {
    let p = [0.7, 0.2, 0.1];
    let mut counts = [0u32; 3];
    for key in 0..20_000u128 {
        let first = draw(&p, 7, key).unwrap();
        assert_eq!(draw(&p, 7, key), Some(first));
        counts[first] += 1;
    }
    // Three standard deviations of a binomial share at n = 20,000 are at most 0.0106.
    for (count, p) in counts.iter().zip(p) {
        assert!((f64::from(*count) / 20_000.0 - p).abs() < 0.0106, "{counts:?}");
    }
}

#[test]
fn bad_scores_lower_a_model_and_leave_the_others() {
    let events: Vec<Event> = (1..=40).map(|n| event(n, "a", 0.1)).collect();
    let posterior = folded(&events);
    assert!(belief(&posterior, "a").mean < 0.3, "{:?}", belief(&posterior, "a"));
    assert_eq!(belief(&posterior, "b"), belief(&Posterior::new(LearningRates::default()), "b"));
}

#[test]
fn feedback_makes_surer() {
    let before = belief(&Posterior::new(LearningRates::default()), "a").spread;
    let posterior = folded(&(1..=60).map(|n| event(n, "a", 0.8)).collect::<Vec<_>>());
    assert!(belief(&posterior, "a").spread < before * 0.75);
}

#[test]
fn a_sudden_change_raises_the_alarm_and_is_believed_within_forty_feedbacks() {
    let mut events: Vec<Event> = (1..=300).map(|n| event(n, "a", 0.9)).collect();
    events.extend((301..=340).map(|n| event(n, "a", 0.2)));
    let posterior = folded(&events);
    assert!(posterior.level(&"a".into()).alarms >= 1);
    assert!(belief(&posterior, "a").mean < 0.4, "{:?}", belief(&posterior, "a"));
}

#[test]
fn a_revoked_score_leaves_the_mean_where_it_was() {
    let mut events: Vec<Event> = (1..=20).map(|n| event(n, "a", 0.9)).collect();
    let before = belief(&folded(&events), "a").mean;
    events.push(event(21, "a", 0.0));
    let with = belief(&folded(&events), "a").mean;
    let mut revoke = event(22, "a", 0.0);
    revoke.context = events[20].context.clone();
    revoke.reward = Reward::Revoked;
    revoke.superseded =
        Some(Superseded { number: 21, model: "a".into(), reward: Reward::Score(Quality::clipped(0.0)), prior: 0.8 });
    events.push(revoke);
    let after = folded(&events);
    assert!(with < before - 0.005);
    assert!((belief(&after, "a").mean - before).abs() < 0.3 * (before - with), "{before} {with} {after:?}");
    assert_eq!(after.observations(&"a".into()), 20);
}

#[test]
fn old_feedback_fades_towards_the_prior() {
    let rates = LearningRates { forgetting: 0.9, prior_strength: 20.0 };
    let mut posterior = Posterior::new(rates);
    (1..=30).for_each(|n| posterior.fold(&event(n, "a", 0.2)));
    let learned = belief(&posterior, "a").mean;
    (31..=230).for_each(|n| posterior.fold(&event(n, "b", 0.8)));
    posterior.fold(&event(231, "a", 0.8));
    assert!(belief(&posterior, "a").mean > learned + 0.1, "200 later rows at γ = 0.9 leave nothing of the old ones");
}

#[test]
fn a_snapshot_of_another_format_is_refused() {
    let mut bytes = folded(&[event(1, "a", 0.5)]).to_bytes();
    assert!(Posterior::from_bytes(&bytes[..bytes.len() - 1]).is_err());
    bytes[4] = 99;
    assert_eq!(Posterior::from_bytes(&bytes), Err(CodecError::Version(99)));
    assert_eq!(Posterior::from_bytes(b"hello"), Err(CodecError::Malformed));
}

#[test]
fn the_controller_meets_a_mean_quality_at_less_than_the_best_models_cost() {
    let mut controller = TargetController::new(MeanGoal::Quality(0.85), 0.0);
    let requests: Vec<[Scored; 2]> = (0..512)
        .map(|i| {
            let hard = f64::from(i % 10) / 10.0;
            [scored(0.99 - 0.1 * hard, 1.0), scored(0.95 - 0.5 * hard, 0.1)]
        })
        .collect();
    requests.iter().for_each(|r| controller.observe(r));
    let mut r = rule(DecisionMode::Average);
    (r.kappa, r.lambda_usd) = (0.0, controller.lambda());
    let picks: Vec<Scored> = requests.iter().map(|c| c[greedy(&r, c).unwrap().0]).collect();
    let mean = |f: fn(&Scored) -> f64| picks.iter().map(f).sum::<f64>() / picks.len() as f64;
    let quality = mean(|s| s.mean);
    assert!((0.85..0.90).contains(&quality), "{quality}");
    assert!(mean(|s| s.cost_usd) < 0.7);
}

#[test]
fn the_controller_keeps_a_budget() {
    let mut controller = TargetController::new(MeanGoal::Cost(0.5), 0.0);
    let request = |i: u32| [scored(0.95, 1.0), scored(0.95 - f64::from(i % 7) / 20.0, 0.1)];
    (0..256).for_each(|i| controller.observe(&request(i)));
    let mut r = rule(DecisionMode::Budget);
    (r.kappa, r.lambda_usd) = (0.0, controller.lambda());
    let costs: f64 = (0..256).map(|i| request(i)[greedy(&r, &request(i)).unwrap().0].cost_usd).sum();
    assert!(costs / 256.0 <= 0.5);
}

/// Runs a controller over two models, a good dear one and a cheap one that is worse the harder the request is; gives the mean
/// of `actual` over what was chosen.
fn kept_mean(goal: MeanGoal, mode: DecisionMode, requests: u32, actual: impl Fn(&Scored) -> f64) -> f64 {
    let mut controller = TargetController::new(goal, 0.0);
    let mut r = rule(mode);
    r.kappa = 0.0;
    let mut sum = 0.0;
    for i in 0..requests {
        let hard = f64::from(i * 7 % 10) / 10.0;
        let candidates = [scored(0.99 - 0.1 * hard, 1.0), scored(0.95 - 0.5 * hard, 0.1)];
        r.lambda_usd = controller.lambda();
        controller.observe(&candidates);
        let chosen = candidates[greedy(&r, &candidates).unwrap().0];
        controller.decided(&chosen);
        let got = actual(&chosen);
        controller.realised(goal.of(&chosen), got);
        sum += got;
    }
    sum / f64::from(requests)
}

#[test]
fn bills_above_the_expected_are_paid_back() {
    let spent = kept_mean(MeanGoal::Cost(0.5), DecisionMode::Budget, 2000, |c| 1.3 * c.cost_usd);
    assert!((0.45..=0.505).contains(&spent), "{spent}");
}

#[test]
fn scores_below_the_predicted_are_made_up_for() {
    let quality = kept_mean(MeanGoal::Quality(0.85), DecisionMode::Average, 2000, |c| c.mean - 0.04);
    assert!((0.845..0.865).contains(&quality), "{quality}");
}

#[test]
fn a_budget_below_the_cheapest_model_buys_nothing_else() {
    let spent = kept_mean(MeanGoal::Cost(0.09), DecisionMode::Budget, 500, |c| c.cost_usd);
    assert!((spent - 0.1).abs() < 1e-9, "{spent}");
}

#[test]
fn a_healthy_models_level_stays_at_zero() {
    let noisy = |n: u64| event(n, "a", [0.95, 0.75, 0.85, 0.65][(n % 4) as usize]);
    let posterior = folded(&(1..=400).map(noisy).collect::<Vec<_>>());
    let level = posterior.level(&"a".into());
    assert_eq!((level.alarms, level.offset, level.variance), (0, 0.0, 0.0));
    assert!(level.noise < 0.9, "errors of a tenth are less than a score's stated variance: {level:?}");
}

#[test]
fn a_repaired_model_is_believed_again() {
    let mut level = Level::default();
    for i in 0..200 {
        level.observe(if i % 2 == 0 { 0.05 } else { -0.05 }, 0.02, 0.0);
    }
    for _ in 0..30 {
        level.observe(-0.5, 0.02, 0.0);
    }
    assert!(level.shifted && level.offset < -0.3, "{level:?}");
    let back = (1..=20).find(|_| {
        level.observe(0.0, 0.02, 0.0);
        !level.shifted
    });
    assert!(back.is_some_and(|n| n <= 8), "{back:?} {level:?}");
    assert_eq!((level.offset, level.alarms > 0), (0.0, true));
}

prop_compose! {
    fn candidates()(rows in prop::collection::vec((0.0..1.0f64, 0.0..0.3f64, 1e-6..1.0f64), 1..20)) -> Vec<Scored> {
        rows.into_iter().map(|(mean, spread, cost_usd)| Scored { mean, spread, cost_usd }).collect()
    }
}

proptest! {
    #[test]
    fn distributions_sum_to_one_and_keep_their_caps(c in candidates(), mode in 0..3usize) {
        let mode = [DecisionMode::Floor, DecisionMode::Average, DecisionMode::Budget][mode];
        let (r, caps) = (rule(mode), ExplorationCaps::default());
        let (best, _) = greedy(&r, &c).unwrap();
        let p = distribution(&r, &caps, &c, best);
        prop_assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        prop_assert!(p.iter().all(|x| (0.0..=1.0).contains(x)));
        prop_assert!(1.0 - p[best] <= r.exploration + 1e-12);
        for (i, x) in p.iter().enumerate().filter(|(i, x)| *i != best && **x > 0.0) {
            prop_assert!(c[i].cost_usd <= caps.max_cost_ratio * c[best].cost_usd, "{x} on a model that is too dear");
        }
    }

    #[test]
    fn snapshot_and_tail_give_the_bits_of_the_whole_log(
        scores in prop::collection::vec((0..4usize, 0.0..1.0f64), 1..60), cut in 0.0..1.0f64,
    ) {
        let events: Vec<Event> = scores.iter().enumerate()
            .map(|(i, (m, s))| event(i as u64 + 1, ["a", "b", "c", "d"][*m], *s)).collect();
        let whole = folded(&events);
        let cut = (events.len() as f64 * cut) as usize;
        let mut resumed = Posterior::from_bytes(&folded(&events[..cut]).to_bytes()).unwrap();
        events[cut.saturating_sub(3)..].iter().for_each(|e| resumed.fold(e));
        prop_assert_eq!(resumed.to_bytes(), whole.to_bytes());
        prop_assert_eq!(belief(&resumed, "a"), belief(&whole, "a"));
    }

    #[test]
    fn beliefs_stay_in_range(scores in prop::collection::vec(0.0..1.0f64, 0..80)) {
        let events: Vec<Event> = scores.iter().enumerate().map(|(i, s)| event(i as u64 + 1, "a", s.round())).collect();
        let b = belief(&folded(&events), "a");
        prop_assert!((0.0..=1.0).contains(&b.mean) && b.spread > 0.0 && b.spread < 0.6);
    }
}
