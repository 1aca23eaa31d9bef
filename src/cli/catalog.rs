//! `satisfice catalog list`: the models with prices and limits, and whether they may be chosen.

use super::{Verdict, args::CatalogListArgs, output, setup};
use crate::{
    catalog::{ModelEntry, ModelKind},
    router::{Fleet, FleetModel},
};
use serde_json::{Value, json};

/// Runs the command.
pub(super) fn list(args: CatalogListArgs) -> anyhow::Result<Verdict> {
    let setup = setup(args.place)?;
    let fleet = Fleet::new(&setup.catalog, &setup.enabled);
    let shown: Vec<&FleetModel> = fleet.all().iter().filter(|m| !args.enabled || m.disabled.is_none()).collect();
    if args.json {
        let models: Vec<Value> = shown.iter().map(|m| json_of(m)).collect();
        output::print_json(&models)?;
    } else {
        output::print(&render(&shown))?;
    }
    Ok(Verdict::Good)
}

fn json_of(model: &FleetModel) -> Value {
    let mut value = json!(model.entry);
    value["disabled"] = json!(model.disabled);
    value
}

fn render(models: &[&FleetModel]) -> String {
    let header = ["model", "tier", "$/M in", "$/M out", "context", "output", "can", "price of", "disabled"];
    let table = output::table(&header, &[0, 1, 6, 8], models.iter().map(|m| row(m)));
    let usable = models.iter().filter(|m| m.unroutable().is_none()).count();
    format!("{table}\n\n{usable} of {} may be chosen", models.len())
}

fn row(model: &FleetModel) -> Vec<String> {
    let FleetModel { entry, disabled, .. } = model;
    let ModelEntry { price, .. } = entry;
    let rate = |rate: Option<f64>| rate.map_or_else(|| "?".to_owned(), |rate| format!("{rate}"));
    vec![
        entry.id.to_string(),
        entry.tier.to_string(),
        rate(price.as_ref().map(|p| p.input.get())),
        rate(price.as_ref().map(|p| p.output.get())),
        tokens(entry.context_window),
        tokens(entry.max_output_tokens),
        abilities(entry),
        price.as_ref().map_or_else(String::new, |p| p.as_of.to_string()),
        disabled.clone().unwrap_or_default(),
    ]
}

/// Thousands, or millions, rounded.
fn tokens(count: u32) -> String {
    match count {
        0..1000 => count.to_string(),
        1000..1_000_000 => format!("{}k", count / 1000),
        _ => format!("{:.1}M", f64::from(count) / 1e6),
    }
}

fn abilities(entry: &ModelEntry) -> String {
    let can = entry.capabilities;
    if entry.kind == ModelKind::Embedding {
        return "embeddings".to_owned();
    }
    let all = [(can.tools, "tools"), (can.vision, "vision"), (can.json_schema, "json"), (can.reasoning, "reasoning")];
    all.into_iter().filter_map(|(can, name)| can.then_some(name)).collect::<Vec<_>>().join(" ")
}
