//! Objects in JSON, an object a line or in any arrangement.

use super::{Found, Iter, NOT_UTF8, Position, Row};
use anyhow::{Context, Result};
use indicatif::ProgressBar;
use serde_json::{Deserializer, Value};
use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// An object a line; empty lines are skipped.
///
/// # Errors
/// The file can't be opened.
pub(super) fn lines(path: &Path, bar: &ProgressBar) -> Result<Iter> {
    let mut reader = BufReader::new(bar.wrap_read(super::file(path)?));
    let (mut number, mut broken) = (0, false);
    Ok(Box::new(std::iter::from_fn(move || {
        while !broken {
            let mut line = Vec::new();
            number += 1;
            let at = Position::Line(number);
            match reader.read_until(b'\n', &mut line) {
                Ok(0) => return None,
                Ok(_) if line.trim_ascii().is_empty() => {}
                Ok(_) => return Some((at, object(&line))),
                Err(error) => {
                    broken = true;
                    return Some((at, Err(error.to_string())));
                }
            }
        }
        None
    })))
}

fn object(line: &[u8]) -> Result<Row, String> {
    let line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
    let text = std::str::from_utf8(line).map_err(|_| format!("the line is {NOT_UTF8}"))?;
    let value = serde_json::from_str(text).map_err(|e| format!("no JSON object, {}", problem(&e)))?;
    row(value)
}

fn row(value: Value) -> Result<Row, String> {
    match value {
        Value::Object(row) => Ok(row),
        _ => Err("an object with named fields is expected".to_owned()),
    }
}

/// What the parser says and the character where it stopped; the line is told elsewhere.
fn problem(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let said = text.split(" at line ").next().unwrap_or_default();
    format!("{said} at character {} (a number that is missing is written null)", error.column())
}

/// Objects one after the other, and the items of arrays; the file is held in memory.
///
/// # Errors
/// The file can't be read.
pub(super) fn documents(path: &Path, bar: &ProgressBar) -> Result<Iter> {
    let mut bytes = Vec::new();
    bar.wrap_read(super::file(path)?).read_to_end(&mut bytes).context("can't be read")?;
    let text = String::from_utf8(bytes).ok().context(NOT_UTF8)?;
    let mut rows: Vec<Result<Row, String>> = Vec::new();
    for document in Deserializer::from_str(text.trim_start_matches('\u{feff}')).into_iter() {
        match document {
            Ok(Value::Array(items)) => rows.extend(items.into_iter().map(row)),
            Ok(value) => rows.push(row(value)),
            Err(error) => rows.push(Err(format!("no JSON, {} of line {}", problem(&error), error.line()))),
        }
    }
    let found = |(i, row)| -> Found { (Position::Row(i), row) };
    Ok(Box::new((0..).zip(rows).map(found)))
}
