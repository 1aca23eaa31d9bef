//! What the traffic came to: shares, scores, costs, and what those who know the truth would have done.

use super::{
    super::output::{percent, short, table},
    Step,
    drive::{Choice, Served},
};
use crate::domain::Usd;
use serde::Serialize;
use std::collections::BTreeMap;

/// Blocks of requests, and all of them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Report {
    /// Block by block.
    pub(super) blocks: Vec<Block>,
    /// All requests.
    pub(super) total: Summary,
    /// What the single best model, known only in hindsight, would have come to.
    pub(super) always_best: Option<AlwaysBest>,
    /// Models that were chosen, the cheapest first.
    #[serde(skip)]
    models: Vec<String>,
}

/// A block of requests.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Block {
    /// Number of the first.
    pub(super) from: u64,
    /// Its figures.
    #[serde(flatten)]
    pub(super) summary: Summary,
}

/// Figures of some requests; means are over those that were served.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub(in crate::cli) struct Summary {
    /// Requests.
    pub(in crate::cli) requests: u64,
    /// Of these, failed by the upstream.
    pub(in crate::cli) failed: u64,
    /// How often each model was chosen.
    pub(in crate::cli) chosen: BTreeMap<String, u64>,
    /// Mean score.
    pub(in crate::cli) score: f64,
    /// Mean score to expect, in truth, of the models chosen.
    pub(in crate::cli) expected_score: f64,
    /// Mean expected cost, USD.
    pub(in crate::cli) cost_usd: f64,
    /// Share of requests whose model was adequate: expected, in truth, to reach the target, or the best there was.
    pub(in crate::cli) adequate: f64,
    /// Mean expected quality missing to adequacy.
    pub(in crate::cli) quality_regret: f64,
    /// Mean expected cost above the cheapest adequate model's, USD.
    pub(in crate::cli) cost_regret_usd: f64,
}

/// One model for every request.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::cli) struct AlwaysBest {
    /// The model with the highest mean expected score, in truth.
    pub(in crate::cli) model: String,
    /// That score.
    pub(in crate::cli) score: f64,
    /// Its mean expected cost, USD.
    pub(in crate::cli) cost_usd: f64,
}

impl Report {
    /// Sums up steps in blocks of `block` requests.
    pub(super) fn new(steps: &[Step], block: u64) -> Self {
        let size = usize::try_from(block.max(1)).unwrap_or(usize::MAX);
        let blocks = steps.chunks(size).map(|chunk| Block { from: chunk[0].n, summary: Summary::of(chunk) });
        Self {
            blocks: blocks.collect(),
            total: Summary::of(steps),
            always_best: always_best(steps),
            models: chosen_by_cost(steps),
        }
    }

    /// The page for people.
    pub(super) fn render(&self) -> String {
        let mut header = vec!["requests"];
        header.extend(self.models.iter().map(|model| short(model)));
        header.extend(["score", "adequate", "missing", "$/1000", "too much", "failed"]);
        let rows = self.blocks.iter().map(|block| {
            let name = format!("{}–{}", block.from + 1, block.from + block.summary.requests);
            block.summary.row(name, &self.models)
        });
        let rows = rows.chain([self.total.row("all".to_owned(), &self.models)]);
        format!("{}\n\n{}", table(&header, &[], rows), self.conclusion())
    }

    fn conclusion(&self) -> String {
        let explained = "adequate: share of requests whose model truly meets the target, or is the best there is; \
                         missing: mean quality short of\nthat; too much: mean cost above the cheapest adequate model's, \
                         $/1000. Costs are expected ones.";
        let Some(best) = &self.always_best else { return explained.to_owned() };
        let requests = (self.total.requests - self.total.failed) as f64;
        let sum = |mean: f64| Usd::new(mean * requests).map_or_else(|_| "?".to_owned(), |usd| usd.to_string());
        format!(
            "{explained}\n\nrouted: {} at an expected score of {:.3}\n{} for every request, the best single model in \
             hindsight: {} at {:.3}\nThe router spends {} of that.",
            sum(self.total.cost_usd),
            self.total.expected_score,
            best.model,
            sum(best.cost_usd),
            best.score,
            percent(self.total.cost_usd, best.cost_usd),
        )
    }
}

