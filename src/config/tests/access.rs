use super::*;
use crate::{
    access::{ModelLimits, RequireKey, Rules, TenantLimits},
    domain::{RateLimits, Tenant, Usd},
};

#[test]
fn nothing_given_limits_nobody() {
    let rules = nothing().settings().access_rules(false);
    assert_eq!(rules, Rules::default());
    assert!(nothing().settings().access_rules(true).has_admin);
}

#[test]
fn sections_become_the_rules_of_access() {
    let settings = file(
        "[access]\nrequire_key = \"always\"\n[policies.careful]\n\
         [tenants.acme]\nrequests_per_minute = 60\nbudget_usd_per_month = 12.5\n\
         [policy_limits.careful]\nmax_concurrent = 4\n[policy_limits.default]\ntokens_per_minute = 1000\n\
         [model_limits.frontier]\nmodels = [\"openai/gpt-5\", \"anthropic/*\"]\nrequests_per_minute = 10",
    )
    .settings();
    let requests = |n| RateLimits { requests_per_minute: Some(n), ..RateLimits::default() };
    let acme = TenantLimits { rates: requests(60), budget_usd_per_month: Usd::new(12.5).ok() };
    let frontier = ModelLimits {
        name: "frontier".to_owned(),
        models: vec!["openai/gpt-5".to_owned(), "anthropic/*".to_owned()],
        rates: requests(10),
    };
    let expected = Rules {
        require_key: RequireKey::Always,
        has_admin: false,
        tenants: [(Tenant::from("acme"), acme)].into(),
        policies: [
            ("careful".to_owned(), RateLimits { max_concurrent: Some(4), ..RateLimits::default() }),
            ("default".to_owned(), RateLimits { tokens_per_minute: Some(1000), ..RateLimits::default() }),
        ]
        .into(),
        models: vec![frontier],
    };
    assert_eq!(settings.access_rules(false), expected);
}

#[test]
fn limits_that_would_limit_nothing_are_faults() {
    let report = file(
        "[access]\nrequire_key = \"never\"\n[policies.careful]\n[policy_limits.carefull]\nmax_concurrent = 1\n\
         [policy_limits.other]\nmax_concurrent = 1\n[tenants.\"Acme Inc\"]\n[tenants.acme]\nrequests_per_minute = 0\n\
         [model_limits.all]\nmodel = [\"*\"]\n[model_limits.none]\nmodels = []",
    )
    .report();
    insta::assert_snapshot!(report, @r#"
    the configuration has 7 faults
      satisfice.toml:2:15 access.require_key: "never" is unknown
          give one of auto, always; the default is "auto"
      satisfice.toml:4:16 policy_limits.carefull: there is no policy carefull
          did you mean careful?
      satisfice.toml:6:16 policy_limits.other: there is no policy other
          policies are: careful, default
      satisfice.toml:8:10 tenants.Acme Inc: "Acme Inc" can't be a name here
          choose a name of at most 64 lower-case letters, digits, - and _
      satisfice.toml:10:23 tenants.acme.requests_per_minute: 0 is out of range
          give a whole number from 1 to 1000000000, or leave it out
      satisfice.toml:12:1 model_limits.all.model: unknown setting
          did you mean models?
      satisfice.toml:14:10 model_limits.none.models: no model is in this group
          list patterns such as "anthropic/*", or leave it out for all
    "#);
}

#[test]
fn a_variable_reaches_the_limits_of_a_policy_whatever_its_hyphens() {
    let settings =
        file("[policies.cheap-fast]").env(&[("SATISFICE_POLICY_LIMITS_CHEAP_FAST_MAX_CONCURRENT", "2")]).settings();
    assert_eq!(settings.policy_limits["cheap-fast"].max_concurrent, Some(2));
}
