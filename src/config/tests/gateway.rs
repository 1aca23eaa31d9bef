use super::*;

#[test]
fn nothing_given_calls_with_care_and_keeps_no_answers() {
    let Settings { gateway, cache, routing, .. } = nothing().settings();
    let expected = GatewaySettings {
        retries: 2,
        fallbacks: 3,
        max_fallback_cost_ratio: 5.0,
        max_fallback_cost_usd: 0.01,
        connect_timeout_ms: 10_000,
        first_token_timeout_ms: 60_000,
        answer_timeout_ms: 300_000,
        idle_timeout_ms: 60_000,
        backoff_ms: 500,
        breaker_failures: 5,
        breaker_open_ms: 30_000,
        hedge_after_ms: None,
        hedge_max_cost_ratio: 1.0,
        read_named_after_ms: 20,
    };
    assert_eq!(gateway, expected);
    assert_eq!((cache.ttl_s, cache.similarity, cache.exact_mib), (3600, 0.9, 64));
    assert_eq!((cache.semantic_mib, cache.semantic_entries), (64, 10_000));
    let off = CacheRule { mode: CacheMode::Off, at_most: CacheMode::Semantic, sampled: false };
    assert_eq!(nothing().settings().caching(&routing), off);
}

#[test]
fn numbers_of_the_gateway_have_ranges() {
    for bad in [
        "retries = 11",
        "fallbacks = -1",
        "max_fallback_cost_ratio = -0.1",
        "connect_timeout_ms = 0",
        "first_token_timeout_ms = 0",
        "idle_timeout_ms = 0.5",
        "backoff_ms = 60001",
        "breaker_failures = 5000000000",
        "breaker_open_ms = 0",
        "hedge_after_ms = 0",
        "hedge_max_cost_ratio = inf",
    ] {
        assert!(file(&format!("[gateway]\n{bad}")).report().contains("give a "), "{bad}");
    }
    for bad in ["ttl_s = 0", "similarity = 1.01", "exact_mib = -1", "semantic_entries = 1.5"] {
        assert!(file(&format!("[cache]\n{bad}")).report().contains("give a "), "{bad}");
    }
}

#[test]
fn a_policy_caches_as_routing_does_and_routing_as_the_section_says() {
    let settings = file(
        "[cache]\nmode = \"exact\"\n[routing]\ncache_sampled = true\n[policies.desk]\ncache = \"semantic\"\n\
         [policies.private]\ncache = \"off\"\ncache_at_most = \"off\"\ncache_sampled = false\n",
    )
    .settings();
    let rule = |name: &str| settings.caching(&settings.policies()[name]);
    let (exact, semantic) = (CacheMode::Exact, CacheMode::Semantic);
    assert_eq!(rule("default"), CacheRule { mode: exact, at_most: semantic, sampled: true });
    assert_eq!(rule("desk"), CacheRule { mode: semantic, at_most: semantic, sampled: true });
    assert_eq!(rule("private"), CacheRule { mode: CacheMode::Off, at_most: CacheMode::Off, sampled: false });
}

#[test]
fn a_policy_that_caches_more_than_it_allows_is_refused() {
    let report = file("[cache]\nat_most = \"exact\"\n[policies.a]\n[policies.b]\ncache = \"semantic\"").report();
    insta::assert_snapshot!(report, @r#"
    the configuration has a fault
      satisfice.toml:5:9 policies.b.cache: semantic is more than requests may ask for, which is exact
          raise at_most in [cache], or cache_at_most in the policy, or lower this
    "#);
    let faults = file("[cache]\nmode = \"exact\"\nat_most = \"off\"\n[policies.a]").load().unwrap_err();
    assert_eq!(faults.faults().len(), 1, "one place, however many policies");
    assert_eq!(faults.faults()[0].place.to_string(), "satisfice.toml:2:8 cache.mode");
}

#[test]
fn hedging_after_the_time_limit_is_a_warning() {
    let warned = |text: &str| warnings(&file(text).load().unwrap());
    assert!(warned("[gateway]\nhedge_after_ms = 2000").is_empty());
    insta::assert_snapshot!(warned("[gateway]\nhedge_after_ms = 60000").join("\n"), @r#"
    satisfice.toml:2:18 gateway.hedge_after_ms: no other model is ever called as well: the first call has timed out by then
        make it less than first_token_timeout_ms, or leave it out
    "#);
}
