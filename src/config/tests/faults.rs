use super::*;

#[test]
fn all_faults_of_all_sources_are_reported_at_once() {
    let mut given = file(
        r#"listen = "nowhere"
log_fromat = "json"
admin_key = "hunter2hunter2"

[routing]
mode = "cheapest"
kappa = 7
exploration = nan
quality_target = "high"
seed = -1
allow = [1, 2]
kapa = 1.0
window_tokens = 64

[learnig]
enabled = true

[store]
queue = 12.5
durability = "maybe"

[policies.auto]
[policies."Very Careful"]
kappa = true

[providers.opneai]
enabled = true

[providers.openai]
api_key = "sk-secret"
api_key_env = "sk-secret"
base_url = "ftp://example.com"

[limits]
max_body_bytes = 99999999999999999999999999999999999999999999
"#,
    )
    .env(&[("SATISFICE_KAPA", "1"), ("SATISFICE_ENCODER_THREADS", "many"), ("SATISFICE_ROUTING_SEED", "1.5")]);
    given.flags.listen = Some("8080".to_owned());
    insta::assert_snapshot!(given.report(), @r#"
    the configuration has 26 faults
      satisfice.toml:1:10 listen: "nowhere" is not an address with a port
          give an address with a port, such as "127.0.0.1:8080" or "[::1]:8080"; the default is "127.0.0.1:8080"
      satisfice.toml:2:1 log_fromat: unknown setting
          did you mean log_format?
      satisfice.toml:3:1 admin_key: a key does not belong in a file
          delete it here and put the key in the environment variable SATISFICE_ADMIN_KEY
      satisfice.toml:6:8 routing.mode: "cheapest" is unknown
          give one of floor, average, budget; the default is "floor"
      satisfice.toml:7:9 routing.kappa: 7 is out of range
          give a number from 0 to 5; the default is 0.5
      satisfice.toml:8:15 routing.exploration: NaN is not a finite number
          give a number from 0 to 0.5; the default is 0.01
      satisfice.toml:9:18 routing.quality_target: "high" is not a number
          give a number from 0 to 1; the default is 0.8
      satisfice.toml:10:8 routing.seed: -1 is out of range
          give a whole number; the default is 0
      satisfice.toml:11:9 routing.allow: an array that holds more than strings is not an array of strings
          give an array of model patterns such as "anthropic/*"; the default is ["*"]
      satisfice.toml:12:1 routing.kapa: unknown setting
          did you mean kappa?
      satisfice.toml:13:1 routing.window_tokens: unknown setting
          move it into [encoder]
      satisfice.toml:15:2 learnig: unknown setting
          did you mean learning?
      satisfice.toml:19:9 store.queue: 12.5 is not a whole number
          give a whole number from 1 to 10000000; the default is 8192
      satisfice.toml:20:14 store.durability: "maybe" is unknown
          give one of full, feedback, process; the default is "feedback"
      satisfice.toml:22:11 policies.auto: the name auto stands for [routing]
          choose another name, or set the keys in [routing]
      satisfice.toml:23:11 policies.Very Careful: "Very Careful" can't be a name here
          choose a name of at most 64 lower-case letters, digits, - and _
      satisfice.toml:24:9 policies.Very Careful.kappa: true is not a number
          give a number from 0 to 5; the default is 0.5
      satisfice.toml:26:12 providers.opneai: no provider opneai is in the catalogue
          did you mean openai? Otherwise set base_url to the address of its OpenAI-compatible API
      satisfice.toml:30:1 providers.openai.api_key: a key does not belong in a file
          delete it here and put the key in an environment variable; api_key_env takes the variable's name if it is not the usual one
      satisfice.toml:31:15 providers.openai.api_key_env: this looks like a key, not like the name of an environment variable
          give the name of an environment variable such as "OPENAI_API_KEY"; never the key itself, or leave it out
      satisfice.toml:32:12 providers.openai.base_url: the address is not a plain http or https one
          give an address such as "https://api.example.com/v1", without user, password or query, or leave it out
      satisfice.toml:35:18 limits.max_body_bytes: an integer of more than 127 bits is not a whole number
          give a whole number from 1024 to 1073741824; the default is 10485760
      environment SATISFICE_ENCODER_THREADS: "many" is not a whole number
          give a whole number from 0 to 1024; the default is 0
      environment SATISFICE_KAPA: unknown variable
          did you mean SATISFICE_KAPPA?
      environment SATISFICE_ROUTING_SEED: "1.5" is not a whole number
          give a whole number; the default is 0
      flag --listen: "8080" is not an address with a port
          give an address with a port, such as "127.0.0.1:8080" or "[::1]:8080"; the default is "127.0.0.1:8080"
    "#);
}

#[test]
fn syntax_errors_do_not_hide_other_faults_nor_invent_any() {
    insta::assert_snapshot!(file("listen = \n[routing]\nkappa = 9\nkappa = 1\nseed = 1 2\nmode = \"budget\n").report(), @r#"
    the configuration has 5 faults
      satisfice.toml:1:10: string values must be quoted, expected literal string
          correct the TOML here
      satisfice.toml:3:9 routing.kappa: 9 is out of range
          give a number from 0 to 5; the default is 0.5
      satisfice.toml:4:1: kappa is given twice
          keep one of the two
      satisfice.toml:5:8: string values must be quoted, expected literal string
          correct the TOML here
      satisfice.toml:6:15: invalid basic string, expected `"`
          correct the TOML here
    "#);
}

#[test]
fn columns_count_characters() {
    let report = file("[policies.a]\nscope = \"ä\"\n'ü' = 1").load().unwrap_err();
    let places: Vec<_> = report.faults().iter().map(|fault| fault.place.to_string()).collect();
    assert_eq!(places, ["satisfice.toml:2:9 policies.a.scope", "satisfice.toml:3:1 policies.a.ü"]);
}

#[test]
fn a_setting_in_the_wrong_section_is_told_where_it_belongs() {
    let report = file("kappa = 1\nenabled = true\n[store]\nlisten = \"127.0.0.1:1\"").report();
    assert!(report.contains("move it into [learning] or [simulated]"), "{report}");
    assert!(report.contains("move it into [routing]"), "{report}");
    assert!(report.contains("move it to the top, above the first [section]"), "{report}");
}

#[test]
fn a_section_must_be_a_section() {
    let report = file("routing = 3\n[[policies.a]]\n").report();
    assert!(report.contains("satisfice.toml:1:11 routing: routing is not a section"), "{report}");
    assert!(report.contains("policies.a is not a section"), "{report}");
}

#[test]
fn numbers_outside_their_range_are_refused_at_both_ends() {
    for bad in [
        "[routing]\nkappa = -0.1",
        "[routing]\nkappa = 5.1",
        "[routing]\nkappa = inf",
        "[routing]\nexploration = 0.51",
        "[routing]\nquality_target = 1.01",
        "[routing]\nbudget_usd = -1",
        "[encoder]\nwindow_tokens = 15",
        "[encoder]\nwindow_tokens = 257",
        "[learning]\nforgetting = 0.89",
        "[learning]\nforgetting = 1.01",
        "[limits]\nrequest_timeout_ms = 0",
    ] {
        assert!(file(bad).report().contains("1 fault") || file(bad).report().contains("a fault"), "{bad}");
        assert!(file(bad).report().contains("give a "), "{bad}");
    }
}

#[test]
fn the_whole_range_of_seeds_is_accepted() {
    let settings = nothing().env(&[("SATISFICE_SEED", "18446744073709551615")]).settings();
    assert_eq!(settings.routing.seed, u64::MAX);
    assert_eq!(file("[routing]\nseed = 18446744073709551615").settings().routing.seed, u64::MAX);
    assert!(nothing().env(&[("SATISFICE_SEED", "18446744073709551616")]).load().is_err());
}

#[test]
fn budget_mode_needs_a_budget() {
    let fault = "satisfice.toml:2:8 routing.mode: mode budget needs budget_usd";
    assert!(file("[routing]\nmode = \"budget\"\n[policies.a]\nkappa = 1").report().contains(fault));
    assert_eq!(file("[routing]\nmode = \"budget\"\n[policies.a]").load().unwrap_err().faults().len(), 1);
    assert!(file("[routing]\nbudget_usd = 0.01\n[policies.a]\nmode = \"budget\"").load().is_ok());
    let wrong_budget = file("[routing]\nmode = \"budget\"\nbudget_usd = \"much\"").load().unwrap_err();
    assert_eq!(wrong_budget.faults().len(), 1, "a wrong budget is not a missing one as well");
}

#[test]
fn a_rule_that_allows_nothing_is_refused() {
    assert!(file("[routing]\nallow = []").report().contains("no model is allowed"));
}
