//! Rows that were acknowledged and may not be in the database yet: lines in two files beside it, which take turns.
//!
//! A line is written in microseconds and outlives the process, so that no answer waits for SQLite, and the writer can put
//! many rows into one transaction. Each line has a number; the transaction that takes it over notes the number in the table
//! `meta`, so that a start takes over the rest, and nothing twice. A file is emptied once all of its lines are in the
//! database and the other one is written to.

use super::StoreError;
use crate::domain::{Decision, Outcome};
use serde::{Deserialize, Serialize};
use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Bytes after which the other file's turn comes, if it is empty.
const TURN_BYTES: u64 = 4 << 20;
/// Hexadecimal digits of a line's number, with the space after it.
const NUMBER: usize = 17;

/// What a line holds.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Entry {
    Decision(Box<Decision>),
    Outcome(Box<Outcome>),
}

/// The same, to be written.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum EntryRef<'a> {
    Decision(&'a Decision),
    Outcome(&'a Outcome),
}

impl<'a> From<&'a Decision> for EntryRef<'a> {
    fn from(decision: &'a Decision) -> Self {
        Self::Decision(decision)
    }
}

impl<'a> From<&'a Outcome> for EntryRef<'a> {
    fn from(outcome: &'a Outcome) -> Self {
        Self::Outcome(outcome)
    }
}

/// The files, open for writing.
#[derive(Debug)]
pub(super) struct Journal {
    paths: [PathBuf; 2],
    pages: Mutex<Pages>,
}

#[derive(Debug)]
struct Pages {
    /// The file whose turn it is.
    file: File,
    turn: usize,
    /// Bytes in it.
    bytes: u64,
    /// The number of the last line written.
    written: u64,
    /// The number of the last line that is in the database.
    committed: u64,
    /// The last number in the other file, while not all of it is in the database.
    other: Option<u64>,
}

/// The files' turn, held by whoever writes a line.
pub(super) struct Turn<'a> {
    journal: &'a Journal,
    pages: MutexGuard<'a, Pages>,
}

impl Journal {
    /// Opens the files beside the database at `path` and empties them. What they held must be in the database:
    /// see [`Journal::left`]. Numbers go on after `committed`.
    ///
    /// # Errors
    /// What the file system says.
    pub(super) fn open(path: &Path, committed: u64) -> Result<Self, StoreError> {
        let paths = paths(path);
        let [first, second] = [&paths[0], &paths[1]].map(|path| emptied(path).map_err(at(path)));
        second?;
        let pages = Pages { file: first?, turn: 0, bytes: 0, written: committed, committed, other: None };
        Ok(Self { paths, pages: Mutex::new(pages) })
    }

    /// What an earlier process left: entries after number `committed` with their numbers, in their order. A last line that was
    /// cut off was not acknowledged. Other lines that can't be read, as a loss of power may leave them, are left out, and a
    /// copy of their file is kept.
    ///
    /// # Errors
    /// What the file system says.
    pub(super) fn left(path: &Path, committed: u64) -> Result<Vec<(u64, Entry)>, StoreError> {
        let mut left = Vec::new();
        for path in paths(path) {
            match fs::read(&path) {
                Ok(text) => left.extend(read(&path, &text)?),
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(e) => return Err(at(&path)(e)),
            }
        }
        left.retain(|(number, _)| *number > committed);
        left.sort_by_key(|(number, _)| *number);
        Ok(left)
    }

