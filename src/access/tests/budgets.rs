use super::*;
use proptest::{collection::vec, prelude::*};
use std::{sync::Barrier, thread};

fn budgeted(sum: f64) -> (Access, Caller) {
    let access = access(Rules::default(), vec![record(1, with_budget(sum))]);
    let caller = caller(&access, 1);
    (access, caller)
}

fn tenant_with(sum: f64) -> Rules {
    let limits = TenantLimits { budget_usd_per_month: Some(usd(sum)), ..TenantLimits::default() };
    Rules { tenants: [(Tenant::from("acme"), limits)].into(), ..Rules::default() }
}

fn account(access: &Access, now: UnixMillis) -> Account {
    access.usage(now).keys[0].account
}

#[test]
fn a_hundred_thousand_small_sums_fill_a_budget_exactly() {
    let (access, caller) = budgeted(10.0);
    for n in 0..100_000 {
        let reserved = access.reserve(&caller, usd(0.0001), NOON);
        reserved.unwrap_or_else(|e| panic!("{n}: {e}")).settle(usd(0.0001));
    }
    assert!(access.reserve(&caller, usd(1e-12), NOON).is_err());
    assert_eq!(account(&access, NOON).spent, usd(10.0));
}

#[test]
fn what_is_reserved_is_not_there_for_others() {
    let (access, caller) = budgeted(1.0);
    let first = access.reserve(&caller, usd(0.75), NOON).unwrap();
    let refused = access.reserve(&caller, usd(0.5), NOON).unwrap_err();
    let expected = Refusal::BudgetExhausted {
        scope: LimitScope::Key(key(1).id().clone()),
        limit_usd: usd(1.0),
        spent_usd: usd(0.75),
        resets_at: Month::of(NOON).next().start(),
        retry_after: Duration::from_hours(7 * 24 + 12),
    };
    assert_eq!(refused, expected);
    first.settle(usd(0.25));
    assert_eq!(account(&access, NOON), Account { spent: usd(0.25), reserved: Usd::ZERO });
    assert!(access.reserve(&caller, usd(0.75), NOON).is_ok());
}

#[test]
fn released_money_is_back_and_forgotten_money_is_spent() {
    let (access, caller) = budgeted(1.0);
    access.reserve(&caller, usd(1.0), NOON).unwrap().release();
    assert_eq!(account(&access, NOON), Account { spent: Usd::ZERO, reserved: Usd::ZERO });
    drop(access.reserve(&caller, usd(0.5), NOON).unwrap());
    assert_eq!(account(&access, NOON), Account { spent: usd(0.5), reserved: Usd::ZERO });
}

#[test]
fn key_and_tenant_pay_together_or_not_at_all() {
    let access = access(tenant_with(1.0), vec![record(1, with_budget(0.6)), record(2, KeyLimits::default())]);
    let refused_by = |n, sum| match access.reserve(&caller(&access, n), usd(sum), NOON) {
        Ok(reservation) => {
            reservation.settle(usd(sum));
            None
        }
        Err(Refusal::BudgetExhausted { scope, .. }) => Some(scope),
        Err(other) => panic!("{other}"),
    };
    let tenant = LimitScope::Tenant(Tenant::from("acme"));
    assert_eq!(refused_by(1, 0.6), None);
    assert_eq!(refused_by(1, 0.1), Some(LimitScope::Key(key(1).id().clone())));
    assert_eq!(refused_by(2, 0.5), Some(tenant), "the refused 0.1 took nothing, but 0.4 are left");
    assert_eq!(refused_by(2, 0.4), None);
    let tenants = access.usage(NOON).tenants;
    assert_eq!((tenants.len(), tenants[0].account.spent, tenants[0].budget), (1, usd(1.0), Some(usd(1.0))));
}

#[test]
fn a_dearer_attempt_needs_more_money_first() {
    let (access, caller) = budgeted(1.0);
    let mut reservation = access.reserve(&caller, usd(0.5), NOON).unwrap();
    assert_eq!(reservation.raise(usd(0.25), NOON), Ok(()), "less is no raise");
    assert_eq!(reservation.amount(), usd(0.5));
    assert!(reservation.raise(usd(1.5), NOON).is_err());
    assert_eq!(reservation.raise(usd(1.0), NOON), Ok(()));
    assert_eq!(account(&access, NOON).reserved, usd(1.0));
    reservation.settle(usd(0.75));
    assert_eq!(account(&access, NOON), Account { spent: usd(0.75), reserved: Usd::ZERO });
}

#[test]
fn the_most_is_put_aside_while_it_fits_and_then_a_share_that_holds_what_is_expected() {
    let (access, caller) = budgeted(1.0);
    let stake = Stake { expected: usd(0.05), least: usd(0.0625), most: usd(0.75) };
    let whole = access.reserve(&caller, stake, NOON).unwrap();
    assert_eq!(whole.amount(), usd(0.75));
    // An eighth of the quarter that is left would not do.
    let least = access.reserve(&caller, stake, NOON).unwrap();
    assert_eq!(least.amount(), usd(0.0625));
    let running: Vec<_> = (0..4).map_while(|_| access.reserve(&caller, stake, NOON).ok()).collect();
    assert_eq!((running.len(), account(&access, NOON).reserved), (3, usd(1.0)));
    drop(running);
    assert_eq!(account(&access, NOON).spent, usd(0.15), "what was expected, of calls that nobody heard of again");
    whole.release();
    least.settle(usd(0.05));
    let share = access.reserve(&caller, Stake { most: usd(9.0), ..stake }, NOON).unwrap();
    assert_eq!(share.amount(), usd(0.1), "an eighth of what is left");
}

