//! The table as a file that appears under its name only when it is whole.

use super::merge::{Mean, Merged, Query, Row};
use anyhow::{Context, Result};
use polars::prelude::{DataFrame, IntoColumn, NamedFrom, ParquetWriter, Series};
use std::{
    ffi::OsString,
    fs::{self, File},
    path::{Path, PathBuf},
};

/// A file in the making; dropped, it is removed.
struct Part(PathBuf);

impl Part {
    /// `out.part` beside `out`.
    fn beside(out: &Path) -> Self {
        let mut name = OsString::from(out);
        name.push(".part");
        Self(name.into())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // After a success there is nothing left to remove.
        let _ = fs::remove_file(&self.0);
    }
}

/// Writes the table to `out`, sorted by query and model, and replaces what is there.
///
/// # Errors
/// The file can't be written; `out` is then left as it was.
pub(super) fn parquet(merged: &Merged, out: &Path) -> Result<()> {
    let part = Part::beside(out);
    write(merged, &part.0).with_context(|| format!("can't write {}", part.0.display()))?;
    fs::rename(&part.0, out).with_context(|| format!("can't write {}", out.display()))
}

fn write(merged: &Merged, path: &Path) -> Result<()> {
    let mut file = File::create(path)?;
    let columns = columns(merged).into_iter().map(IntoColumn::into_column).collect();
    ParquetWriter::new(&mut file).finish(&mut DataFrame::new(merged.rows.len(), columns)?)?;
    Ok(file.sync_all()?)
}

/// The columns of an outcome table; those of a log only where a row has them.
fn columns(merged: &Merged) -> Vec<Series> {
    let rows = || merged.rows.values();
    let mut columns = vec![
        of_query(merged, "dataset", |q| &q.dataset),
        texts("query_id", merged.rows.keys().map(|(id, _)| Some(id.as_str()))),
        of_query(merged, "split", |q| &q.split),
        of_query(merged, "query", |q| &q.text),
        of_query(merged, "task", |q| &q.task),
        texts("model", merged.rows.keys().map(|(_, model)| Some(model.as_str()))),
        Series::new("score".into(), rows().map(|row| row.score.mean().map(|v| v as f32)).collect::<Vec<_>>()),
        numbers(merged, "cost_usd", |row| row.cost_usd),
        tokens(merged, "prompt_tokens", |row| row.prompt_tokens),
        tokens(merged, "completion_tokens", |row| row.completion_tokens),
    ];
    if rows().any(|row| row.propensity.mean().is_some()) {
        columns.push(numbers(merged, "propensity", |row| row.propensity));
    }
    if rows().any(|row| row.policy.is_some()) {
        columns.push(texts("policy", rows().map(|row| row.policy.as_deref())));
    }
    columns
}

fn texts<'a>(name: &str, values: impl Iterator<Item = Option<&'a str>>) -> Series {
    Series::new(name.into(), values.collect::<Vec<_>>())
}

fn of_query(merged: &Merged, name: &str, of: impl Fn(&Query) -> &str) -> Series {
    let query = |id| merged.queries.get(id).map(&of);
    texts(name, merged.rows.keys().map(|(id, _)| query(id)))
}

fn numbers(merged: &Merged, name: &str, of: fn(&Row) -> Mean) -> Series {
    Series::new(name.into(), merged.rows.values().map(|row| of(row).mean()).collect::<Vec<_>>())
}

/// Counts were checked to fit when they were read.
fn tokens(merged: &Merged, name: &str, of: fn(&Row) -> Mean) -> Series {
    let count = |row| of(row).mean().map(|v| v.round() as i32);
    Series::new(name.into(), merged.rows.values().map(count).collect::<Vec<_>>())
}
