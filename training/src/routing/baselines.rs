//! Routers that every other one must be compared with.

use super::{Grid, Predictions, Router, RoutingTable, Trained};
use crate::{nearest, quality::tasks::TaskHead, ridge::Ridge};
use anyhow::{Result, ensure};
use std::collections::BTreeMap;

/// Neighbours of [`Knn`].
const NEIGHBOURS: usize = 100;
/// Penalty of [`RidgeRouter`] on inputs of about unit size.
const RIDGE: f64 = 30.0;

/// Fills what is not known of a model with its mean.
pub(crate) fn filled(grid: &Grid) -> Grid {
    let means = grid.column_means();
    let mut out = grid.clone();
    for r in 0..out.rows() {
        for (value, mean) in out.row_mut(r).iter_mut().zip(&means) {
            if value.is_nan() {
                *value = *mean;
            }
        }
    }
    out
}

/// Mean score and cost of the 100 nearest training queries (arXiv 2505.12601).
#[derive(Debug, Clone, Copy)]
pub struct Knn;

struct TrainedKnn {
    table: RoutingTable,
    score: Grid,
    cost: Grid,
}

impl Router for Knn {
    fn name(&self) -> String {
        "knn".into()
    }

    fn train(&self, table: &RoutingTable) -> Result<Box<dyn Trained>> {
        ensure!(!table.is_empty(), "no training queries");
        Ok(Box::new(TrainedKnn { table: table.clone(), score: filled(&table.score), cost: filled(&table.cost) }))
    }
}

impl Trained for TrainedKnn {
    fn predict(&self, table: &RoutingTable) -> Predictions {
        let near = nearest::nearest(&table.embeddings(), &self.table.embeddings(), NEIGHBOURS);
        let mean = |grid: &Grid| {
            let rows = near.iter().map(|hits| mean_rows(grid, hits.iter().map(|h| (h.index, 1.0))));
            Grid::from_rows(&rows.collect::<Vec<_>>())
        };
        Predictions { quality: mean(&self.score), cost: mean(&self.cost) }
    }
}

/// Weighted mean of some rows.
pub(crate) fn mean_rows(grid: &Grid, rows: impl Iterator<Item = (usize, f64)>) -> Vec<f64> {
    let (mut sum, mut total) = (vec![0.0; grid.columns()], 0.0);
    for (row, weight) in rows {
        sum.iter_mut().zip(grid.row(row)).for_each(|(s, v)| *s += weight * v);
        total += weight;
    }
    sum.iter_mut().for_each(|s| *s /= total);
    sum
}

/// A ridge regression for each model's score and cost on embedding, trunk and light features.
#[derive(Debug, Clone, Copy)]
pub struct RidgeRouter;

struct TrainedRidge {
    score: Ridge,
    cost: Ridge,
}

impl Router for RidgeRouter {
    fn name(&self) -> String {
        "ridge".into()
    }

    fn train(&self, table: &RoutingTable) -> Result<Box<dyn Trained>> {
        let inputs: Vec<&[f32]> = table.queries.iter().map(|q| q.inputs.dense.as_slice()).collect();
        Ok(Box::new(TrainedRidge {
            score: Ridge::fit(&inputs, &filled(&table.score), RIDGE)?,
            cost: Ridge::fit(&inputs, &filled(&table.cost), RIDGE)?,
        }))
    }
}

impl Trained for TrainedRidge {
    fn predict(&self, table: &RoutingTable) -> Predictions {
        let inputs: Vec<&[f32]> = table.queries.iter().map(|q| q.inputs.dense.as_slice()).collect();
        Predictions { quality: self.score.predict(&inputs), cost: self.cost.predict(&inputs) }
    }
}

/// Means of each task in training, weighted by how probable a linear classifier finds the task.
#[derive(Debug, Clone, Copy)]
pub struct TaskMean;

struct TrainedTaskMean {
    head: TaskHead,
    score: Grid,
    cost: Grid,
}

impl Router for TaskMean {
    fn name(&self) -> String {
        "task_mean".into()
    }

