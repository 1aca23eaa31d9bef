//! `satisfice-train import`: outcomes from elsewhere as one outcome table (`datasets/outcome-table.md`).
//!
//! | `--from` | what is read |
//! |---|---|
//! | `csv`, `jsonl` | one row per query and model, the table's columns or others named with `--column` |
//! | `routellm` | RouteLLM's evaluation data: answers per benchmark, MT-Bench judgements, contaminated prompts |
//! | `routerbench` | RouterBench's wide table, as CSV or parquet |
//! | `satisfice-log` | decisions, outcomes and feedback as `satisfice export` writes them |
//! | `litellm-log` | LiteLLM's spend logs or `StandardLoggingPayload`s, scores among them or beside them |
//!
//! 1. `files` finds the files, `read` turns each into rows of named cells, whatever its format.
//! 2. One module a source makes `Observation`s of rows; faults are collected, not thrown.
//! 3. `merge` averages duplicates, `write` puts the table in its place in one step.

mod cells;
mod field;
mod files;
mod intake;
mod litellm;
mod long;
mod merge;
mod options;
mod python_list;
mod read;
mod report;
mod routellm;
mod routerbench;
mod satisfice_log;
mod scale;
mod scores;
mod value;
mod wide;
mod write;

pub use field::{Field, Renamed};
pub use options::Source;
pub use scale::Scale;

use anyhow::{Result, bail, ensure};
use files::Input;
use intake::Intake;
use options::Options;
use std::path::PathBuf;

/// Arguments of `import`.
#[derive(Debug, Clone, clap::Args)]
pub struct ImportArgs {
    /// What the files are.
    #[arg(long, value_enum)]
    pub from: Source,
    /// Files, or folders that are searched for files of the right kind.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Where to write the table (parquet).
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Name of the data set; by default the source's, or the file's.
    #[arg(long, value_name = "NAME")]
    pub dataset: Option<String>,
    /// A field that stands in a column of another name, such as `query=prompt` (csv, jsonl, litellm-log).
    #[arg(long = "column", value_name = "FIELD=NAME")]
    pub columns: Vec<Renamed>,
    /// The column that names the task; the same as `--column task=NAME`.
    #[arg(long, value_name = "NAME")]
    pub task_column: Option<String>,
    /// Worst and best score, such as `1..5`; scores are rescaled to 0..1.
    #[arg(long, value_name = "WORST..BEST", allow_hyphen_values = true)]
    pub score_scale: Option<Scale>,
    /// A column that holds a model's scores (routellm, routerbench); without it they are recognised.
    #[arg(long = "model-column", value_name = "NAME")]
    pub model_columns: Vec<String>,
    /// Scores of requests: columns `request_id` and `score` (litellm-log).
    #[arg(long, value_name = "FILE")]
    pub scores: Option<PathBuf>,
}

/// Imports and says what came of it.
///
/// # Errors
/// An argument, a file or a row is not as it should be: everything that is wrong is told at once, with file, row,
/// column and what to do. `out` is then left as it was.
pub fn run(args: &ImportArgs) -> Result<()> {
    for line in import(args)? {
        println!("{line}");
    }
    Ok(())
}

fn import(args: &ImportArgs) -> Result<Vec<String>> {
    let options = Options::new(args)?;
    let inputs = files::expand(&args.paths, args.from)?;
    let mut intakes = gather(&inputs, &options);
    intake::refuse(&intakes)?;
    let mut lines = report::files(&intakes);
    let observations: Vec<_> = intakes.iter_mut().flat_map(Intake::take).collect();
    if observations.is_empty() {
        lines.extend(report::hints(&intakes));
        bail!("no outcome in these files; {} is not written\n{}", args.out.display(), lines.join("\n"));
    }
    // Each decision of a log stands for itself: its propensity is of that one draw.
    let merged = merge::merge(&observations, args.from != Source::SatisficeLog)?;
    write::parquet(&merged, &args.out)?;
    lines.push(report::total(&merged, &args.out));
    lines.extend(report::hints(&intakes));
    lines.extend(report::remarks(&merged));
    Ok(lines)
}

fn gather(inputs: &[Input], options: &Options) -> Vec<Intake> {
    match options.source {
        Source::Csv | Source::Jsonl => each(inputs, |input, intake| long::read(input, options, intake)),
        Source::Routerbench => each(inputs, |input, intake| routerbench::read(input, options, intake)),
        Source::Routellm => routellm::read(inputs, options),
        Source::SatisficeLog => satisfice_log::read(inputs, options),
        Source::LitellmLog => litellm::read(inputs, options),
    }
}

/// Reads file by file; what keeps a file from being read is one of its faults.
fn each(inputs: &[Input], mut read: impl FnMut(&Input, &mut Intake) -> Result<()>) -> Vec<Intake> {
    let one = |input: &Input| {
        let mut intake = Intake::new(input);
        if let Err(error) = read(input, &mut intake) {
            intake.fault(None, None, format_args!("{error:#}"));
        }
        intake
    };
    inputs.iter().map(one).collect()
}

/// Refuses files without any row.
fn some_rows(rows: usize) -> Result<()> {
    ensure!(rows > 0, "holds no rows");
    Ok(())
}

#[cfg(test)]
mod tests;
