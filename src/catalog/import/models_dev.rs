//! models.dev's `api.json`: providers by id, each with its models by id, prices per million tokens.

use super::{
    Collector, Import, ImportError, ImportOptions, SkipReason, cache_write, long_context, rate, tier, verbosity,
};
use crate::{
    catalog::{Capabilities, LongContext, ModelEntry, ModelKind, Price},
    domain::ModelId,
};
use serde_json::{Map, Value};

/// Reads the list.
///
/// # Errors
/// [`ImportError`] when the text is no JSON object.
pub fn models_dev(json: &str, options: &ImportOptions<'_>) -> Result<Import, ImportError> {
    let list: Map<String, Value> = serde_json::from_str(json)?;
    let mut collector = Collector::default();
    for (theirs, value) in &list {
        let Some(models) = value.get("models").and_then(Value::as_object) else {
            collector.add(theirs, Err(SkipReason::Malformed));
            continue;
        };
        for (name, model) in models {
            let key = format!("{theirs}/{name}");
            collector.add(&key, options.provider(theirs).and_then(|provider| entry(provider, name, model, options)));
        }
    }
    Ok(collector.done)
}

fn entry(provider: &str, name: &str, value: &Value, options: &ImportOptions<'_>) -> Result<ModelEntry, SkipReason> {
    let fields = value.as_object().ok_or(SkipReason::Malformed)?;
    if !says(value, "/modalities/output", "text") || !says(value, "/modalities/input", "text") {
        return Err(SkipReason::NotChat("other media".to_owned()));
    }
    let tokens = |path: &str| value.pointer(path).and_then(Value::as_f64).map(|n| n as u32).filter(|&n| n > 0);
    let context_window = tokens("/limit/context").ok_or(SkipReason::NoLimits)?;
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let capabilities = capabilities(value);
    let price = price(name, value, options);
    let tier = tier(price.as_ref());
    Ok(ModelEntry {
        id: ModelId::new(format!("{provider}/{}", name.replace(char::is_whitespace, "-"))),
        provider: provider.to_owned(),
        upstream_name: name.to_owned(),
        kind: ModelKind::Chat,
        tier,
        price,
        context_window,
        max_output_tokens: tokens("/limit/output").unwrap_or(context_window),
        capabilities,
        benchmarks: Vec::new(),
        latency: tier.latency(),
        verbosity: verbosity(capabilities.reasoning),
        released: text("release_date").and_then(|date| date.parse().ok()),
        deprecated: text("status") == Some("deprecated"),
        simulated: None,
    })
}

/// Whether the list at `path` names `medium`.
fn says(model: &Value, path: &str, medium: &str) -> bool {
    let media = model.pointer(path).and_then(Value::as_array);
    media.is_some_and(|media| media.iter().any(|known| known == medium))
}

fn capabilities(model: &Value) -> Capabilities {
    let can = |name: &str| model.get(name).and_then(Value::as_bool).unwrap_or(false);
    Capabilities {
        tools: can("tool_call"),
        vision: says(model, "/modalities/input", "image"),
        json_schema: can("structured_output"),
        reasoning: can("reasoning"),
    }
}

fn price(name: &str, model: &Value, options: &ImportOptions<'_>) -> Option<Price> {
    let cost = |path: &str| model.pointer(path).and_then(Value::as_f64);
    let mut price = options.price(cost("/cost/input"), cost("/cost/output"), name.ends_with(":free"))?;
    price.cached_input = cost("/cost/cache_read").and_then(rate);
    price.cache_write = cost("/cost/cache_write").and_then(cache_write);
    price.long_context = lowest_tier(model).or_else(|| {
        long_context(200_000, cost("/cost/context_over_200k/input"), cost("/cost/context_over_200k/output"))
    });
    Some(price)
}

/// The context tier with the lowest threshold.
fn lowest_tier(model: &Value) -> Option<LongContext> {
    let tiers = model.pointer("/cost/tiers").and_then(Value::as_array)?;
    let read = |tier: &Value| {
        let above = tier.pointer("/tier/size").and_then(Value::as_f64)? as u32;
        long_context(above, tier.get("input").and_then(Value::as_f64), tier.get("output").and_then(Value::as_f64))
    };
    tiers.iter().filter_map(read).min_by_key(|tier| tier.above_tokens)
}
