//! A kept answer counts as a request and costs nothing.

use super::{EXACT, ask_as, cache, key, service};
use satisfice::domain::{KeyLimits, RateLimits, Usd};
use serde_json::json;

#[tokio::test]
async fn limits_on_requests_count_a_kept_answer_and_budgets_do_not() {
    let app = service(EXACT).await;
    let rates = RateLimits { requests_per_minute: Some(3), ..RateLimits::default() };
    let budget = Usd::new(1.0).expect("an amount");
    let limits = KeyLimits { rates, budget_usd_per_month: Some(budget), ..KeyLimits::default() };
    let key = key(&app, "acme", 1, limits).await;
    assert_eq!(cache(&ask_as(&app, &key, json!({})).await), Some("miss"));
    let spent = app.spent().await;
    assert!(spent[0].0 > 0.0);
    for remaining in ["1", "0"] {
        let answer = ask_as(&app, &key, json!({})).await;
        assert_eq!(cache(&answer), Some("hit"));
        assert_eq!(answer.header("x-ratelimit-remaining-requests"), Some(remaining));
    }
    let refused = ask_as(&app, &key, json!({})).await;
    assert_eq!((refused.status.as_u16(), refused.error().1.as_str()), (429, "rate_limit_exceeded"));
    assert_eq!(app.spent().await, spent);
}

#[tokio::test]
async fn a_kept_answer_is_given_to_who_has_no_money_left() {
    let app = service(EXACT).await;
    let rich = key(&app, "acme", 1, KeyLimits::default()).await;
    let poor = KeyLimits { budget_usd_per_month: Usd::new(0.0).ok(), ..KeyLimits::default() };
    let poor = key(&app, "acme", 2, poor).await;
    assert_eq!(ask_as(&app, &poor, json!({})).await.status, 429);
    ask_as(&app, &rich, json!({})).await;
    assert_eq!(cache(&ask_as(&app, &poor, json!({})).await), Some("hit"));
}

#[tokio::test]
async fn who_may_not_ask_for_a_policy_is_not_given_its_answers() {
    let app = service(EXACT).await;
    let free = key(&app, "acme", 1, KeyLimits::default()).await;
    let bound = KeyLimits { policies: vec!["desk".to_owned()], ..KeyLimits::default() };
    let bound = key(&app, "acme", 2, bound).await;
    ask_as(&app, &free, json!({})).await;
    assert_eq!(ask_as(&app, &bound, json!({})).await.status, 403);
}
