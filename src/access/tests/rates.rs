use super::*;
use proptest::{collection::vec, prelude::*};
use std::{sync::Barrier, thread};

const MINUTE: i64 = 60_000;

fn limited(rates: RateLimits) -> (Access, Caller) {
    let access = access(Rules::default(), vec![record(1, with_rates(rates))]);
    let caller = caller(&access, 1);
    (access, caller)
}

fn tokens(tokens_per_minute: u64) -> RateLimits {
    RateLimits { tokens_per_minute: Some(tokens_per_minute), ..RateLimits::default() }
}

fn retry_after(refused: Result<Permit, Refusal>) -> i64 {
    match refused {
        Err(Refusal::RateLimited { retry_after, .. }) => retry_after.as_millis() as i64,
        other => panic!("not limited: {other:?}"),
    }
}

/// The most of what was recorded that any 60 s hold.
fn fullest_minute(log: &[(i64, u64)]) -> u64 {
    let from = |start: i64| log.iter().filter(|(at, _)| (start..start + MINUTE).contains(at)).map(|(_, n)| n).sum();
    log.iter().map(|&(start, _)| from(start)).max().unwrap_or(0)
}

fn arrivals() -> impl Strategy<Value = Vec<(i64, u64, u64)>> {
    // Gaps in milliseconds, tokens estimated, tokens used: crowds, trickles and pauses longer than the window.
    let gap =
        prop_oneof![4 => 0..50_i64, 4 => 0..5_000_i64, 1 => 0..130_000_i64, 1 => Just(MINUTE), 1 => Just(MINUTE - 1)];
    vec((gap, 0..40_u64, 0..60_u64), 1..400)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Not only never too many, but exactly as many as a log of every request would let in.
    #[test]
    fn no_minute_holds_more_requests_than_the_limit(arrivals in arrivals(), limit in 1..30_u64) {
        let (access, caller) = limited(requests(limit));
        let (mut now, mut log): (i64, Vec<(i64, u64)>) = (0, vec![]);
        for (gap, ..) in arrivals {
            now += gap;
            let recent = log.iter().filter(|(at, _)| now - at < MINUTE).count() as u64;
            let admitted = access.admit(&caller, &asking(0, after(now)));
            prop_assert_eq!(admitted.is_ok(), recent < limit);
            if admitted.is_ok() {
                log.push((now, 1));
            }
        }
        prop_assert!(fullest_minute(&log) <= limit);
    }

    #[test]
    fn no_minute_holds_more_tokens_than_the_limit(arrivals in arrivals(), limit in 40..300_u64) {
        let (access, caller) = limited(tokens(limit));
        let (mut now, mut log): (i64, Vec<(i64, u64)>) = (0, vec![]);
        for (gap, estimate, used) in arrivals {
            now += gap;
            let recent: u64 = log.iter().filter(|(at, _)| now - at < MINUTE).map(|(_, n)| n).sum();
            let admitted = access.admit(&caller, &asking(estimate, after(now)));
            prop_assert_eq!(admitted.is_ok(), recent + estimate <= limit);
            if let Ok(permit) = admitted {
                let used = used.min(estimate);
                permit.settle(used, after(now));
                log.push((now, used));
            }
        }
        prop_assert!(fullest_minute(&log) <= limit);
    }

    /// Estimates that were too low can't be undone, but they bar what comes after.
    #[test]
    fn tokens_beyond_the_estimate_count_from_when_they_are_known(arrivals in arrivals(), limit in 40..300_u64) {
        let (access, caller) = limited(tokens(limit));
        let (mut now, mut log): (i64, Vec<(i64, u64)>) = (0, vec![]);
        for (gap, estimate, used) in arrivals {
            now += gap;
            let recent: u64 = log.iter().filter(|(at, _)| now - at < MINUTE).map(|(_, n)| n).sum();
            let admitted = access.admit(&caller, &asking(estimate, after(now)));
            prop_assert_eq!(admitted.is_ok(), recent + estimate <= limit);
            if let Ok(permit) = admitted {
                log.push((now, used.min(estimate)));
                now += 10;
                permit.settle(used, after(now));
                log.push((now, used.saturating_sub(estimate)));
            }
        }
    }

    #[test]
    fn retry_after_is_the_first_moment_at_which_it_fits(arrivals in arrivals(), limit in 40..120_u64) {
        let (access, caller) = limited(RateLimits { requests_per_minute: Some(5), ..tokens(limit) });
        let mut now = 0;
        for (gap, estimate, _) in arrivals {
            now += gap;
            let Err(refusal) = access.admit(&caller, &asking(estimate, after(now))) else { continue };
            let wait = retry_after(Err(refusal));
            prop_assert!(wait > 0);
            if wait > 1 {
                prop_assert!(access.admit(&caller, &asking(estimate, after(now + wait - 1))).is_err());
            }
            prop_assert!(access.admit(&caller, &asking(estimate, after(now + wait))).is_ok());
            now += wait;
        }
    }

    /// Threads read the clock before they get to the lock.
    #[test]
    fn times_a_little_out_of_order_let_no_more_through(
        arrivals in vec((0..3_000_i64, 0..2_000_i64), 1..300),
        limit in 1..20_u64,
    ) {
        let (access, caller) = limited(requests(limit));
        let (mut now, mut latest, mut log): (i64, i64, Vec<(i64, u64)>) = (0, 0, vec![]);
        for (gap, late) in arrivals {
            now += gap;
            let read = (now - late).max(0);
            latest = latest.max(read);
            if access.admit(&caller, &asking(0, after(read))).is_ok() {
                log.push((latest, 1));
            }
        }
        prop_assert!(fullest_minute(&log) <= limit);
    }
}

