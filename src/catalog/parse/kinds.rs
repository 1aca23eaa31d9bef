//! The kinds of values that a catalogue holds, each with its range.

use crate::catalog::{BenchmarkName, Capabilities, Dialect, KeyHeader, ModelKind, Rate, Tier, reader::Kind};
use crate::domain::{DataPolicy, Region};
use jiff::civil::Date;
use toml::de::DeValue;

pub(super) const TEXT: Kind<String> = Kind { expected: "a text in quotes that is not empty", read: text };
pub(super) const FLAG: Kind<bool> = Kind { expected: "true or false", read: flag };
pub(super) const URL: Kind<String> =
    Kind { expected: "a URL that starts with http:// or https://", read: |value| text(value).and_then(url) };
pub(super) const MODEL_ID: Kind<String> =
    Kind { expected: "vendor/model without spaces or *", read: |value| text(value).filter(|id| is_model_id(id)) };
pub(super) const NAMES: Kind<Vec<String>> =
    Kind { expected: "a list of names of environment variables", read: |value| list(value, env_name) };
pub(super) const CAPABILITIES: Kind<Capabilities> =
    Kind { expected: "a list of tools, vision, json_schema, reasoning", read: capabilities };
pub(super) const TIER: Kind<Tier> =
    Kind { expected: "one of nano, small, medium, large, frontier", read: |value| str(value)?.parse().ok() };
pub(super) const NAME: Kind<String> =
    Kind { expected: "the name of an environment variable", read: |value| env_name(str(value)?) };
pub(super) const DIALECT: Kind<Dialect> =
    Kind { expected: "openai, anthropic, bedrock or simulated", read: |value| str(value)?.parse().ok() };
pub(super) const KEY_HEADER: Kind<KeyHeader> =
    Kind { expected: "bearer, api-key or x-api-key", read: |value| str(value)?.parse().ok() };
pub(super) const REGION: Kind<Region> = Kind {
    expected: "a region such as eu or eu-central-1: at most 32 lower-case letters, digits and -",
    read: |value| str(value)?.parse().ok(),
};
pub(super) const DATA_POLICY: Kind<DataPolicy> =
    Kind { expected: "may_train, no_training or zero_retention", read: |value| str(value)?.parse().ok() };
pub(super) const MODEL_KIND: Kind<ModelKind> =
    Kind { expected: "chat or embedding", read: |value| str(value)?.parse().ok() };
pub(super) const BENCHMARK: Kind<BenchmarkName> = Kind {
    expected: "a benchmark that abilities can be read from, e.g. mmlu-pro, gpqa-diamond, swe-bench-verified",
    read: |value| str(value)?.parse().ok(),
};
pub(super) const DATE: Kind<Date> = Kind { expected: "a date such as 2026-11-22", read: date };
pub(super) const TOKENS: Kind<u32> = Kind { expected: "a whole number of tokens, at least 1", read: tokens };
pub(super) const RATE: Kind<Rate> = Kind {
    expected: "USD per million tokens, a number from 0 to 1000000",
    read: |value| Rate::new(number(value)?).ok(),
};
pub(super) const SHARE: Kind<f64> =
    Kind { expected: "a number from 0 to 1", read: |value| number(value).filter(|n| (0.0..=1.0).contains(n)) };
pub(super) const POSITIVE: Kind<f64> =
    Kind { expected: "a number above 0", read: |value| number(value).filter(|n| n.is_finite() && *n > 0.0) };
pub(super) const LOGIT: Kind<f64> =
    Kind { expected: "a logit from -10 to 10", read: |value| number(value).filter(|n| (-10.0..=10.0).contains(n)) };
pub(super) const VERBOSITY: Kind<f64> =
    Kind { expected: "a number from 0.1 to 20", read: |value| number(value).filter(|n| (0.1..=20.0).contains(n)) };

fn str<'v>(value: &'v DeValue<'_>) -> Option<&'v str> {
    if let DeValue::String(text) = value { Some(text.as_ref()) } else { None }
}

fn text(value: &DeValue<'_>) -> Option<String> {
    str(value).filter(|text| !text.trim().is_empty()).map(str::to_owned)
}

fn url(text: String) -> Option<String> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    let sound = !rest.is_empty() && !rest.contains(char::is_whitespace);
    sound.then(|| text.trim_end_matches('/').to_owned())
}

fn is_model_id(id: &str) -> bool {
    let parts = id.split_once('/');
    let strange = |c: char| c.is_whitespace() || c.is_control() || c == '*';
    parts.is_some_and(|(vendor, name)| !vendor.is_empty() && !name.is_empty()) && !id.contains(strange)
}

fn env_name(name: &str) -> Option<String> {
    let sound = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    sound.then(|| name.to_owned())
}

fn list<T>(value: &DeValue<'_>, read: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    let DeValue::Array(items) = value else { return None };
    items.iter().map(|item| str(item.get_ref()).and_then(&read)).collect()
}

fn capabilities(value: &DeValue<'_>) -> Option<Capabilities> {
    let mut can = Capabilities::default();
    let read = list(value, |name| Some(name.to_owned()))?;
    for name in read {
        match name.as_str() {
            "tools" => can.tools = true,
            "vision" => can.vision = true,
            "json_schema" => can.json_schema = true,
            "reasoning" => can.reasoning = true,
            _ => return None,
        }
    }
    Some(can)
}

const fn flag(value: &DeValue<'_>) -> Option<bool> {
    if let DeValue::Boolean(flag) = value { Some(*flag) } else { None }
}

fn date(value: &DeValue<'_>) -> Option<Date> {
    match value {
        DeValue::String(text) => text.parse().ok(),
        DeValue::Datetime(date) => date.to_string().parse().ok(),
        _ => None,
    }
}

fn tokens(value: &DeValue<'_>) -> Option<u32> {
    let DeValue::Integer(number) = value else { return None };
    u32::from_str_radix(number.as_str(), number.radix()).ok().filter(|&tokens| tokens > 0)
}

/// An integer or a float; NaN and infinities are left to the range checks, which no one of them passes.
fn number(value: &DeValue<'_>) -> Option<f64> {
    match value {
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok().map(|whole| whole as f64),
        DeValue::Float(number) => number.as_str().parse().ok(),
        _ => None,
    }
}
