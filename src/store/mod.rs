//! The log: decisions, outcomes and feedback, appended and committed before they are acknowledged, and the snapshots
//! that were folded from it; and the API keys. Embedded SQLite.
//!
//! One task owns the only connection that writes. It takes whatever waits in a bounded queue, writes it in one
//! transaction, commits, and only then answers: many callers share one `fsync`. Decisions and outcomes, which come with every
//! answer, are acknowledged as soon as they stand in a journal beside the database, unless [`Durability::Full`] is asked for:
//! the end of the process loses neither, and no answer waits for SQLite. Reads go through a [`Reader`] and see whatever was
//! acknowledged.

mod accept;
mod cache_hits;
mod cells;
mod check;
mod database;
mod decisions;
mod embeddings;
mod error;
mod events;
mod feedback;
mod journal;
mod keys;
mod outcomes;
mod queue;
mod reader;
mod rows;
mod snapshots;
mod transaction;
mod writer;

pub use check::{IntegrityReport, NumberGap};
pub use error::{FeedbackError, StoreError};
pub use events::{LearningEvent, Superseded};
pub use feedback::{FeedbackReceipt, FeedbackRow, FeedbackTarget, NewFeedback};
pub use keys::{KeyChange, KeyError};
pub use reader::{Counts, DecisionRecord, Reader};
pub use snapshots::Snapshot;

use crate::domain::{CacheHit, Decision, EmbeddingRecord, Outcome};
use decisions::DecisionRow;
use error::WriteError;
use journal::{Journal, Lines};
use outcomes::OutcomeRow;
use queue::{Call, Job, Write};
use reader::Pending;
use sqlx::sqlite::SqliteConnectOptions;
use std::{fs::File, ops::Deref, path::Path, sync::Arc};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use transaction::Transactions;
use writer::Writer;

/// What an acknowledged write survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// The loss of power: every commit is forced to the disk (`synchronous = FULL`).
    Full,
    /// Feedback and keys: the loss of power, and what they are about with them. Decisions and outcomes: the end of the process.
    #[default]
    Feedback,
    /// The end of the process, `kill -9` included, but not of the machine (`synchronous = NORMAL`).
    Process,
}

