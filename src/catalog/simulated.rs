//! The truth of the simulated world: how the staging provider's models really behave.

use super::ability::mean_over_members;
use crate::domain::TaskType;
use serde::Serialize;
use std::collections::BTreeMap;

/// How a simulated model behaves. The router never sees this: it sees tier and benchmarks as of any model, so that there
/// is something to learn. Its latency is the one that the entry states.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SimulatedBehaviour {
    /// Ability u on the item-response scale where no task type says otherwise.
    pub ability: f64,
    /// Ability by task type.
    pub task_ability: BTreeMap<TaskType, f64>,
    /// Share of requests that end in an upstream error, 0 to 1.
    pub failure_rate: f64,
}

impl SimulatedBehaviour {
    /// The true ability for a task type. A merged type that has no ability of its own takes the mean of its members'.
    #[must_use]
    pub fn ability(&self, task: TaskType) -> f64 {
        let of = |task: TaskType| self.task_ability.get(&task).copied();
        of(task)
            .or_else(|| mean_over_members(task, |member| of(member).unwrap_or(self.ability)))
            .unwrap_or(self.ability)
    }
}
