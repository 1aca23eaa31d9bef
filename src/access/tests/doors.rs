use super::*;

fn always() -> Rules {
    Rules { require_key: RequireKey::Always, ..Rules::default() }
}

fn with_admin() -> Rules {
    Rules { has_admin: true, ..Rules::default() }
}

fn some_key() -> KeyRecord {
    record(1, KeyLimits::default())
}

#[test]
fn a_service_without_keys_is_open_until_the_first_is_made() {
    let access = access(Rules::default(), vec![]);
    for shown in [None, Some("sk-whatever"), Some(key(1).expose())] {
        let caller = access.authenticate(shown, NOON).unwrap();
        assert_eq!(caller.id(), CallerId { key: None, tenant: Tenant::from("default") });
    }
    access.replace_keys(vec![some_key()]);
    assert_eq!(access.authenticate(None, NOON), Err(Refusal::NoKey));
    assert_eq!(access.authenticate(Some("sk-whatever"), NOON), Err(Refusal::UnknownKey));
    let caller = caller(&access, 1);
    assert_eq!(caller.id(), CallerId { key: Some(key(1).id().clone()), tenant: Tenant::from("acme") });
}

#[test]
fn a_service_whose_last_key_was_revoked_stays_closed() {
    let access = access(Rules::default(), vec![KeyRecord { revoked: Some(NOON), ..some_key() }]);
    assert!(!access.is_open());
    assert_eq!(access.authenticate(None, NOON), Err(Refusal::NoKey));
}

#[test]
fn a_service_with_an_admin_or_told_so_is_closed_from_the_start() {
    for rules in [always(), with_admin()] {
        let access = access(rules, vec![]);
        assert_eq!(access.authenticate(None, NOON), Err(Refusal::NoKey));
        assert_eq!(access.authenticate(Some(key(1).expose()), NOON), Err(Refusal::UnknownKey));
    }
}

#[test]
fn an_open_service_may_listen_on_loopback_alone() {
    let open = access(Rules::default(), vec![]);
    for local in ["127.0.0.1:80", "127.3.2.1:80", "[::1]:80", "[::ffff:127.0.0.1]:80"] {
        assert_eq!(open.may_listen_on(local.parse().unwrap()), Ok(()), "{local}");
    }
    for reachable in ["0.0.0.0:80", "10.0.0.1:80", "[::]:80", "[::ffff:10.0.0.1]:80"] {
        let sentence = open.may_listen_on(reachable.parse().unwrap()).unwrap_err().to_string();
        assert!(sentence.contains("keys create") && sentence.contains("127.0.0.1"), "{sentence}");
        for closed in
            [access(always(), vec![]), access(with_admin(), vec![]), access(Rules::default(), vec![some_key()])]
        {
            assert_eq!(closed.may_listen_on(reachable.parse().unwrap()), Ok(()));
        }
    }
}

#[test]
fn only_the_whole_key_opens() {
    let access = access(Rules::default(), vec![some_key()]);
    let (id, _) = key(1).expose().rsplit_once('-').map(|(id, secret)| (id.to_owned(), secret.len())).unwrap();
    let guessed = format!("{id}-{}", "a".repeat(48));
    assert_eq!(access.authenticate(Some(&guessed), NOON), Err(Refusal::UnknownKey));
    assert_eq!(access.authenticate(Some(key(2).expose()), NOON), Err(Refusal::UnknownKey));
}

#[test]
fn a_key_counts_until_it_expires_or_is_revoked() {
    let expiring = KeyRecord { expires: Some(after(1000)), ..some_key() };
    let revoked = KeyRecord { revoked: Some(after(5)), ..record(2, KeyLimits::default()) };
    let access = access(Rules::default(), vec![expiring, revoked]);
    let shown = |n, now| access.authenticate(Some(key(n).expose()), now).map(|caller| caller.id().tenant);
    let id = |n: u8| key(n).id().clone();
    assert_eq!(shown(1, after(999)), Ok(Tenant::from("acme")));
    assert_eq!(shown(1, after(1000)), Err(Refusal::Expired { key: id(1), at: after(1000) }));
    assert_eq!(shown(2, after(9)), Err(Refusal::Revoked { key: id(2), at: after(5) }));
}

#[test]
fn an_expired_key_says_so_only_to_its_holder() {
    let access = access(Rules::default(), vec![KeyRecord { expires: Some(NOON), ..some_key() }]);
    let public = key(1).id().to_string();
    let guessed = format!("sat-{public}-{}", "b".repeat(48));
    assert_eq!(access.authenticate(Some(&guessed), after(1)), Err(Refusal::UnknownKey));
}

