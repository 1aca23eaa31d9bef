#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use super::*;
use crate::{
    catalog::{Dialect, KeyHeader},
    domain::ModelId,
    gateway::{ProviderAccess, ProviderKeys},
};
use std::{collections::BTreeMap, fs, path::Path, time::Duration};

fn invocation(environment: &[(&str, &str)], config: Option<&Path>) -> Invocation {
    Invocation {
        config: config.map(Path::to_owned),
        environment: environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        ..Invocation::default()
    }
}

fn setup(environment: &[(&str, &str)], config: &str) -> Result<Setup, SetupError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("satisfice.toml");
    fs::write(&path, config).unwrap();
    Setup::load(&invocation(environment, Some(&path)))
}

fn enabled(setup: &Setup) -> Vec<&str> {
    setup.enabled.iter().map(String::as_str).collect()
}

fn keys(access: &ProviderAccess) -> Vec<String> {
    match &access.keys {
        ProviderKeys::Header(_, keys) => keys.clone(),
        ProviderKeys::Bedrock(_) => Vec::new(),
    }
}

#[test]
fn without_any_key_the_simulated_provider_serves_alone() {
    let setup = setup(&[], "").unwrap();
    assert_eq!(enabled(&setup), ["simulated"]);
    assert!(setup.is_simulated());
}

#[test]
fn a_key_in_the_environment_enables_its_provider_and_ends_the_simulation() {
    let setup = setup(&[("OPENAI_API_KEY", "sk-1"), ("GOOGLE_API_KEY", "g-1")], "").unwrap();
    assert_eq!(enabled(&setup), ["google", "openai"]);
    assert_eq!(keys(&setup.access()["openai"]), ["sk-1"]);
}

#[test]
fn simulation_can_stay_on_beside_real_providers() {
    let setup = setup(&[("OPENAI_API_KEY", "sk-1"), ("SATISFICE_SIMULATED", "on")], "").unwrap();
    assert_eq!(enabled(&setup), ["openai", "simulated"]);
}

#[test]
fn a_provider_that_is_switched_off_stays_off_with_a_key() {
    let setup = setup(&[("OPENAI_API_KEY", "sk-1")], "[providers.openai]\nenabled = false\n").unwrap();
    assert_eq!(enabled(&setup), ["simulated"]);
}

#[test]
fn a_server_of_ones_own_without_a_key_counts_as_real() {
    let setup = setup(&[], "[providers.local]\nbase_url = \"http://127.0.0.1:8000/v1\"\n").unwrap();
    assert_eq!(enabled(&setup), ["local"]);
    let access = setup.access();
    assert_eq!(access["local"].base_url, "http://127.0.0.1:8000/v1");
    assert!(keys(&access["local"]).is_empty());
}

#[test]
fn an_address_in_the_configuration_replaces_the_catalogues() {
    let config = "[providers.openai]\nbase_url = \"http://proxy.internal/v1\"\napi_key_env = \"PROXY_KEY\"\n";
    let setup = setup(&[("PROXY_KEY", "p-1")], config).unwrap();
    let access = &setup.access()["openai"];
    assert_eq!((access.base_url.as_str(), keys(access)), ("http://proxy.internal/v1", vec!["p-1".to_owned()]));
}

#[test]
fn azure_is_enabled_by_its_key_with_its_address() {
    let key = ("AZURE_OPENAI_API_KEY", "az-1");
    let address = ("AZURE_OPENAI_BASE_URL", "https://mine.openai.azure.com/openai/v1/");
    let without = setup(&[key], "").unwrap();
    assert_eq!(enabled(&without), ["simulated"]);
    assert!(without.warnings.iter().any(|warning| warning.to_string().contains("AZURE_OPENAI_BASE_URL")));
    let with = setup(&[key, address], "").unwrap();
    assert_eq!(enabled(&with), ["azure"]);
    assert_eq!(with.access()["azure"].base_url, "https://mine.openai.azure.com/openai/v1");
    let config = "[providers.azure]\nbase_url = \"https://other.example/v1\"\n";
    let configured = setup(&[key, address], config).unwrap();
    assert_eq!(configured.access()["azure"].base_url, "https://other.example/v1", "the file wins");
}

