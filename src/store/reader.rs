//! Reading the log.

use super::{
    FeedbackRow, IntegrityReport, LearningEvent, Snapshot, StoreError, cache_hits,
    cells::{Cells, id_bytes, signed},
    check, decisions, embeddings, events, feedback,
    journal::Journal,
    keys, outcomes,
    queue::Job,
    snapshots,
};
use crate::domain::{CacheHit, Decision, DecisionId, EmbeddingRecord, KeyRecord, Outcome, Scope, Spent, UnixMillis};
use sqlx::{Row, SqliteConnection, SqlitePool, sqlite::SqliteRow};
use std::sync::Arc;
use tokio::sync::{Notify, mpsc, oneshot};

/// A decision with all that came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct DecisionRecord {
    /// The decision.
    pub decision: Decision,
    /// Its forwardings, oldest first.
    pub outcomes: Vec<Outcome>,
    /// Its feedback, oldest first, superseded rows included.
    pub feedback: Vec<FeedbackRow>,
}

/// Rows of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Decisions.
    pub decisions: u64,
    /// Outcomes.
    pub outcomes: u64,
    /// Requests for embeddings.
    pub embeddings: u64,
    /// Feedbacks, superseded ones included.
    pub feedback: u64,
    /// Snapshots.
    pub snapshots: u64,
}

/// Read access to a log. Clones share a small pool of connections.
///
/// Every method fails with [`StoreError::Corrupt`] when a stored value can't be read back, and with
/// [`StoreError::Database`] when SQLite fails.
#[derive(Debug, Clone)]
pub struct Reader {
    pool: SqlitePool,
    pending: Option<Pending>,
}

/// What was acknowledged and may not be in the database yet.
#[derive(Debug, Clone)]
pub(super) struct Pending {
    journal: Arc<Journal>,
    queue: mpsc::Sender<Job>,
    hurry: Arc<Notify>,
}

impl Pending {
    pub(super) const fn new(journal: Arc<Journal>, queue: mpsc::Sender<Job>, hurry: Arc<Notify>) -> Self {
        Self { journal, queue, hurry }
    }

    /// Waits until what was acknowledged before is in the database; not if that is closed.
    async fn settled(&self) {
        if self.journal.is_settled() {
            return;
        }
        let (reply, settled) = oneshot::channel();
        if self.queue.send(Job::Settle(reply)).await.is_ok() {
            self.hurry.notify_one();
            // Without an answer the writer is gone, and reads will say so.
            let _ = settled.await;
        }
    }
}

impl Reader {
    pub(super) const fn new(pool: SqlitePool, pending: Option<Pending>) -> Self {
        Self { pool, pending }
    }

    /// Where to read whatever was acknowledged by now.
    async fn settled(&self) -> &SqlitePool {
        if let Some(pending) = &self.pending {
            pending.settled().await;
        }
        &self.pool
    }

    /// Ends all reading.
    pub(super) async fn close(&self) {
        self.pool.close().await;
    }

    /// A decision with its outcomes and feedback, as of one moment.
    ///
    /// # Errors
    /// See [`Reader`].
    pub async fn decision(&self, id: DecisionId) -> Result<Option<DecisionRecord>, StoreError> {
        let mut tx = self.settled().await.begin().await?;
        let query = sqlx::query("SELECT * FROM decisions WHERE id = ?").bind(id_bytes(id));
        let Some(row) = query.fetch_optional(&mut *tx).await? else { return Ok(None) };
        Ok(Some(DecisionRecord {
            decision: decisions::read(&row)?,
            outcomes: outcomes_of(&mut tx, id).await?,
            feedback: feedback_of(&mut tx, id).await?,
        }))
    }

    /// Up to `limit` feedbacks of a scope after number `after`, in order, with what a learner needs to fold them.
    ///
    /// # Errors
    /// See [`Reader`].
    pub async fn learning_events(
        &self,
        scope: &Scope,
        after: u64,
        limit: u32,
    ) -> Result<Vec<LearningEvent>, StoreError> {
        events::list(&self.pool, scope, after, limit).await
    }