    fn train(&self, table: &RoutingTable) -> Result<Box<dyn Trained>> {
        let head = TaskHead::fit(table)?;
        let (score, cost) = task_means(table);
        Ok(Box::new(TrainedTaskMean {
            score: restrict(&score, head.tasks()),
            cost: restrict(&cost, head.tasks()),
            head,
        }))
    }
}

fn restrict(means: &Grid, tasks: &[usize]) -> Grid {
    Grid::from_rows(&tasks.iter().map(|&t| means.row(t).to_vec()).collect::<Vec<_>>())
}

impl Trained for TrainedTaskMean {
    fn predict(&self, table: &RoutingTable) -> Predictions {
        let probabilities = self.head.predict(table);
        let mix = |grid: &Grid| {
            let rows = probabilities.iter().map(|p| mean_rows(grid, p.iter().copied().enumerate()));
            Grid::from_rows(&rows.collect::<Vec<_>>())
        };
        Predictions { quality: mix(&self.score), cost: mix(&self.cost) }
    }
}

/// Mean score and cost of each task; the mean of all for tasks without queries.
fn task_means(table: &RoutingTable) -> (Grid, Grid) {
    let (score, cost) = (filled(&table.score), filled(&table.cost));
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); table.tasks.len()];
    table.queries.iter().enumerate().for_each(|(i, q)| members[q.task].push(i));
    let means = |grid: &Grid| {
        let overall = grid.column_means();
        let rows = members.iter().map(|rows| match rows.as_slice() {
            [] => overall.clone(),
            rows => mean_rows(grid, rows.iter().map(|&r| (r, 1.0))),
        });
        Grid::from_rows(&rows.collect::<Vec<_>>())
    };
    (means(&score), means(&cost))
}

/// The true task's means: recognises the benchmark, which is cheating. How much of "routing skill" is just that.
#[derive(Debug, Clone, Copy)]
pub struct SourceTable;

struct TrainedSourceTable {
    by_task: BTreeMap<String, usize>,
    score: Grid,
    cost: Grid,
}

impl Router for SourceTable {
    fn name(&self) -> String {
        "source_table".into()
    }

    fn train(&self, table: &RoutingTable) -> Result<Box<dyn Trained>> {
        let (mut score, mut cost) = task_means(table);
        let by_task = table.tasks.iter().cloned().enumerate().map(|(i, t)| (t, i)).collect();
        // One more row for tasks that training never saw.
        score = Grid::from_rows(&rows_and(&score, filled(&table.score).column_means()));
        cost = Grid::from_rows(&rows_and(&cost, filled(&table.cost).column_means()));
        Ok(Box::new(TrainedSourceTable { by_task, score, cost }))
    }
}

fn rows_and(grid: &Grid, last: Vec<f64>) -> Vec<Vec<f64>> {
    (0..grid.rows()).map(|r| grid.row(r).to_vec()).chain(std::iter::once(last)).collect()
}

impl Trained for TrainedSourceTable {
    fn predict(&self, table: &RoutingTable) -> Predictions {
        let unknown = self.score.rows() - 1;
        let row = |q: &super::table::Query| self.by_task.get(&table.tasks[q.task]).copied().unwrap_or(unknown);
        let pick =
            |grid: &Grid| Grid::from_rows(&table.queries.iter().map(|q| grid.row(row(q)).to_vec()).collect::<Vec<_>>());
        Predictions { quality: pick(&self.score), cost: pick(&self.cost) }
    }
}

/// Knows the outcomes.
#[derive(Debug, Clone, Copy)]
pub struct Oracle;

impl Router for Oracle {
    fn name(&self) -> String {
        "oracle".into()
    }

    fn train(&self, _: &RoutingTable) -> Result<Box<dyn Trained>> {
        Ok(Box::new(Self))
    }
}

impl Trained for Oracle {
    fn predict(&self, table: &RoutingTable) -> Predictions {
        Predictions { quality: table.score.clone(), cost: table.cost.clone() }
    }
}
