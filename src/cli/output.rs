//! Printing: text, JSON, tables, progress.

use anyhow::Context;
use comfy_table::{Cell, CellAlignment, LineStyle, Table, TableStyle};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::io::{self, ErrorKind, Read, Write};

/// A line below the header, nothing else.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// Prints a result. A reader that has seen enough, such as `head`, is no fault.
///
/// # Errors
/// Standard output can't be written.
pub(super) fn print(text: &str) -> anyhow::Result<()> {
    let end = if text.ends_with('\n') { "" } else { "\n" };
    let mut out = io::stdout().lock();
    match write!(out, "{text}{end}").and_then(|()| out.flush()) {
        Err(e) if e.kind() == ErrorKind::BrokenPipe => Ok(()),
        done => done.context("can't write to standard output"),
    }
}

/// Prints a result as JSON.
///
/// # Errors
/// Standard output can't be written.
pub(super) fn print_json(value: &impl Serialize) -> anyhow::Result<()> {
    print(&serde_json::to_string_pretty(value)?)
}

/// Says something beside the result.
pub(super) fn note(text: &str) {
    // With standard error gone there is nobody to tell.
    let _ = writeln!(io::stderr(), "{text}");
}

/// A table of right-aligned columns, except those named in `left`.
pub(super) fn table(header: &[&str], left: &[usize], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(STYLE).set_header(header).add_rows(rows.into_iter().map(|row| row.into_iter().map(Cell::new)));
    for (i, column) in table.column_iter_mut().enumerate() {
        let side = if left.contains(&i) { CellAlignment::Left } else { CellAlignment::Right };
        column.set_cell_alignment(side);
    }
    table.trim_fmt()
}

/// A bar with counts and time left; drawn on a terminal only.
pub(super) fn progress(what: &'static str, length: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg:12} {bar:36} {human_pos}/{human_len} {per_sec} {eta}");
    ProgressBar::new(length).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())).with_message(what)
}

/// Reads standard input to its end.
///
/// # Errors
/// It can't be read, or is not UTF-8.
pub(super) fn stdin() -> anyhow::Result<String> {
    let mut text = String::new();
    io::stdin().read_to_string(&mut text).context("can't read standard input")?;
    Ok(text)
}

/// A name that fits a narrow column: without its vendor.
pub(super) fn short(model: &str) -> &str {
    model.split_once('/').map_or(model, |(_, name)| name)
}

/// A share as a whole percentage; what is there but below one shows as `<1%`.
pub(super) fn percent(part: f64, whole: f64) -> String {
    match 100.0 * part / whole {
        share if !share.is_finite() || share == 0.0 => "·".to_owned(),
        share if share < 1.0 => "<1%".to_owned(),
        share => format!("{share:.0}%"),
    }
}
