//! Decisions and outcomes on their way into the log, several with one word to the database.
//!
//! SQLite works on a thread of its own, and each word to it costs two changes of threads, and each answer wakes who waits for
//! it, all of which is more than the work itself. Where somebody waits, it is mostly for one decision and its outcome, so
//! these go with `BEGIN` and `COMMIT` in one statement text. Where nobody does, many rows go in one statement. The driver
//! keeps the texts prepared.

use super::{
    decisions::{self, DecisionRow},
    outcomes::{self, OutcomeRow},
};
use futures::TryStreamExt;
use sqlx::{AssertSqlSafe, Executor, Sqlite, SqliteConnection, query::Query, sqlite::SqliteArguments};
use std::{collections::HashMap, sync::Arc};

/// A statement that is given its values.
pub(super) type Insert<'q> = Query<'q, Sqlite, SqliteArguments>;

/// Rows of a transaction that is one statement text, at most.
pub(super) const FEW: usize = 8;
/// Rows of one statement at most; a power of two.
pub(super) const MANY: usize = 64;
/// Statement texts that the driver shall keep prepared: those here, fewer than 80, and everybody else's.
pub(super) const STATEMENTS: usize = 128;

/// Rows for the log. An outcome's decision is in it, or among these.
#[derive(Debug, Default)]
pub(super) struct Rows<'a> {
    pub(super) decisions: Vec<&'a DecisionRow>,
    pub(super) outcomes: Vec<&'a OutcomeRow>,
}

/// A statement text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Shape {
    /// A transaction of so many statements for decisions, then for outcomes.
    Transaction(usize, usize),
    /// A statement for so many decisions.
    Decisions(usize),
    /// A statement for so many outcomes.
    Outcomes(usize),
}

/// Statement texts that were needed so far.
#[derive(Debug, Default)]
pub(super) struct Texts(HashMap<Shape, Arc<str>>);

/// Which rows were appended, in the order in which they were given; the others were refused.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Appended {
    pub(super) decisions: Vec<bool>,
    pub(super) outcomes: Vec<bool>,
}

impl Rows<'_> {
    /// Appends them in a transaction of their own: decisions first, each kind in its order. No more than [`FEW`].
    ///
    /// # Errors
    /// A fault of the database: the transaction must be rolled back.
    pub(super) async fn commit(&self, conn: &mut SqliteConnection, texts: &mut Texts) -> Result<Appended, sqlx::Error> {
        let (decisions, outcomes) = (self.decisions.len(), self.outcomes.len());
        let mut query = sqlx::query(AssertSqlSafe(texts.of(Shape::Transaction(decisions, outcomes))));
        for row in &self.decisions {
            query = decisions::bind(query, row);
        }
        for row in &self.outcomes {
            query = outcomes::bind(query, row);
        }
        let steps = conn.fetch_many(query);
        let changes = steps.try_filter_map(|step| async { Ok(step.left().map(|done| done.rows_affected() > 0)) });
        // The first is `BEGIN`, the last `COMMIT`.
        let changes: Vec<bool> = changes.try_collect().await?;
        let mut changes = changes.into_iter().skip(1);
        let decisions = changes.by_ref().take(decisions).collect();
        Ok(Appended { decisions, outcomes: changes.take(outcomes).collect() })
    }

    /// Appends them in the open transaction, `run` in a statement at most: decisions first, each kind in its order. `None` where
    /// a row was refused, and `run` is not 1, as nobody knows then which.
    ///
    /// # Errors
    /// A fault of the database: the transaction must be rolled back.
    pub(super) async fn append(
        &self,
        conn: &mut SqliteConnection,
        texts: &mut Texts,
        run: usize,
    ) -> Result<Option<Appended>, sqlx::Error> {
        let mut appended = Appended::default();
        for piece in pieces(&self.decisions, run) {
            let query = sqlx::query(AssertSqlSafe(texts.of(Shape::Decisions(piece.len()))));
            let query = piece.iter().fold(query, |query, row| decisions::bind(query, row));
            let added = query.execute(&mut *conn).await?.rows_affected();
            let Some(which) = which(added, piece.len()) else { return Ok(None) };
            appended.decisions.extend(which);
        }
        for piece in pieces(&self.outcomes, run) {
            let query = sqlx::query(AssertSqlSafe(texts.of(Shape::Outcomes(piece.len()))));
            let query = piece.iter().fold(query, |query, row| outcomes::bind(query, row));
            let added = query.execute(&mut *conn).await?.rows_affected();
            let Some(which) = which(added, piece.len()) else { return Ok(None) };
            appended.outcomes.extend(which);
        }
        Ok(Some(appended))
    }
}

/// Pieces of `run` rows at most. Long ones have a power of two, so that there are few lengths.
fn pieces<T>(mut rows: &[T], run: usize) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let left = rows.len().min(run);
        let length = if left <= FEW { left } else { 1 << left.ilog2() };
        let (piece, rest) = rows.split_at(length);
        rows = rest;
        (!piece.is_empty()).then_some(piece)
    })
}

/// Which of `rows` were added, if that many tell.
fn which(added: u64, rows: usize) -> Option<impl Iterator<Item = bool>> {
    let is_told = rows == 1 || added == rows as u64;
    is_told.then(|| std::iter::repeat_n(added > 0, rows))
}

impl Texts {
    fn of(&mut self, shape: Shape) -> Arc<str> {
        Arc::clone(self.0.entry(shape).or_insert_with(|| shape.text().into()))
    }
}

impl Shape {
    fn text(self) -> String {
        match self {
            Self::Transaction(decisions, outcomes) => {
                let (decision, outcome) = (decisions::insert(1), outcomes::insert(1));
                let inserts = [vec![decision; decisions], vec![outcome; outcomes]].concat().join(";");
                format!("BEGIN IMMEDIATE;{inserts};COMMIT")
            }
            Self::Decisions(rows) => decisions::insert(rows),
            Self::Outcomes(rows) => outcomes::insert(rows),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_hold_all_rows_in_their_order_and_have_few_lengths() {
        let mut lengths = std::collections::BTreeSet::new();
        for run in [1, MANY] {
            for rows in 0..=1000 {
                let rows: Vec<usize> = (0..rows).collect();
                let pieces: Vec<&[usize]> = pieces(&rows, run).collect();
                assert_eq!(pieces.concat(), rows);
                assert!(pieces.iter().all(|piece| (1..=run).contains(&piece.len())));
                lengths.extend(pieces.iter().map(|piece| piece.len()));
            }
        }
        assert_eq!(lengths.into_iter().collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 7, 8, 16, 32, 64]);
    }
}
