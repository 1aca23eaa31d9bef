//! One row, read cell by cell; what is wrong with a cell is noted with its place.

use super::{
    Scale,
    intake::{Intake, Observation},
    read::{self, Position, Row},
    value,
};
use serde_json::Value;

/// A row and where its faults go.
pub(super) struct Cells<'a> {
    intake: &'a mut Intake,
    at: Position,
    row: &'a Row,
}

impl<'a> Cells<'a> {
    pub(super) const fn new(intake: &'a mut Intake, at: Position, row: &'a Row) -> Self {
        Self { intake, at, row }
    }

    /// The same place with other cells.
    pub(super) const fn over<'b>(&'b mut self, row: &'b Row) -> Cells<'b> {
        Cells { intake: self.intake, at: self.at, row }
    }

    pub(super) const fn at(&self) -> Position {
        self.at
    }

    pub(super) const fn row(&self) -> &'a Row {
        self.row
    }

    /// A cell, if it is there and not null.
    pub(super) fn get(&self, column: &str) -> Option<Value> {
        read::get(self.row, column)
    }

    /// The text of a cell; none when it is missing or empty.
    pub(super) fn optional_text(&self, column: &str) -> Option<String> {
        self.get(column).as_ref().and_then(value::text)
    }

    /// The text of a cell that must have one.
    pub(super) fn text(&mut self, column: &str) -> Option<String> {
        let text = self.optional_text(column);
        if text.is_none() {
            self.fault(column, "no text: fill it in, or leave the row out");
        }
        text
    }

    /// A number between the scale's ends, brought to 0..1.
    pub(super) fn score(&mut self, column: &str, scale: Scale) -> Option<f64> {
        match value::number(&self.get(column).unwrap_or_default()) {
            Ok(Some(score)) => self.rescale(column, score, scale),
            Ok(None) => self.refused(column, "no score: fill it in, or leave the row out"),
            Err(problem) => self.refused(column, &problem),
        }
    }

    /// A score that was read already, brought to 0..1.
    pub(super) fn rescale(&mut self, column: &str, score: f64, scale: Scale) -> Option<f64> {
        if score.is_nan() {
            return self.refused(column, "NaN is no score: fill it in, or leave the row out");
        }
        self.intake.rescale(self.at, column, score, scale)
    }

    /// An amount in USD, if there is one.
    pub(super) fn cost(&mut self, column: &str) -> Option<f64> {
        self.amount(column, value::cost)
    }

    /// A count of tokens, if there is one.
    pub(super) fn tokens(&mut self, column: &str) -> Option<f64> {
        self.amount(column, value::tokens)
    }

    fn amount(&mut self, column: &str, of: fn(&Value) -> Result<Option<f64>, String>) -> Option<f64> {
        match of(&self.get(column)?) {
            Ok(amount) => amount,
            Err(problem) => self.refused(column, &format!("{problem}; leave the cell empty if it is unknown")),
        }
    }

    fn refused<T>(&mut self, column: &str, problem: &str) -> Option<T> {
        self.fault(column, problem);
        None
    }

    /// Notes a fault of a cell.
    pub(super) fn fault(&mut self, column: &str, problem: &str) {
        self.intake.fault(Some(self.at), Some(column), problem);
    }

    /// Takes an observation of this row in.
    pub(super) fn observe(&mut self, observation: Observation) {
        self.intake.observe(self.at, observation);
    }

    /// Counts the row, or a cell of it, as no outcome.
    pub(super) fn leave_out(&mut self, why: &'static str) {
        self.intake.leave_out(1, why);
    }
}
