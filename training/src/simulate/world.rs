//! The stream: in which order queries come, what changes on the way, and which scores are seen.

use crate::routing::{RoutingTable, splits};
use anyhow::{Context, Result, bail, ensure};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};
use std::str::FromStr;

/// Requests that a delayed score waits for.
pub(super) const DELAY: usize = 50;

/// Which scores are seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Feedback {
    /// All.
    Full,
    /// Each with this probability, whatever it is.
    Mcar(f64),
    /// The worse, the sooner: with probability 0.1 + 0.5·(1 − score).
    Complaints,
    /// All, 50 requests later.
    Delayed,
    /// All, one in ten turned into its opposite.
    Noisy,
}

impl FromStr for Feedback {
    type Err = anyhow::Error;
    fn from_str(s: &str) -> Result<Self> {
        Ok(match s.split_once(':') {
            None if s == "full" => Self::Full,
            None if s == "complaints" => Self::Complaints,
            None if s == "delayed" => Self::Delayed,
            None if s == "noisy" => Self::Noisy,
            Some(("mcar", share)) => {
                let share: f64 = share.parse().with_context(|| format!("share {share:?} is not a number"))?;
                ensure!(share > 0.0 && share <= 1.0, "share {share} is not in (0, 1]");
                Self::Mcar(share)
            }
            _ => bail!("{s:?} is none of full, mcar:SHARE, complaints, delayed, noisy"),
        })
    }
}

/// A change in the middle third of the stream.
#[derive(Debug, Clone, PartialEq)]
pub enum Drift {
    /// None.
    None,
    /// A model's scores become `score` and its bills are multiplied by `cost`, silently: prices are not known to change.
    Regression {
        /// The model; without it the one of median cost.
        model: Option<String>,
        /// What it scores.
        score: f64,
        /// Factor on its bills.
        cost: f64,
    },
    /// A model's price is multiplied, and everybody knows.
    Price {
        /// The model.
        model: String,
        /// Factor.
        factor: f64,
    },
}

impl FromStr for Drift {
    type Err = anyhow::Error;
    fn from_str(s: &str) -> Result<Self> {
        let number =
            |text: &str| text.parse::<f64>().with_context(|| format!("{text:?} in --drift {s} is not a number"));
        let parts: Vec<&str> = s.split(',').collect();
        let value = |name: &str| {
            parts.iter().find_map(|p| p.split_once('=').filter(|(key, _)| *key == name).map(|(_, value)| value))
        };
        let factor = |name: &str, default: f64| value(name).map_or(Ok(default), number);
        for part in &parts[1..] {
            let key = part.split_once('=').map_or(*part, |(key, _)| key);
            ensure!(
                ["model", "score", "cost", "factor"].contains(&key),
                "{key:?} in --drift {s}: there are model, score, cost, factor"
            );
        }
        Ok(match parts[0] {
            "none" => Self::None,
            "regression" => Self::Regression {
                model: value("model").map(str::to_owned),
                score: factor("score", 0.75)?,
                cost: factor("cost", 0.0)?,
            },
            "price" => Self::Price {
                model: value("model").context("--drift price needs model=NAME")?.to_owned(),
                factor: factor("factor", 0.1)?,
            },
            other => bail!(
                "--drift {other}: there are none, regression[,model=NAME][,score=0.75][,cost=0], price,model=NAME[,factor=0.1]"
            ),
        })
    }
}

/// One request of the stream.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// Row of the table.
    pub row: usize,
    /// Third of the stream under drift, else 0.
    pub phase: usize,
}

/// A table in an order, with drift and mask.
#[derive(Debug, Clone)]
pub struct World<'a> {
    table: &'a RoutingTable,
    drift: &'a Drift,
    drifting: usize,
    feedback: Feedback,
    steps: Vec<Step>,
    rng: ChaCha8Rng,
}