#[test]
fn a_key_names_what_it_lists_and_nothing_else() {
    let list = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect::<Vec<_>>();
    let limits = |models: &[&str], policies: &[&str]| KeyLimits {
        models: list(models),
        policies: list(policies),
        ..KeyLimits::default()
    };
    let cases = [
        (limits(&[], &[]), "default", true, "openai/gpt", true),
        (limits(&["openai/*"], &[]), "default", true, "openai/gpt", true),
        (limits(&["openai/*"], &[]), "careful", true, "anthropic/claude", false),
        (limits(&[], &["careful", "cheap-*"]), "cheap-fast", true, "openai/gpt", false),
        (limits(&[], &["careful"]), "default", false, "openai/gpt", false),
        (limits(&["openai/*"], &["careful"]), "careful", true, "openai/gpt", true),
    ];
    for (limits, policy, policy_allowed, model, model_allowed) in cases {
        let access = access(Rules::default(), vec![record(1, limits.clone())]);
        let caller = caller(&access, 1);
        let asks = |named| caller.check_named(&named).is_ok();
        assert_eq!(asks(Named::Policy(policy.to_owned())), policy_allowed, "{limits:?} {policy}");
        assert_eq!(asks(Named::Model(model.into())), model_allowed, "{limits:?} {model}");
    }
}

#[test]
fn models_that_a_key_does_not_list_can_not_serve_it() {
    let limits = KeyLimits { models: vec!["openai/*".to_owned()], ..KeyLimits::default() };
    let access = access(Rules::default(), vec![record(1, limits)]);
    let caller = caller(&access, 1);
    assert!(caller.may_be_served_by(&"openai/gpt".into()) && !caller.may_be_served_by(&"anthropic/claude".into()));
    let named = Named::Model("anthropic/claude".into());
    let refused = access.admit(&caller, &Admission { named: named.clone(), tokens: 1, now: NOON }).unwrap_err();
    assert_eq!(refused, Refusal::NotAllowed { key: key(1).id().clone(), named });
    assert!(Caller::default().may_be_served_by(&"anthropic/claude".into()), "nobody forbids what nobody limits");
}

#[test]
fn refusals_are_sentences_that_tell_no_spending() {
    let budget = Refusal::BudgetExhausted {
        scope: LimitScope::Tenant(Tenant::from("acme")),
        limit_usd: usd(123.0),
        spent_usd: usd(122.5),
        resets_at: after(1),
        retry_after: Duration::ZERO,
    };
    assert!(!budget.to_string().contains("12"), "{budget}");
    let limited = Refusal::RateLimited {
        scope: LimitScope::Key("abc".into()),
        quantity: Quantity::Tokens,
        limit: 500,
        retry_after: Duration::from_millis(1550),
        headroom: Box::default(),
    };
    assert_eq!(limited.to_string(), "API key abc may use 500 tokens in a minute; come back in 1.6 s");
}

#[test]
fn a_caller_sees_what_was_decided_for_its_tenant() {
    let access = access(Rules::default(), vec![some_key()]);
    let caller = caller(&access, 1);
    let of = |tenant: &str| CallerId { key: None, tenant: Tenant::from(tenant) };
    assert!(caller.may_see(Some(&of("acme"))));
    assert!(!caller.may_see(Some(&of("other"))) && !caller.may_see(None));
    assert!(Caller::default().may_see(Some(&of("other"))) && Caller::default().may_see(None));
}

#[test]
fn a_caller_knows_how_the_limits_stood_once_its_request_was_let_in() {
    let limits = RateLimits { requests_per_minute: Some(2), ..RateLimits::default() };
    let access = access(Rules::default(), vec![record(1, KeyLimits { rates: limits, ..KeyLimits::default() })]);
    let ask = || {
        let caller = caller(&access, 1);
        assert_eq!(caller.headroom(), None, "nobody has let it in yet");
        let admission = Admission { named: Named::Policy("default".to_owned()), tokens: 1, now: NOON };
        let admitted = access.admit(&caller.clone(), &admission);
        let left = caller.headroom().and_then(|headroom| headroom.requests).map(|requests| requests.remaining);
        (admitted.is_ok(), left)
    };
    assert_eq!([ask(), ask(), ask()], [(true, Some(1)), (true, Some(0)), (false, None)]);
}

#[test]
fn the_operator_is_told_what_callers_need() {
    let summary = |rules, keys| access(rules, keys).summary(NOON);
    assert!(summary(Rules::default(), vec![]).starts_with("need no API key until one is made"));
    assert!(summary(always(), vec![]).contains("keys create"));
    let gone = KeyRecord { revoked: Some(NOON), ..record(2, KeyLimits::default()) };
    let over = KeyRecord { expires: Some(NOON), ..record(3, KeyLimits::default()) };
    assert_eq!(summary(Rules::default(), vec![some_key(), gone, over]), "need an API key; 1 counts");
}