#[test]
fn a_new_month_begins_at_nothing_and_the_old_keeps_its_bills() {
    let (access, caller) = budgeted(1.0);
    let next = Month::of(NOON).next().start();
    let last_moment = UnixMillis(next.0 - 1);
    let running = access.reserve(&caller, usd(1.0), last_moment).unwrap();
    assert!(access.reserve(&caller, usd(0.1), last_moment).is_err());
    let new = access.reserve(&caller, usd(1.0), next).unwrap();
    running.settle(usd(0.5));
    assert_eq!(account(&access, NOON).spent, usd(0.5));
    assert_eq!(account(&access, next), Account { spent: Usd::ZERO, reserved: usd(1.0) });
    new.release();
}

#[test]
fn a_clock_that_was_wrong_for_a_moment_wipes_no_month() {
    let (access, caller) = budgeted(1.0);
    access.reserve(&caller, usd(1.0), NOON).unwrap().settle(usd(1.0));
    access.reserve(&caller, usd(1.0), Month::of(NOON).next().next().start()).unwrap().release();
    assert!(access.reserve(&caller, usd(0.1), NOON).is_err());
}

#[test]
fn what_the_log_says_was_spent_counts() {
    let spent = |key: Option<u8>, tenant: &str, sum| Spent {
        caller: CallerId { key: key.map(|n| super::key(n).id().clone()), tenant: Tenant::from(tenant) },
        usd: usd(sum),
    };
    let new = KeyRecord { rotated_from: Some(key(1).id().clone()), ..record(2, with_budget(1.0)) };
    let log = [
        spent(Some(1), "acme", 0.5),
        spent(Some(2), "acme", 0.25),
        spent(Some(9), "gone", 3.0),
        spent(None, "default", 2.0),
    ];
    let access = Access::new(tenant_with(5.0), vec![record(1, with_budget(1.0)), new], &log, NOON);
    let usage = access.usage(NOON);
    assert_eq!(usage.keys.len(), 1, "a rotated key is shown as the one that replaced it");
    assert_eq!((&usage.keys[0].id, usage.keys[0].account.spent), (key(2).id(), usd(0.75)));
    let tenants: Vec<_> = usage.tenants.iter().map(|t| (t.tenant.to_string(), t.account.spent.get())).collect();
    assert_eq!(tenants, [("acme".to_owned(), 0.75), ("default".to_owned(), 2.0), ("gone".to_owned(), 3.0)]);
    assert!(access.reserve(&caller(&access, 2), usd(0.26), NOON).is_err());
    assert!(access.reserve(&caller(&access, 1), usd(0.26), NOON).is_err(), "rotating does not renew the budget");
    assert!(access.reserve(&caller(&access, 1), usd(0.25), NOON).is_ok());
}

#[test]
fn callers_without_a_budget_are_counted_all_the_same() {
    let access = Access::open();
    access.reserve(&Caller::default(), usd(2.5), NOON).unwrap().settle(usd(2.0));
    let usage = access.usage(NOON);
    assert_eq!((usage.keys.len(), usage.tenants[0].account.spent, usage.tenants[0].budget), (0, usd(2.0), None));
}

#[test]
fn of_many_at_once_exactly_as_many_as_the_budget_holds_get_through() {
    let access = access(tenant_with(0.05), vec![record(1, with_budget(0.03)), record(2, KeyLimits::default())]);
    let start = Barrier::new(8);
    let count = |n: u8| {
        let caller = caller(&access, n);
        start.wait();
        let reserve = |_: &usize| access.reserve(&caller, usd(0.0001), NOON).ok();
        (0..200_usize).filter_map(|i| reserve(&i)).map(|reservation| reservation.settle(usd(0.0001))).count()
    };
    let through: usize = thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|i| scope.spawn(move || count(1 + i % 2))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(through, 500);
    let usage = access.usage(NOON);
    assert_eq!(usage.tenants[0].account, Account { spent: usd(0.05), reserved: Usd::ZERO });
    assert!(usage.keys[0].account.spent <= usd(0.03));
}

/// What happens to a reservation.
#[derive(Debug, Clone, Copy)]
enum End {
    Settle,
    Release,
    Forget,
}

proptest! {
    /// In cents, against a model of whole numbers: reservations are open until the end, so that many overlap.
    #[test]
    fn spent_and_reserved_never_exceed_the_budget(
        steps in vec((0..40_u64, 0..40_u64, prop_oneof![Just(End::Settle), Just(End::Release), Just(End::Forget)]), 1..100),
        limit in 1..300_u64,
    ) {
        let cents = |n: u64| usd(n as f64 / 100.0);
        let (access, caller) = budgeted(limit as f64 / 100.0);
        let (mut open, mut spent, mut reserved) = (Vec::new(), 0, 0);
        for (estimate, bill, end) in steps {
            let admitted = access.reserve(&caller, cents(estimate), NOON);
            prop_assert_eq!(admitted.is_ok(), spent + reserved + estimate <= limit);
            if let Ok(reservation) = admitted {
                open.push((reservation, estimate, bill.min(estimate), end));
                reserved += estimate;
            }
            if open.len() > 3 {
                let (reservation, estimate, bill, end) = open.remove(0);
                reserved -= estimate;
                spent += match end {
                    End::Settle => { reservation.settle(cents(bill)); bill }
                    End::Release => { reservation.release(); 0 }
                    End::Forget => { drop(reservation); estimate }
                };
            }
            prop_assert_eq!(account(&access, NOON), Account { spent: cents(spent), reserved: cents(reserved) });
            prop_assert!(spent + reserved <= limit);
        }
    }
}
