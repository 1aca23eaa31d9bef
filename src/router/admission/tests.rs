use super::*;
use crate::{
    access::{ModelLimits, Rules, TenantLimits},
    domain::{DecisionId, RateLimits, Tenant},
};
use std::slice;
use uuid::Uuid;

const NOON: UnixMillis = UnixMillis(1_795_435_200_000);

struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> UnixMillis {
        NOON
    }

    fn decision_id(&self) -> DecisionId {
        DecisionId::from_uuid(Uuid::nil())
    }
}

fn usd(sum: f64) -> Usd {
    Usd::new(sum).expect("money")
}

/// Whoever asks without a key may spend a dollar, and has one place at `acme/*`.
fn access() -> Access {
    let limits = TenantLimits { budget_usd_per_month: Some(usd(1.0)), ..TenantLimits::default() };
    let rates = RateLimits { max_concurrent: Some(1), ..RateLimits::default() };
    let models = vec![ModelLimits { name: "acme".to_owned(), models: vec!["acme/*".to_owned()], rates }];
    let rules = Rules { tenants: [(Tenant::default(), limits)].into(), models, ..Rules::default() };
    Access::new(rules, Vec::new(), &[], NOON)
}

fn admitted(access: &Access) -> Admitted {
    let caller = Caller::default();
    Admitted { access: access.clone(), clock: Arc::new(Stopped), caller, place: None, calls: Vec::new(), money: None }
}

/// A call that may cost four times what must be put aside for it.
fn stake(most: f64) -> Stake {
    Stake { expected: usd(most / 8.0), least: usd(most / 4.0), most: usd(most) }
}

fn reserved(access: &Access) -> f64 {
    access.usage(NOON).tenants[0].account.reserved.get()
}

#[test]
fn calls_that_run_together_are_paid_for_together() {
    let (access, one, two) = (access(), "one/model".into(), "two/model".into());
    let mut admitted = admitted(&access);
    let first = admitted.make_room(&one, 1, stake(0.5)).expect("half of it");
    let _second = admitted.make_room(&two, 1, stake(0.4)).expect("and most of the rest");
    assert!((reserved(&access) - 0.9).abs() < 1e-9);
    assert_eq!(admitted.money().map(|money| (money.get() * 1e6).round()), Some(4e5), "each has its own");
    assert!(admitted.make_room(&two, 1, stake(0.2)).is_err(), "both run");
    drop(first);
    let third = admitted.make_room(&two, 1, stake(0.4)).expect("the first one is over, and may be billed an eighth");
    assert!((reserved(&access) - (0.125 + 0.4 + 0.4)).abs() < 1e-9);
    third.set_unbilled();
    assert_eq!(admitted.unanswered(Some(&two)), slice::from_ref(&one), "the second one answered");
    assert_eq!(admitted.unanswered(None), [one, two]);
}

#[test]
fn a_call_that_was_refused_leaves_its_money_to_the_next() {
    let (access, model) = (access(), "one/model".into());
    let mut admitted = admitted(&access);
    for _ in 0..10 {
        admitted.make_room(&model, 1, stake(1.0)).expect("all of it").set_unbilled();
    }
    assert!((reserved(&access) - 1.0).abs() < 1e-9);
    assert!(admitted.unanswered(None).is_empty());
    admitted.settle(None, &model, NOON);
    assert_eq!(access.usage(NOON).tenants[0].account.spent, Usd::ZERO);
}

#[test]
fn a_place_is_kept_for_as_long_as_its_call_goes_on() {
    let (access, model) = (access(), "acme/model".into());
    let mut admitted = admitted(&access);
    let first = admitted.make_room(&model, 1, stake(0.1)).expect("a place");
    assert!(admitted.make_room(&model, 1, stake(0.1)).is_err(), "it is taken");
    drop(first);
    assert!(admitted.make_room(&model, 1, stake(0.1)).is_ok());
}
