//! Money.

use super::{ADMIN, chat_as, get_as, guarded, key, refusal, refused};
use crate::support::{Answer, Make, TestApp};
use futures::future::join_all;
use satisfice::{
    access::{KeyBook, Rules, TenantLimits},
    domain::{Tenant, Usd},
    gateway::SimulatedWorld,
    router::{Clock, SystemClock},
};
use serde_json::{Value, json};
use std::sync::Arc;

/// Hundred-millionths of a dollar: whole numbers, as `x-satisfice-cost-usd` has them.
fn units(usd: f64) -> u64 {
    (usd * 1e8).round() as u64
}

fn units_of(value: &Value) -> u64 {
    units(value.as_f64().expect("a sum"))
}

/// The bill of an answer; none for one that was refused, which must be for its budget.
fn bill(answer: &Answer) -> Option<u64> {
    if answer.status == 200 {
        let cost = answer.header("x-satisfice-cost-usd").and_then(|cost| cost.parse().ok());
        return Some(units(cost.expect("a bill")));
    }
    assert_eq!(refusal(answer), refused(429, "insufficient_quota"), "{}", answer.text);
    assert_eq!(answer.error().0, "insufficient_quota");
    assert_eq!(answer.header("x-should-retry"), Some("false"));
    assert!(answer.header("retry-after").is_some());
    None
}

/// 64 requests at once, from the keys in turn, until none is let in any more; what each key was billed.
async fn spend(app: &Arc<TestApp>, keys: [String; 2]) -> [u64; 2] {
    let mut billed = [0, 0];
    loop {
        let wave = (0..64).map(|n| {
            let (app, key) = (Arc::clone(app), keys[n % 2].clone());
            tokio::spawn(async move { (n % 2, bill(&chat_as(&app, &key, json!({})).await)) })
        });
        let answers: Vec<_> = join_all(wave).await.into_iter().map(|answer| answer.expect("no panic")).collect();
        answers.iter().for_each(|(key, bill)| billed[*key] += bill.unwrap_or(0));
        if answers.iter().all(|(_, bill)| bill.is_none()) {
            return billed;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn any_number_of_spenders_at_once_stays_within_the_budgets() {
    const OF_TENANT: f64 = 0.002;
    const OF_KEY: f64 = 0.0006;
    let acme = TenantLimits { budget_usd_per_month: Usd::new(OF_TENANT).ok(), ..TenantLimits::default() };
    let rules = Rules { tenants: [(Tenant::from("acme"), acme)].into(), ..Rules::default() };
    // Answers take a while, so that many are under way when the budget ends.
    let world = SimulatedWorld { speed: 100.0, seed: 1 };
    let app = Arc::new(guarded(Make { queue: 64, world, rules: rules.clone(), ..Make::default() }).await);
    let capped = key(&app, json!({"budget_usd_per_month": OF_KEY})).await;
    let keys = [capped, key(&app, json!({})).await];
    // 10 tokens of input and 148 of output are expected, of a dollar a million.
    let estimate = units(158e-6);

    let [by_capped, by_other] = spend(&app, keys).await;
    assert!(by_capped <= units(OF_KEY), "{by_capped}");
    assert!(by_capped + by_other <= units(OF_TENANT), "{by_capped} + {by_other}");
    assert!(by_capped + estimate > units(OF_KEY), "what is left of {by_capped} would not do");
    assert!(
        by_capped + by_other + estimate > units(OF_TENANT),
        "what is left of {by_capped} + {by_other} would not do"
    );

    let usage = get_as(&app, ADMIN, "/admin/usage").await.json();
    let spent = |of: &Value| (units_of(&of["spent_usd"]), units_of(&of["reserved_usd"]));
    assert_eq!([spent(&usage["keys"][0]), spent(&usage["keys"][1])], [(by_capped, 0), (by_other, 0)]);
    assert_eq!(spent(&usage["tenants"][0]), (by_capped + by_other, 0));
    assert_eq!(spending_after_a_restart(&app, rules).await, units_of(&usage["tenants"][0]["spent_usd"]));
}

/// What the first tenant has spent, summed up from the log.
async fn spending_after_a_restart(app: &TestApp, rules: Rules) -> u64 {
    let now = SystemClock.now();
    let keys = KeyBook::load(app.store.clone(), rules, now).await.expect("the log reads");
    units(keys.access().usage(now).tenants[0].account.spent.get())
}

async fn tenants_usage(app: &TestApp) -> (u64, u64) {
    let usage = get_as(app, ADMIN, "/admin/usage").await.json();
    (units_of(&usage["tenants"][0]["spent_usd"]), units_of(&usage["tenants"][0]["reserved_usd"]))
}

#[tokio::test]
async fn a_failed_call_costs_nothing_and_an_abandoned_one_what_was_expected() {
    let world = SimulatedWorld { speed: 1e-9, seed: 1 };
    let stuck = guarded(Make { world, ..Make::default() }).await;
    let holder = key(&stuck, json!({})).await;
    tokio::select! {
        _ = chat_as(&stuck, &holder, json!({})) => panic!("the provider takes years"),
        () = async { while tenants_usage(&stuck).await.1 == 0 { tokio::task::yield_now().await } } => {}
    }
    while tenants_usage(&stuck).await.1 > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(tenants_usage(&stuck).await, (units(158e-6), 0));

    let app = guarded(Make::default()).await;
    let holder = key(&app, json!({"budget_usd_per_month": 0.0002})).await;
    for _ in 0..3 {
        assert_eq!(chat_as(&app, &holder, json!({"model": "simulated/broken"})).await.status, 502);
    }
    assert_eq!(tenants_usage(&app).await, (0, 0));
    assert_eq!(chat_as(&app, &holder, json!({})).await.status, 200);
}
