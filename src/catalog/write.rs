//! Catalogues as TOML that people can edit and [`super::Catalog::parse`] reads back.

use super::{Benchmark, Capabilities, Latency, ModelEntry, ModelKind, Price, Provider, SimulatedBehaviour};
use crate::domain::{DataPolicy, Region};
use std::fmt::Write;
use toml::Value;

/// Providers as `[[providers]]` tables.
#[must_use]
pub fn providers_to_toml(providers: &[Provider]) -> String {
    providers.iter().map(provider).collect()
}

/// Models as `[[models]]` tables, e.g. imported ones to be put into an operator's file.
#[must_use]
pub fn models_to_toml(models: &[ModelEntry]) -> String {
    models.iter().map(model).collect()
}

/// Lines `key = value` of one table.
#[derive(Default)]
struct Lines(String);

impl Lines {
    fn put(&mut self, key: &str, value: impl Into<Value>) {
        self.raw(key, &value.into().to_string());
    }

    fn put_some(&mut self, key: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.put(key, value);
        }
    }

    fn raw(&mut self, key: &str, value: &str) {
        writeln!(self.0, "{key} = {value}").expect("writing to a string can't fail");
    }

    fn header(&mut self, name: &str) {
        writeln!(self.0, "{name}").expect("writing to a string can't fail");
    }
}

fn provider(provider: &Provider) -> String {
    let mut lines = Lines::default();
    lines.header("[[providers]]");
    lines.put("id", provider.id.as_str());
    lines.put("name", provider.name.as_str());
    lines.put("dialect", provider.dialect.as_str());
    lines.put_some("base_url", Some(provider.base_url.as_str()).filter(|url| !url.is_empty()));
    lines.put_some("base_url_env", provider.base_url_env.as_deref());
    if provider.dialect.is_addressed() {
        lines.put("auth", provider.auth.as_str());
    }
    lines.put("key_env", provider.key_env.clone());
    lines.put_some("region", provider.handling.region.as_ref().map(Region::as_str));
    lines.put_some("data_policy", provider.handling.policy.map(DataPolicy::as_str));
    lines.put_some("docs", provider.docs.as_deref());
    lines.0 + "\n"
}

fn model(model: &ModelEntry) -> String {
    let mut lines = Lines::default();
    lines.header("[[models]]");
    lines.put("id", model.id.as_str());
    lines.put("provider", model.provider.as_str());
    lines.put("upstream_name", model.upstream_name.as_str());
    lines.put_some("kind", Some(model.kind.as_str()).filter(|_| model.kind != ModelKind::Chat));
    lines.put("tier", model.tier.as_str());
    lines.put("context_window", i64::from(model.context_window));
    lines.put_some("max_output_tokens", Some(i64::from(model.max_output_tokens)).filter(|&tokens| tokens > 0));
    lines.put("capabilities", capabilities(&model.capabilities));
    lines.put("verbosity", model.verbosity);
    lines.put_some("released", model.released.map(|day| day.to_string()));
    lines.put("deprecated", model.deprecated);
    if let Some(known) = &model.price {
        price(&mut lines, known);
    }
    latency(&mut lines, &model.latency);
    model.benchmarks.iter().for_each(|figure| benchmark(&mut lines, figure));
    if let Some(truth) = &model.simulated {
        simulated(&mut lines, truth);
    }
    lines.0 + "\n"
}

fn capabilities(can: &Capabilities) -> Vec<&'static str> {
    let all =
        [(can.tools, "tools"), (can.vision, "vision"), (can.json_schema, "json_schema"), (can.reasoning, "reasoning")];
    all.into_iter().filter_map(|(can, name)| can.then_some(name)).collect()
}

fn price(lines: &mut Lines, price: &Price) {
    lines.header("[models.price]");
    lines.put("input", price.input.get());
    lines.put("output", price.output.get());
    lines.put_some("cached_input", price.cached_input.map(super::Rate::get));
    lines.put_some("cache_write", price.cache_write.map(super::Rate::get));
    lines.put("source", price.source.as_str());
    lines.put("as_of", price.as_of.to_string());
    if let Some(long) = &price.long_context {
        let (above, input, output) = (long.above_tokens, long.input.get(), long.output.get());
        lines.raw("long_context", &format!("{{ above_tokens = {above}, input = {input:?}, output = {output:?} }}"));
    }
}

fn latency(lines: &mut Lines, latency: &Latency) {
    lines.header("[models.latency]");
    lines.put("first_token_ms", latency.first_token_ms);
    lines.put("tokens_per_second", latency.tokens_per_second);
}

fn benchmark(lines: &mut Lines, figure: &Benchmark) {
    lines.header("[[models.benchmarks]]");
    lines.put("name", figure.name.as_str());
    lines.put("score", figure.score);
    lines.put("source", figure.source.as_str());
    lines.put("as_of", figure.as_of.to_string());
}

fn simulated(lines: &mut Lines, truth: &SimulatedBehaviour) {
    lines.header("[models.simulated]");
    lines.put("ability", truth.ability);
    lines.put("failure_rate", truth.failure_rate);
    if !truth.task_ability.is_empty() {
        lines.header("[models.simulated.task_ability]");
        truth.task_ability.iter().for_each(|(task, &ability)| lines.put(task.as_str(), ability));
    }
}
