#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use super::*;
use crate::catalog::{Catalog, models_to_toml};
use jiff::civil::date;

const LITELLM: &str = r#"{
  "sample_spec": { "mode": "one of: chat, embedding", "litellm_provider": "openai" },
  "gpt-x": { "mode": "chat", "litellm_provider": "openai", "input_cost_per_token": 1.1e-06,
    "output_cost_per_token": 4.4e-06, "cache_read_input_token_cost": 2.75e-07,
    "cache_creation_input_token_cost": 1.375e-06, "max_input_tokens": 200000,
    "max_output_tokens": 100000, "supports_function_calling": true, "supports_reasoning": true,
    "supports_response_schema": true, "supports_vision": true, "deprecation_date": "2026-10-23",
    "input_cost_per_token_above_272k_tokens": 2.2e-06, "output_cost_per_token_above_272k_tokens": 6.6e-06,
    "input_cost_per_token_above_128k_tokens": 1.5e-06, "output_cost_per_token_above_128k_tokens": 5e-06 },
  "gemini/flash y": { "mode": "chat", "litellm_provider": "gemini", "input_cost_per_token": 0,
    "output_cost_per_token": 0, "max_tokens": 8192 },
  "gemini/flash-y": { "mode": "chat", "litellm_provider": "gemini", "max_tokens": 8192 },
  "ollama/llama": { "mode": "chat", "litellm_provider": "ollama", "input_cost_per_token": 0.0,
    "cache_creation_input_token_cost": 0.0,
    "output_cost_per_token": 0.0, "max_tokens": 8192, "max_input_tokens": 8192 },
  "text-embedding-3": { "mode": "embedding", "litellm_provider": "openai" },
  "azure/gpt-x": { "mode": "chat", "litellm_provider": "azure", "max_tokens": 1 },
  "gpt-y": { "mode": "chat", "litellm_provider": "openai" }
}"#;

const MODELS_DEV: &str = r#"{
  "openrouter": { "id": "openrouter", "env": ["OPENROUTER_API_KEY"], "models": {
    "acme/big": { "id": "acme/big", "reasoning": true, "tool_call": true, "structured_output": true,
      "release_date": "2026-04-24", "modalities": { "input": ["text", "image"], "output": ["text"] },
      "limit": { "context": 1000000, "output": 384000 },
      "cost": { "input": 1.74, "output": 3.48, "cache_read": 0.145, "cache_write": 2.175,
        "tiers": [ { "input": 9, "output": 9, "tier": { "size": 512000 } },
                   { "input": 3.48, "output": 6.96, "tier": { "type": "context", "size": 256000 } } ] } },
    "acme/gift:free": { "id": "acme/gift:free", "reasoning": false, "tool_call": false, "release_date": "2025-01",
      "modalities": { "input": ["text"], "output": ["text"] }, "limit": { "context": 32000, "output": 8000 },
      "cost": { "input": 0, "output": 0 }, "status": "deprecated" },
    "acme/odd": { "id": "acme/odd", "modalities": { "input": ["text"], "output": ["text"] },
      "limit": { "context": 32000, "output": 8000 }, "cost": { "input": 0, "output": 0 } },
    "acme/ears": { "id": "acme/ears", "modalities": { "input": ["audio"], "output": ["text"] } } } },
  "elsewhere": { "models": { "x": {} } },
  "broken": 7
}"#;

