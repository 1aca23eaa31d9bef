use super::*;
use proptest::prelude::*;
use std::time::Duration;

const STATED: Latency = Latency { first_token_ms: 400.0, tokens_per_second: 100.0 };

fn model() -> ModelId {
    "a/model".into()
}

fn signals() -> Signals {
    Signals::new([(model(), STATED)])
}

fn timing(first_token_ms: f64, output_tokens: u32, total_ms: f64) -> Timing {
    Timing { first_token_ms: Some(first_token_ms), output_tokens, total_ms, load: 1 }
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * b.abs().max(1.0)
}

#[test]
fn nothing_seen_is_what_the_catalogue_says() {
    let (signals, now) = (signals(), Instant::now());
    assert_eq!(signals.snapshot(&model(), now), Signal::default());
    assert_eq!(signals.latency(&model(), now), Some(STATED));
    assert_eq!(signals.latency(&"un/known".into(), now), None);
    signals.observe_failure(&"un/known".into(), now);
    assert_eq!(signals.snapshot(&"un/known".into(), now), Signal::default());
    drop(signals.started(&"un/known".into()));
}

#[test]
fn answers_tell_latency_and_ten_of_them_weigh_as_much_as_the_catalogue() {
    let (signals, now) = (signals(), Instant::now());
    for _ in 0..10 {
        signals.observe_success(&model(), timing(1600.0, 101, 1600.0 + 4000.0), now);
    }
    let signal = signals.snapshot(&model(), now);
    assert!(signal.first_token_ms.is_some_and(|ms| close(ms, 1600.0)), "{signal:?}");
    assert!(signal.tokens_per_second.is_some_and(|tps| close(tps, 25.0)), "{signal:?}");
    assert!(close(signal.samples, 10.0) && signal.error_rate == 0.0);
    let latency = signals.latency(&model(), now).expect("it is known");
    assert!(close(latency.first_token_ms, 800.0) && close(latency.tokens_per_second, 50.0), "{latency:?}");
}

/// After answers at these loads, each of which took so many times as long as stated.
fn loaded(took: impl Fn(u32) -> f64, loads: impl Iterator<Item = u32>, in_flight: usize) -> (Signal, Latency) {
    let (signals, now) = (signals(), Instant::now());
    for load in loads {
        let first = 400.0 * took(load);
        let timing =
            Timing { first_token_ms: Some(first), output_tokens: 101, total_ms: first + 1010.0 * took(load), load };
        signals.observe_success(&model(), timing, now);
    }
    let _under_way: Vec<InFlight> = (0..in_flight).map(|_| signals.started(&model())).collect();
    (signals.snapshot(&model(), now), signals.latency(&model(), now).expect("it is known"))
}

#[test]
fn a_server_whose_calls_share_it_is_expected_to_be_slow_while_many_run() {
    let to_and_fro = || (1..=8).cycle().take(200);
    let (signal, idle) = loaded(f64::from, to_and_fro(), 0);
    assert!((0.9..=1.0).contains(&signal.load_elasticity), "{signal:?}");
    assert!((3.0..5.0).contains(&signal.usual_load), "{signal:?}");
    let (_, busy) = loaded(f64::from, to_and_fro(), 31);
    let factor = busy.first_token_ms / idle.first_token_ms;
    assert!((16.0..33.0).contains(&factor), "{factor}");
    assert!(close(idle.tokens_per_second / busy.tokens_per_second, factor));
    assert!((300.0..700.0).contains(&idle.first_token_ms), "alone it is about as fast as stated: {idle:?}");
}

#[test]
fn a_provider_with_room_for_all_is_expected_to_be_as_fast_whatever_runs() {
    let (signal, idle) = loaded(|_| 2.0, (1..=8).cycle().take(200), 0);
    let (_, busy) = loaded(|_| 2.0, (1..=8).cycle().take(200), 31);
    assert!(signal.load_elasticity.abs() < 1e-9 && close(idle.first_token_ms, busy.first_token_ms), "{signal:?}");
    let (alike, _) = loaded(f64::from, [5; 200].into_iter(), 0);
    assert!(alike.load_elasticity.abs() < 1e-9, "of one load nothing is learned: {alike:?}");
    let (few, _) = loaded(f64::from, [1, 2].into_iter(), 0);
    assert!(few.load_elasticity < 0.3, "nor much of two answers: {few:?}");
}

#[test]
fn a_quiet_model_returns_to_the_catalogue() {
    let (signals, now) = (signals(), Instant::now());
    signals.observe_success(&model(), timing(4000.0, 50, 9000.0), now);
    let later = |minutes: u64| signals.snapshot(&model(), now + Duration::from_secs(60 * minutes));
    assert!(close(later(5).samples, 0.5));
    assert!(later(5).first_token_ms.is_some_and(|ms| close(ms, 4000.0)), "the figure stays, its weight fades");
    assert_eq!(later(24 * 60).first_token_ms, None);
    assert_eq!(signals.latency(&model(), now + Duration::from_secs(86_400)), Some(STATED));
}

#[test]
fn one_stalled_answer_does_not_dominate() {
    let (signals, now) = (signals(), Instant::now());
    for _ in 0..19 {
        signals.observe_success(&model(), timing(500.0, 1, 500.0), now);
    }
    signals.observe_success(&model(), timing(60_000.0, 1, 60_000.0), now);
    let typical = signals.snapshot(&model(), now).first_token_ms.expect("twenty answers");
    assert!((500.0..700.0).contains(&typical), "{typical}, where the plain mean is 3475");
    assert_eq!(signals.snapshot(&model(), now).tokens_per_second, None, "one token has no speed");
}

