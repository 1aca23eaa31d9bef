//! Routers that every other one must be compared with.

use super::{Grid, Predictions, Router, RoutingTable, Trained};
use crate::{nearest, quality::tasks::TaskHead, ridge::Ridge};
use anyhow::{Result, ensure};
use std::collections::BTreeMap;

/// Neighbours of [`Knn`].
const NEIGHBOURS: usize = 100;
/// Penalty of [`RidgeRouter`] on inputs of about unit size.
const RIDGE: f64 = 30.0;

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
        Ok(Box::new(TrainedKnn { table: table.clone(), score: table.score.completed(), cost: table.cost.completed() }))
    }
}

impl Trained for TrainedKnn {
    fn predict(&self, table: &RoutingTable) -> Predictions {
        let near = nearest::nearest(&slices(table), &slices(&self.table), NEIGHBOURS);
        let mean = |grid: &Grid| {
            let rows = near.iter().map(|hits| mean_rows(grid, hits.iter().map(|h| (h.index, 1.0))));
            Grid::from_rows(&rows.collect::<Vec<_>>())
        };
        Predictions { quality: mean(&self.score), cost: mean(&self.cost) }
    }
}

fn slices(table: &RoutingTable) -> Vec<&[f32]> {
    table.embeddings().into_iter().map(|e| e.as_slice()).collect()
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
            score: Ridge::fit(&inputs, &table.score.completed(), RIDGE)?,
            cost: Ridge::fit(&inputs, &table.cost.completed(), RIDGE)?,
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

/// Rows of `means` weighted by each query's probabilities of them.
pub(crate) fn mix(probabilities: &[Vec<f64>], means: &Grid) -> Grid {
    let rows = probabilities.iter().map(|p| mean_rows(means, p.iter().copied().enumerate()));
    Grid::from_rows(&rows.collect::<Vec<_>>())
}

impl Trained for TrainedTaskMean {
    fn predict(&self, table: &RoutingTable) -> Predictions {
        let probabilities = self.head.predict(table);
        Predictions { quality: mix(&probabilities, &self.score), cost: mix(&probabilities, &self.cost) }
    }
}

/// Mean score and cost of each task; the mean of all for tasks without queries.
fn task_means(table: &RoutingTable) -> (Grid, Grid) {
    let (score, cost) = (table.score.completed(), table.cost.completed());
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
        score = Grid::from_rows(&rows_and(&score, table.score.completed().column_means()));
        cost = Grid::from_rows(&rows_and(&cost, table.cost.completed().column_means()));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{quality::Satisfice, routing::table::fixtures};

    #[test]
    fn every_router_learns_which_model_is_right_where() {
        let (train, test) = (fixtures::two_tasks(200), fixtures::two_tasks(20));
        let routers: [&dyn Router; 6] = [&Satisfice::default(), &Knn, &RidgeRouter, &TaskMean, &SourceTable, &Oracle];
        for router in routers {
            let predictions = router.train(&train).expect("trained").predict(&test);
            // A dollar and a half for one unit of quality buys the cheap and the middle model, never the dear one.
            let point = predictions.point(&test, 10.0);
            assert!(point.quality > 0.99 && point.cost_usd < 1.6, "{}: {point:?}", router.name());
        }
    }

    #[test]
    fn a_model_without_any_outcome_is_taken_for_an_average_one() {
        let mut train = fixtures::two_tasks(200);
        (0..200).for_each(|r| {
            train.score.row_mut(r)[2] = f64::NAN;
            train.cost.row_mut(r)[2] = f64::NAN;
        });
        for router in [&Satisfice::default() as &dyn Router, &Knn, &RidgeRouter, &TaskMean] {
            let predictions = router.train(&train).expect("trained").predict(&fixtures::two_tasks(20));
            let (quality, cost) = (predictions.quality.row(0)[2], predictions.cost.row(0)[2]);
            assert!((quality - 0.5).abs() < 0.05 && (cost - 1.5).abs() < 0.1, "{}: {quality} {cost}", router.name());
        }
    }

    #[test]
    fn without_costs_quality_is_predicted_and_cost_is_unknown() {
        let mut train = fixtures::two_tasks(100);
        train.cost = Grid::filled(100, 3, f64::NAN);
        let predictions = Satisfice::default().train(&train).expect("trained").predict(&fixtures::two_tasks(4));
        assert!(predictions.quality.row(0)[0] > 0.9 && predictions.cost.row(0)[0].is_nan());
    }
}