#[test]
fn bedrock_is_enabled_by_its_key_with_a_region() {
    let key = ("AWS_BEARER_TOKEN_BEDROCK", "b-1");
    assert_eq!(enabled(&setup(&[key], "").unwrap()), ["simulated"]);
    let with = setup(&[key, ("AWS_REGION", "eu-central-1")], "").unwrap();
    assert_eq!((enabled(&with), with.credentials.aws("bedrock").len()), (vec!["bedrock"], 1));
    assert!(with.catalog.provider("bedrock").is_some_and(|p| p.base_url.is_empty()), "the public endpoint");
    let config = "[providers.bedrock]\nenabled = false\n";
    assert_eq!(enabled(&setup(&[key, ("AWS_REGION", "eu-central-1")], config).unwrap()), ["simulated"]);
}

#[test]
fn a_configured_dialect_brings_its_header_unless_one_is_named() {
    let config = "[providers.mine]\nbase_url = \"http://127.0.0.1:8000/v1\"\ndialect = \"anthropic\"\n\
                  [providers.other]\nbase_url = \"http://127.0.0.1:8001/v1\"\nauth = \"api-key\"\n\
                  [providers.anthropic]\ndialect = \"openai\"\n[providers.azure]\nbase_url = \"http://proxy/v1\"\n";
    let setup = setup(&[("ANTHROPIC_API_KEY", "a-1,a-2")], config).unwrap();
    let how = |id: &str| setup.catalog.provider(id).map(|p| (p.dialect, p.auth));
    assert_eq!(how("mine"), Some((Dialect::Anthropic, KeyHeader::XApiKey)));
    assert_eq!(how("other"), Some((Dialect::OpenAi, KeyHeader::ApiKey)));
    assert_eq!(how("anthropic"), Some((Dialect::OpenAi, KeyHeader::Bearer)));
    assert_eq!(how("azure"), Some((Dialect::OpenAi, KeyHeader::ApiKey)), "what is not configured stays");
    assert_eq!(enabled(&setup), ["anthropic", "mine", "other"]);
    assert_eq!(setup.credentials.keys("anthropic").len(), 2);
}

#[test]
fn models_that_a_provider_does_not_list_are_denied_in_every_policy() {
    let config = "[providers.simulated]\nmodels = [\"simulated/s*\"]\n[policies.careful]\nquality_target = 0.95\n";
    let setup = setup(&[], config).unwrap();
    for deny in [&setup.settings.routing.deny, &setup.settings.named_policies["careful"].deny] {
        let denied = |model: &str| deny.iter().any(|pattern| ModelId::from(model).matches(pattern));
        assert!(denied("simulated/tiny") && !denied("simulated/small") && !denied("openai/gpt-5"), "{deny:?}");
    }
}

#[test]
fn the_operators_catalogue_may_use_the_operators_providers() {
    let folder = tempfile::tempdir().unwrap();
    let overlay = folder.path().join("mine.toml");
    fs::write(
        &overlay,
        "[[models]]\nid = \"local/llama\"\nprovider = \"local\"\nupstream_name = \"llama\"\ntier = \"small\"\n\
         context_window = 8192\nmax_output_tokens = 2048\ncapabilities = []\nverbosity = 1.0\n\
         price = { input = 0.0, output = 0.0, source = \"our own machine\", as_of = \"2026-11-22\" }\n",
    )
    .unwrap();
    let config =
        format!("[catalog]\nfile = {:?}\n[providers.local]\nbase_url = \"http://127.0.0.1:8000/v1\"\n", overlay);
    let setup = setup(&[], &config).unwrap();
    assert!(setup.catalog.model(&ModelId::from("local/llama")).is_some());
}