fn options(providers: &'static [(&'static str, &'static str)]) -> ImportOptions<'static> {
    ImportOptions { source: "fixture", as_of: date(2026, 11, 22), providers }
}

fn reasons(import: &Import) -> Vec<String> {
    import.skipped.iter().map(ToString::to_string).collect()
}

#[test]
fn litellm_prices_become_dollars_per_million_with_source_and_day() {
    let import = litellm(LITELLM, &options(LITELLM_PROVIDERS)).unwrap();
    let model = import.models.iter().find(|model| model.id.as_str() == "openai/gpt-x").unwrap();
    let price = model.price.as_ref().unwrap();
    assert_eq!((price.input.get(), price.output.get()), (1.1, 4.4));
    assert_eq!((price.cached_input.map(Rate::get), price.cache_write.map(Rate::get)), (Some(0.275), Some(1.375)));
    assert_eq!((price.source.as_str(), price.as_of), ("fixture", date(2026, 11, 22)));
    let long = price.long_context.unwrap();
    assert_eq!((long.above_tokens, long.input.get(), long.output.get()), (128_000, 1.5, 5.0));
}

#[test]
fn litellm_limits_and_capabilities_are_read() {
    let import = litellm(LITELLM, &options(LITELLM_PROVIDERS)).unwrap();
    let model = import.models.iter().find(|model| model.id.as_str() == "openai/gpt-x").unwrap();
    let can = model.capabilities;
    assert!(can.tools && can.vision && can.json_schema && can.reasoning && model.deprecated);
    assert_eq!((model.context_window, model.max_output_tokens, model.tier), (200_000, 100_000, Tier::Medium));
    assert_eq!((model.upstream_name.as_str(), model.verbosity), ("gpt-x", REASONING_VERBOSITY));
}

#[test]
fn litellm_says_what_was_left_out_and_why() {
    let import = litellm(LITELLM, &options(LITELLM_PROVIDERS)).unwrap();
    let expected = [
        "azure/gpt-x: provider azure was not asked for",
        "gemini/flash-y: another entry is google/flash-y already",
        "gpt-y: does not state its token limits",
        "ollama/llama: provider ollama was not asked for",
        "sample_spec: documents the format",
        "text-embedding-3: is for embedding, not for chat",
    ];
    assert_eq!(reasons(&import), expected);
}

#[test]
fn a_price_of_nothing_is_free_only_where_the_list_says_so() {
    let import = litellm(LITELLM, &options(&[("ollama", "ollama"), ("gemini", "google")])).unwrap();
    let priced: Vec<_> = import.models.iter().map(|model| (model.id.as_str(), model.price.is_some())).collect();
    assert_eq!(priced, [("google/flash-y", false), ("ollama/llama", true)]);
    let writes = import.models[1].price.as_ref().map(|price| price.cache_write);
    assert_eq!(writes, Some(None), "writing that costs nothing more costs what input does");
}

#[test]
fn models_dev_entries_are_read() {
    let import = models_dev(MODELS_DEV, &options(MODELS_DEV_PROVIDERS)).unwrap();
    let ids: Vec<_> = import.models.iter().map(|model| (model.id.as_str(), model.price.is_some())).collect();
    let expected = [("openrouter/acme/big", true), ("openrouter/acme/gift:free", true), ("openrouter/acme/odd", false)];
    assert_eq!(ids, expected);
    let big = &import.models[0];
    let price = big.price.as_ref().unwrap();
    assert_eq!((price.cached_input.map(Rate::get), price.cache_write.map(Rate::get)), (Some(0.145), Some(2.175)));
    let long = price.long_context.unwrap();
    assert_eq!((long.above_tokens, long.input.get()), (256_000, 3.48));
    assert_eq!((big.upstream_name.as_str(), big.released), ("acme/big", Some(date(2026, 4, 24))));
    assert!(big.capabilities.vision && big.capabilities.json_schema && !big.deprecated);
    assert!(import.models[1].deprecated && import.models[1].released.is_none());
}

#[test]
fn models_dev_says_what_was_left_out_and_why() {
    let import = models_dev(MODELS_DEV, &options(MODELS_DEV_PROVIDERS)).unwrap();
    let expected = [
        "broken: is not an object",
        "elsewhere/x: provider elsewhere was not asked for",
        "openrouter/acme/ears: is for other media, not for chat",
    ];
    assert_eq!(reasons(&import), expected);
}

#[test]
fn an_import_can_be_written_and_laid_over_the_builtin_catalogue() {
    let import = litellm(LITELLM, &options(LITELLM_PROVIDERS)).unwrap();
    let merged = Catalog::builtin().unwrap().merge(&models_to_toml(&import.models), "imported.toml").unwrap();
    for model in &import.models {
        assert_eq!(merged.model(&model.id), Some(model));
    }
}

#[test]
fn the_import_tables_name_providers_of_the_builtin_catalogue() {
    let catalog = Catalog::builtin().unwrap();
    for (theirs, ours) in LITELLM_PROVIDERS.iter().chain(MODELS_DEV_PROVIDERS) {
        assert!(catalog.provider(ours).is_some(), "{theirs} → {ours}");
    }
}

#[test]
fn what_is_no_json_object_is_an_error() {
    for bad in ["", "[]", "{"] {
        assert!(litellm(bad, &options(&[])).is_err() && models_dev(bad, &options(&[])).is_err(), "{bad:?}");
    }
}
