use super::*;

#[test]
fn a_policy_inherits_what_it_does_not_set() {
    let settings = file(
        "[routing]\nkappa = 1.5\nseed = 7\n[policies.careful]\nquality_target = 0.95\nscope = \"careful\"\n[policies.plain]",
    )
    .env(&[("SATISFICE_EXPLORATION", "0.2")])
    .settings();
    let careful = &settings.named_policies["careful"];
    assert_eq!((careful.quality_target.get(), careful.kappa), (0.95, 1.5));
    assert_eq!((careful.seed, careful.exploration), (7, 0.2));
    assert_eq!(careful.scope, Scope::from("careful"));
    assert_eq!(settings.named_policies["plain"], settings.routing);
}

#[test]
fn a_variable_reaches_a_policy_whatever_its_hyphens() {
    let settings = file("[policies.cheap-fast]\nkappa = 1")
        .env(&[
            ("SATISFICE_POLICIES_CHEAP_FAST_KAPPA", "2"),
            ("SATISFICE_POLICIES_NEW_MAX_EXPLORATION_COST_RATIO", "3"),
            ("SATISFICE_PROVIDERS_TOGETHER_AI_ENABLED", "false"),
        ])
        .settings();
    assert_eq!(settings.named_policies["cheap-fast"].kappa, 2.0);
    assert_eq!(settings.named_policies["new"].max_exploration_cost_ratio, 3.0);
    assert!(!settings.providers["together-ai"].enabled);
    assert_eq!(settings.named_policies.len(), 2);
}

#[test]
fn routing_is_the_policy_named_default() {
    let settings = file("[routing]\nkappa = 2\nscope = \"team\"\n[policies.a]").settings();
    let policies = settings.policies();
    assert_eq!(policies.keys().collect::<Vec<_>>(), ["a", "default"]);
    assert_eq!((policies["default"].kappa, &policies["a"].scope), (2.0, &Scope::from("team")));
}

#[test]
fn learning_settings_are_the_posterior_s_rates() {
    let settings = nothing().settings();
    assert_eq!(settings.learning.rates(), crate::policy::LearningRates::default(), "the two defaults agree");
}
