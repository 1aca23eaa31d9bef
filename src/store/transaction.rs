//! Many writes in one transaction.

use super::{
    Durability,
    queue::Write,
    rows::{Appended, FEW, MANY, Rows, Texts},
};
use crate::telemetry::names;
use sqlx::{Connection, SqliteConnection};
use std::time::Instant;

/// The connection that writes.
pub(super) struct Transactions {
    conn: SqliteConnection,
    durability: Durability,
    /// Whether the next commit waits for the disk.
    is_synchronous: bool,
    texts: Texts,
}

impl Transactions {
    /// On a connection as [`Durability::pragmas`] make it.
    pub(super) fn new(conn: SqliteConnection, durability: Durability) -> Self {
        Self { conn, durability, is_synchronous: durability == Durability::Full, texts: Texts::default() }
    }

    /// Commits writes together. `noted` is the journal's number of the last line among them.
    ///
    /// # Errors
    /// A fault of the database: all was rolled back.
    pub(super) async fn commit(&mut self, writes: &mut [&mut Write], noted: Option<u64>) -> Result<(), sqlx::Error> {
        let started = Instant::now();
        let mut is_done = self.run(writes, noted, MANY).await;
        if matches!(is_done, Ok(false)) {
            // Some row was refused; one by one it is seen which.
            sqlx::query("ROLLBACK").execute(&mut self.conn).await?;
            is_done = self.run(writes, noted, 1).await;
        }
        if let Err(fault) = is_done {
            // SQLite may have rolled back by itself already (a full disk): then this fails, and rightly so.
            let _ = sqlx::query("ROLLBACK").execute(&mut self.conn).await;
            return Err(fault);
        }
        metrics::histogram!(names::STORE_COMMIT_SECONDS).record(started.elapsed().as_secs_f64());
        Ok(())
    }

    /// Writes and commits, `run` rows in a statement. No: it must be rolled back, and be done with one row in each.
    async fn run(&mut self, writes: &mut [&mut Write], noted: Option<u64>, run: usize) -> Result<bool, sqlx::Error> {
        self.synchronise(writes.iter().any(|write| write.is_word_of_people())).await?;
        if noted.is_none() && writes.len() <= FEW && writes.iter().all(|write| write.is_row()) {
            let appended = rows(writes).commit(&mut self.conn, &mut self.texts).await?;
            tell(writes, appended);
            return Ok(true);
        }
        sqlx::query("BEGIN IMMEDIATE").execute(&mut self.conn).await?;
        // Runs of rows go together, everything else by itself.
        for writes in writes.chunk_by_mut(|one, next| one.is_row() && next.is_row()) {
            match writes {
                [alone] if !alone.is_row() => alone.apply(&mut self.conn).await?,
                writes => {
                    let appended = rows(writes).append(&mut self.conn, &mut self.texts, run).await?;
                    let Some(appended) = appended else { return Ok(false) };
                    tell(writes, appended);
                }
            }
        }
        if let Some(number) = noted {
            note(&mut self.conn, number).await?;
        }
        sqlx::query("COMMIT").execute(&mut self.conn).await?;
        Ok(true)
    }

    /// Lets the next commit wait for the disk, or not. A commit that waits takes all before it to the disk as well.
    async fn synchronise(&mut self, has_words_of_people: bool) -> Result<(), sqlx::Error> {
        let wanted = match self.durability {
            Durability::Full => true,
            Durability::Feedback => has_words_of_people,
            Durability::Process => false,
        };
        if wanted != self.is_synchronous {
            let pragma = if wanted { "PRAGMA synchronous = FULL" } else { "PRAGMA synchronous = NORMAL" };
            sqlx::query(pragma).execute(&mut self.conn).await?;
            self.is_synchronous = wanted;
        }
        Ok(())
    }

    /// Folds the write-ahead log into the file and closes it.
    pub(super) async fn close(mut self) -> Result<(), sqlx::Error> {
        let folded = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut self.conn).await;
        folded.and(self.conn.close().await)
    }
}

/// Writes that are rows.
fn rows<'a>(writes: &'a [&mut Write]) -> Rows<'a> {
    let mut rows = Rows::default();
    for write in writes {
        match &**write {
            Write::Decision(call) => rows.decisions.push(call.input()),
            Write::Outcome(call) => rows.outcomes.push(call.input()),
            _ => {}
        }
    }
    rows
}

/// Tells the same writes what came of them.
fn tell(writes: &mut [&mut Write], appended: Appended) {
    let (mut decisions, mut outcomes) = (appended.decisions.into_iter(), appended.outcomes.into_iter());
    for write in writes {
        let next = if matches!(write, Write::Decision(_)) { decisions.next() } else { outcomes.next() };
        write.appended(next.unwrap_or(false));
    }
}

/// Key of `meta` for the number of the journal's last line that is in the database.
const NOTED: &str = "journal";

async fn note(conn: &mut SqliteConnection, number: u64) -> Result<(), sqlx::Error> {
    let query = "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    sqlx::query(query).bind(NOTED).bind(number.to_string()).execute(conn).await?;
    Ok(())
}

/// The number of the journal's last line that is in the database; 0 before any is.
pub(super) async fn noted(conn: &mut SqliteConnection) -> Result<u64, sqlx::Error> {
    let query = "SELECT CAST(value AS INTEGER) FROM meta WHERE key = ?";
    let number: Option<i64> = sqlx::query_scalar(query).bind(NOTED).fetch_optional(conn).await?;
    Ok(number.and_then(|number| u64::try_from(number).ok()).unwrap_or(0))
}

#[cfg(test)]
mod tests;
