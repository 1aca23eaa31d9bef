//! What Satisfice predicts of quality and cost before any feedback, fitted on outcome tables.

pub mod tasks;

use crate::routing::{Router, RoutingTable, Trained, baselines::TaskMean};
use anyhow::Result;

/// Our router.
#[derive(Debug, Clone, Copy, Default)]
pub struct Satisfice;

impl Router for Satisfice {
    fn name(&self) -> String {
        "satisfice".into()
    }

    fn train(&self, table: &RoutingTable) -> Result<Box<dyn Trained>> {
        TaskMean.train(table)
    }
}
