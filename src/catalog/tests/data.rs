//! The data compiled in, reading and writing.

use super::*;
use crate::domain::{TaskType, Usd};
use std::collections::BTreeSet;

#[test]
fn the_builtin_catalogue_has_many_models_of_many_vendors() {
    let catalog = Catalog::builtin().unwrap();
    let real: Vec<_> = catalog.models().iter().filter(|model| model.simulated.is_none()).collect();
    let vendors: BTreeSet<_> = real.iter().filter_map(|model| model.id.as_str().split('/').next()).collect();
    assert!(real.len() >= 36, "{} models", real.len());
    assert!(vendors.len() >= 9, "{vendors:?}");
}

#[test]
fn every_builtin_price_is_above_zero_and_names_source_and_day() {
    let oldest = jiff::civil::date(2026, 11, 1);
    for model in Catalog::builtin().unwrap().models() {
        let price = model.price.as_ref().unwrap_or_else(|| panic!("{} is unpriced", model.id));
        let embeds = model.kind == ModelKind::Embedding;
        assert!(price.input > Rate::FREE && (price.output > Rate::FREE) != embeds, "{}", model.id);
        assert!(!price.source.is_empty() && price.as_of >= oldest, "{}", model.id);
        assert!(price.cached_input.is_none_or(|cached| cached <= price.input), "{}", model.id);
        assert!(price.cache_write.is_none_or(|write| write >= price.input), "{}", model.id);
        assert!(price.long_context.is_none_or(|long| long.input >= price.input), "{}", model.id);
    }
}

#[test]
fn every_builtin_model_can_be_reached() {
    let catalog = Catalog::builtin().unwrap();
    for model in catalog.models() {
        let provider = catalog.provider(&model.provider).unwrap();
        assert_eq!(provider.dialect == Dialect::Simulated, model.simulated.is_some(), "{}", model.id);
        assert!(provider.dialect == Dialect::Simulated || !provider.key_env.is_empty(), "{}", provider.id);
        assert!(model.max_output_tokens <= model.context_window, "{}", model.id);
    }
}

#[test]
fn the_builtin_catalogue_reaches_every_dialect_and_has_models_that_embed() {
    let catalog = Catalog::builtin().unwrap();
    let of = |id: &str| catalog.provider(id).unwrap();
    assert_eq!((of("anthropic").dialect, of("anthropic").auth), (Dialect::Anthropic, KeyHeader::XApiKey));
    assert_eq!((of("azure").dialect, of("azure").auth), (Dialect::OpenAi, KeyHeader::ApiKey));
    assert!(of("bedrock").dialect == Dialect::Bedrock && of("bedrock").base_url.is_empty());
    for compatible in ["openai", "google", "mistral", "openrouter", "groq", "together", "deepseek", "xai"] {
        assert_eq!((of(compatible).dialect, of(compatible).auth), (Dialect::OpenAi, KeyHeader::Bearer), "{compatible}");
    }
    let embedding = catalog.models().iter().filter(|model| model.kind == ModelKind::Embedding);
    assert!(embedding.map(|model| model.provider.as_str()).collect::<BTreeSet<_>>().len() >= 3);
}

#[test]
fn the_simulated_world_differs_from_what_the_catalogue_says() {
    let catalog = Catalog::builtin().unwrap();
    let coder = catalog.model(&"simulated/coder".into()).unwrap();
    let truth = coder.simulated.as_ref().unwrap();
    assert!(truth.ability(TaskType::Coding) > coder.ability(TaskType::Coding).logit + 1.0);
    assert!(truth.ability(TaskType::Writing) < coder.ability(TaskType::Writing).logit - 1.0);
    assert_eq!(catalog.models().iter().filter(|model| model.simulated.is_some()).count(), 6);
}

#[test]
fn a_catalogue_survives_being_written_and_read() {
    let catalog = Catalog::builtin().unwrap();
    let again = Catalog::parse(&catalog.to_toml(), "written").unwrap();
    assert_eq!(catalog, again);
}

fn provider_with(keys: &str) -> Provider {
    let toml = format!("[[providers]]\nid = \"p\"\nname = \"P\"\nkey_env = [\"P_KEY\"]\n{keys}\n");
    Catalog::parse(&toml, "test.toml").unwrap().providers()[0].clone()
}

#[test]
fn the_dialect_says_where_the_key_goes_unless_the_entry_does() {
    let auth = |keys: &str| provider_with(&format!("base_url = \"https://p.example/v1\"\n{keys}")).auth;
    assert_eq!(auth(""), KeyHeader::Bearer);
    assert_eq!(auth("dialect = \"anthropic\""), KeyHeader::XApiKey);
    assert_eq!(auth("dialect = \"anthropic\"\nauth = \"bearer\""), KeyHeader::Bearer);
    assert_eq!(auth("auth = \"api-key\""), KeyHeader::ApiKey);
}

#[test]
fn a_provider_says_what_it_needs() {
    let needs = |keys: &str| provider_with(keys).needs();
    assert_eq!(needs("base_url = \"https://p.example/v1\""), "P_KEY");
    assert_eq!(needs("base_url_env = \"P_URL\""), "P_KEY with P_URL");
    assert_eq!(needs("base_url_env = \"P_URL\"\nbase_url = \"https://p.example/v1\""), "P_KEY");
    assert_eq!(needs("dialect = \"bedrock\""), "P_KEY or AWS_ACCESS_KEY_ID with AWS_REGION");
}