    /// Waits for its turn to write.
    pub(super) fn turn(&self) -> Turn<'_> {
        Turn { journal: self, pages: self.lock() }
    }

    /// Whether every line is in the database.
    pub(super) fn is_settled(&self) -> bool {
        let pages = self.lock();
        pages.written == pages.committed
    }

    /// All lines up to this number are in the database.
    pub(super) fn committed(&self, number: u64) {
        let mut pages = self.lock();
        pages.committed = pages.committed.max(number);
        if pages.other.is_some_and(|last| last <= number) {
            match emptied(&self.paths[1 - pages.turn]) {
                Ok(_) => pages.other = None,
                Err(error) => tracing::warn!(%error, "a file of the journal can't be emptied; it will be tried again"),
            }
        }
    }

    /// Empties both files, if all is in the database.
    pub(super) fn finish(&self) -> io::Result<()> {
        let pages = self.lock();
        if pages.written == pages.committed {
            self.paths.iter().try_for_each(|path| emptied(path).map(drop))
        } else {
            Ok(())
        }
    }

    /// Lines are written whole or taken back, so a panic elsewhere does no harm.
    fn lock(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lines to be: entries as text, with room for their numbers.
#[derive(Default)]
pub(super) struct Lines {
    text: Vec<u8>,
    starts: Vec<usize>,
}

impl Lines {
    /// One line more: an entry, whose numbers must be finite.
    ///
    /// # Errors
    /// [`StoreError::Unstorable`] for what has no JSON.
    pub(super) fn and<'a>(mut self, entry: impl Into<EntryRef<'a>>) -> Result<Self, StoreError> {
        let Self { text, starts } = &mut self;
        starts.push(text.len());
        text.reserve(1 << 11);
        text.resize(text.len() + NUMBER, b' ');
        let unstorable = |e: serde_json::Error| StoreError::Unstorable { what: "entry", value: e.to_string() };
        serde_json::to_writer(&mut *text, &entry.into()).map_err(unstorable)?;
        text.push(b'\n');
        Ok(self)
    }
}

impl Turn<'_> {
    /// Writes lines; the number of the first, after which they count on. When this returns, the operating system has them.
    ///
    /// # Errors
    /// What the file system says; nothing was written then.
    pub(super) fn write(&mut self, Lines { mut text, starts }: Lines) -> Result<u64, StoreError> {
        self.take_turns()?;
        let path = &self.journal.paths[self.pages.turn];
        let first = self.pages.written + 1;
        for (number, start) in (first..).zip(&starts) {
            text[*start..start + NUMBER - 1].copy_from_slice(format!("{number:016x}").as_bytes());
        }
        if let Err(error) = self.pages.file.write_all(&text) {
            // Half a line would swallow the next one.
            self.pages.file.set_len(self.pages.bytes).map_err(at(path))?;
            return Err(at(path)(error));
        }
        self.pages.bytes += text.len() as u64;
        self.pages.written += starts.len() as u64;
        Ok(first)
    }

    fn take_turns(&mut self) -> Result<(), StoreError> {
        let (pages, paths) = (&mut *self.pages, &self.journal.paths);
        if pages.bytes < TURN_BYTES || pages.other.is_some() {
            return Ok(());
        }
        let turn = 1 - pages.turn;
        pages.file = emptied(&paths[turn]).map_err(at(&paths[turn]))?;
        (pages.turn, pages.bytes, pages.other) = (turn, 0, Some(pages.written));
        Ok(())
    }
}

/// An empty file, appended to.
fn emptied(path: &Path) -> io::Result<File> {
    let file = File::options().create(true).append(true).open(path)?;
    file.set_len(0)?;
    Ok(file)
}

fn paths(database: &Path) -> [PathBuf; 2] {
    ["-pending.1", "-pending.2"].map(|ending| {
        let mut name = OsString::from(database);
        name.push(ending);
        PathBuf::from(name)
    })
}

fn at(path: &Path) -> impl Fn(io::Error) -> StoreError {
    move |source| StoreError::Io { path: path.to_owned(), source }
}

fn read(path: &Path, text: &[u8]) -> Result<Vec<(u64, Entry)>, StoreError> {
    let whole = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
    let lines = text[..whole].split_inclusive(|&byte| byte == b'\n').map(entry);
    let (good, bad): (Vec<_>, Vec<_>) = lines.partition(Result::is_ok);
    if let Some(Err(problem)) = bad.first() {
        let mut copy = OsString::from(path);
        copy.push(".unreadable");
        fs::copy(path, &copy).map_err(at(path))?;
        let (path, lines) = (path.display(), bad.len());
        tracing::error!(%path, lines, problem, "lines can't be read and are left out; the file is kept as .unreadable");
    }
    Ok(good.into_iter().flatten().collect())
}

fn entry(line: &[u8]) -> Result<(u64, Entry), String> {
    let (number, json) = line.split_at_checked(NUMBER).ok_or("it is too short")?;
    let number = str::from_utf8(number).ok().and_then(|number| u64::from_str_radix(number.trim_end(), 16).ok());
    let entry = serde_json::from_slice(json).map_err(|e| e.to_string())?;
    Ok((number.ok_or("it has no number")?, entry))
}

#[cfg(test)]
mod tests;
