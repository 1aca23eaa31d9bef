//! Every source on small files, and everything that can be wrong with them.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod bad_input;
mod laws;
mod logs;
mod long;
mod wide;

use super::{
    Source,
    files::{Format, Input},
    import,
    read::{self, Row},
};
use clap::Parser;
use polars::prelude::{DataFrame, IntoColumn, ParquetWriter, Series};
use std::{fs, path::PathBuf};
use tempfile::TempDir;

/// The command line.
#[derive(Debug, Parser)]
struct Cli {
    #[command(flatten)]
    args: super::ImportArgs,
}

/// A folder of files to import, and the table beside them.
struct Case {
    folder: TempDir,
    paths: Vec<PathBuf>,
    arguments: Vec<String>,
}

impl Case {
    fn new(from: Source) -> Self {
        let arguments = ["import", "--from", from.as_str()].map(str::to_owned).into();
        Self { folder: tempfile::tempdir().unwrap(), paths: Vec::new(), arguments }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts a file there without naming it.
    fn beside(self, name: &str, bytes: impl AsRef<[u8]>) -> Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
        self
    }

    /// Puts a file there and names it.
    fn file(self, name: &str, bytes: impl AsRef<[u8]>) -> Self {
        self.beside(name, bytes).named(name)
    }

    fn named(mut self, name: &str) -> Self {
        self.paths.push(self.path(name));
        self
    }

    fn with(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(|a| (*a).to_owned()));
        self
    }

    fn out(&self) -> PathBuf {
        self.path("out/table.parquet")
    }

    fn args(&self) -> Result<super::ImportArgs, clap::Error> {
        let mut line = self.arguments.clone();
        line.extend(["--out".to_owned(), self.out().display().to_string()]);
        line.extend(self.paths.iter().map(|path| path.display().to_string()));
        Cli::try_parse_from(line).map(|cli| cli.args)
    }

    /// What is said about a successful import.
    fn lines(&self) -> Vec<String> {
        fs::create_dir_all(self.out().parent().unwrap()).unwrap();
        import(&self.args().unwrap()).unwrap()
    }

    /// The rows of the table.
    fn rows(&self) -> Vec<Row> {
        self.lines();
        table(self.out())
    }

    /// Ids, models and scores of the table.
    fn scores(&self) -> Vec<(String, String, f64)> {
        let text = |row: &Row, name: &str| row[name].as_str().unwrap().to_owned();
        self.rows().iter().map(|row| (text(row, "query_id"), text(row, "model"), number(row, "score"))).collect()
    }

    /// Why nothing is written, the folder's name taken out.
    fn error(&self) -> String {
        fs::create_dir_all(self.out().parent().unwrap()).unwrap();
        let error = format!("{:#}", import(&self.args().unwrap()).unwrap_err());
        assert_eq!(fs::read_dir(self.out().parent().unwrap()).unwrap().count(), 0, "nothing is left behind");
        error.replace(&format!("{}/", self.folder.path().display()), "")
    }
}

/// The first rows of a parquet file.
fn table(path: PathBuf) -> Vec<Row> {
    read::shape(&Input { path, format: Format::Parquet, named: true }).unwrap().sample
}

/// A parquet file.
fn parquet(columns: Vec<Series>) -> Vec<u8> {
    let height = columns[0].len();
    let mut table = DataFrame::new(height, columns.into_iter().map(IntoColumn::into_column).collect()).unwrap();
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes).finish(&mut table).unwrap();
    bytes
}

fn number(row: &Row, name: &str) -> f64 {
    row[name].as_f64().unwrap()
}

fn triple(id: &str, model: &str, score: f64) -> (String, String, f64) {
    (id.to_owned(), model.to_owned(), score)
}
