//! The log: decisions, outcomes and feedback, appended and committed before they are acknowledged, and the snapshots
//! that were folded from it; and the API keys. Embedded SQLite.
//!
//! One task owns the only connection that writes. It takes whatever waits in a bounded queue, writes it in one
//! transaction, commits, and only then answers: many callers share one `fsync`. Reads go through a [`Reader`] and see
//! whatever was committed.

mod accept;
mod cells;
mod check;
mod database;
mod decisions;
mod embeddings;
mod error;
mod events;
mod feedback;
mod keys;
mod outcomes;
mod reader;
mod snapshots;
mod writer;

pub use check::{IntegrityReport, NumberGap};
pub use error::{FeedbackError, StoreError};
pub use events::{LearningEvent, Superseded};
pub use feedback::{FeedbackReceipt, FeedbackRow, FeedbackTarget, NewFeedback};
pub use keys::{KeyChange, KeyError};
pub use reader::{Counts, DecisionRecord, Reader};
pub use snapshots::Snapshot;

use crate::domain::{Decision, EmbeddingRecord, Outcome};
use decisions::DecisionRow;
use error::WriteError;
use sqlx::sqlite::SqliteConnectOptions;
use std::{fs::File, ops::Deref, path::Path};
use tokio::sync::{mpsc, oneshot, watch};
use writer::{Call, Job, Write, Writer};

/// What an acknowledged write survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// The loss of power: every commit is forced to the disk (`synchronous = FULL`).
    #[default]
    Full,
    /// The end of the process, `kill -9` included, but not of the machine (`synchronous = NORMAL`).
    Process,
}

impl Durability {
    /// Sets the write-ahead log and how it is synchronised; a log that grew is cut back to 64 MiB.
    const fn pragmas(self) -> &'static str {
        match self {
            Self::Full => "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864",
            Self::Process => {
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 67108864"
            }
        }
    }
}

/// How a store is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreOptions {
    /// What an acknowledged write survives.
    pub durability: Durability,
    /// Writes that may wait, at least 1; one more is answered with [`StoreError::Overloaded`].
    pub queue: usize,
    /// Connections that read, at least 1.
    pub readers: u32,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self { durability: Durability::Full, queue: 4096, readers: 4 }
    }
}

/// A log open for writing. Clones share it; it also reads, as a [`Reader`].
///
/// When the last clone is dropped, writes that wait are still committed as long as the runtime lives; [`Store::close`]
/// waits for that.
#[derive(Debug, Clone)]
pub struct Store {
    reader: Reader,
    queue: mpsc::Sender<Job>,
    feedback_commits: watch::Receiver<u64>,
}

impl Deref for Store {
    type Target = Reader;
    fn deref(&self) -> &Reader {
        &self.reader
    }
}

impl Store {
    /// Opens the log at `path` for writing; creates it and its folder when missing, and brings its schema up to date.
    ///
    /// Needs a tokio runtime, on which the writer then lives.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when it is open for writing elsewhere, [`StoreError::NewerSchema`] and
    /// [`StoreError::NotAStore`] when the file is not ours to write, else what the file system or SQLite say.
    pub async fn open(path: &Path, options: StoreOptions) -> Result<Self, StoreError> {
        let path = database::resolve(path)?;
        let lock = database::lock(&path)?;
        Self::start(&database::file(&path), Some(lock), options).await
    }

    /// Opens the log at `path` for reading only, also while a service writes it.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is none, [`StoreError::NewerSchema`] or [`StoreError::OlderSchema`] when this
    /// release can't read it.
    pub async fn open_read_only(path: &Path) -> Result<Reader, StoreError> {
        let path = path.canonicalize().map_err(|_| StoreError::Missing { path: path.to_owned() })?;
        let readers = StoreOptions::default().readers;
        Ok(Reader::new(database::connect_readers(&database::file(&path), readers).await?))
    }

    /// A log in memory, gone with the last clone; for tests and trials.
    ///
    /// # Errors
    /// [`StoreError::Database`] when SQLite has no memory for it.
    pub async fn in_memory() -> Result<Self, StoreError> {
        Self::start(&database::memory(), None, StoreOptions::default()).await
    }

    async fn start(
        database: &SqliteConnectOptions,
        lock: Option<File>,
        options: StoreOptions,
    ) -> Result<Self, StoreError> {
        let conn = database::connect_writer(database, options.durability).await?;
        let reader = Reader::new(database::connect_readers(database, options.readers).await?);
        let (queue, jobs) = mpsc::channel(options.queue.max(1));
        let (committed, feedback_commits) = watch::channel(0);
        tokio::spawn(Writer::new(conn, lock, jobs, committed).run());
        Ok(Self { reader, queue, feedback_commits })
    }