    /// The newest snapshot of a scope.
    ///
    /// # Errors
    /// See [`Reader`].
    pub async fn latest_snapshot(&self, scope: &Scope) -> Result<Option<Snapshot>, StoreError> {
        let query = sqlx::query("SELECT * FROM snapshots WHERE scope = ? ORDER BY number DESC LIMIT 1");
        let row = query.bind(scope.as_str()).fetch_optional(&self.pool).await?;
        row.as_ref().map(snapshots::read).transpose()
    }

    /// Every scope that has decisions or snapshots, sorted.
    ///
    /// # Errors
    /// See [`Reader`].
    pub async fn scopes(&self) -> Result<Vec<Scope>, StoreError> {
        // Jumps from scope to scope in the index instead of reading every decision.
        let query = "
            WITH RECURSIVE known (scope) AS (
                SELECT MIN(scope) FROM decisions
                UNION ALL
                SELECT (SELECT MIN(scope) FROM decisions d WHERE d.scope > known.scope) FROM known
                WHERE known.scope IS NOT NULL
            )
            SELECT scope FROM known WHERE scope IS NOT NULL
            UNION SELECT scope FROM snapshots ORDER BY scope";
        let names: Vec<String> = sqlx::query_scalar(query).fetch_all(self.settled().await).await?;
        Ok(names.into_iter().map(Scope::new).collect())
    }

    /// The newest `limit` decisions of a scope, newest first.
    ///
    /// # Errors
    /// See [`Reader`].
    pub async fn recent_decisions(&self, scope: &Scope, limit: u32) -> Result<Vec<Decision>, StoreError> {
        let query = sqlx::query("SELECT * FROM decisions WHERE scope = ? ORDER BY seq DESC LIMIT ?");
        let rows = query.bind(scope.as_str()).bind(limit).fetch_all(self.settled().await).await?;
        rows.iter().map(decisions::read).collect()
    }

    /// Up to `limit` decisions after the row `seq`, each with its own: for export, page by page from 0.
    ///
    /// # Errors
    /// See [`Reader`].
    pub async fn decisions_after(&self, seq: u64, limit: u32) -> Result<Vec<(u64, Decision)>, StoreError> {
        let query = "SELECT * FROM decisions WHERE seq > ? ORDER BY seq LIMIT ?";
        self.page("decisions", query, seq, limit, decisions::read).await
    }

    /// Up to `limit` outcomes after the row `seq`, each with its own.
    ///
    /// # Errors
    /// See [`Reader`].
    pub async fn outcomes_after(&self, seq: u64, limit: u32) -> Result<Vec<(u64, Outcome)>, StoreError> {
        let query = "SELECT * FROM outcomes WHERE seq > ? ORDER BY seq LIMIT ?";
        self.page("outcomes", query, seq, limit, outcomes::read).await
    }

    /// Up to `limit` requests for embeddings after the row `seq`, each with its own.
    ///
    /// # Errors
    /// See [`Reader`].
    pub async fn embeddings_after(&self, seq: u64, limit: u32) -> Result<Vec<(u64, EmbeddingRecord)>, StoreError> {
        let query = "SELECT * FROM embeddings WHERE seq > ? ORDER BY seq LIMIT ?";
        self.page("embeddings", query, seq, limit, embeddings::read).await
    }

    /// Up to `limit` answers that were given again after the row `seq`, each with its own.
    ///
    /// # Errors
    /// See [`Reader`].
    pub async fn cache_hits_after(&self, seq: u64, limit: u32) -> Result<Vec<(u64, CacheHit)>, StoreError> {
        let query = "SELECT * FROM cache_hits WHERE seq > ? ORDER BY seq LIMIT ?";
        self.page("cache_hits", query, seq, limit, cache_hits::read).await
    }

