//! RouteLLM's evaluation data (Ong et al. 2024, arXiv 2406.18665; `routellm/evals` of `lm-sys/RouteLLM`).
//!
//! | file | recognised by | becomes |
//! |---|---|---|
//! | `gsm8k_responses.csv`, `mmlu_SUBJECT.csv` | `prompt`, a column per model: True or False, or 0 to 1 | a row per model |
//! | `judgements.jsonl` | `question_id`, `model`, `score` 1 to 10 | the mean over turns, rescaled, one row per model |
//! | `question.jsonl` | `question_id`, `turns` | the first turn, as RouteLLM routes on it alone |
//! | `contaminated_prompts.jsonl` | `eval_prompt` | the split `contaminated` of those prompts |
//!
//! Any of them may be CSV, JSON, JSON lines or parquet. Columns `MODEL_response` are not read. Give the folder, or
//! files: what belongs to them is looked for beside them and one folder up. Everything that is not contaminated is of
//! the split `test`.

mod answers;
mod mt_bench;

use super::{
    files::{self, Input},
    intake::Intake,
    merge::CONTAMINATED,
    options::Options,
    read::{self, Shape},
};
use anyhow::{Result, ensure};
use mt_bench::Question;
use std::collections::{HashMap, HashSet};

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Answers,
    Judgements,
    Questions,
    Contaminated,
}

impl Kind {
    /// `None` for a file of something else. One that nobody named must have a column of scores to be taken for answers.
    fn of(shape: &Shape, named: bool) -> Option<Self> {
        let has = |names: &[&str]| names.iter().all(|name| shape.has(name));
        let kinds = [
            (Self::Judgements, has(&["question_id", "model", "score"])),
            (Self::Questions, has(&["question_id", "turns"])),
            (Self::Contaminated, has(&["eval_prompt"])),
            (Self::Answers, has(&["prompt"]) && (named || !answers::guess(shape, None).is_empty())),
        ];
        kinds.into_iter().find(|(_, fits)| *fits).map(|(kind, _)| kind)
    }
}

/// What files say about each other's prompts.
#[derive(Debug, Default)]
struct Context {
    contaminated: HashSet<String>,
    questions: HashMap<String, Question>,
}

impl Context {
    fn split(&self, prompts: &[String]) -> String {
        let seen = prompts.iter().any(|prompt| self.contaminated.contains(prompt));
        if seen { CONTAMINATED } else { "test" }.to_owned()
    }
}

/// A file, what it holds, and what comes of it.
struct Opened {
    input: Input,
    found: Option<(Kind, Shape)>,
    intake: Intake,
}

/// Reads files that belong together.
pub(super) fn read(inputs: &[Input], options: &Options) -> Vec<Intake> {
    let mut context = Context::default();
    let mut files: Vec<Opened> = with_neighbours(inputs).into_iter().map(open).collect();
    for Opened { input, found, intake } in &mut files {
        guard(intake, |intake| match found {
            Some((Kind::Questions, _)) => mt_bench::questions(input, &mut context, intake),
            Some((Kind::Contaminated, _)) => contaminated(input, &mut context, intake),
            _ => Ok(()),
        });
    }
    for Opened { input, found, intake } in &mut files {
        guard(intake, |intake| match found {
            Some((Kind::Answers, shape)) => answers::read(input, shape, &context, options, intake),
            Some((Kind::Judgements, _)) => mt_bench::judgements(input, &context, options, intake),
            _ => Ok(()),
        });
    }
    files.into_iter().map(|file| file.intake).collect()
}

fn guard(intake: &mut Intake, read: impl FnOnce(&mut Intake) -> Result<()>) {
    if let Err(error) = read(intake) {
        intake.fault(None, None, format_args!("{error:#}"));
    }
}

fn open(input: Input) -> Opened {
    let mut intake = Intake::new(&input);
    let mut found = None;
    guard(&mut intake, |_| {
        found = recognise(&input)?;
        Ok(())
    });
    Opened { input, found, intake }
}

/// Learns what a file holds; one that was found in a folder may hold anything.
fn recognise(input: &Input) -> Result<Option<(Kind, Shape)>> {
    let shape = read::shape(input)?;
    let kind = Kind::of(&shape, input.named);
    if input.named {
        ensure!(!shape.columns.is_empty(), "holds no columns");
        let there = shape.columns.join("`, `");
        let expected = "answers (`prompt` and a column per model) or judgements (`question_id`, `model`, `score`)";
        ensure!(kind.is_some(), "{expected} are expected; the columns are `{there}`");
    }
    Ok(kind.map(|kind| (kind, shape)))
}

/// The files and what lies beside them.
fn with_neighbours(inputs: &[Input]) -> Vec<Input> {
    let mut all = inputs.to_vec();
    let folders = inputs.iter().flat_map(|input| input.path.ancestors().skip(1).take(2));
    for path in folders.flat_map(|f| ["contaminated_prompts.jsonl", "question.jsonl"].map(|name| f.join(name))) {
        if path.is_file() && !all.iter().any(|known| files::same(&known.path, &path)) {
            all.push(Input { path, format: files::Format::JsonLines, named: false });
        }
    }
    all
}

fn contaminated(input: &Input, context: &mut Context, intake: &mut Intake) -> Result<()> {
    let take = |cells: &mut super::cells::Cells<'_>| context.contaminated.extend(cells.text("eval_prompt"));
    read::each(input, &|name| name == "eval_prompt", intake, take).map(drop)
}
