//! Writing reports.

use anyhow::{Context, Result};
use std::path::Path;

/// Writes a report as JSON, for people and programs.
///
/// # Errors
/// The file can't be written.
pub fn write_json(path: &Path, report: &impl serde::Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(report)? + "\n";
    std::fs::write(path, text).with_context(|| format!("can't write {}", path.display()))
}
