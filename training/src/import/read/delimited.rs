//! CSV and its kin, with a header.

use super::{Found, Iter, NOT_UTF8, Position, Row};
use anyhow::{Context, Result, ensure};
use csv::{ByteRecord, Reader};
use indicatif::ProgressBar;
use serde_json::Value;
use std::{io::Read, path::Path};

/// Bytes read at a time.
const BUFFER: usize = 1 << 16;

/// The header and the rows; every cell is text.
///
/// # Errors
/// The file can't be opened, or its header names a column twice or is not UTF-8.
pub(super) fn rows(
    path: &Path,
    delimiter: u8,
    bar: &ProgressBar,
    keep: &dyn Fn(&str) -> bool,
) -> Result<(Option<Vec<String>>, Iter)> {
    let mut settings = csv::ReaderBuilder::new();
    settings.delimiter(delimiter).flexible(true).buffer_capacity(BUFFER);
    let mut reader = settings.from_reader(bar.wrap_read(super::file(path)?));
    let header = header(&mut reader)?;
    let kept: Vec<(usize, String)> = header.iter().cloned().enumerate().filter(|(_, name)| keep(name)).collect();
    let width = header.len();
    let mut broken = false;
    let rows = std::iter::from_fn(move || {
        if broken {
            return None;
        }
        let found = next(&mut reader, width, &kept);
        broken = found.as_ref().is_some_and(|(_, end)| *end);
        found.map(|(found, _)| found)
    });
    Ok((Some(header), Box::new(rows)))
}

fn header(reader: &mut Reader<impl Read>) -> Result<Vec<String>> {
    let names = reader.byte_headers().context("the header can't be read")?;
    let text = |name: &[u8]| std::str::from_utf8(name).map(|name| name.trim().to_owned());
    let names: Vec<String> = names.iter().map(text).collect::<Result<_, _>>().context(NOT_UTF8)?;
    let twice = names.iter().enumerate().find(|(i, name)| names[..*i].contains(name));
    ensure!(twice.is_none(), "the header names column `{}` twice", twice.map_or("", |(_, name)| name));
    Ok(names)
}

/// The next row, and whether nothing can follow it.
fn next(reader: &mut Reader<impl Read>, width: usize, kept: &[(usize, String)]) -> Option<(Found, bool)> {
    let mut record = ByteRecord::new();
    let line = reader.position().line();
    match reader.read_byte_record(&mut record) {
        Ok(false) => None,
        Ok(true) => {
            let at = Position::Line(record.position().map_or(line, csv::Position::line));
            Some(((at, row(&record, width, kept)), false))
        }
        Err(error) => Some(((Position::Line(line), Err(error.to_string())), true)),
    }
}

fn row(record: &ByteRecord, width: usize, kept: &[(usize, String)]) -> Result<Row, String> {
    if record.len() != width {
        let found = record.len();
        return Err(format!("the row has {found} cells, the header {width}: a quote or a separator is amiss"));
    }
    let cell = |(i, name): &(usize, String)| match std::str::from_utf8(&record[*i]) {
        Ok(text) => Ok((name.clone(), Value::from(text))),
        Err(_) => Err(format!("column `{name}` is {NOT_UTF8}")),
    };
    kept.iter().map(cell).collect()
}
