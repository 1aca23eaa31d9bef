use super::*;
use proptest::prelude::*;

const RULES: BreakerRules = BreakerRules::new(3, Duration::from_secs(30));

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn pass(breaker: &Breaker, now: Instant) -> Pass {
    match breaker.allow(now) {
        Permission::Yes(pass) | Permission::Probe(pass) => pass,
        Permission::No { retry_after } => panic!("refused for {retry_after:?}"),
    }
}

fn probe(breaker: &Breaker, now: Instant) -> Pass {
    match breaker.allow(now) {
        Permission::Probe(pass) => pass,
        other => panic!("no probe: {other:?}"),
    }
}

fn refusal(breaker: &Breaker, now: Instant) -> Option<Duration> {
    match breaker.allow(now) {
        Permission::No { retry_after } => Some(retry_after),
        Permission::Yes(_) | Permission::Probe(_) => None,
    }
}

fn opened(at: Instant) -> Breaker {
    let breaker = Breaker::new(RULES);
    for _ in 0..3 {
        pass(&breaker, at).failed(at);
    }
    breaker
}

#[test]
fn failures_in_a_row_open_it_and_a_success_between_them_does_not_count() {
    let now = Instant::now();
    let breaker = Breaker::new(RULES);
    for _ in 0..3 {
        pass(&breaker, now).failed(now);
        pass(&breaker, now).failed(now);
        pass(&breaker, now).succeeded();
    }
    assert_eq!(breaker.state(now), BreakerState::Closed);
    let breaker = opened(now);
    assert_eq!(breaker.state(now), BreakerState::Open);
    assert_eq!(refusal(&breaker, now + secs(10)), Some(secs(20)));
    assert_eq!(breaker.refuses(now + secs(10)), Some(secs(20)));
}

#[test]
fn half_of_ten_calls_failing_opens_it_and_less_does_not() {
    let now = Instant::now();
    let after = |outcomes: &[bool]| {
        let breaker = Breaker::new(RULES);
        for &failed in outcomes {
            if failed { pass(&breaker, now).failed(now) } else { pass(&breaker, now).succeeded() }
        }
        breaker.state(now)
    };
    let mut outcomes = [false, true].repeat(5);
    assert_eq!(after(&outcomes), BreakerState::Open);
    outcomes[1] = false;
    assert_eq!(after(&outcomes), BreakerState::Closed);
    assert_eq!(after(&[false, true].repeat(4)), BreakerState::Closed, "eight calls are too few to tell");
    // Ten of these calls failed, but six of them before the last twenty calls.
    let faded = [[true, true, false].repeat(3), vec![false; 14], vec![true, true, false, true, true]].concat();
    assert_eq!(after(&faded), BreakerState::Closed);
}

#[test]
fn a_failed_probe_doubles_the_pause_up_to_the_cap_and_a_success_resets_it() {
    let mut now = Instant::now();
    let breaker = opened(now);
    for pause in [30, 60, 120, 240, 300, 300] {
        assert_eq!(breaker.refuses(now), Some(secs(pause)));
        now += secs(pause);
        assert_eq!(breaker.state(now), BreakerState::HalfOpen);
        probe(&breaker, now).failed(now);
    }
    now += secs(300);
    probe(&breaker, now).succeeded();
    for _ in 0..3 {
        pass(&breaker, now).failed(now);
    }
    assert_eq!(breaker.refuses(now), Some(secs(30)));
}

#[test]
fn an_abandoned_probe_frees_its_place_at_once() {
    let now = Instant::now();
    let breaker = opened(now);
    let now = now + secs(30);
    let first = probe(&breaker, now);
    assert_eq!(refusal(&breaker, now), Some(PROBE_TAKES));
    drop(first);
    probe(&breaker, now).succeeded();
    assert_eq!(breaker.state(now), BreakerState::Closed);
}