impl Summary {
    /// Sums up steps.
    pub(in crate::cli) fn of(steps: &[Step]) -> Self {
        let served: Vec<&Served> = steps.iter().filter_map(|step| step.served.as_ref()).collect();
        let regrets: Vec<Regret> = served.iter().filter_map(|served| Regret::of(served)).collect();
        let mean_regret = |of: fn(&Regret) -> f64| mean(regrets.iter().map(of));
        Self {
            requests: steps.len() as u64,
            failed: (steps.len() - served.len()) as u64,
            chosen: shares(steps),
            score: mean(served.iter().map(|s| s.score)),
            expected_score: mean(served.iter().filter_map(|s| Some(s.chosen()?.expected))),
            cost_usd: mean(served.iter().filter_map(|s| Some(s.chosen()?.cost_usd))),
            adequate: mean_regret(|r| if r.quality <= 0.0 { 1.0 } else { 0.0 }),
            quality_regret: mean_regret(|r| r.quality),
            cost_regret_usd: mean_regret(|r| r.cost_usd),
        }
    }

    fn row(&self, name: String, models: &[String]) -> Vec<String> {
        let served = (self.requests - self.failed) as f64;
        let share = |model: &String| percent(self.chosen.get(model).copied().unwrap_or(0) as f64, served);
        let mut row = vec![name];
        row.extend(models.iter().map(share));
        row.extend([
            format!("{:.3}", self.score),
            percent(self.adequate, 1.0),
            format!("{:.3}", self.quality_regret),
            format!("{:.3}", 1000.0 * self.cost_usd),
            format!("{:.3}", 1000.0 * self.cost_regret_usd),
            self.failed.to_string(),
        ]);
        row
    }
}

/// How often each model was chosen.
pub(in crate::cli) fn shares(steps: &[Step]) -> BTreeMap<String, u64> {
    let mut shares = BTreeMap::new();
    for served in steps.iter().filter_map(|step| step.served.as_ref()) {
        *shares.entry(served.model.clone()).or_default() += 1;
    }
    shares
}

/// What a choice loses against knowing the truth.
struct Regret {
    quality: f64,
    cost_usd: f64,
}

impl Regret {
    /// Adequate is who meets the target; where nobody does, the best is.
    fn of(served: &Served) -> Option<Self> {
        let chosen = served.chosen()?;
        let best = served.options.iter().map(|option| option.expected).fold(0.0, f64::max);
        let needed = served.target.min(best);
        let adequate = served.options.iter().filter(|option| option.expected >= needed);
        let cheapest = adequate.map(|option| option.cost_usd).fold(f64::INFINITY, f64::min);
        Some(Self { quality: (needed - chosen.expected).max(0.0), cost_usd: (chosen.cost_usd - cheapest).max(0.0) })
    }
}

/// The model that is best on the whole, and what always taking it would have come to; means are over the requests for
/// which it could be chosen. `None` without steps.
pub(in crate::cli) fn always_best(steps: &[Step]) -> Option<AlwaysBest> {
    let served = steps.iter().filter(|step| step.served.is_some()).count();
    // A model that could rarely be chosen is no answer to "always".
    let common = options(steps).into_iter().filter(|(_, options)| 2 * options.len() >= served);
    let all = common.map(|(model, options)| AlwaysBest {
        model: model.to_owned(),
        score: mean(options.iter().map(|option| option.expected)),
        cost_usd: mean_cost(&options),
    });
    all.max_by(|a, b| a.score.total_cmp(&b.score))
}

/// The models that were chosen, the cheapest first.
pub(in crate::cli) fn chosen_by_cost(steps: &[Step]) -> Vec<String> {
    let (chosen, options) = (shares(steps), options(steps));
    let cost = |model: &String| options.get(model.as_str()).map_or(f64::INFINITY, |options| mean_cost(options));
    let mut models: Vec<String> = chosen.into_keys().collect();
    models.sort_by(|a, b| cost(a).total_cmp(&cost(b)));
    models
}

/// Each model with the requests for which it could be chosen.
fn options(steps: &[Step]) -> BTreeMap<&str, Vec<&Choice>> {
    let mut models: BTreeMap<&str, Vec<&Choice>> = BTreeMap::new();
    for option in steps.iter().filter_map(|step| step.served.as_ref()).flat_map(|served| &served.options) {
        models.entry(&option.model).or_default().push(option);
    }
    models
}

fn mean_cost(options: &[&Choice]) -> f64 {
    mean(options.iter().map(|option| option.cost_usd))
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (n, sum) = values.fold((0.0, 0.0), |(n, sum), value| (n + 1.0, sum + value));
    if n == 0.0 { 0.0 } else { sum / n }
}
