//! Reads the tables that training works on: outcome tables, the task corpus, and our own prompts.

use anyhow::{Context, Result, bail, ensure};
use polars::prelude::{DataFrame, DataType, ParquetReader, SerReader};
use satisfice::{
    domain::{Prompt, Role, TaskType, Turn},
    encoder::fetch::sha256_file,
};
use std::{collections::BTreeMap, path::Path};

/// A labelled prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskRow {
    /// The conversation.
    pub prompt: Prompt,
    /// Its label in the corpus.
    pub label: TaskType,
    /// Where it comes from; held out together.
    pub source: String,
    /// Difficulty level 1 to 5, for our own prompts.
    pub level: Option<u8>,
    /// ISO 639-1.
    pub language: String,
}

/// One outcome: what a model scored on a query.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OutcomeRow {
    /// Index into [`Outcomes::queries`].
    pub query: usize,
    /// Index into [`Outcomes::models`].
    pub model: usize,
    /// 0 to 1.
    pub score: f64,
    /// Output tokens, where known.
    pub output_tokens: Option<f64>,
    /// Input tokens, where known.
    pub input_tokens: Option<f64>,
    /// What the answer cost in USD, where known.
    pub cost_usd: Option<f64>,
}

/// An outcome table.
#[derive(Debug, Clone, Default)]
pub struct Outcomes {
    /// The data set's name.
    pub dataset: String,
    /// SHA-256 of the file.
    pub sha256: String,
    /// Distinct queries.
    pub queries: Vec<String>,
    /// Id of each query.
    pub query_ids: Vec<String>,
    /// Task of each query.
    pub tasks: Vec<String>,
    /// Distinct models.
    pub models: Vec<String>,
    /// Rows.
    pub rows: Vec<OutcomeRow>,
}

fn read(path: &Path) -> Result<DataFrame> {
    let file = std::fs::File::open(path).with_context(|| format!("can't open {}", path.display()))?;
    ParquetReader::new(file).finish().with_context(|| format!("{} is not a parquet file", path.display()))
}

/// A text column; missing values become empty.
fn texts(table: &DataFrame, name: &str, path: &Path) -> Result<Vec<String>> {
    let column = table.column(name).with_context(|| format!("{}: no column `{name}`", path.display()))?;
    let column = column.cast(&DataType::String)?;
    Ok(column.str()?.iter().map(|v| v.unwrap_or_default().to_owned()).collect())
}

fn optional_texts(table: &DataFrame, name: &str, path: &Path, default: &str) -> Result<Vec<String>> {
    if table.column(name).is_ok() { texts(table, name, path) } else { Ok(vec![default.to_owned(); table.height()]) }
}

fn numbers(table: &DataFrame, name: &str, path: &Path) -> Result<Vec<Option<f64>>> {
    let column = table.column(name).with_context(|| format!("{}: no column `{name}`", path.display()))?;
    let column = column.cast(&DataType::Float64)?;
    Ok(column.f64()?.iter().collect())
}

fn optional_numbers(table: &DataFrame, name: &str, path: &Path) -> Result<Vec<Option<f64>>> {
    if table.column(name).is_ok() { numbers(table, name, path) } else { Ok(vec![None; table.height()]) }
}

/// Reads a task corpus: columns `text`, `label`, and `source`, `lang` where present.
///
/// # Errors
/// A column is missing or a label is none of the 17; the row is named.
pub fn task_corpus(path: &Path) -> Result<Vec<TaskRow>> {
    let table = read(path)?;
    let text = texts(&table, "text", path)?;
    let label = texts(&table, "label", path)?;
    let source = optional_texts(&table, "source", path, "unnamed")?;
    let language = optional_texts(&table, "lang", path, "en")?;
    let rows = text.into_iter().zip(label).zip(source).zip(language).enumerate();
    rows.map(|(i, (((text, label), source), language))| {
        let label = label.parse().with_context(|| format!("{} row {i}, column `label`", path.display()))?;
        Ok(TaskRow { prompt: Prompt::user(text), label, source, level: None, language })
    })
    .collect()
}

#[derive(serde::Deserialize)]
struct OwnPrompt {
    messages: Vec<Message>,
    label: TaskType,
    difficulty: u8,
    lang: String,
    author: String,
}

#[derive(serde::Deserialize)]
struct Message {
    role: Role,
    content: String,
}

