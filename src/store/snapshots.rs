//! Snapshots of what a learner folded from the log; they save time, the log alone is the truth.

use super::{
    StoreError,
    cells::{Cells, signed},
};
use crate::domain::{Scope, UnixMillis};
use sqlx::{SqliteConnection, sqlite::SqliteRow};

/// Snapshots kept of each scope.
const KEPT: i64 = 3;

/// A learner's state after the first `number` feedbacks of a scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Whose state.
    pub scope: Scope,
    /// Feedbacks folded in: the next event is `number + 1`.
    pub number: u64,
    /// Version of the body's format, chosen by whoever writes it.
    pub version: u32,
    /// The state.
    pub body: Vec<u8>,
    /// When it was taken.
    pub at: UnixMillis,
}

/// Keeps a snapshot and drops those beyond the newest few.
pub(super) async fn save(conn: &mut SqliteConnection, snapshot: &Snapshot) -> Result<(), StoreError> {
    sqlx::query("INSERT OR REPLACE INTO snapshots (scope, number, version, body, at_ms) VALUES (?, ?, ?, ?, ?)")
        .bind(snapshot.scope.as_str())
        .bind(signed("number", snapshot.number)?)
        .bind(snapshot.version)
        .bind(snapshot.body.as_slice())
        .bind(snapshot.at.0)
        .execute(&mut *conn)
        .await?;
    sqlx::query(
        "DELETE FROM snapshots WHERE scope = ?1 AND number NOT IN
             (SELECT number FROM snapshots WHERE scope = ?1 ORDER BY number DESC LIMIT ?2)",
    )
    .bind(snapshot.scope.as_str())
    .bind(KEPT)
    .execute(conn)
    .await?;
    Ok(())
}

/// Reads a row of `SELECT * FROM snapshots`.
pub(super) fn read(row: &SqliteRow) -> Result<Snapshot, StoreError> {
    let cells = Cells::new("snapshots", row);
    Ok(Snapshot {
        scope: cells.name("scope")?,
        number: cells.count("number")?,
        version: cells.checked::<i64, _>("version")?,
        body: cells.get("body")?,
        at: cells.at()?,
    })
}
