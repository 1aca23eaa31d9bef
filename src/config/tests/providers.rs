use super::*;
use crate::catalog::{Dialect, KeyHeader};

#[test]
fn an_unknown_provider_needs_an_address() {
    assert!(file("[providers.local]\nbase_url = \"http://127.0.0.1:8000/v1/\"").load().is_ok());
    insta::assert_snapshot!(file("[providers.antropic]\nenabled = true").report(), @r#"
    the configuration has a fault
      satisfice.toml:1:12 providers.antropic: no provider antropic is in the catalogue
          did you mean anthropic? Otherwise set base_url to the address of its OpenAI-compatible API
    "#);
}

#[test]
fn with_a_catalogue_file_providers_are_checked_once_it_is_read() {
    let settings = file("[catalog]\nfile = \"more.toml\"\n[providers.mine]\nenabled = true").settings();
    assert!(settings.check_providers(&["mine"]).is_ok());
    let faults = settings.check_providers(&["openai"]).unwrap_err();
    assert_eq!(faults.faults()[0].place.to_string(), "satisfice.toml:3:12 providers.mine");
}

#[test]
fn addresses_lose_their_trailing_slash_and_never_hold_credentials() {
    let settings = file("[providers.local]\nbase_url = \"http://127.0.0.1:8000/v1/\"").settings();
    assert_eq!(settings.providers["local"].base_url.as_ref().unwrap().as_str(), "http://127.0.0.1:8000/v1");
    let report = file("[providers.local]\nbase_url = \"https://me:hunter2@example.com\"").report();
    assert!(report.contains("credentials") && !report.contains("hunter2"), "{report}");
}

#[test]
fn a_literal_key_is_refused_and_never_shown() {
    let report = file("[providers.openai]\napi_key = \"sk-1234\"\napi_key_env = \"sk_live_5678\"").report();
    insta::assert_snapshot!(report, @r#"
    the configuration has 2 faults
      satisfice.toml:2:1 providers.openai.api_key: a key does not belong in a file
          delete it here and put the key in an environment variable; api_key_env takes the variable's name if it is not the usual one
      satisfice.toml:3:15 providers.openai.api_key_env: this looks like a key, not like the name of an environment variable
          give the name of an environment variable such as "OPENAI_API_KEY"; never the key itself, or leave it out
    "#);
}

#[test]
fn a_server_of_ones_own_may_speak_anthropics_dialect() {
    let settings = file(
        "[providers.mine]\nbase_url = \"http://127.0.0.1:8000/v1\"\ndialect = \"anthropic\"\nauth = \"bearer\"\n\
         [providers.openai]\nenabled = true",
    )
    .settings();
    let [mine, openai] = ["mine", "openai"].map(|name| &settings.providers[name]);
    assert_eq!((mine.dialect, mine.auth), (Some(Dialect::Anthropic), Some(KeyHeader::Bearer)));
    assert_eq!((openai.dialect, openai.auth), (None, None));
    let report = file("[providers.openai]\ndialect = \"simulated\"").report();
    assert!(report.contains("give one of openai, anthropic"), "{report}");
}

#[test]
fn the_simulated_provider_steps_aside_for_a_real_key() {
    let with = |text: &str| file(text).settings().simulated;
    assert!(with("").is_on(false) && !with("").is_on(true));
    assert!(with("[simulated]\nenabled = \"on\"").is_on(true));
    assert!(!with("[simulated]\nenabled = \"off\"").is_on(false));
}

#[test]
fn every_built_in_provider_can_be_configured() {
    for provider in crate::catalog::Catalog::builtin().unwrap().providers() {
        assert!(types::is_name(&provider.id), "{}", provider.id);
        let key_names = provider.key_env.iter().map(|name| values::Raw::Plain(name.clone()));
        for name in key_names {
            assert!(<VariableName as values::Field>::parse(&name, values::ANY).is_ok(), "{name}");
        }
    }
}
