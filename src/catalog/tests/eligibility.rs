//! Who may serve, and why not.

use super::*;
use crate::domain::{Exclusion, Requirements, Usd};

fn query(requirements: Requirements) -> EligibilityQuery<'static> {
    EligibilityQuery {
        requirements,
        input_tokens: 1000,
        cached_tokens: 0,
        expected_output_tokens: 500,
        allow: &[],
        deny: &[],
        provider_enabled: true,
        max_cost_usd: None,
        max_latency_ms: None,
        latency: Tier::Medium.latency(),
        cost_factor: 1.0,
    }
}

#[test]
fn a_model_that_fits_is_eligible() {
    assert_eq!(eligible(&model_with(PRICE), &query(Requirements::default())), Ok(()));
}

#[test]
fn latency_is_first_token_and_speed_stated_or_of_the_tier() {
    let stated = model_with("latency = { first_token_ms = 100, tokens_per_second = 50 }").latency;
    assert_eq!(expected_latency_ms(&stated, 1000), 20_100.0);
    assert_eq!(model_with("").latency, Tier::Medium.latency());
}

#[test]
fn output_tokens_grow_with_verbosity_up_to_the_limit() {
    let model = model_with("verbosity = 2.5");
    assert_eq!([0, 1, 100, 5000, u32::MAX].map(|plain| model.output_tokens(plain)), [0, 3, 250, 2000, 2000]);
}

#[test]
fn every_rule_excludes() {
    let (none, model) = (Requirements::default(), model_with(PRICE));
    let asks = |change: fn(&mut Requirements)| {
        let mut requirements = Requirements::default();
        change(&mut requirements);
        eligible(&model, &query(requirements)).unwrap_err()
    };
    let says = |change: fn(&mut EligibilityQuery<'_>)| {
        let mut query = query(none);
        change(&mut query);
        eligible(&model, &query).unwrap_err()
    };
    assert_eq!(asks(|r| r.vision = true), Exclusion::NoVision);
    assert_eq!(asks(|r| r.json_schema = true), Exclusion::NoJsonSchema);
    assert_eq!(asks(|r| r.max_output_tokens = Some(2001)), Exclusion::OutputLimit { needed: 2001, limit: 2000 });
    assert_eq!(says(|q| q.input_tokens = 7501), Exclusion::ContextWindow { needed: 8001, limit: 8000 });
    assert_eq!(says(|q| q.input_tokens = u32::MAX), Exclusion::ContextWindow { needed: u32::MAX, limit: 8000 });
    assert_eq!(says(|q| q.expected_output_tokens = 3000), Exclusion::OutputLimit { needed: 3000, limit: 2000 });
    assert_eq!(says(|q| q.provider_enabled = false), Exclusion::ProviderDisabled);
    assert_eq!(says(|q| q.max_cost_usd = Usd::new(0.003).ok()), Exclusion::TooExpensive);
    assert_eq!(says(|q| q.max_latency_ms = Some(1000.0)), Exclusion::TooSlow);
}

#[test]
fn a_model_without_tools_is_excluded_where_tools_are_asked_for() {
    let mut model = model_with(PRICE);
    model.capabilities.tools = false;
    let requirements = Requirements { tools: true, ..Requirements::default() };
    assert_eq!(eligible(&model, &query(requirements)), Err(Exclusion::NoTools));
}

#[test]
fn lists_of_allowed_and_denied_models_are_patterns() {
    let (requirements, model) = (Requirements::default(), model_with(PRICE));
    let judged = |allow: &[&str], deny: &[&str]| {
        let owned = |patterns: &[&str]| patterns.iter().map(ToString::to_string).collect::<Vec<_>>();
        let (allow, deny) = (owned(allow), owned(deny));
        eligible(&model, &EligibilityQuery { allow: &allow, deny: &deny, ..query(requirements) })
    };
    assert_eq!(judged(&["openai/*", "acme/*"], &["*/two"]), Ok(()));
    assert_eq!(judged(&["openai/*"], &[]), Err(Exclusion::NotAllowed));
    assert_eq!(judged(&["acme/one"], &["acme/*"]), Err(Exclusion::Denied));
}

#[test]
fn an_unpriced_model_is_never_eligible() {
    let model = model_with("");
    let requirements = Requirements::default();
    for budget in [None, Some(Usd::ZERO), Usd::new(1e9).ok()] {
        let query = EligibilityQuery { max_cost_usd: budget, ..query(requirements) };
        assert_eq!(eligible(&model, &query), Err(Exclusion::Unpriced));
    }
}

#[test]
fn what_failed_attempts_cost_counts_against_the_budget() {
    let model = model_with(PRICE);
    // 1000 tokens in and 500 out are expected to cost 0.00325 USD.
    let judged = |cost_factor| {
        let query = query(Requirements::default());
        eligible(&model, &EligibilityQuery { max_cost_usd: Usd::new(0.005).ok(), cost_factor, ..query })
    };
    assert_eq!((judged(1.0), judged(1.5), judged(1.6)), (Ok(()), Ok(()), Err(Exclusion::TooExpensive)));
}

#[test]
fn the_latency_of_now_is_judged_not_the_catalogues() {
    let model = model_with(PRICE);
    let judged = |first_token_ms| {
        let latency = Latency { first_token_ms, tokens_per_second: 500.0 };
        let query = query(Requirements::default());
        eligible(&model, &EligibilityQuery { max_latency_ms: Some(2000.0), latency, ..query })
    };
    assert_eq!((judged(900.0), judged(1100.0)), (Ok(()), Err(Exclusion::TooSlow)));
}

#[test]
fn a_withdrawn_model_is_not_eligible() {
    let model = model_with(&format!("{PRICE}\ndeprecated = true"));
    assert_eq!(eligible(&model, &query(Requirements::default())), Err(Exclusion::Deprecated));
}

#[test]
fn the_callers_cap_is_held_against_the_window() {
    let model = model_with(PRICE);
    let requirements = Requirements { max_output_tokens: Some(2000), ..Requirements::default() };
    let with_input = |input_tokens| eligible(&model, &EligibilityQuery { input_tokens, ..query(requirements) });
    assert_eq!(with_input(6000), Ok(()));
    assert_eq!(with_input(6001), Err(Exclusion::ContextWindow { needed: 8001, limit: 8000 }));
}
