#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use super::*;

fn args() -> KeysCreateArgs {
    KeysCreateArgs {
        name: "app".to_owned(),
        tenant: "acme".to_owned(),
        expires_in_days: None,
        requests_per_minute: None,
        tokens_per_minute: None,
        max_concurrent: None,
        budget_usd_per_month: None,
        models: vec![],
        policies: vec![],
        place: KeysPlace::default(),
    }
}

#[test]
fn only_what_was_wished_for_is_sent() {
    let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
    assert_eq!(wishes(&args(), now).unwrap(), json!({"name": "app", "tenant": "acme"}));
    let more = KeysCreateArgs {
        expires_in_days: Some(30),
        requests_per_minute: Some(60),
        budget_usd_per_month: Usd::new(2.5).ok(),
        models: vec!["a/*".to_owned()],
        ..args()
    };
    let expected = json!({
        "name": "app", "tenant": "acme", "expires_at": "2026-12-23T12:00:00Z", "requests_per_minute": 60,
        "budget_usd_per_month": 2.5, "models": ["a/*"],
    });
    assert_eq!(wishes(&more, now).unwrap(), expected);
}

#[test]
fn patterns_that_nothing_is_named_by_are_known() {
    let names = ["openai/gpt-mini", "careful"].map(str::to_owned);
    let patterns = ["openai/*", "careful", "nosuch", "anthropic/*"].map(str::to_owned);
    assert_eq!(unknown(&patterns, &names), ["nosuch", "anthropic/*"]);
    assert_eq!(unknown(&patterns, &[]), [""; 0]);
}

#[test]
fn a_whole_key_is_never_sent_as_an_id() {
    assert_eq!(path("k3hq7xv2mzpa", "/rotate").unwrap(), "/admin/keys/k3hq7xv2mzpa/rotate");
    let whole = format!("sat-k3hq7xv2mzpa-{}", "s".repeat(48));
    for wrong in ["", "../usage", &whole] {
        let error = path(wrong, "").unwrap_err().to_string();
        assert!(error.contains("public part") && !error.contains("ssss"), "{error}");
    }
}

#[test]
fn keys_read_as_a_table_with_their_spending() {
    let key = |id: &str, status: &str| {
        json!({"id": id, "name": "app", "tenant": "acme", "status": status, "created_at": "2026-11-23T12:00:00Z",
               "expires_at": "2026-12-23T12:00:00Z", "revoked_at": null, "rotated_from": null,
               "requests_per_minute": 60, "tokens_per_minute": null, "max_concurrent": 4,
               "budget_usd_per_month": 50.0, "models": ["openai/*"], "policies": ["careful"]})
    };
    let list = json!({"object": "list", "data": [key("k3hq7xv2mzpa", "revoked"), key("7qx2m5tzaafd", "active")]});
    let usage = json!({"keys": [{"id": "7qx2m5tzaafd", "spent_usd": 1.25}]});
    insta::assert_snapshot!(render(&list, &usage).unwrap(), @r"
     id             name   tenant   state     expires      req/min   tok/min   at once   spent   budget   may use
    ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
     k3hq7xv2mzpa   app    acme     revoked   2026-12-23        60                   4           $50.00   openai/* careful
     7qx2m5tzaafd   app    acme     active    2026-12-23        60                   4   $1.25   $50.00   openai/* careful
    ");
    let none = json!({"object": "list", "data": []});
    assert_eq!(render(&none, &usage).unwrap(), "no API keys; `satisfice keys create NAME` makes one");
}