#[test]
fn calls_from_before_it_opened_change_nothing() {
    let now = Instant::now();
    let breaker = Breaker::new(RULES);
    let early: Vec<Pass> = (0..6).map(|_| pass(&breaker, now)).collect();
    let mut early = early.into_iter();
    for _ in 0..3 {
        early.next().expect("there are six").failed(now);
    }
    early.next().expect("there are six").succeeded();
    assert_eq!(breaker.state(now), BreakerState::Open);
    let later = now + secs(30);
    let under_way = probe(&breaker, later);
    early.next().expect("there are six").failed(later);
    drop(early.next());
    assert_eq!(refusal(&breaker, later), Some(PROBE_TAKES));
    under_way.succeeded();
    assert_eq!(breaker.state(later), BreakerState::Closed);
}

#[test]
fn without_a_limit_it_never_opens() {
    let now = Instant::now();
    let breaker = Breaker::new(BreakerRules::new(0, secs(30)));
    for _ in 0..100 {
        pass(&breaker, now).failed(now);
    }
    assert_eq!(breaker.state(now), BreakerState::Closed);
}

#[test]
fn threads_that_ask_together_get_one_probe() {
    let now = Instant::now();
    let (breaker, later) = (opened(now), now + secs(30));
    let permissions: Vec<Permission> = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..8).map(|_| scope.spawn(|| breaker.allow(later))).collect();
        asking.into_iter().map(|thread| thread.join().expect("asking does not panic")).collect()
    });
    assert_eq!(permissions.iter().filter(|p| matches!(p, Permission::Probe(_))).count(), 1);
    assert_eq!(permissions.iter().filter(|p| matches!(p, Permission::No { .. })).count(), 7);
}

/// What may happen to a breaker, and when: a call begins, or one of those under way ends.
#[derive(Debug, Clone)]
enum Step {
    Begin,
    Succeed(usize),
    Fail(usize),
    Leave(usize),
}

fn steps() -> impl Strategy<Value = Vec<(u64, Step)>> {
    let step = prop_oneof![
        4 => Just(Step::Begin),
        1 => any::<usize>().prop_map(Step::Succeed),
        3 => any::<usize>().prop_map(Step::Fail),
        1 => any::<usize>().prop_map(Step::Leave),
    ];
    prop::collection::vec((0..40_u64, step), 0..200)
}

proptest! {
    #[test]
    fn there_is_never_more_than_one_probe_and_its_success_lets_everyone_through(steps in steps()) {
        let mut now = Instant::now();
        let breaker = Breaker::new(RULES);
        let mut under_way: Vec<Pass> = Vec::new();
        for (seconds, step) in steps {
            now += secs(seconds);
            let take = |i: usize, calls: &mut Vec<Pass>| (!calls.is_empty()).then(|| calls.swap_remove(i % calls.len()));
            match step {
                Step::Begin => match breaker.allow(now) {
                    Permission::Yes(pass) | Permission::Probe(pass) => under_way.push(pass),
                    Permission::No { retry_after } => prop_assert!(retry_after > Duration::ZERO && retry_after <= secs(300)),
                },
                Step::Succeed(i) => if let Some(pass) = take(i, &mut under_way) {
                    let is_probe = pass.is_probe;
                    pass.succeeded();
                    if is_probe {
                        prop_assert_eq!(breaker.state(now), BreakerState::Closed);
                        prop_assert!((0..10).all(|_| matches!(breaker.allow(now), Permission::Yes(_))));
                    }
                },
                Step::Fail(i) => if let Some(pass) = take(i, &mut under_way) {
                    let is_probe = pass.is_probe;
                    pass.failed(now);
                    prop_assert!(!is_probe || breaker.state(now) == BreakerState::Open);
                },
                Step::Leave(i) => drop(take(i, &mut under_way)),
            }
            let probes = under_way.iter().filter(|pass| pass.is_probe).count();
            prop_assert!(probes <= 1, "{} probes at once", probes);
        }
    }
}
