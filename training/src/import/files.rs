//! Which files to read, and how.

use super::Source;
use anyhow::{Context, Result, bail};
use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

/// How rows lie in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// Separated by commas.
    Csv,
    /// Separated by tabs.
    Tsv,
    /// An object a line.
    JsonLines,
    /// Objects, or arrays of objects.
    Json,
    /// Apache Parquet.
    Parquet,
}

/// A file to read.
#[derive(Debug, Clone)]
pub(super) struct Input {
    pub(super) path: PathBuf,
    pub(super) format: Format,
    /// Given by name, not found in a folder.
    pub(super) named: bool,
}

/// The files that the paths stand for, folders searched in order of names; each file once.
///
/// # Errors
/// A path is not there, a file is of a kind that isn't read, or a folder holds none that is; all of them are told.
pub(super) fn expand(paths: &[PathBuf], source: Source) -> Result<Vec<Input>> {
    let (mut inputs, mut faults, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
    for path in paths {
        match found(path, source) {
            Ok(found) => inputs.extend(found.into_iter().filter(|input| seen.insert(identity(&input.path)))),
            Err(error) => faults.push(format!("{}: {error:#}", path.display())),
        }
    }
    if !faults.is_empty() {
        bail!("{}", faults.join("\n"));
    }
    Ok(inputs)
}

/// Whether two paths lead to one file.
pub(super) fn same(one: &Path, other: &Path) -> bool {
    identity(one) == identity(other)
}

fn identity(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

fn found(path: &Path, source: Source) -> Result<Vec<Input>> {
    if !path.metadata().context("can't be read")?.is_dir() {
        return Ok(vec![Input { path: path.to_owned(), format: format(path, Some(source))?, named: true }]);
    }
    let mut files = Vec::new();
    walk(path, &mut files)?;
    let readable = |path: &PathBuf| format(path, None).ok().filter(|format| formats(source).contains(format));
    let of = |path: &PathBuf| Some(Input { path: path.clone(), format: readable(path)?, named: false });
    let inputs: Vec<Input> = files.iter().filter_map(of).collect();
    if inputs.is_empty() {
        let pickle = files.iter().find(|path| extension(path) == "pkl");
        let hint = pickle.map_or_else(String::new, |path| format!("; {}: {}", path.display(), from_pickle(path)));
        bail!("the folder holds no file that --from {} reads{hint}", source.as_str());
    }
    Ok(inputs)
}

/// Files below a folder, in order of names; links to folders are not followed.
fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        if entry.file_type()?.is_dir() {
            walk(&entry.path(), files)?;
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}

/// Formats that a folder is searched for.
const fn formats(source: Source) -> &'static [Format] {
    match source {
        Source::Csv => &[Format::Csv, Format::Tsv],
        Source::Jsonl => &[Format::JsonLines, Format::Json],
        Source::Routellm => &[Format::Csv, Format::JsonLines, Format::Json, Format::Parquet],
        Source::Routerbench => &[Format::Csv, Format::Parquet],
        Source::SatisficeLog => &[Format::Parquet],
        Source::LitellmLog => &[Format::JsonLines, Format::Json, Format::Csv],
    }
}

/// The format by the file's extension; where that says nothing, the one that the source is named for.
pub(super) fn format(path: &Path, source: Option<Source>) -> Result<Format> {
    Ok(match (extension(path).as_str(), source) {
        ("csv", _) => Format::Csv,
        ("tsv", _) => Format::Tsv,
        ("jsonl" | "ndjson", _) => Format::JsonLines,
        ("json", _) => Format::Json,
        ("parquet", _) => Format::Parquet,
        ("pkl" | "pickle", _) => bail!("{}", from_pickle(path)),
        ("arrow" | "feather", _) => bail!("Arrow files aren't read: write parquet (satisfice export --format parquet)"),
        ("gz" | "zip" | "bz2" | "xz" | "zst", _) => bail!("unpack it first"),
        ("xls" | "xlsx", _) => bail!("spreadsheets aren't read: save it as CSV in UTF-8"),
        (_, Some(Source::Csv)) => Format::Csv,
        (_, Some(Source::Jsonl | Source::LitellmLog)) => Format::JsonLines,
        _ => bail!("of no kind that is read: .csv, .tsv, .jsonl, .json, .parquet"),
    })
}

fn extension(path: &Path) -> String {
    path.extension().and_then(OsStr::to_str).unwrap_or_default().to_lowercase()
}

fn from_pickle(path: &Path) -> String {
    let (from, to) = (path.display(), path.with_extension("csv"));
    format!(
        "a Python pickle isn't read, since reading one runs what is in it; if you trust it: \
         python3 -c \"import pandas as pd; pd.read_pickle('{from}').to_csv('{}', index=False)\"",
        to.display()
    )
}