#[test]
fn a_weak_admin_key_is_refused_without_being_shown_and_an_empty_one_is_none() {
    let strong = setup(&[(ADMIN_KEY, "9f86d081884c7d659a2feaa0c55ad015")], "").unwrap();
    assert!(strong.admin.is_some_and(|key| key.is("9f86d081884c7d659a2feaa0c55ad015")));
    assert!(setup(&[(ADMIN_KEY, "")], "").unwrap().admin.is_none());
    let error = setup(&[(ADMIN_KEY, "letmein")], "").unwrap_err().to_string();
    assert!(error.starts_with("SATISFICE_ADMIN_KEY: it has 7 characters") && !error.contains("letmein"), "{error}");
}

#[test]
fn files_that_are_not_there_are_named() {
    let gone = Path::new("/nowhere/satisfice.toml");
    let error = Setup::load(&invocation(&[], Some(gone))).unwrap_err();
    assert!(error.to_string().starts_with("can't read the configuration /nowhere/satisfice.toml"), "{error}");
    let error = Setup::load(&invocation(&[("SATISFICE_CONFIG", "/nowhere/else.toml")], None)).unwrap_err();
    assert!(error.to_string().contains("/nowhere/else.toml"), "{error}");
}

#[test]
fn the_flag_names_the_configuration_before_the_environment_does() {
    let both = invocation(&[("SATISFICE_CONFIG", "/b.toml")], Some(Path::new("/a.toml")));
    assert_eq!(both.config_file().as_deref(), Some(Path::new("/a.toml")));
}

#[test]
fn the_cache_folder_can_be_set() {
    let setup = setup(&[("SATISFICE_CACHE_DIR", "/cache")], "").unwrap();
    assert_eq!(setup.models_dir, Path::new("/cache/models"));
}

fn greeting() -> Greeting {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Greeting {
        data_dir: "/data".into(),
        encoder: "mini/1, 2 threads".to_owned(),
        classifier: "c/1".to_owned(),
        callers: "need an API key; 1 counts".to_owned(),
        usable: BTreeMap::from([("simulated".to_owned(), names(&["simulated/a", "simulated/b"]))]),
        disabled: BTreeMap::from([("no A_KEY".to_owned(), 1), ("no OPENAI_API_KEY".to_owned(), 9)]),
        simulated: true,
        warnings: vec!["flag --listen: open\n    close it".to_owned()],
        ..Greeting::default()
    }
}

#[test]
fn the_greeting_says_what_may_be_chosen_and_why_the_rest_may_not() {
    let page = greeting().page("127.0.0.1:8080".parse().unwrap(), Duration::from_millis(840));
    let (name, page) = page.split_once('\n').unwrap();
    assert_eq!(name, concat!("satisfice ", env!("CARGO_PKG_VERSION")));
    insta::assert_snapshot!(page, @r"
      listens on    http://127.0.0.1:8080
      data          /data (0 decisions, 0 feedbacks, 0 learned)
      encoder       mini/1, 2 threads
      classifier    c/1
      callers       need an API key; 1 counts
      may choose    2 models
        simulated   simulated/a, simulated/b
      disabled      10 models: no OPENAI_API_KEY (9), no A_KEY (1)
      simulated     on: its models answer from inside this process, nothing is sent anywhere
      warning       flag --listen: open
                        close it
      ready         in 0.84 s
    ");
}

#[test]
fn long_lists_of_models_are_wrapped_below_each_other() {
    let mut greeting = greeting();
    let names = (0..12).map(|n| format!("simulated/model-{n:02}")).collect();
    greeting.usable.insert("simulated".to_owned(), names);
    let page = greeting.page("127.0.0.1:1".parse().unwrap(), Duration::ZERO);
    assert!(page.lines().all(|line| line.len() <= 112), "{page}");
    assert!(page.contains("\n                simulated/model-"), "{page}");
}

#[tokio::test]
async fn a_port_in_use_is_found_before_anything_is_loaded() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    let error = bind(address).unwrap_err();
    assert!(error.to_string().contains(&address.to_string()), "{error}");
}