#[test]
fn a_clock_set_back_by_hours_neither_opens_nor_shuts_the_limits() {
    let (access, caller) = limited(requests(1));
    assert!(access.admit(&caller, &asking(0, after(10 * MINUTE * 60))).is_ok());
    assert_eq!(retry_after(access.admit(&caller, &asking(0, NOON))), MINUTE);
    assert_eq!(retry_after(access.admit(&caller, &asking(0, after(MINUTE - 1)))), 1);
    assert!(access.admit(&caller, &asking(0, after(MINUTE))).is_ok());
}

#[test]
fn a_request_passes_all_its_limits_or_is_counted_in_none() {
    let rules = Rules {
        tenants: [(Tenant::from("acme"), TenantLimits { rates: requests(3), ..TenantLimits::default() })].into(),
        policies: [("default".to_owned(), requests(4))].into(),
        ..Rules::default()
    };
    let other = KeyRecord { tenant: Tenant::from("other"), ..record(3, KeyLimits::default()) };
    let keys = vec![record(1, with_rates(requests(2))), record(2, KeyLimits::default()), other];
    let access = access(rules, keys);
    let scope = |n| match access.admit(&caller(&access, n), &asking(1, NOON)) {
        Ok(_) => None,
        Err(Refusal::RateLimited { scope, .. }) => Some(scope.to_string()),
        Err(other) => panic!("{other}"),
    };
    let seen: Vec<Option<String>> = [1, 1, 1, 1, 2, 2, 3, 3].into_iter().map(scope).collect();
    let first = Some(format!("API key {}", key(1).id()));
    let tenant = Some("tenant acme".to_owned());
    let policy = Some("policy default".to_owned());
    // Refused at the key, requests 3 and 4 take nothing from the tenant; the tenant's last place goes to key 2, and the
    // policy's last to the other tenant.
    assert_eq!(seen, [None, None, first.clone(), first, None, tenant, None, policy]);
}

#[test]
fn of_several_limits_the_one_that_lasts_longest_is_named() {
    let rules = Rules {
        tenants: [(Tenant::from("acme"), TenantLimits { rates: requests(2), ..TenantLimits::default() })].into(),
        ..Rules::default()
    };
    let access = access(rules, vec![record(1, with_rates(requests(1))), record(2, KeyLimits::default())]);
    assert!(access.admit(&caller(&access, 1), &asking(0, NOON)).is_ok());
    assert!(access.admit(&caller(&access, 2), &asking(0, after(500))).is_ok());
    // The tenant's window frees a place at 60.0 s, as the key's does; neither is longer, so the key's is named.
    let refused = access.admit(&caller(&access, 1), &asking(0, after(1000)));
    assert!(matches!(&refused, Err(Refusal::RateLimited { scope: LimitScope::Key(_), .. })), "{refused:?}");
    assert!(access.admit(&caller(&access, 2), &asking(0, after(MINUTE))).is_ok());
    // Now the key is free again, and the tenant only at 60.5 s.
    let refused = access.admit(&caller(&access, 1), &asking(0, after(MINUTE)));
    assert!(matches!(&refused, Err(Refusal::RateLimited { scope: LimitScope::Tenant(_), .. })), "{refused:?}");
    assert_eq!(retry_after(refused), 500);
}

#[test]
fn concurrency_ends_with_the_permit_however_it_ends() {
    let (access, caller) = limited(RateLimits { max_concurrent: Some(2), ..RateLimits::default() });
    let admit = || access.admit(&caller, &asking(5, NOON));
    let (first, second) = (admit().unwrap(), admit().unwrap());
    assert!(matches!(admit(), Err(Refusal::TooManyConcurrent { limit: 2, .. })));
    drop(first);
    let third = admit().unwrap();
    assert!(admit().is_err());
    second.settle(9, after(1));
    assert!(admit().is_ok());
    drop(third);
}

#[test]
fn a_request_beyond_the_limit_of_a_minute_is_told_that_waiting_is_no_use() {
    let (access, caller) = limited(tokens(100));
    let refused = access.admit(&caller, &asking(101, NOON)).unwrap_err();
    let scope = LimitScope::Key(key(1).id().clone());
    assert_eq!(refused, Refusal::TooLarge { scope, limit: 100, tokens: 101 });
    assert!(access.admit(&caller, &asking(100, NOON)).is_ok());
}

