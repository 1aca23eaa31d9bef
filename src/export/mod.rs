//! The log as flat, typed tables in Parquet or Arrow files, for training and for anybody's notebook.
//!
//! Rows are read page by page and written in row groups, so memory stays bounded whatever the length of the log. The file
//! appears under its name only when it is whole.

mod columns;
mod decisions;
mod embeddings;
mod feedback;
mod outcomes;
pub mod read;
mod sink;

use crate::store::{Reader, StoreError};
use arrow::{array::RecordBatch, error::ArrowError};
use parquet::errors::ParquetError;
use sink::Sink;
use std::{
    io,
    path::{Path, PathBuf},
};

/// Rows read and converted at a time.
const PAGE: u32 = 2048;

/// What to export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// One row a decision, its candidates as a list.
    Decisions,
    /// One row a forwarding.
    Outcomes,
    /// One row a request for embeddings.
    Embeddings,
    /// One row a feedback, superseded ones included.
    Feedback,
}

/// How to write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFormat {
    /// Parquet, compressed with zstd.
    Parquet,
    /// Arrow's IPC file format, also known as Feather version 2.
    Arrow,
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exported {
    /// Rows.
    pub rows: u64,
    /// Size of the file.
    pub bytes: u64,
}

/// Why there is no file.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The log can't be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file can't be written.
    #[error("can't write {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A row does not fit the table's schema: its context is of another length.
    #[error("decision {decision} has a context of {found} numbers, the table holds {expected}")]
    Context {
        /// The decision.
        decision: String,
        /// Numbers it has.
        found: usize,
        /// Numbers that fit.
        expected: usize,
    },
    /// The Arrow library failed.
    #[error("can't build the table: {0}")]
    Arrow(#[from] ArrowError),
    /// The Parquet library failed.
    #[error("can't write the table: {0}")]
    Parquet(#[from] ParquetError),
}

/// How many rows [`export`] will write, at this moment.
///
/// # Errors
/// [`StoreError`] when the log can't be read.
pub async fn count(log: &Reader, table: Table) -> Result<u64, StoreError> {
    let counts = log.counts().await?;
    Ok(match table {
        Table::Decisions => counts.decisions,
        Table::Outcomes => counts.outcomes,
        Table::Embeddings => counts.embeddings,
        Table::Feedback => counts.feedback,
    })
}

/// Writes a table to `out`, replacing what is there; `progress` hears how many rows are written so far. Works beside a
/// running service and takes what is committed while it reads.
///
/// # Errors
/// [`ExportError`]; `out` is then left as it was.
pub async fn export(
    log: &Reader,
    table: Table,
    format: FileFormat,
    out: &Path,
    progress: impl Fn(u64),
) -> Result<Exported, ExportError> {
    let mut sink = Sink::create(out, format, &empty(table)?.schema())?;
    let (mut rows, mut after) = (0, 0);
    while let Some((last, batch)) = page(log, table, after).await? {
        sink.write(&batch)?;
        after = last;
        rows += batch.num_rows() as u64;
        progress(rows);
    }
    Ok(Exported { rows, bytes: sink.finish()? })
}

fn empty(table: Table) -> Result<RecordBatch, ExportError> {
    match table {
        Table::Decisions => decisions::batch(&[]),
        Table::Outcomes => outcomes::batch(&[]),
        Table::Embeddings => embeddings::batch(&[]),
        Table::Feedback => feedback::batch(&[]),
    }
}

/// The next rows and the last one's `seq`; `None` at the end.
async fn page(log: &Reader, table: Table, after: u64) -> Result<Option<(u64, RecordBatch)>, ExportError> {
    match table {
        Table::Decisions => convert(&log.decisions_after(after, PAGE).await?, decisions::batch),
        Table::Outcomes => convert(&log.outcomes_after(after, PAGE).await?, outcomes::batch),
        Table::Embeddings => convert(&log.embeddings_after(after, PAGE).await?, embeddings::batch),
        Table::Feedback => convert(&log.feedback_after(after, PAGE).await?, feedback::batch),
    }
}

fn convert<T>(
    rows: &[(u64, T)],
    batch: impl Fn(&[(u64, T)]) -> Result<RecordBatch, ExportError>,
) -> Result<Option<(u64, RecordBatch)>, ExportError> {
    rows.last().map(|(seq, _)| Ok((*seq, batch(rows)?))).transpose()
}

#[cfg(test)]
mod tests;
