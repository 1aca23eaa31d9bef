//! LiteLLM's `model_prices_and_context_window.json`: one object, a key per model, prices per token.

use super::{
    Collector, Import, ImportError, ImportOptions, SkipReason, cache_write, long_context, rate, tier, verbosity,
};
use crate::{
    catalog::{Capabilities, ModelEntry, ModelKind, Price},
    domain::ModelId,
};
use jiff::civil::Date;
use serde_json::{Map, Value};

/// Providers that run on the operator's own machine: there a price of nothing means free.
const LOCAL: &[&str] =
    &["ollama", "ollama_chat", "lm_studio", "llamafile", "hosted_vllm", "vllm", "docker_model_runner"];

/// Reads the list. `max_input_tokens` becomes the context window, which is never too much.
///
/// # Errors
/// [`ImportError`] when the text is no JSON object.
pub fn litellm(json: &str, options: &ImportOptions<'_>) -> Result<Import, ImportError> {
    let list: Map<String, Value> = serde_json::from_str(json)?;
    let mut collector = Collector::default();
    for (key, value) in &list {
        collector.add(key, entry(key, value, options));
    }
    Ok(collector.done)
}

fn entry(key: &str, value: &Value, options: &ImportOptions<'_>) -> Result<ModelEntry, SkipReason> {
    let fields = value.as_object().ok_or(SkipReason::Malformed)?;
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    if key == "sample_spec" {
        return Err(SkipReason::Sample);
    }
    match text("mode") {
        Some("chat") => {}
        mode => return Err(SkipReason::NotChat(mode.unwrap_or("an unstated purpose").to_owned())),
    }
    let theirs = text("litellm_provider").unwrap_or_default();
    let provider = options.provider(theirs)?;
    let tokens = |name: &str| fields.get(name).and_then(Value::as_f64).map(|n| n as u32).filter(|&n| n > 0);
    let context_window = tokens("max_input_tokens").or_else(|| tokens("max_tokens")).ok_or(SkipReason::NoLimits)?;
    let capabilities = capabilities(fields);
    let price = price(key, theirs, fields, options);
    let upstream_name = key.strip_prefix(theirs).and_then(|rest| rest.strip_prefix('/')).unwrap_or(key);
    let tier = tier(price.as_ref());
    Ok(ModelEntry {
        id: ModelId::new(format!("{provider}/{}", upstream_name.replace(char::is_whitespace, "-"))),
        provider: provider.to_owned(),
        upstream_name: upstream_name.to_owned(),
        kind: ModelKind::Chat,
        tier,
        price,
        context_window,
        max_output_tokens: tokens("max_output_tokens").unwrap_or(context_window),
        capabilities,
        benchmarks: Vec::new(),
        latency: tier.latency(),
        verbosity: verbosity(capabilities.reasoning),
        released: None,
        deprecated: withdrawn(text("deprecation_date"), options.as_of),
        simulated: None,
    })
}

fn capabilities(fields: &Map<String, Value>) -> Capabilities {
    let can = |name: &str| fields.get(name).and_then(Value::as_bool).unwrap_or(false);
    Capabilities {
        tools: can("supports_function_calling"),
        vision: can("supports_vision"),
        json_schema: can("supports_response_schema"),
        reasoning: can("supports_reasoning"),
    }
}

fn price(key: &str, provider: &str, fields: &Map<String, Value>, options: &ImportOptions<'_>) -> Option<Price> {
    let per_million = |name: &str| fields.get(name).and_then(Value::as_f64).map(|per_token| per_token * 1e6);
    let free = LOCAL.contains(&provider) || key.ends_with(":free");
    let mut price = options.price(per_million("input_cost_per_token"), per_million("output_cost_per_token"), free)?;
    price.cached_input = per_million("cache_read_input_token_cost").and_then(rate);
    price.cache_write = per_million("cache_creation_input_token_cost").and_then(cache_write);
    // The lowest threshold counts; keys look like `input_cost_per_token_above_272k_tokens`.
    let threshold =
        |key: &String| key.strip_prefix("input_cost_per_token_above_")?.strip_suffix("k_tokens")?.parse::<u32>().ok();
    if let Some(thousands) = fields.keys().filter_map(threshold).min() {
        let above = |direction: &str| per_million(&format!("{direction}_cost_per_token_above_{thousands}k_tokens"));
        price.long_context = long_context(thousands.saturating_mul(1000), above("input"), above("output"));
    }
    Some(price)
}

fn withdrawn(date: Option<&str>, today: Date) -> bool {
    date.and_then(|date| date.parse::<Date>().ok()).is_some_and(|day| day <= today)
}
