//! Many writes in one transaction.

use super::{
    Durability,
    queue::Write,
    rows::{RUN, Rows, Texts},
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
        if let Err(fault) = self.run(writes, noted).await {
            // SQLite may have rolled back by itself already (a full disk): then this fails, and rightly so.
            let _ = sqlx::query("ROLLBACK").execute(&mut self.conn).await;
            return Err(fault);
        }
        metrics::histogram!(names::STORE_COMMIT_SECONDS).record(started.elapsed().as_secs_f64());
        Ok(())
    }

    async fn run(&mut self, writes: &mut [&mut Write], noted: Option<u64>) -> Result<(), sqlx::Error> {
        self.synchronise(writes.iter().any(|write| write.is_word_of_people())).await?;
        if noted.is_none() && writes.len() <= RUN && writes.iter().all(|write| write.is_row()) {
            return self.append(writes, true).await;
        }
        sqlx::query("BEGIN IMMEDIATE").execute(&mut self.conn).await?;
        // Runs of rows go together, everything else by itself.
        for writes in writes.chunk_by_mut(|one, next| one.is_row() && next.is_row()) {
            match writes {
                [alone] if !alone.is_row() => alone.apply(&mut self.conn).await?,
                rows => {
                    for rows in rows.chunks_mut(RUN) {
                        self.append(rows, false).await?;
                    }
                }
            }
        }
        if let Some(number) = noted {
            note(&mut self.conn, number).await?;
        }
        sqlx::query("COMMIT").execute(&mut self.conn).await?;
        Ok(())
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

    /// Appends rows, no more than [`RUN`]; `is_whole`, as a transaction of their own.
    async fn append(&mut self, writes: &mut [&mut Write], is_whole: bool) -> Result<(), sqlx::Error> {
        let mut rows = Rows::default();
        for write in &*writes {
            match &**write {
                Write::Decision(call) => rows.decisions.push(call.input()),
                Write::Outcome(call) => rows.outcomes.push(call.input()),
                _ => {}
            }
        }
        let appended = rows.append(&mut self.conn, &mut self.texts, is_whole).await?;
        let (mut decisions, mut outcomes) = (appended.decisions.into_iter(), appended.outcomes.into_iter());
        for write in writes {
            let next = if matches!(write, Write::Decision(_)) { decisions.next() } else { outcomes.next() };
            write.appended(next.unwrap_or(false));
        }
        Ok(())
    }

    /// Folds the write-ahead log into the file and closes it.
    pub(super) async fn close(mut self) -> Result<(), sqlx::Error> {
        let folded = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut self.conn).await;
        folded.and(self.conn.close().await)
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