#[test]
fn unsettled_tokens_stay_as_they_were_estimated() {
    let (access, caller) = limited(tokens(100));
    drop(access.admit(&caller, &asking(70, NOON)).unwrap());
    assert_eq!(retry_after(access.admit(&caller, &asking(31, after(1)))), MINUTE - 1);
    access.admit(&caller, &asking(30, after(1))).unwrap().settle(0, after(2));
    assert!(access.admit(&caller, &asking(30, after(3))).is_ok());
}

#[test]
fn a_bill_that_comes_after_the_minute_still_counts() {
    let (access, caller) = limited(tokens(100));
    let slow = access.admit(&caller, &asking(10, NOON)).unwrap();
    slow.settle(110, after(2 * MINUTE));
    assert_eq!(retry_after(access.admit(&caller, &asking(1, after(2 * MINUTE)))), MINUTE);
    let slow = access.admit(&caller, &asking(90, after(4 * MINUTE))).unwrap();
    slow.settle(10, after(6 * MINUTE));
    assert!(access.admit(&caller, &asking(100, after(6 * MINUTE))).is_ok(), "what slid out is not given back twice");
}

#[test]
fn headroom_shows_the_limit_nearest_to_being_reached() {
    let tenant = RateLimits { requests_per_minute: Some(10), tokens_per_minute: Some(50), max_concurrent: None };
    let rules = Rules {
        tenants: [(Tenant::from("acme"), TenantLimits { rates: tenant, ..TenantLimits::default() })].into(),
        ..Rules::default()
    };
    let access = access(rules, vec![record(1, with_rates(requests(3)))]);
    let caller = caller(&access, 1);
    drop(access.admit(&caller, &asking(20, NOON)).unwrap());
    let permit = access.admit(&caller, &asking(5, after(1500))).unwrap();
    let reset = Duration::from_secs(60);
    let expected = Headroom {
        requests: Some(Allowance { limit: 3, remaining: 1, reset }),
        tokens: Some(Allowance { limit: 50, remaining: 25, reset }),
    };
    assert_eq!(*permit.headroom(), expected);
    let refused = access.admit(&caller, &asking(26, after(2500))).unwrap_err();
    let Refusal::RateLimited { headroom, quantity, .. } = refused else { panic!("{refused}") };
    assert_eq!((quantity, headroom.requests.unwrap().remaining), (Quantity::Tokens, 1), "a refusal takes nothing");
    assert_eq!(headroom.tokens.unwrap().reset, Duration::from_secs(59));
    let permit = access.admit(&caller, &asking(0, after(MINUTE + 1500))).unwrap();
    assert_eq!(permit.headroom().tokens.unwrap(), Allowance { limit: 50, remaining: 50, reset: Duration::ZERO });
}

#[test]
fn callers_without_limits_have_no_headroom_and_no_end() {
    let access = Access::open();
    for n in 0..1000 {
        let permit = access.admit(&Caller::default(), &asking(u64::MAX, after(n % 7))).unwrap();
        assert_eq!(*permit.headroom(), Headroom::default());
    }
}

#[test]
fn a_group_of_models_is_shared_by_all_its_callers() {
    let group = ModelLimits { name: "frontier".to_owned(), models: vec!["a/*".to_owned()], rates: requests(1) };
    let access = access(Rules { models: vec![group], ..Rules::default() }, vec![]);
    assert!(access.admit_model(&"a/one".into(), 1, NOON).is_ok());
    let refused = access.admit_model(&"a/two".into(), 1, NOON);
    assert!(matches!(refused, Err(Refusal::RateLimited { scope: LimitScope::Models(name), .. }) if name == "frontier"));
    assert!(access.admit_model(&"b/one".into(), 1, NOON).is_ok());
}

#[test]
fn rotating_a_key_does_not_renew_its_limits() {
    let new = KeyRecord { rotated_from: Some(key(1).id().clone()), ..record(2, with_rates(requests(2))) };
    let access = access(Rules::default(), vec![record(1, with_rates(requests(2)))]);
    assert!(access.admit(&caller(&access, 1), &asking(1, NOON)).is_ok());
    access.replace_keys(vec![record(1, with_rates(requests(2))), new]);
    assert!(access.admit(&caller(&access, 2), &asking(1, NOON)).is_ok());
    assert!(access.admit(&caller(&access, 2), &asking(1, NOON)).is_err());
    assert!(access.admit(&caller(&access, 1), &asking(1, NOON)).is_err());
}

#[test]
fn of_many_at_once_exactly_the_limit_get_in() {
    let rates = RateLimits { requests_per_minute: Some(100), max_concurrent: Some(1000), ..tokens(1_000_000) };
    let (access, caller) = limited(rates);
    let start = Barrier::new(8);
    let admitted: usize = thread::scope(|scope| {
        let run = || {
            start.wait();
            (0..50).filter(|_| access.admit(&caller, &asking(1, NOON)).is_ok()).count()
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(run)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(admitted, 100);
}