impl Durability {
    /// Sets the write-ahead log and how it is synchronised. It is folded into the file at 16 MiB, as each time writes the pages
    /// of all indices; one that grew is cut back to 64 MiB.
    const fn pragmas(self) -> &'static str {
        match self {
            Self::Full => {
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4096;
                 PRAGMA journal_size_limit = 67108864"
            }
            Self::Feedback | Self::Process => {
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 4096;
                 PRAGMA journal_size_limit = 67108864"
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
        Self { durability: Durability::default(), queue: 4096, readers: 4 }
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
    journal: Option<Arc<Journal>>,
    hurry: Arc<Notify>,
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
        Self::start(&database::file(&path), Some((lock, &path)), options).await
    }

    /// Opens the log at `path` for reading only, also while a service writes it.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is none, [`StoreError::NewerSchema`] or [`StoreError::OlderSchema`] when this
    /// release can't read it.
    pub async fn open_read_only(path: &Path) -> Result<Reader, StoreError> {
        let path = path.canonicalize().map_err(|_| StoreError::Missing { path: path.to_owned() })?;
        let readers = StoreOptions::default().readers;
        Ok(Reader::new(database::connect_readers(&database::file(&path), readers).await?, None))
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
        file: Option<(File, &Path)>,
        options: StoreOptions,
    ) -> Result<Self, StoreError> {
        let mut conn = database::connect_writer(database, options.durability).await?;
        let noted = transaction::noted(&mut conn).await?;
        let (queue, jobs) = mpsc::channel(options.queue.max(1));
        let (committed, feedback_commits) = watch::channel(0);
        let (lock, path) = file.unzip();
        let mut writer = Writer::new(Transactions::new(conn, options.durability), lock, jobs, committed);
        let mut journal = None;
        if let Some(path) = path {
            let left = Journal::left(path, noted)?;
            let noted = left.last().map_or(noted, |(number, _)| *number);
            writer.take_over(left).await?;
            // Opening it empties it.
            let opened = Journal::open(path, noted)?;
            journal = (options.durability != Durability::Full).then(|| Arc::new(opened));
        }
        let hurry = Arc::new(Notify::new());
        tokio::spawn(writer.with_journal(journal.clone(), Arc::clone(&hurry)).run());
        let pool = database::connect_readers(database, options.readers).await?;
        let pending = journal.clone().map(|journal| Pending::new(journal, queue.clone(), Arc::clone(&hurry)));
        Ok(Self { reader: Reader::new(pool, pending), queue, journal, hurry, feedback_commits })
    }

    /// Appends a decision; resolves when it is acknowledged: committed, or in the journal.
    ///
    /// # Errors
    /// [`StoreError::Overloaded`] at once when the queue is full, [`StoreError::Unstorable`] for a number that is not finite,
    /// [`StoreError::Io`] when the journal can't be written. [`StoreError::DuplicateDecision`] when the id is taken, if that is
    /// known by then; else it is logged.
    pub async fn append_decision(&self, decision: Decision) -> Result<(), StoreError> {
        let row = DecisionRow::encode(decision)?;
        let Some(journal) = &self.journal else { return self.submit(Write::Decision, Box::new(row)).await };
        let line = Lines::default().and(row.decision())?;
        self.note(journal, line, || (Write::Decision(Call::answered(Box::new(row))), None))
    }

    /// Appends an outcome; resolves when it is acknowledged: committed, or in the journal.
    ///
    /// # Errors
    /// As [`Store::append_decision`]; [`StoreError::UnknownDecision`] when its decision is not in the log, if that is known by
    /// then; else it is logged.
    pub async fn append_outcome(&self, outcome: Outcome) -> Result<(), StoreError> {
        let row = OutcomeRow::encode(outcome)?;
        let Some(journal) = &self.journal else { return self.submit(Write::Outcome, Box::new(row)).await };
        let line = Lines::default().and(row.outcome())?;
        self.note(journal, line, || (Write::Outcome(Call::answered(Box::new(row))), None))
    }

    /// Appends a decision and its outcome; resolves when both are acknowledged.
    ///
    /// # Errors
    /// As [`Store::append_decision`] and [`Store::append_outcome`].
    pub async fn append_served(&self, decision: Decision, outcome: Outcome) -> Result<(), StoreError> {
        let (decision, outcome) = (DecisionRow::encode(decision)?, OutcomeRow::encode(outcome)?);
        let Some(journal) = &self.journal else {
            let decided = self.submit(Write::Decision, Box::new(decision));
            let (decided, ended) = tokio::join!(decided, self.submit(Write::Outcome, Box::new(outcome)));
            return decided.and(ended);
        };
        let lines = Lines::default().and(decision.decision())?.and(outcome.outcome())?;
        self.note(journal, lines, || {
            let outcome = Write::Outcome(Call::answered(Box::new(outcome)));
            (Write::Decision(Call::answered(Box::new(decision))), Some(outcome))
        })
    }

    /// Appends a request for embeddings; resolves when it is committed.
    ///
    /// # Errors
    /// [`StoreError::Overloaded`] at once when the queue is full, [`StoreError::Unstorable`] for a number that is not finite.
    pub async fn append_embedding(&self, record: EmbeddingRecord) -> Result<(), StoreError> {
        embeddings::check_finite(&record)?;
        self.submit(Write::Embedding, Box::new(record)).await
    }

    /// Appends an answer that was given again; resolves when it is committed.
    ///
    /// # Errors
    /// [`StoreError::Overloaded`] at once when the queue is full, [`StoreError::UnknownDecision`] when the decision that it
    /// came from is not in the log, [`StoreError::Unstorable`] for a number that is not finite.
    pub async fn append_cache_hit(&self, hit: CacheHit) -> Result<(), StoreError> {
        cache_hits::check_finite(&hit)?;
        self.submit(Write::CacheHit, Box::new(hit)).await
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
        self.hurry.notify_one();
        closed.await.unwrap_or(Ok(()))
    }

    /// Queues one write and waits until it is committed.
    async fn submit<I, T, E: WriteError>(&self, write: impl FnOnce(Call<I, T, E>) -> Write, input: I) -> Result<T, E> {
        let (call, reply) = Call::new(input);
        self.queue.try_send(Job::Write(write(call))).map_err(|e| match e {
            mpsc::error::TrySendError::Full(_) => self.overloaded(),
            mpsc::error::TrySendError::Closed(_) => StoreError::Closed,
        })?;
        self.hurry.notify_one();
        reply.await.unwrap_or_else(|_| Err(StoreError::Closed.into()))
    }

    /// Writes one line or two into the journal and queues what they are for; their order is the same.
    fn note(
        &self,
        journal: &Journal,
        lines: Lines,
        writes: impl FnOnce() -> (Write, Option<Write>),
    ) -> Result<(), StoreError> {
        let mut turn = journal.turn();
        let place = self.queue.try_reserve().map_err(|e| match e {
            mpsc::error::TrySendError::Full(()) => self.overloaded(),
            mpsc::error::TrySendError::Closed(()) => StoreError::Closed,
        })?;
        let number = turn.write(lines)?;
        let (write, next) = writes();
        place.send(Job::Noted(write, next, number));
        drop(turn);
        // The writer need not gather what has no place to wait.
        if self.queue.capacity() < self.queue.max_capacity() / 2 {
            self.hurry.notify_one();
        }
        Ok(())
    }

    /// Whether there is room for what a request will write. To be asked before money is spent on it.
    ///
    /// # Errors
    /// [`StoreError::Overloaded`].
    pub fn has_room(&self) -> Result<(), StoreError> {
        if self.queue.capacity() == 0 { Err(self.overloaded()) } else { Ok(()) }
    }

    fn overloaded(&self) -> StoreError {
        StoreError::Overloaded { capacity: self.queue.max_capacity() }
    }
}

#[cfg(test)]
mod tests;
