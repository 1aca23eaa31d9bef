//! Scores that are kept apart from the requests they are about.

use super::{
    Scale,
    files::{self, Input},
    intake::Intake,
    read, some_rows,
};
use anyhow::{Result, ensure};
use std::{collections::HashMap, path::Path};

const COLUMNS: [&str; 2] = ["request_id", "score"];

/// Reads a file with the columns `request_id` and `score`: scores from 0 to 1 by request.
///
/// # Errors
/// The file can't be read or lacks a column.
pub(super) fn read(path: &Path, scale: Scale, intake: &mut Intake) -> Result<HashMap<String, f64>> {
    let input = Input { path: path.to_owned(), format: files::format(path, Some(super::Source::Csv))?, named: true };
    let shape = read::shape(&input)?;
    let absent: Vec<&str> = COLUMNS.into_iter().filter(|name| !shape.has(name)).collect();
    ensure!(absent.is_empty(), "no column `{}`: a file of scores has request_id and score", absent.join("`, `"));
    let mut scores = HashMap::new();
    let rows = read::each(&input, &|name| COLUMNS.contains(&name), intake, |cells| {
        let (id, score) = (cells.text("request_id"), cells.score("score", scale));
        let (Some(id), Some(score)) = (id, score) else { return };
        if scores.insert(id.clone(), score).is_some() {
            cells.fault("request_id", &format!("`{id}` is scored twice: keep one of them"));
        }
    })?;
    intake.end(scale, "if scores run otherwise, say how with --score-scale, such as 1..5");
    some_rows(rows)?;
    Ok(scores)
}
