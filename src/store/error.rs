//! What can go wrong, by what the caller can do about it.

use super::FeedbackTarget;
use crate::domain::DecisionId;
use std::{fmt::Display, io, path::PathBuf};

/// A failure of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The write queue is full: answer 503 with `retry-after`, or drop the write knowingly.
    #[error("the store's queue is full, {capacity} writes are waiting")]
    Overloaded {
        /// Writes that fit into the queue.
        capacity: usize,
    },
    /// The store was closed; nothing was written.
    #[error("the store is closed")]
    Closed,
    /// An outcome names a decision that is not in the log.
    #[error("no decision has the id {0}")]
    UnknownDecision(DecisionId),
    /// The id is taken: ids must be drawn anew for each decision.
    #[error("a decision with the id {0} is in the log already")]
    DuplicateDecision(DecisionId),
    /// A number that can't be stored exactly (NaN, infinite, or beyond 63 bits); a bug of the caller.
    #[error("{what} can't be stored: {value}")]
    Unstorable {
        /// The field.
        what: &'static str,
        /// Its value.
        value: String,
    },
    /// Another process, or another store in this one, has the file open for writing: stop it, or open read-only.
    #[error("{} is open for writing elsewhere; stop that process or open the file read-only", path.display())]
    Locked {
        /// The database file.
        path: PathBuf,
    },
    /// There is no such file to read.
    #[error("there is no log at {}", path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A SQLite database that belongs to something else: check the path.
    #[error("{} is a database of another application", path.display())]
    NotAStore {
        /// The file.
        path: PathBuf,
    },
    /// A newer release wrote the file: upgrade, the data is left as it is.
    #[error("the log has schema {found}, this release knows up to {known}; use a newer release")]
    NewerSchema {
        /// The file's schema.
        found: i64,
        /// The newest that is known.
        known: i64,
    },
    /// An older release wrote the file, and read-only can't migrate it: start the service on it once.
    #[error("the log has schema {found}, reading needs {known}; start the service on it once to migrate it")]
    OlderSchema {
        /// The file's schema.
        found: i64,
        /// The one that is needed.
        known: i64,
    },
    /// A stored value can't be read back: run the integrity check, restore from a backup.
    #[error("{at} is corrupt: {detail}")]
    Corrupt {
        /// Table, column and row.
        at: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The file system refuses.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The schema could not be brought up to date; nothing was changed.
    #[error("the schema can't be migrated: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// SQLite failed, e.g. on a full disk; the write was rolled back and may be repeated.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
}

/// Why a feedback was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum FeedbackError {
    /// Nothing in the log answers to the target: 404.
    #[error("no decision is known for {0}")]
    UnknownDecision(FeedbackTarget),
    /// The idempotency key came before with another content: the caller must draw a new key.
    #[error("the idempotency key {key:?} was used for another feedback on decision {decision_id}")]
    KeyReused {
        /// The decision.
        decision_id: DecisionId,
        /// The key.
        key: String,
    },
    /// The store itself failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for FeedbackError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// An error that is either about one row, or a fault of the database that spoils the whole transaction.
pub(super) trait WriteError: From<StoreError> + Display {
    /// The database's fault; the error itself when it is only about the row.
    fn into_fault(self) -> Result<sqlx::Error, Self>;
}

impl WriteError for StoreError {
    fn into_fault(self) -> Result<sqlx::Error, Self> {
        match self {
            Self::Database(fault) => Ok(fault),
            other => Err(other),
        }
    }
}

impl WriteError for FeedbackError {
    fn into_fault(self) -> Result<sqlx::Error, Self> {
        match self {
            Self::Store(StoreError::Database(fault)) => Ok(fault),
            other => Err(other),
        }
    }
}
