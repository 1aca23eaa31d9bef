//! Files as rows of named cells, one by one, whatever their format.

mod columnar;
mod delimited;
mod json;

use super::{
    cells::Cells,
    files::{Format, Input},
    intake::Intake,
    value,
};
use crate::embed::bar;
use anyhow::{Context, Result};
use indicatif::ProgressBar;
use serde_json::{Map, Value};
use std::{
    fmt::{self, Display},
    fs::File,
    path::Path,
};

/// Rows that are looked at to learn which columns a file has.
const SAMPLE: usize = 100;
const NOT_UTF8: &str = "not UTF-8: convert the file first, for example with iconv -f latin1 -t utf-8";

/// Cells by the names of their columns.
pub(super) type Row = Map<String, Value>;

type Found = (Position, Result<Row, String>);
type Iter = Box<dyn Iterator<Item = Found>>;

/// Where a row stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Position {
    /// Line of a text file, from 1; the first one of a row that spans several.
    Line(u64),
    /// Row of a table or item of a list, from 0.
    Row(u64),
}

impl Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(n) => write!(f, "line {n}"),
            Self::Row(n) => write!(f, "row {n}"),
        }
    }
}

/// The columns of a file and its first rows.
#[derive(Debug, Default)]
pub(super) struct Shape {
    pub(super) columns: Vec<String>,
    pub(super) sample: Vec<Row>,
}

impl Shape {
    /// Whether there is such a column, or such a path in one of the first rows.
    pub(super) fn has(&self, name: &str) -> bool {
        self.columns.iter().any(|c| c == name) || self.sample.iter().any(|row| get(row, name).is_some())
    }
}

/// The cell of a column, or at a path with dots; missing and null are the same. Objects that are kept as text are
/// opened.
pub(super) fn get(row: &Row, name: &str) -> Option<Value> {
    let found = row.get(name).cloned().or_else(|| {
        let (head, path) = name.split_once('.')?;
        match value::unfolded(row.get(head)?).as_ref() {
            Value::Object(inner) => get(inner, path),
            _ => None,
        }
    });
    found.filter(|v| !v.is_null())
}

/// Learns what a file holds from its header and its first rows.
///
/// # Errors
/// The file can't be opened or is not of its format.
pub(super) fn shape(input: &Input) -> Result<Shape> {
    let hidden = ProgressBar::hidden();
    if input.format == Format::Parquet {
        return columnar::shape(&input.path);
    }
    let (columns, rows) = open(input, &hidden, &|_| true)?;
    let sample: Vec<Row> = rows.take(SAMPLE).filter_map(|(_, row)| row.ok()).collect();
    let columns = columns.unwrap_or_else(|| {
        let names: std::collections::BTreeSet<&String> = sample.iter().flat_map(Map::keys).collect();
        names.into_iter().cloned().collect()
    });
    Ok(Shape { columns, sample })
}

/// Hands every row of a file on and says how many there were; `keep` chooses columns where a format has them. Rows that
/// can't be read become faults.
///
/// # Errors
/// The file can't be opened or is not of its format.
pub(super) fn each(
    input: &Input,
    keep: &dyn Fn(&str) -> bool,
    intake: &mut Intake,
    mut take: impl FnMut(&mut Cells<'_>),
) -> Result<usize> {
    let name = input.path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let bar = bar(input.path.metadata().map_or(0, |m| m.len()), &format!("reading {name}"));
    let mut count = 0;
    for (at, row) in open(input, &bar, keep)?.1 {
        count += 1;
        match row {
            Ok(row) => take(&mut Cells::new(intake, at, &row)),
            Err(problem) => intake.fault(Some(at), None, problem),
        }
    }
    bar.finish_and_clear();
    Ok(count)
}

/// The header, where the format has one, and the rows.
fn open(input: &Input, bar: &ProgressBar, keep: &dyn Fn(&str) -> bool) -> Result<(Option<Vec<String>>, Iter)> {
    let path = &input.path;
    match input.format {
        Format::Csv => delimited::rows(path, b',', bar, keep),
        Format::Tsv => delimited::rows(path, b'\t', bar, keep),
        Format::JsonLines => Ok((None, json::lines(path, bar)?)),
        Format::Json => Ok((None, json::documents(path, bar)?)),
        Format::Parquet => Ok((None, columnar::rows(path, bar, keep)?)),
    }
}

fn file(path: &Path) -> Result<File> {
    File::open(path).context("can't be opened")
}