impl<'a> World<'a> {
    /// Shuffles with a seed. With drift: three phases of `phase` requests; the third has the first one's queries in a new order.
    ///
    /// # Errors
    /// The drift names a model that the stream lacks, or the stream is too short for two phases.
    pub fn new(table: &'a RoutingTable, drift: &'a Drift, phase: usize, feedback: Feedback, seed: u64) -> Result<Self> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut order: Vec<usize> = (0..table.len()).collect();
        splits::shuffle(&mut order, &mut rng);
        let (drifting, steps) = if *drift == Drift::None {
            (0, order.into_iter().map(|row| Step { row, phase: 0 }).collect())
        } else {
            ensure!(2 * phase <= table.len(), "two phases of {phase} need more than {} queries", table.len());
            let mut again = order[..phase].to_vec();
            splits::shuffle(&mut again, &mut rng);
            let phases = [order[..phase].to_vec(), order[phase..2 * phase].to_vec(), again];
            let steps = phases.into_iter().enumerate();
            let steps = steps.flat_map(|(phase, rows)| rows.into_iter().map(move |row| Step { row, phase }));
            (drifting(table, drift)?, steps.collect())
        };
        Ok(Self { table, drift, drifting, feedback, steps, rng })
    }

    /// The requests in order.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Factor on a model's price that everybody knows.
    #[must_use]
    pub fn price(&self, step: Step, model: usize) -> f64 {
        match self.drift {
            Drift::Price { factor, .. } if step.phase == 1 && model == self.drifting => *factor,
            _ => 1.0,
        }
    }

    /// Score and cost in USD of a model's answer.
    #[must_use]
    pub fn outcome(&self, step: Step, model: usize) -> (f64, f64) {
        let (score, cost) = (self.table.score.row(step.row)[model], self.table.cost.row(step.row)[model]);
        match self.drift {
            Drift::Regression { score, cost: factor, .. } if step.phase == 1 && model == self.drifting => {
                (*score, cost * factor)
            }
            _ => (score, cost * self.price(step, model)),
        }
    }

    /// Whether and as what a score is seen, and after how many requests.
    pub fn seen(&mut self, score: f64) -> Option<(f64, usize)> {
        let u = (self.rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
        match self.feedback {
            Feedback::Full => Some((score, 0)),
            Feedback::Mcar(share) => (u < share).then_some((score, 0)),
            Feedback::Complaints => (u < 0.1 + 0.5 * (1.0 - score)).then_some((score, 0)),
            Feedback::Delayed => Some((score, DELAY)),
            Feedback::Noisy => Some((if u < 0.1 { 1.0 - score } else { score }, 0)),
        }
    }
}

/// The model that changes.
fn drifting(table: &RoutingTable, drift: &Drift) -> Result<usize> {
    let name = match drift {
        Drift::Regression { model: Some(model), .. } | Drift::Price { model, .. } => model,
        _ => {
            let means = table.cost.column_means();
            let mut order: Vec<usize> = (0..means.len()).collect();
            order.sort_by(|&a, &b| means[a].total_cmp(&means[b]));
            return Ok(order[order.len() / 2]);
        }
    };
    let found = table.models.iter().position(|m| m == name || m.ends_with(&format!("/{name}")));
    found.with_context(|| format!("--drift names {name}, the stream has {}", table.models.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routing::table::fixtures;

    fn table() -> RoutingTable {
        fixtures::table(&vec![vec![0.9, 0.8, 1.0]; 40], &vec![vec![1.0, 2.0, 9.0]; 40])
    }

    #[test]
    fn a_regression_changes_the_model_of_median_cost_in_the_second_phase_only() {
        let (table, drift) = (table(), "regression".parse().expect("a drift"));
        let world = World::new(&table, &drift, 15, Feedback::Full, 1).expect("a world");
        assert_eq!(world.steps().len(), 45);
        let at = |i: usize, m: usize| world.outcome(world.steps()[i], m);
        assert_eq!((at(0, 1), at(20, 1), at(44, 1)), ((0.8, 2.0), (0.75, 0.0), (0.8, 2.0)));
        assert_eq!(at(20, 2), (1.0, 9.0));
        let mut first: Vec<usize> = world.steps()[..15].iter().map(|s| s.row).collect();
        let mut third: Vec<usize> = world.steps()[30..].iter().map(|s| s.row).collect();
        first.sort_unstable();
        third.sort_unstable();
        assert_eq!(first, third);
    }

    #[test]
    fn masks_show_what_they_say() {
        let (table, drift) = (table(), Drift::None);
        let share = |feedback: &str, score: f64| {
            let feedback = feedback.parse().expect("a mask");
            let mut world = World::new(&table, &drift, 0, feedback, 3).expect("a world");
            (0..4000).filter(|_| world.seen(score).is_some()).count() as f64 / 4000.0
        };
        // Three standard deviations at n = 4000 are at most 0.024.
        assert!((share("mcar:0.2", 0.5) - 0.2).abs() < 0.024);
        assert!((share("complaints", 0.0) - 0.6).abs() < 0.024 && (share("complaints", 1.0) - 0.1).abs() < 0.024);
        assert_eq!(share("full", 0.3), 1.0);
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (text, word) in [("mcar:2", "2"), ("some", "some")] {
            assert!(text.parse::<Feedback>().expect_err("bad").to_string().contains(word));
        }
        assert!("regression,modle=x".parse::<Drift>().expect_err("bad").to_string().contains("modle"));
        let (table, drift) = (table(), "price,model=nobody".parse().expect("a drift"));
        assert!(World::new(&table, &drift, 10, Feedback::Full, 1).expect_err("bad").to_string().contains("nobody"));
    }
}
