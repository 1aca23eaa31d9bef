use super::*;

#[test]
fn environment_wins_over_file_and_flags_win_over_both() {
    let mut given = file("listen = \"127.0.0.1:1\"\ndata_dir = \"/file\"\nlog_format = \"json\"")
        .env(&[("SATISFICE_LISTEN", "localhost:2"), ("SATISFICE_DATA_DIR", "/environment")]);
    assert_eq!(given.settings().listen.to_string(), "127.0.0.1:2");
    assert_eq!(given.settings().log_format, LogFormat::Json);
    given.flags = Flags { listen: Some("[::1]:3".to_owned()), data_dir: Some("/flag".to_owned()) };
    assert_eq!(given.settings().listen.to_string(), "[::1]:3");
    assert_eq!(given.settings().data_dir, PathBuf::from("/flag"));
}

#[test]
fn a_fault_in_the_file_is_reported_even_if_a_variable_hides_it() {
    let given = file("listen = \"nowhere\"").env(&[("SATISFICE_LISTEN", "127.0.0.1:2")]);
    assert!(given.report().contains("satisfice.toml:1:10 listen"), "{}", given.report());
}

#[test]
fn short_and_long_variables_mean_the_same() {
    for name in ["SATISFICE_EXPLORATION", "SATISFICE_ROUTING_EXPLORATION"] {
        assert_eq!(nothing().env(&[(name, "0.2")]).settings().routing.exploration, 0.2);
    }
    let both = nothing().env(&[("SATISFICE_EXPLORATION", "0.2"), ("SATISFICE_ROUTING_EXPLORATION", "0.3")]);
    insta::assert_snapshot!(both.report(), @r#"
    the configuration has a fault
      environment SATISFICE_ROUTING_EXPLORATION: SATISFICE_EXPLORATION sets the same
          unset one of the two
    "#);
}

#[test]
fn every_setting_can_come_from_the_environment() {
    let examples = SECTIONS.iter().flat_map(|section| section.settings().map(move |setting| (section, setting)));
    for (section, setting) in examples {
        let (declare::DefaultValue::Is(plain) | declare::DefaultValue::Unset { example: plain }) = setting.default;
        let name = environment::variable(section, setting);
        let base = ("SATISFICE_PROVIDERS_NAME_BASE_URL", "http://localhost:1");
        let policy = ("SATISFICE_POLICIES_NAME_KAPPA", "0.5");
        let loaded = nothing().env(&[base, policy, (&name, plain)]).load();
        assert!(loaded.is_ok(), "{name}: {loaded:?}");
    }
}

#[test]
fn variables_are_read_as_their_setting_demands() {
    let settings = nothing()
        .env(&[
            ("SATISFICE_ALLOW", "openai/*, anthropic/*"),
            ("SATISFICE_OFFLINE", "1"),
            ("SATISFICE_STORE_DURABILITY", "process"),
            ("SATISFICE_LIMITS_MAX_BODY_BYTES", "2_000_000"),
            ("SATISFICE_SIMULATED", "off"),
            ("SATISFICE_MODE", "budget"),
            ("SATISFICE_BUDGET_USD", "0.002"),
        ])
        .settings();
    assert_eq!(settings.routing.allow, ["openai/*", "anthropic/*"]);
    assert!(settings.encoder.offline);
    assert_eq!((settings.store.durability, settings.simulated.enabled), (Durability::Process, Switch::Off));
    assert_eq!(settings.limits.max_body_bytes, 2_000_000);
    assert_eq!(settings.routing.budget_usd.map(crate::domain::Usd::get), Some(0.002));
}

#[test]
fn reserved_and_foreign_variables_are_left_alone() {
    let reserved = [("SATISFICE_API_KEY", "x"), ("SATISFICE_CONFIG", "y"), ("HOME", "/"), ("SATISFICED", "z")];
    assert_eq!(nothing().env(&reserved).settings(), nothing().settings());
}

#[test]
fn an_empty_variable_counts_as_not_set_with_a_warning() {
    let loaded = nothing().env(&[("SATISFICE_LISTEN", " ")]).load().unwrap();
    assert_eq!(loaded.settings, nothing().settings());
    insta::assert_snapshot!(warnings(&loaded).join("\n"), @r#"
    environment SATISFICE_LISTEN: it is empty and counts as not set
        unset it, or give an address with a port, such as "127.0.0.1:8080" or "[::1]:8080"
    "#);
}

#[test]
fn unknown_variables_are_refused_without_showing_their_value() {
    let given = nothing().env(&[
        ("SATISFICE_EXPLORATON", "0.1"),
        ("SATISFICE_PROVIDERS_OPENAI_API_KEY", "sk-secret"),
        ("SATISFICE_WHATEVER", "sk-secret"),
    ]);
    insta::assert_snapshot!(given.report(), @r#"
    the configuration has 3 faults
      environment SATISFICE_EXPLORATON: unknown variable
          did you mean SATISFICE_EXPLORATION?
      environment SATISFICE_PROVIDERS_OPENAI_API_KEY: unknown variable
          put the key in the provider's own variable; …_API_KEY_ENV names another one
      environment SATISFICE_WHATEVER: unknown variable
          unset it, or see `satisfice init` for the list of settings
    "#);
}