#[test]
fn whole_answers_tell_how_slow_a_model_is() {
    let (signals, now) = (signals(), Instant::now());
    // Expected: 400 ms and 200 tokens at 100 a second, 2400 ms in all. It takes three times that.
    for _ in 0..200 {
        signals.observe_success(
            &model(),
            Timing { first_token_ms: None, output_tokens: 200, total_ms: 7200.0, load: 1 },
            now,
        );
    }
    let signal = signals.snapshot(&model(), now);
    let (first, speed) = (signal.first_token_ms.expect("seen"), signal.tokens_per_second.expect("seen"));
    assert!((1150.0..1250.0).contains(&first), "{first}");
    assert!((32.0..35.0).contains(&speed), "{speed}");
}

#[test]
fn a_burst_has_no_absurd_speed_and_impossible_numbers_are_left_out() {
    let (signals, now) = (signals(), Instant::now());
    signals.observe_success(&model(), timing(800.0, 1000, 800.0), now);
    assert!(signals.snapshot(&model(), now).tokens_per_second.is_some_and(|tps| close(tps, 5000.0)));
    for bad in [timing(f64::NAN, 9, 10.0), timing(1.0, 9, f64::INFINITY), timing(1.0, 9, 0.0), timing(-1.0, 9, 10.0)] {
        signals.observe_success(&model(), bad, now);
    }
    assert!(close(signals.snapshot(&model(), now).samples, 1.0));
}

#[test]
fn errors_are_drawn_to_zero_and_halve_in_a_minute() {
    let (signals, now) = (signals(), Instant::now());
    signals.observe_failure(&model(), now);
    assert!(close(signals.snapshot(&model(), now).error_rate, 1.0 / 6.0));
    let later = signals.snapshot(&model(), now + Duration::from_secs(60)).error_rate;
    assert!(close(later, 0.5 / 5.5));
    for _ in 0..995 {
        signals.observe_failure(&model(), now);
    }
    assert!(signals.snapshot(&model(), now).error_rate > 0.99);
    // Time that runs backwards between threads is no time.
    let earlier = signals.snapshot(&model(), now.checked_sub(Duration::from_secs(9)).unwrap_or(now));
    assert!(earlier.error_rate > 0.99);
}

#[test]
fn calls_under_way_are_counted_until_they_are_dropped() {
    let (signals, now) = (signals(), Instant::now());
    let (first, second) = (signals.started(&model()), signals.started(&model()));
    assert_eq!(signals.snapshot(&model(), now).in_flight, 2);
    drop(first);
    assert_eq!(signals.snapshot(&model(), now).in_flight, 1);
    drop(second);
    assert_eq!(signals.snapshot(&model(), now).in_flight, 0);
}

#[test]
fn no_observation_of_many_threads_is_lost() {
    let (signals, now) = (signals(), Instant::now());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..500).for_each(|_| signals.observe_success(&model(), timing(100.0, 2, 200.0), now)));
        }
    });
    assert!(close(signals.snapshot(&model(), now).samples, 2000.0));
}

#[test]
fn expected_attempts_grow_with_failures_up_to_a_cap() {
    let attempts = [0.0, 0.5, 0.75, 0.99, 1.0, 7.0, -1.0, f64::NAN].map(expected_attempts);
    assert_eq!(attempts, [1.0, 2.0, 4.0, 4.0, 4.0, 4.0, 1.0, 1.0]);
}

proptest! {
    #[test]
    fn signals_stay_in_range_whatever_is_observed(
        events in prop::collection::vec((any::<Option<f64>>(), any::<u32>(), any::<f64>(), any::<bool>(), 0..1_000_000_u64), 0..50),
    ) {
        let (signals, mut now) = (signals(), Instant::now());
        for (first_token_ms, output_tokens, total_ms, failed, ms) in events {
            now += Duration::from_millis(ms);
            if failed {
                signals.observe_failure(&model(), now);
            } else {
                signals.observe_success(&model(), Timing { first_token_ms, output_tokens, total_ms, load: 1 }, now);
            }
            let signal = signals.snapshot(&model(), now);
            prop_assert!((0.0..1.0).contains(&signal.error_rate) && signal.samples >= 0.0);
            prop_assert!(signal.first_token_ms.is_none_or(|ms| ms > 0.0), "{:?}", signal);
            prop_assert!(signal.tokens_per_second.is_none_or(|tps| (0.0..=5000.1).contains(&tps)), "{:?}", signal);
            let latency = signals.latency(&model(), now).expect("it is known");
            prop_assert!(latency.first_token_ms > 0.0 && latency.tokens_per_second > 0.0, "{:?}", latency);
        }
    }

    #[test]
    fn a_blend_lies_between_what_is_stated_and_what_is_seen(
        first_token_ms in 1.0..1e5_f64, tokens_per_second in 0.1..5e3_f64, samples in 0.0..1e4_f64,
    ) {
        let seen = Signal { first_token_ms: Some(first_token_ms), tokens_per_second: Some(tokens_per_second), samples, ..Signal::default() };
        let latency = blended(STATED, &seen);
        let between = |x: f64, a: f64, b: f64| x >= a.min(b) * (1.0 - 1e-9) && x <= a.max(b) * (1.0 + 1e-9);
        prop_assert!(between(latency.first_token_ms, STATED.first_token_ms, first_token_ms));
        prop_assert!(between(latency.tokens_per_second, STATED.tokens_per_second, tokens_per_second));
    }
}