    /// Appends a decision; resolves when it is committed.
    ///
    /// # Errors
    /// [`StoreError::Overloaded`] at once when the queue is full, [`StoreError::DuplicateDecision`] when the id is
    /// taken, [`StoreError::Unstorable`] for a number that is not finite.
    pub async fn append_decision(&self, decision: Decision) -> Result<(), StoreError> {
        let row = DecisionRow::encode(decision)?;
        self.submit(Write::Decision, Box::new(row)).await
    }

    /// Appends an outcome; resolves when it is committed.
    ///
    /// # Errors
    /// [`StoreError::Overloaded`] at once when the queue is full, [`StoreError::UnknownDecision`] when its decision is
    /// not in the log, [`StoreError::Unstorable`] for a number that is not finite.
    pub async fn append_outcome(&self, outcome: Outcome) -> Result<(), StoreError> {
        outcomes::check_finite(&outcome)?;
        self.submit(Write::Outcome, Box::new(outcome)).await
    }

    /// Appends a request for embeddings; resolves when it is committed.
    ///
    /// # Errors
    /// [`StoreError::Overloaded`] at once when the queue is full, [`StoreError::Unstorable`] for a number that is not finite.
    pub async fn append_embedding(&self, record: EmbeddingRecord) -> Result<(), StoreError> {
        embeddings::check_finite(&record)?;
        self.submit(Write::Embedding, Box::new(record)).await
    }

    /// Accepts a feedback; resolves when it is committed. What is already so is answered without a new row:
    /// the same key with the same content, the score that already stands, a revocation of nothing.
    ///
    /// # Errors
    /// [`FeedbackError::UnknownDecision`] when nothing answers to the target, [`FeedbackError::KeyReused`] when the
    /// key came with another content, [`StoreError::Overloaded`] at once when the queue is full.
    pub async fn append_feedback(&self, feedback: NewFeedback) -> Result<FeedbackReceipt, FeedbackError> {
        self.submit(Write::Feedback, Box::new(feedback)).await
    }

    /// Changes the API keys; resolves when it is committed.
    ///
    /// # Errors
    /// [`KeyError::Unknown`] when there is no such key or it was revoked, [`KeyError::Taken`] when the new key's id is,
    /// [`StoreError::Overloaded`] at once when the queue is full.
    pub async fn change_key(&self, change: KeyChange) -> Result<(), KeyError> {
        self.submit(Write::Key, Box::new(change)).await
    }

    /// Keeps a snapshot; the three with the highest numbers of each scope are kept.
    ///
    /// # Errors
    /// [`StoreError::Overloaded`] at once when the queue is full.
    pub async fn save_snapshot(&self, snapshot: Snapshot) -> Result<(), StoreError> {
        self.submit(Write::Snapshot, snapshot).await
    }

    /// Wakes after each commit that added feedback; the value counts such commits since the store was opened.
    #[must_use]
    pub fn feedback_committed(&self) -> watch::Receiver<u64> {
        self.feedback_commits.clone()
    }

    /// Writes that wait at the moment.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }

    /// Takes no more writes, commits those that wait, folds the write-ahead log into the file, frees the lock. Reads
    /// end as well. Closing again does nothing.
    ///
    /// # Errors
    /// [`StoreError::Database`] when the last step fails; whatever was acknowledged is safe all the same.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.reader.close().await;
        let (reply, closed) = oneshot::channel();
        if self.queue.send(Job::Close(reply)).await.is_err() {
            return Ok(());
        }
        closed.await.unwrap_or(Ok(()))
    }

    /// Queues one write and waits until it is committed.
    async fn submit<I, T, E: WriteError>(&self, write: impl FnOnce(Call<I, T, E>) -> Write, input: I) -> Result<T, E> {
        let (call, reply) = Call::new(input);
        self.queue.try_send(Job::Write(write(call))).map_err(|e| match e {
            mpsc::error::TrySendError::Full(_) => StoreError::Overloaded { capacity: self.queue.max_capacity() },
            mpsc::error::TrySendError::Closed(_) => StoreError::Closed,
        })?;
        reply.await.unwrap_or_else(|_| Err(StoreError::Closed.into()))
    }
}

#[cfg(test)]
mod tests;
