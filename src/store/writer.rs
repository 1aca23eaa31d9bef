//! The one task that writes: group commit over a bounded queue.

use super::{
    FeedbackError, FeedbackReceipt, KeyChange, KeyError, NewFeedback, Snapshot, StoreError, accept,
    decisions::{self, DecisionRow},
    embeddings,
    error::WriteError,
    keys, outcomes, snapshots,
};
use crate::{
    domain::{EmbeddingRecord, Outcome},
    telemetry::names,
};
use sqlx::{Connection, SqliteConnection};
use std::{fs::File, slice, time::Instant};
use tokio::sync::{mpsc, oneshot, watch};

/// Writes that share a transaction at most.
const BATCH: usize = 512;

/// One write: what to do, its result once done, and who waits for it.
#[derive(Debug)]
pub(super) struct Call<I, T, E> {
    input: I,
    result: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
}

impl<I, T, E: WriteError> Call<I, T, E> {
    /// A call, and where its answer arrives.
    pub(super) fn new(input: I) -> (Self, oneshot::Receiver<Result<T, E>>) {
        let (reply, answer) = oneshot::channel();
        (Self { input, result: None, reply }, answer)
    }

    /// Keeps the result; passes on what spoils the transaction.
    fn record(&mut self, result: Result<T, E>) -> Result<(), sqlx::Error> {
        self.result = Some(match result.map_err(E::into_fault) {
            Ok(value) => Ok(value),
            Err(Err(error)) => Err(error),
            Err(Ok(fault)) => return Err(fault),
        });
        Ok(())
    }

    fn fail(&mut self, error: StoreError) {
        self.result = Some(Err(error.into()));
    }

    /// Whoever stopped waiting is not told; the write counts all the same.
    fn answer(self) {
        let _ = self.reply.send(self.result.unwrap_or_else(|| Err(StoreError::Closed.into())));
    }
}

/// What can be written.
#[derive(Debug)]
pub(super) enum Write {
    Decision(Call<Box<DecisionRow>, (), StoreError>),
    Outcome(Call<Box<Outcome>, (), StoreError>),
    Embedding(Call<Box<EmbeddingRecord>, (), StoreError>),
    Feedback(Call<Box<NewFeedback>, FeedbackReceipt, FeedbackError>),
    Snapshot(Call<Snapshot, (), StoreError>),
    Key(Call<Box<KeyChange>, (), KeyError>),
}

impl Write {
    /// Writes within the open transaction. What is wrong with this row alone is kept as its result.
    ///
    /// # Errors
    /// A fault of the database: the transaction must be rolled back.
    async fn apply(&mut self, conn: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        match self {
            Self::Decision(call) => call.record(decisions::append(conn, &call.input).await),
            Self::Outcome(call) => call.record(outcomes::append(conn, &call.input).await),
            Self::Embedding(call) => call.record(embeddings::append(conn, &call.input).await),
            Self::Feedback(call) => call.record(accept::accept(conn, &call.input).await),
            Self::Snapshot(call) => call.record(snapshots::save(conn, &call.input).await),
            Self::Key(call) => call.record(keys::change(conn, &call.input).await),
        }
    }

    /// Whether a row of feedback was added.
    fn added_feedback(&self) -> bool {
        matches!(self, Self::Feedback(Call { result: Some(Ok(receipt)), .. }) if receipt.applied)
    }

    fn fail(&mut self, error: StoreError) {
        match self {
            Self::Decision(call) => call.fail(error),
            Self::Outcome(call) => call.fail(error),
            Self::Embedding(call) => call.fail(error),
            Self::Feedback(call) => call.fail(error),
            Self::Snapshot(call) => call.fail(error),
            Self::Key(call) => call.fail(error),
        }
    }

    fn answer(self) {
        match self {
            Self::Decision(call) => call.answer(),
            Self::Outcome(call) => call.answer(),
            Self::Embedding(call) => call.answer(),
            Self::Feedback(call) => call.answer(),
            Self::Snapshot(call) => call.answer(),
            Self::Key(call) => call.answer(),
        }
    }
}