/// Reads our own prompts (`datasets/prompts/prompts.jsonl`); the source is `own-` and the author.
///
/// # Errors
/// A line is not as `GUIDELINE.md` describes it; the line is named.
pub fn own_prompts(path: &Path) -> Result<Vec<TaskRow>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("can't read {}", path.display()))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(i, line)| {
            let at = || format!("{} line {}", path.display(), i + 1);
            let own: OwnPrompt = serde_json::from_str(line).with_context(at)?;
            ensure!((1..=5).contains(&own.difficulty), "{}: difficulty {} is not 1 to 5", at(), own.difficulty);
            let turns = own.messages.into_iter().map(|m| Turn { role: m.role, text: m.content }).collect();
            Ok(TaskRow {
                prompt: Prompt { turns, ..Prompt::default() },
                label: own.label,
                source: format!("own-{}", own.author),
                level: Some(own.difficulty),
                language: own.lang,
            })
        })
        .collect()
}

/// Rows of an outcome table's `split` that are left out: queries known to be among a compared model's training data.
const CONTAMINATED: &str = "contaminated";

/// Reads an outcome table: `query_id, query, task, model, score` and, where present, `completion_tokens`, `prompt_tokens`,
/// `cost_usd`, `dataset`, `split`.
/// Rows whose split is `contaminated` are left out.
///
/// # Errors
/// A column is missing, or a score is missing or outside 0..1; the row is named.
pub fn outcomes(path: &Path) -> Result<Outcomes> {
    let table = read(path)?;
    let (ids, queries) = (texts(&table, "query_id", path)?, texts(&table, "query", path)?);
    let (tasks, models) = (texts(&table, "task", path)?, texts(&table, "model", path)?);
    let scores = numbers(&table, "score", path)?;
    let output_tokens = optional_numbers(&table, "completion_tokens", path)?;
    let input_tokens = optional_numbers(&table, "prompt_tokens", path)?;
    let costs = optional_numbers(&table, "cost_usd", path)?;
    let splits = optional_texts(&table, "split", path, "")?;
    let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let dataset = optional_texts(&table, "dataset", path, &stem)?.into_iter().next().unwrap_or(stem);
    let mut out = Outcomes { dataset, sha256: sha256_file(path)?, ..Outcomes::default() };
    let (mut query_index, mut model_index) = (BTreeMap::new(), BTreeMap::new());
    for i in (0..table.height()).filter(|&i| splits[i] != CONTAMINATED) {
        let Some(score) = scores[i].filter(|s| (0.0..=1.0).contains(s)) else {
            bail!("{} row {i}: score {:?} is not between 0 and 1", path.display(), scores[i]);
        };
        let query = *query_index.entry(ids[i].clone()).or_insert_with(|| {
            out.queries.push(queries[i].clone());
            out.query_ids.push(ids[i].clone());
            out.tasks.push(tasks[i].clone());
            out.queries.len() - 1
        });
        let model = *model_index.entry(models[i].clone()).or_insert_with(|| {
            out.models.push(models[i].clone());
            out.models.len() - 1
        });
        out.rows.push(OutcomeRow {
            query,
            model,
            score,
            output_tokens: output_tokens[i],
            input_tokens: input_tokens[i],
            cost_usd: costs[i],
        });
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use polars::prelude::{IntoColumn, NamedFrom, ParquetWriter, Series};

    /// Writes a table of three queries and one model; the second query is contaminated.
    fn table(scores: [f64; 3]) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("small.parquet");
        let text = |name: &str, values: [&str; 3]| Series::new(name.into(), values.as_slice()).into_column();
        let columns = vec![
            text("query_id", ["a", "b", "c"]),
            text("query", ["one", "two", "three"]),
            text("task", ["t", "t", "u"]),
            text("model", ["m", "m", "m"]),
            text("split", ["train", "contaminated", "train"]),
            Series::new("score".into(), scores.as_slice()).into_column(),
        ];
        let mut frame = DataFrame::new(3, columns).expect("a frame");
        ParquetWriter::new(std::fs::File::create(&path).expect("a file")).finish(&mut frame).expect("written");
        (folder, path)
    }

    #[test]
    fn contaminated_queries_are_left_out() {
        let (_folder, path) = table([1.0, 0.5, 0.0]);
        let read = outcomes(&path).expect("a table");
        assert_eq!((read.query_ids, read.dataset.as_str()), (vec!["a".to_owned(), "c".to_owned()], "small"));
    }

    #[test]
    fn a_score_off_the_scale_is_refused_with_its_row() {
        let (_folder, path) = table([1.0, 0.5, 1.5]);
        let error = outcomes(&path).expect_err("1.5 is no score").to_string();
        assert!(error.contains("row 2") && error.contains("1.5"), "{error}");
    }
}
