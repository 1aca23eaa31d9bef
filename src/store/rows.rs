//! Decisions and outcomes on their way into the log, several with one word to the database.
//!
//! SQLite works on a thread of its own, and each word to it costs two changes of threads, more than the work itself. Most
//! of what is written is one decision and its outcome, so these go with `BEGIN` and `COMMIT` in one statement text, which
//! the driver keeps prepared.

use super::{
    decisions::{self, DecisionRow},
    outcomes::{self, OutcomeRow},
};
use futures::TryStreamExt;
use sqlx::{AssertSqlSafe, Executor, Sqlite, SqliteConnection, query::Query, sqlite::SqliteArguments};
use std::{collections::HashMap, sync::Arc};

/// A statement that is given its values.
pub(super) type Insert<'q> = Query<'q, Sqlite, SqliteArguments>;

/// Rows that share a statement text at most. All texts there are by then are fewer than [`STATEMENTS`].
pub(super) const RUN: usize = 8;
/// Statement texts that the driver shall keep prepared: those here, and everybody else's.
pub(super) const STATEMENTS: usize = 128;

/// Rows for one statement text. An outcome's decision is in the log, or among these.
#[derive(Debug, Default)]
pub(super) struct Rows<'a> {
    pub(super) decisions: Vec<&'a DecisionRow>,
    pub(super) outcomes: Vec<&'a OutcomeRow>,
}

/// Statement texts by how many decisions and outcomes they append, and whether they are a whole transaction.
#[derive(Debug, Default)]
pub(super) struct Texts(HashMap<(usize, usize, bool), Arc<str>>);

/// Which rows were appended, in the order in which they were given; the others were refused.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Appended {
    pub(super) decisions: Vec<bool>,
    pub(super) outcomes: Vec<bool>,
}

impl Rows<'_> {
    /// Appends them: decisions first, each kind in its order. `is_whole`: in a transaction of its own, which is committed.
    ///
    /// # Errors
    /// A fault of the database: the transaction must be rolled back.
    pub(super) async fn append(
        &self,
        conn: &mut SqliteConnection,
        texts: &mut Texts,
        is_whole: bool,
    ) -> Result<Appended, sqlx::Error> {
        let text = texts.of(self.decisions.len(), self.outcomes.len(), is_whole);
        let mut query = sqlx::query(AssertSqlSafe(text));
        for row in &self.decisions {
            query = decisions::bind(query, row);
        }
        for row in &self.outcomes {
            query = outcomes::bind(query, row);
        }
        let steps = conn.fetch_many(query);
        let changes = steps.try_filter_map(|step| async { Ok(step.left().map(|done| done.rows_affected() > 0)) });
        let mut changes: Vec<bool> = changes.try_collect().await?;
        if is_whole {
            changes.remove(0);
        }
        changes.truncate(self.decisions.len() + self.outcomes.len());
        let outcomes = changes.split_off(self.decisions.len());
        Ok(Appended { decisions: changes, outcomes })
    }
}

impl Texts {
    fn of(&mut self, decisions: usize, outcomes: usize, is_whole: bool) -> Arc<str> {
        let text = self.0.entry((decisions, outcomes, is_whole)).or_insert_with(|| {
            let inserts = [vec![decisions::INSERT; decisions], vec![outcomes::INSERT; outcomes]].concat().join(";");
            if is_whole { format!("BEGIN IMMEDIATE;{inserts};COMMIT") } else { inserts }.into()
        });
        Arc::clone(text)
    }
}
