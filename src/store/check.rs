//! Is the log whole?

use super::{StoreError, cells::Cells};
use crate::domain::Scope;
use sqlx::SqlitePool;

/// A scope whose numbers are not 1..N.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberGap {
    /// The scope.
    pub scope: Scope,
    /// Rows it has.
    pub rows: u64,
    /// Its highest number; equal to `rows` in a whole log.
    pub highest: u64,
}

/// What an integrity check found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IntegrityReport {
    /// What SQLite's `integrity_check` says, at most 100 findings.
    pub faults: Vec<String>,
    /// Scopes with gaps in their feedback numbers.
    pub gaps: Vec<NumberGap>,
    /// Outcomes and feedbacks whose decision is missing, and feedbacks that replace a row which is missing or is not
    /// an earlier one of the same decision and source.
    pub orphans: u64,
}

impl IntegrityReport {
    /// Whether nothing was found.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.faults.is_empty() && self.gaps.is_empty() && self.orphans == 0
    }
}

const ORPHANS: &str = "
    SELECT (SELECT COUNT(*) FROM outcomes WHERE decision_id NOT IN (SELECT id FROM decisions))
         + (SELECT COUNT(*) FROM feedback WHERE decision_id NOT IN (SELECT id FROM decisions))
         + (SELECT COUNT(*) FROM feedback f WHERE f.supersedes IS NOT NULL AND NOT EXISTS
               (SELECT 1 FROM feedback old
                WHERE old.scope = f.scope AND old.number = f.supersedes AND old.seq < f.seq
                  AND old.decision_id = f.decision_id AND old.source = f.source))";

const GAPS: &str = "
    SELECT scope, COUNT(*) AS rows, MAX(number) AS highest FROM feedback
    GROUP BY scope HAVING MIN(number) <> 1 OR MAX(number) <> COUNT(*)";

/// Runs every check.
pub(super) async fn run(pool: &SqlitePool) -> Result<IntegrityReport, StoreError> {
    let mut faults: Vec<String> = sqlx::query_scalar("PRAGMA integrity_check(100)").fetch_all(pool).await?;
    faults.retain(|fault| fault != "ok");
    let orphans: i64 = sqlx::query_scalar(ORPHANS).fetch_one(pool).await?;
    Ok(IntegrityReport { faults, gaps: gaps(pool).await?, orphans: orphans.unsigned_abs() })
}

async fn gaps(pool: &SqlitePool) -> Result<Vec<NumberGap>, StoreError> {
    let rows = sqlx::query(GAPS).fetch_all(pool).await?;
    rows.iter()
        .map(|row| {
            let cells = Cells::new("feedback", row);
            Ok(NumberGap { scope: cells.name("scope")?, rows: cells.count("rows")?, highest: cells.count("highest")? })
        })
        .collect()
}