#[test]
fn a_provider_without_an_address_has_none_unless_its_dialect_needs_none() {
    assert!(!provider_with("base_url_env = \"P_URL\"").has_address());
    assert!(provider_with("base_url = \"https://p.example/v1\"").has_address());
    assert!(provider_with("dialect = \"bedrock\"").has_address());
    assert_eq!(
        provider_with("dialect = \"bedrock\"\nbase_url = \"https://vpc.example/\"").base_url,
        "https://vpc.example"
    );
}

#[test]
fn every_dialect_is_written_and_read() {
    for (dialect, keys) in [
        ("openai", "base_url_env = \"P_URL\"\nauth = \"api-key\""),
        ("anthropic", "base_url = \"http://p\""),
        ("bedrock", ""),
    ] {
        let provider = provider_with(&format!("dialect = \"{dialect}\"\n{keys}"));
        let written = providers_to_toml(std::slice::from_ref(&provider));
        assert_eq!(Catalog::parse(&written, "written").unwrap().providers(), [provider], "{written}");
    }
}

#[test]
fn a_model_that_embeds_states_only_what_it_takes() {
    let toml = toml_with("kind = \"embedding\"\nprice = { input = 0.02, source = \"s\", as_of = \"2026-11-22\" }");
    let bare = toml.replace("max_output_tokens = 2000\ntier = \"medium\"\ncapabilities = [\"tools\"]\n", "");
    let catalog = Catalog::parse(&bare, "test.toml").unwrap();
    let model = &catalog.models()[0];
    assert_eq!((model.kind, model.max_output_tokens, model.tier), (ModelKind::Embedding, 0, Tier::Nano));
    assert_eq!(model.price.as_ref().map(|price| price.output), Some(Rate::FREE));
    assert_eq!(Catalog::parse(&catalog.to_toml(), "written").unwrap(), catalog);
    assert_eq!(model_with("").kind, ModelKind::Chat);
}

#[test]
fn an_overlay_replaces_by_id_and_appends_the_rest() {
    let base = Catalog::parse(&toml_with(PRICE), "base").unwrap();
    let entry = |id: &str, tier: &str| {
        format!(
            "[[models]]\nid = \"{id}\"\nprovider = \"acme\"\nupstream_name = \"x\"\ntier = \"{tier}\"\n\
             context_window = 10\nmax_output_tokens = 10\n"
        )
    };
    let merged = base.merge(&(entry("acme/two", "nano") + &entry("acme/one", "large")), "overlay").unwrap();
    let ids: Vec<_> = merged.models().iter().map(|model| model.id.as_str()).collect();
    assert_eq!(ids, ["acme/one", "acme/two"]);
    let one = merged.model(&"acme/one".into()).unwrap();
    assert_eq!((one.tier, &one.price), (Tier::Large, &None), "the entry is replaced whole");
    assert_eq!(base.models().len(), 1, "the base stays as it was");
}

#[test]
fn base_urls_lose_the_slash_at_their_end() {
    let catalog = Catalog::parse(&toml_with(""), "test.toml").unwrap();
    assert_eq!(catalog.providers()[0].base_url, "https://acme.example/v1");
}

#[test]
fn cost_is_price_times_tokens() {
    let price = model_with(PRICE).price.unwrap();
    assert_eq!(expected_cost(&price, 1_000_000, 0, 2_000_000), Usd::new(10.0).unwrap());
    assert_eq!(expected_cost(&price, 0, 0, 0), Usd::ZERO);
}

#[test]
fn long_requests_cost_the_long_rates_and_cached_tokens_less() {
    let keys = r#"price = { input = 1, output = 4, cached_input = 0.1, source = "s", as_of = 2026-11-22,
        long_context = { above_tokens = 1000, input = 2, output = 6 } }"#;
    let price = model_with(keys).price.unwrap();
    let cost = |input, cached, output| {
        let tokens = BilledTokens { input, cached, output, ..BilledTokens::default() };
        (price.cost(tokens).get() * 1e6).round()
    };
    assert_eq!(cost(1000, 0, 100), 1400.0);
    assert_eq!(cost(1001, 0, 100), 2602.0);
    assert_eq!(cost(1000, 600, 0), 460.0);
    assert_eq!(cost(2000, 1000, 0), 2200.0, "the cached rate rises as the input rate does");
    assert_eq!(cost(10, 99, 0), 1.0, "no more is cached than there is");
}

#[test]
fn tokens_written_to_the_cache_cost_their_own_rate_or_that_of_input() {
    let keys = |write: &str| {
        format!(
            r#"price = {{ input = 1, output = 4, cached_input = 0.1, {write} source = "s", as_of = 2026-11-22,
            long_context = {{ above_tokens = 1000, input = 2, output = 6 }} }}"#
        )
    };
    let cost = |price: &Price, input, cached, cache_write| {
        let tokens = BilledTokens { input, cached, cache_write, output: 0 };
        (price.cost(tokens).get() * 1e6).round()
    };
    let price = model_with(&keys("cache_write = 1.25,")).price.unwrap();
    assert_eq!(cost(&price, 1000, 0, 400), 600.0 + 500.0);
    assert_eq!(cost(&price, 1000, 500, 400), 100.0 + 50.0 + 500.0);
    assert_eq!(cost(&price, 2000, 0, 1000), 2000.0 + 2500.0, "the rate rises as the input rate does");
    assert_eq!(cost(&price, 100, 60, 99), 6.0 + 50.0, "no more is written than there is left");
    let plain = model_with(&keys("")).price.unwrap();
    assert_eq!(cost(&plain, 1000, 0, 400), 1000.0);
}