/// What the queue carries.
#[derive(Debug)]
pub(super) enum Job {
    Write(Write),
    Close(oneshot::Sender<Result<(), StoreError>>),
}

/// Owner of the connection that writes, and of the lock that keeps other writers away.
pub(super) struct Writer {
    conn: SqliteConnection,
    lock: Option<File>,
    queue: mpsc::Receiver<Job>,
    feedback_commits: watch::Sender<u64>,
}

impl Writer {
    /// A writer that takes its work from `queue` and counts commits with feedback in `feedback_commits`.
    pub(super) fn new(
        conn: SqliteConnection,
        lock: Option<File>,
        queue: mpsc::Receiver<Job>,
        feedback_commits: watch::Sender<u64>,
    ) -> Self {
        Self { conn, lock, queue, feedback_commits }
    }

    /// Works until it is told to close, or nobody is left who could give it work; in both cases the queue is emptied.
    pub(super) async fn run(mut self) {
        let (mut jobs, mut writes, mut closers) = (Vec::with_capacity(BATCH), Vec::with_capacity(BATCH), Vec::new());
        while self.queue.recv_many(&mut jobs, BATCH).await > 0 {
            for job in jobs.drain(..) {
                match job {
                    Job::Write(write) => writes.push(write),
                    Job::Close(reply) => closers.push(reply),
                }
            }
            if !closers.is_empty() {
                self.queue.close();
            }
            self.write(&mut writes).await;
            writes.drain(..).for_each(Write::answer);
        }
        self.finish(closers).await;
    }

    /// Commits a batch. When the database fails, each write is tried once more by itself, so that only those fail
    /// which the fault really concerns.
    async fn write(&mut self, writes: &mut [Write]) {
        match self.commit(writes).await {
            Ok(()) => {}
            Err(fault) if writes.len() == 1 => writes[0].fail(fault.into()),
            Err(fault) => {
                tracing::warn!(%fault, writes = writes.len(), "a batch was rolled back; its writes are tried singly");
                for write in writes {
                    if let Err(fault) = self.commit(slice::from_mut(write)).await {
                        write.fail(fault.into());
                    }
                }
            }
        }
    }

    /// One transaction over the batch, rolled back on a fault.
    async fn commit(&mut self, writes: &mut [Write]) -> Result<(), sqlx::Error> {
        if writes.is_empty() {
            return Ok(());
        }
        let started = Instant::now();
        if let Err(fault) = self.transact(writes).await {
            // SQLite may have rolled back by itself already (a full disk): then this fails, and rightly so.
            let _ = sqlx::query("ROLLBACK").execute(&mut self.conn).await;
            return Err(fault);
        }
        metrics::histogram!(names::STORE_COMMIT_SECONDS).record(started.elapsed().as_secs_f64());
        if writes.iter().any(Write::added_feedback) {
            self.feedback_commits.send_modify(|commits| *commits += 1);
        }
        Ok(())
    }

    async fn transact(&mut self, writes: &mut [Write]) -> Result<(), sqlx::Error> {
        sqlx::query("BEGIN IMMEDIATE").execute(&mut self.conn).await?;
        for write in writes {
            write.apply(&mut self.conn).await?;
        }
        sqlx::query("COMMIT").execute(&mut self.conn).await?;
        Ok(())
    }

    /// Folds the write-ahead log into the file, frees the lock, then tells those who wait for it.
    async fn finish(mut self, closers: Vec<oneshot::Sender<Result<(), StoreError>>>) {
        let folded = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut self.conn).await;
        let result = folded.and(self.conn.close().await);
        drop(self.lock);
        if closers.is_empty()
            && let Err(fault) = &result
        {
            tracing::warn!(%fault, "the log was not closed cleanly; it recovers when it is opened");
        }
        let mut result = result.map_err(StoreError::from);
        for closer in closers {
            let _ = closer.send(std::mem::replace(&mut result, Ok(())));
        }
    }
}
