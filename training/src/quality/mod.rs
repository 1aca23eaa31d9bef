//! What Satisfice predicts of quality and cost before any feedback, fitted on outcome tables.
//!
//! Quality is the mean of each task in training, weighted by how probable the task is ([`tasks`]), plus what the neighbourhood
//! of a query says beyond that, heavily shrunk: a smoother over trunk and embedding ([`smoother`]) and the residuals of near
//! queries.
//! Cost is predicted alike, as log cost. What is kept and what was tried stands in `docs/evaluation.md`.

pub mod smoother;
pub mod tasks;

use crate::{
    nearest,
    routing::{
        Grid, Predictions, Router, RoutingTable, Trained,
        baselines::{mean_rows, mix},
        table::{Query, unit},
    },
};
use anyhow::Result;
use smoother::Smoother;
use tasks::TaskHead;

/// Queries at the overall mean that count as seen in every task.
const TASK_SHRINKAGE: f64 = 20.0;
/// Neighbours whose residuals are averaged.
const NEIGHBOURS: usize = 300;
/// Temperature of the neighbours' cosines.
const COSINE_TEMPERATURE: f64 = 0.1;

/// Our router.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Satisfice {
    /// Share of the neighbours' mean residual that is believed.
    pub neighbours: f64,
    /// Share of the smoother's residual that is believed.
    pub smooth: f64,
    /// Ridge of that smoother.
    pub ridge: f64,
    /// Ridge of the smoother of log cost.
    pub cost_ridge: f64,
}

impl Default for Satisfice {
    /// Among those that served best over repeated splits of three tables; others near them differ by less than the intervals
    /// (`docs/evaluation.md`).
    fn default() -> Self {
        Self { neighbours: 0.2, smooth: 0.6, ridge: 10.0, cost_ridge: 30.0 }
    }
}

struct TrainedSatisfice {
    recipe: Satisfice,
    head: TaskHead,
    /// `(tasks, models)`.
    means: Grid,
    /// `(training queries, models)`.
    residual: Grid,
    places: Vec<Vec<f32>>,
    smoother: Smoother,
    cost: CostModel,
}

impl Router for Satisfice {
    fn name(&self) -> String {
        "satisfice".into()
    }

    fn train(&self, table: &RoutingTable) -> Result<Box<dyn Trained>> {
        let head = TaskHead::fit(table)?;
        let tasks = head.out_of_fold(table)?;
        let score = table.score.completed();
        let means = shrunk_means(table, &score, head.tasks());
        let residual = score.plus(&mix(&tasks, &means), -1.0);
        let places = places(table);
        let smoother = Smoother::fit(&views(&places), &residual, self.ridge)?;
        let cost = CostModel::fit(table, &head, &tasks, &places, self.cost_ridge)?;
        Ok(Box::new(TrainedSatisfice { recipe: *self, head, means, residual, places, smoother, cost }))
    }
}

impl Trained for TrainedSatisfice {
    fn predict(&self, table: &RoutingTable) -> Predictions {
        let tasks = self.head.predict(table);
        let base = mix(&tasks, &self.means);
        let places = places(table);
        let smooth = self.smoother.predict(&views(&places));
        let near = self.neighbours(&places);
        let sum = base.plus(&near, self.recipe.neighbours).plus(&smooth, self.recipe.smooth);
        let quality = sum.map(|_, q| q.clamp(0.0, 1.0));
        Predictions { quality, cost: self.cost.predict(&tasks, &places) }
    }
}

impl TrainedSatisfice {
    /// Mean residual of the nearest training queries.
    fn neighbours(&self, places: &[Vec<f32>]) -> Grid {
        let near = nearest::nearest(&views(places), &views(&self.places), NEIGHBOURS);
        let weight = |cosine: f32| ((f64::from(cosine) - 1.0) / COSINE_TEMPERATURE).exp();
        let rows = near.iter().map(|hits| mean_rows(&self.residual, hits.iter().map(|h| (h.index, weight(h.cosine)))));
        Grid::from_rows(&rows.collect::<Vec<_>>())
    }
}

/// Log cost of each model: means of the tasks, smoothed residuals, brought to the right mean cost.
struct CostModel {
    /// `(tasks, models)`; none where costs are not known.
    means: Option<(Grid, Smoother)>,
    /// Added before the logarithm, so that free answers have one.
    floor: Vec<f64>,
    smear: Vec<f64>,
}

impl CostModel {
    fn fit(table: &RoutingTable, head: &TaskHead, tasks: &[Vec<f64>], places: &[Vec<f32>], ridge: f64) -> Result<Self> {
        let average = table.cost.completed().column_means();
        if average.iter().any(|m| m.is_nan()) {
            return Ok(Self { means: None, floor: average.clone(), smear: average });
        }
        let floor: Vec<f64> = average.iter().map(|m| (m * 1e-3).max(1e-12)).collect();
        let logs = table.cost.completed().map(|m, c| (c + floor[m]).ln());
        let means = shrunk_means(table, &logs, head.tasks());
        let base = mix(tasks, &means);
        let smoother = Smoother::fit(&views(places), &logs.plus(&base, -1.0), ridge)?;
        let left_out = base.plus(smoother.left_out(), 1.0).map(|_, l| l.exp()).column_means();
        let smear = average.iter().zip(&floor).zip(left_out).map(|((m, f), l)| (m + f) / l).collect();
        Ok(Self { means: Some((means, smoother)), floor, smear })
    }

    fn predict(&self, tasks: &[Vec<f64>], places: &[Vec<f32>]) -> Grid {
        let Some((means, smoother)) = &self.means else {
            return Grid::filled(places.len(), self.floor.len(), f64::NAN);
        };
        let logs = mix(tasks, means).plus(&smoother.predict(&views(places)), 1.0);
        logs.map(|m, l| (l.exp() * self.smear[m] - self.floor[m]).max(0.0))
    }
}

/// Mean score of each task, with the overall mean counted as 20 more queries.
fn shrunk_means(table: &RoutingTable, score: &Grid, tasks: &[usize]) -> Grid {
    let overall = score.column_means();
    let mut sums: Vec<(Vec<f64>, f64)> =
        vec![(overall.iter().map(|m| m * TASK_SHRINKAGE).collect(), TASK_SHRINKAGE); tasks.len()];
    for (r, query) in table.queries.iter().enumerate() {
        if let Ok(k) = tasks.binary_search(&query.task) {
            sums[k].0.iter_mut().zip(score.row(r)).for_each(|(s, v)| *s += v);
            sums[k].1 += 1.0;
        }
    }
    Grid::from_rows(&sums.into_iter().map(|(s, n)| s.into_iter().map(|v| v / n).collect()).collect::<Vec<Vec<f64>>>())
}

/// Weight of the sentence embedding beside the trunk: half of the squared norm of the trunk.
const EMBEDDING_WEIGHT: f32 = 0.7;

/// Where a query stands: trunk and sentence embedding side by side, unit norm.
fn places(table: &RoutingTable) -> Vec<Vec<f32>> {
    let place = |q: &Query| {
        let mut place = q.trunk();
        place.extend(q.embedding.values().iter().map(|v| v * EMBEDDING_WEIGHT));
        unit(&place)
    };
    table.queries.iter().map(place).collect()
}

fn views(rows: &[Vec<f32>]) -> Vec<&[f32]> {
    rows.iter().map(Vec::as_slice).collect()
}
