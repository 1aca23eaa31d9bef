//! What one file gives: observations, rows left out, and everything that is wrong with it.

use super::{Scale, files::Input, read::Position};
use anyhow::{Result, bail};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::{self, Display},
    sync::Arc,
};

/// Faults of a file that are told one by one.
const SHOWN: usize = 20;

/// A row of a file.
#[derive(Debug, Clone)]
pub(super) struct Place {
    file: Arc<str>,
    at: Position,
}

impl Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.file, self.at)
    }
}

/// A model's scored answer to a query.
#[derive(Debug, Clone, Default)]
pub(super) struct Observation {
    /// Where it was found; set when it is taken in.
    pub(super) place: Option<Place>,
    pub(super) dataset: String,
    pub(super) query_id: String,
    pub(super) split: String,
    pub(super) query: Arc<str>,
    pub(super) task: String,
    pub(super) model: String,
    /// 0 to 1.
    pub(super) score: f64,
    pub(super) cost_usd: Option<f64>,
    pub(super) prompt_tokens: Option<f64>,
    pub(super) completion_tokens: Option<f64>,
    /// Probability with which the policy chose the model.
    pub(super) propensity: Option<f64>,
    /// The policy that chose.
    pub(super) policy: Option<String>,
}

/// Scores that don't fit the scale; one fault for all of them.
#[derive(Debug, Default)]
struct Misfits {
    first: Option<(Position, String, f64)>,
    outside: usize,
    seen: usize,
    lowest: f64,
    highest: f64,
}

/// What came of one file.
#[derive(Debug)]
pub(super) struct Intake {
    name: Arc<str>,
    observations: Vec<Observation>,
    left_out: BTreeMap<&'static str, usize>,
    faults: Vec<String>,
    /// Faults beyond those that are shown.
    more: usize,
    misfits: Misfits,
    counts: Option<Counts>,
}

/// How much a file gave.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) queries: usize,
    pub(super) models: usize,
    pub(super) rows: usize,
    pub(super) priced: usize,
}

impl Intake {
    pub(super) fn new(input: &Input) -> Self {
        Self::named(&input.path.display().to_string())
    }

    /// For what comes of several files.
    pub(super) fn named(name: &str) -> Self {
        Self {
            name: name.into(),
            observations: Vec::new(),
            left_out: BTreeMap::new(),
            faults: Vec::new(),
            more: 0,
            misfits: Misfits::default(),
            counts: None,
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Takes an observation in.
    pub(super) fn observe(&mut self, at: Position, observation: Observation) {
        let place = Some(Place { file: self.name.clone(), at });
        self.observations.push(Observation { place, ..observation });
    }

    /// Counts rows that are not outcomes.
    pub(super) fn leave_out(&mut self, rows: usize, why: &'static str) {
        if rows > 0 {
            *self.left_out.entry(why).or_default() += rows;
        }
    }

    /// Notes a fault; `problem` says what to do about it.
    pub(super) fn fault(&mut self, at: Option<Position>, column: Option<&str>, problem: impl Display) {
        if self.faults.len() == SHOWN {
            self.more += 1;
            return;
        }
        let at = at.map_or_else(String::new, |at| format!(" {at}"));
        let column = column.map_or_else(String::new, |column| format!(", column `{column}`"));
        self.faults.push(format!("{}{at}{column}: {problem}", self.name));
    }

    /// The score on a scale of 0 to 1; scores that don't fit the scale become one fault when the file ends.
    pub(super) fn rescale(&mut self, at: Position, column: &str, score: f64, scale: Scale) -> Option<f64> {
        let misfits = &mut self.misfits;
        let (lowest, highest) =
            if misfits.seen == 0 { (score, score) } else { (misfits.lowest.min(score), misfits.highest.max(score)) };
        (misfits.lowest, misfits.highest) = (lowest, highest);
        misfits.seen += 1;
        let unit = scale.unit(score);
        if unit.is_none() {
            misfits.outside += 1;
            misfits.first.get_or_insert_with(|| (at, column.to_owned(), score));
        }
        unit
    }

    /// Ends a file whose scores are on `scale`; `remedy` is what to do where they are not.
    pub(super) fn end(&mut self, scale: Scale, remedy: &str) {
        let misfits = std::mem::take(&mut self.misfits);
        if let Some((at, column, score)) = &misfits.first {
            let Misfits { outside, seen, lowest, highest, .. } = misfits;
            let all = format!("{outside} of {seen} scores are; they run from {lowest} to {highest}");
            let problem = format!("{score} is outside {scale} ({all}): {remedy}");
            self.fault(Some(*at), Some(column), problem);
        }
    }

    /// Hands the observations over; their counts stay.
    pub(super) fn take(&mut self) -> Vec<Observation> {
        self.counts = Some(self.counts());
        std::mem::take(&mut self.observations)
    }

    /// How much it gave.
    pub(super) fn counts(&self) -> Counts {
        if let Some(counts) = self.counts {
            return counts;
        }
        let all = &self.observations;
        Counts {
            queries: all.iter().map(|o| &o.query_id).collect::<BTreeSet<_>>().len(),
            models: all.iter().map(|o| &o.model).collect::<BTreeSet<_>>().len(),
            rows: all.len(),
            priced: all.iter().filter(|o| o.cost_usd.is_some()).count(),
        }
    }

    /// Rows left out, by reason.
    pub(super) const fn left_out(&self) -> &BTreeMap<&'static str, usize> {
        &self.left_out
    }
}

/// Refuses everything if anything is wrong.
///
/// # Errors
/// Any file has a fault; the faults of all files are told, the first ones of each.
pub(super) fn refuse(intakes: &[Intake]) -> Result<()> {
    let mut lines = Vec::new();
    for intake in intakes {
        lines.extend(intake.faults.iter().cloned());
        if intake.more > 0 {
            lines.push(format!("{}: and {} more", intake.name, intake.more));
        }
    }
    if lines.is_empty() {
        return Ok(());
    }
    let count: usize = intakes.iter().map(|intake| intake.faults.len() + intake.more).sum();
    bail!("nothing is written, {count} fault{}:\n{}", if count == 1 { "" } else { "s" }, lines.join("\n"));
}
