//! Which task of the training tables a query is of.

use crate::{
    lbfgs::Stop,
    linear::{Linear, Loss, Options, Row},
    routing::RoutingTable,
};
use anyhow::{Result, ensure};
use satisfice::classifier::heads::DENSE;
use std::collections::BTreeSet;

/// Parts for [`TaskHead::out_of_fold`].
const FOLDS: usize = 3;
const STOP: Stop = Stop { iterations: 60, tolerance: 1e-5 };
/// Ridge on the weights.
const PENALTY: f64 = 2.0;

/// A softmax over the tasks that occur in training.
#[derive(Debug, Clone)]
pub struct TaskHead {
    tasks: Vec<usize>,
    model: Linear,
}

impl TaskHead {
    /// Fits on the tasks of a table.
    ///
    /// # Errors
    /// The table is empty.
    pub fn fit(table: &RoutingTable) -> Result<Self> {
        ensure!(!table.is_empty(), "no training queries");
        let tasks: Vec<usize> = table.queries.iter().map(|q| q.task).collect::<BTreeSet<_>>().into_iter().collect();
        let rows: Vec<Row> = table
            .queries
            .iter()
            .map(|q| {
                let class = tasks.binary_search(&q.task).unwrap_or_default();
                Row { dense: q.inputs.dense.clone(), sparse: Vec::new(), target: class as f64, weight: 1.0 }
            })
            .collect();
        let loss = Loss::Softmax(tasks.len());
        let options = Options {
            loss,
            dense: DENSE,
            sparse: 0,
            dense_penalty: PENALTY,
            sparse_penalty: PENALTY,
            noise: None,
            stop: STOP,
        };
        let model = Linear::fit(&rows.iter().collect::<Vec<_>>(), options, |_| {});
        Ok(Self { tasks, model })
    }

    /// Probability of each of [`Self::tasks`] for each training query, by a head that was fitted without a third of the queries,
    /// this one among them.
    ///
    /// # Errors
    /// As [`Self::fit`].
    pub fn out_of_fold(&self, table: &RoutingTable) -> Result<Vec<Vec<f64>>> {
        let mut out = vec![vec![1.0 / self.tasks.len() as f64; self.tasks.len()]; table.len()];
        for fold in 0..FOLDS.min(table.len()) {
            let (held, kept): (Vec<usize>, Vec<usize>) = (0..table.len()).partition(|r| r % FOLDS == fold);
            if kept.is_empty() {
                continue;
            }
            let head = Self::fit(&table.rows(&kept))?;
            for (row, p) in held.iter().zip(head.predict(&table.rows(&held))) {
                out[*row] = vec![0.0; self.tasks.len()];
                for (task, p) in head.tasks.iter().zip(p) {
                    if let Ok(k) = self.tasks.binary_search(task) {
                        out[*row][k] = p;
                    }
                }
            }
        }
        Ok(out)
    }

    /// The tasks that occur, as indices into [`RoutingTable::tasks`].
    #[must_use]
    pub fn tasks(&self) -> &[usize] {
        &self.tasks
    }

    /// Probability of each of [`Self::tasks`] for each query.
    #[must_use]
    pub fn predict(&self, table: &RoutingTable) -> Vec<Vec<f64>> {
        let row = |q: &crate::routing::table::Query| Row {
            dense: q.inputs.dense.clone(),
            sparse: Vec::new(),
            target: 0.0,
            weight: 1.0,
        };
        let rows: Vec<Row> = table.queries.iter().map(row).collect();
        let logits = self.model.predict_all(&rows.iter().collect::<Vec<_>>());
        logits.into_iter().map(|z| softmax(&z)).collect()
    }
}

/// Probabilities of logits.
#[must_use]
pub fn softmax(logits: &[f64]) -> Vec<f64> {
    let top = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let exps: Vec<f64> = logits.iter().map(|z| (z - top).exp()).collect();
    let sum: f64 = exps.iter().sum();
    exps.into_iter().map(|e| e / sum).collect()
}