    /// Up to `limit` feedbacks after the row `seq`, each with its own.
    ///
    /// # Errors
    /// See [`Reader`].
    pub async fn feedback_after(&self, seq: u64, limit: u32) -> Result<Vec<(u64, FeedbackRow)>, StoreError> {
        let query = "SELECT * FROM feedback WHERE seq > ? ORDER BY seq LIMIT ?";
        self.page("feedback", query, seq, limit, feedback::read).await
    }

    async fn page<T>(
        &self,
        table: &'static str,
        query: &'static str,
        seq: u64,
        limit: u32,
        read: fn(&SqliteRow) -> Result<T, StoreError>,
    ) -> Result<Vec<(u64, T)>, StoreError> {
        let rows = sqlx::query(query).bind(signed("seq", seq)?).bind(limit).fetch_all(self.settled().await).await?;
        rows.iter().map(|row| Ok((Cells::new(table, row).count("seq")?, read(row)?))).collect()
    }

    /// Every API key, oldest first, also those that no longer count.
    ///
    /// # Errors
    /// See [`Reader`].
    pub async fn keys(&self) -> Result<Vec<KeyRecord>, StoreError> {
        keys::list(&self.pool).await
    }

    /// What each caller's requests since a moment have cost, embeddings included. A bill that nobody knows is taken at its
    /// prediction.
    ///
    /// # Errors
    /// See [`Reader`].
    pub async fn spent_since(&self, since: UnixMillis) -> Result<Vec<Spent>, StoreError> {
        keys::spent(self.settled().await, since).await
    }

    /// How many rows there are.
    ///
    /// # Errors
    /// See [`Reader`].
    pub async fn counts(&self) -> Result<Counts, StoreError> {
        let query = "SELECT (SELECT COUNT(*) FROM decisions) AS decisions, (SELECT COUNT(*) FROM outcomes) AS outcomes,
                            (SELECT COUNT(*) FROM embeddings) AS embeddings,
                            (SELECT COUNT(*) FROM feedback) AS feedback, (SELECT COUNT(*) FROM snapshots) AS snapshots";
        let row = sqlx::query(query).fetch_one(self.settled().await).await?;
        let cells = Cells::new("counts", &row);
        Ok(Counts {
            decisions: cells.count("decisions")?,
            outcomes: cells.count("outcomes")?,
            embeddings: cells.count("embeddings")?,
            feedback: cells.count("feedback")?,
            snapshots: cells.count("snapshots")?,
        })
    }

    /// Facts about the format: keys and values of the table `meta`, sorted.
    ///
    /// # Errors
    /// See [`Reader`].
    pub async fn meta(&self) -> Result<Vec<(String, String)>, StoreError> {
        let rows = sqlx::query("SELECT key, value FROM meta ORDER BY key").fetch_all(&self.pool).await?;
        Ok(rows.iter().map(|row| Ok((row.try_get("key")?, row.try_get("value")?))).collect::<sqlx::Result<_>>()?)
    }

    /// Checks the whole file; takes time in proportion to its size.
    ///
    /// # Errors
    /// See [`Reader`].
    pub async fn check(&self) -> Result<IntegrityReport, StoreError> {
        check::run(self.settled().await).await
    }
}

async fn outcomes_of(conn: &mut SqliteConnection, id: DecisionId) -> Result<Vec<Outcome>, StoreError> {
    let query = sqlx::query("SELECT * FROM outcomes WHERE decision_id = ? ORDER BY seq").bind(id_bytes(id));
    query.fetch_all(conn).await?.iter().map(outcomes::read).collect()
}

async fn feedback_of(conn: &mut SqliteConnection, id: DecisionId) -> Result<Vec<FeedbackRow>, StoreError> {
    let query = sqlx::query("SELECT * FROM feedback WHERE decision_id = ? ORDER BY seq").bind(id_bytes(id));
    query.fetch_all(conn).await?.iter().map(feedback::read).collect()
}
