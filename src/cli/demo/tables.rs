//! The demo's tables.

use super::super::{
    output::{percent, short, table},
    simulate::{Step, Summary, always_best, chosen_by_cost, shares},
};
use crate::domain::Usd;
use std::collections::BTreeMap;

/// The task types that were recognised, the models chosen for each, and the cost against always taking the best.
pub(super) fn by_task(steps: &[Step]) -> String {
    grouped("task", steps, |step| Some(step.served.as_ref()?.task.clone()))
}

/// The same by the true level of difficulty.
pub(super) fn by_level(steps: &[Step]) -> String {
    const NAMES: [&str; 5] = ["1 trivial", "2 easy", "3 medium", "4 hard", "5 expert"];
    let name = |level: u8| NAMES[usize::from(level.clamp(1, 5)) - 1].to_owned();
    grouped("true level", steps, |step| Some(name(step.level)))
}

fn grouped(what: &str, steps: &[Step], key: impl Fn(&Step) -> Option<String>) -> String {
    let models = chosen_by_cost(steps);
    let mut groups: BTreeMap<String, Vec<Step>> = BTreeMap::new();
    for step in steps {
        if let Some(key) = key(step) {
            groups.entry(key).or_default().push(step.clone());
        }
    }
    let mut header = vec![what, "prompts", "estimated difficulty"];
    header.extend(models.iter().map(|model| short(model)));
    header.extend(["cost", "always best", "of that"]);
    let rows = groups.iter().map(|(name, steps)| row(name, steps, &models));
    table(&header, &[0], rows.chain([row("all", steps, &models)]))
}

fn row(name: &str, steps: &[Step], models: &[String]) -> Vec<String> {
    let (chosen, summary, n) = (shares(steps), Summary::of(steps), steps.len() as f64);
    let best = always_best(steps).map_or(0.0, |best| best.cost_usd);
    let difficulty: f64 = steps.iter().filter_map(|step| Some(step.served.as_ref()?.difficulty)).sum();
    let mut row = vec![name.to_owned(), steps.len().to_string(), format!("{:.2}", difficulty / n)];
    row.extend(models.iter().map(|model| chosen.get(model).map_or_else(|| "·".to_owned(), ToString::to_string)));
    row.extend([usd(summary.cost_usd * n), usd(best * n), percent(summary.cost_usd, best)]);
    row
}

fn usd(sum: f64) -> String {
    Usd::new(sum).map_or_else(|_| "?".to_owned(), |_| format!("${sum:.4}"))
}

/// How one model fared from block to block.
pub(super) fn blocks(blocks: &[Summary], model: &str) -> String {
    let mut first = 1;
    let rows = blocks.iter().map(|block| {
        let last = first + block.requests - 1;
        let name = format!("{first}–{last}");
        first = last + 1;
        let share = share_of(block, model);
        // A character for each 2.5 %.
        let bar = "█".repeat((share * 40.0).round() as usize);
        let (score, adequate) = (format!("{:.3}", block.score), percent(block.adequate, 1.0));
        vec![name, percent(share, 1.0), bar, score, adequate]
    });
    table(&["requests", "share", &format!("of {model}"), "mean score", "adequate choices"], &[2], rows)
}

/// A model's share of the served requests, 0 to 1.
pub(super) fn share_of(block: &Summary, model: &str) -> f64 {
    let served = block.requests - block.failed;
    if served == 0 { 0.0 } else { block.chosen.get(model).copied().unwrap_or(0) as f64 / served as f64 }
}
