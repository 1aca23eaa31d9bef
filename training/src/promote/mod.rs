//! `satisfice-train promote`: whether another classifier should serve, judged on the service's own log; letting it serve, and
//! taking it back.
//!
//! The log keeps no prompt and no whole embedding, only the context of 30 numbers that the posterior sees: heads can't be run on
//! it again. So the prompts come from the operator (`--prompts`), and a prompt counts only if the serving classifier makes of it
//! what the log says.

pub mod again;
pub mod prompts;
pub mod verdict;

use crate::{
    embed::Embedder,
    ope::Decision as Choice,
    output::write_json,
    replay::log::{self, Place},
};
use again::Readings;
use anyhow::{Context, Result, bail, ensure};
use prompts::Prompts;
use satisfice::{
    catalog::Catalog,
    classifier::{Classification, Classifier, Shelf, Shelved, heads::Inputs, shelf::SHELF},
    domain::{Decision, Prompt},
    encoder::{Manifest, visible_text},
    router::Fleet,
};
use serde_json::json;
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};
use verdict::{Question, Verdict, Versions, judge};

/// Exit status where the gate refuses, or where `--check` finds that what serves should be taken back.
pub const REFUSED: u8 = 2;

/// Arguments of `promote`.
#[derive(Debug, Clone, clap::Args)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["artefact", "rollback", "check"]))]
pub struct PromoteArgs {
    /// Folder of the classifier that might serve, as `fit --out` writes it.
    #[arg(long)]
    pub artefact: Option<PathBuf>,
    /// Bring back the classifier that served before.
    #[arg(long)]
    pub rollback: bool,
    /// Judge whether the one that serves should be taken back.
    #[arg(long)]
    pub check: bool,
    /// The service's log: its data folder, the database file in it, or a folder of exported tables (then with --into).
    #[arg(long, required_unless_present = "into")]
    pub log: Option<PathBuf>,
    /// Prompts of logged requests (JSON lines): `decision_id` or `request_id`, and `messages`. The log keeps none.
    #[arg(long)]
    pub prompts: Vec<PathBuf>,
    /// Only decisions of this scope.
    #[arg(long)]
    pub scope: Option<String>,
    /// Your own catalogue, `[catalog] file` of the service.
    #[arg(long)]
    pub catalog: Option<PathBuf>,
    /// Where the service looks for classifiers, its `encoder.classifier_dir`; by default `classifier` in the log's folder.
    #[arg(long)]
    pub into: Option<PathBuf>,
    /// Judge only.
    #[arg(long)]
    pub dry_run: bool,
    /// Where to write the verdict.
    #[arg(long)]
    pub json: Option<PathBuf>,
    /// Folder of the embedding cache.
    #[arg(long)]
    pub cache: Option<PathBuf>,
}

/// Judges and, if the gate allows it, lets the classifier serve; or takes back. Whether what was asked for was done, or may be.
///
/// # Errors
/// Log, prompts or artefact can't be read or don't fit, or nothing is left to judge on.
pub fn run(args: &PromoteArgs) -> Result<bool> {
    let (shelf, encoder) = (shelf(args)?, Manifest::builtin().encoder_id());
    if args.rollback {
        ensure!(!args.dry_run, "--dry-run goes with --artefact; --check judges whether to roll back");
        let pointer = shelf.roll_back(&encoder)?;
        println!("{} serves again. {RESTART}", pointer.serving);
        return Ok(true);
    }
    let serving = shelf.serving(&encoder)?;
    let (other, question) = other(args, &shelf, &encoder)?;
    let log_path = args.log.as_ref().context("--log is needed: what is judged is judged on the service's log")?;
    ensure!(!args.prompts.is_empty(), "{NO_PROMPTS}");
    let prompts = Prompts::read(&args.prompts)?;
    let read = log::read_decisions(log_path, args.scope.as_deref())?;
    let versions = Versions { serving: serving.version().to_owned(), other: other.version().to_owned() };
    let verdict = judge(read, &fleet(args.catalog.as_deref())?, question, versions, |decisions| {
        readings(decisions, &prompts, &serving, &other, args.cache.as_deref())
    })?;
    print!("{}", render(&verdict, question));
    let passed = match question {
        Question::Promotion => verdict.ruling.decision == Choice::Promote,
        Question::Rollback => verdict.ruling.decision != Choice::RollBack,
    };
    if let Some(artefact) = args.artefact.as_ref().filter(|_| passed && !args.dry_run) {
        let pointer = shelf.promote(artefact, &encoder, &record(&verdict, log_path)?)?;
        println!("{} serves now, in {}. {RESTART}", pointer.serving, shelf.folder().display());
    }
    if let Some(path) = &args.json {
        write_json(path, &verdict)?;
    }
    Ok(passed)
}

const RESTART: &str = "A service that runs takes it at its next start: restart it.";
const NO_PROMPTS: &str = "--prompts is needed: the log keeps no prompt and no whole embedding, so that a decision can't be made \
    again from it alone. Give the prompts that your application kept, one JSON object a line with decision_id or request_id, and \
    messages";

fn shelf(args: &PromoteArgs) -> Result<Shelf> {
    if let Some(folder) = &args.into {
        return Ok(Shelf::new(folder));
    }
    let log = args.log.as_ref().context("give --log or --into")?;
    match Place::of(log)? {
        Place::Database(file) => Ok(Shelf::new(file.parent().unwrap_or(Path::new("")).join(SHELF))),
        Place::Tables(_) => bail!("exported tables don't say where the service is: give --into DATA_DIR/{SHELF}"),
    }
}

/// What is compared with the classifier that serves.
fn other(args: &PromoteArgs, shelf: &Shelf, encoder: &str) -> Result<(Classifier, Question)> {
    let pointer = shelf.pointer()?;
    if let Some(artefact) = &args.artefact {
        let name = Shelf::name_of(artefact, encoder).with_context(|| artefact.display().to_string())?;
        let other = Classifier::load(artefact, encoder)?;
        let builtin = pointer.serving == Shelved::Builtin && other.version() == Classifier::builtin(encoder)?.version();
        ensure!(name != pointer.serving && !builtin, "{} is what serves already", artefact.display());
        return Ok((other, Question::Promotion));
    }
    let previous =
        pointer.previous.with_context(|| format!("{} serves, and there is no previous one", pointer.serving))?;
    Ok((shelf.load(&previous, encoder)?, Question::Rollback))
}

fn fleet(overlay: Option<&Path>) -> Result<Fleet> {
    let mut catalog = Catalog::builtin()?;
    if let Some(path) = overlay {
        let text = std::fs::read_to_string(path).with_context(|| format!("can't read {}", path.display()))?;
        catalog = catalog.merge(&text, &path.display().to_string())?;
    }
    // Who may be chosen stands in the log; abilities and prices don't depend on it.
    Ok(Fleet::new(&catalog, &BTreeSet::new()))
}

/// Reads the prompts of decisions with both classifiers.
fn readings(
    decisions: &[&Decision],
    prompts: &Prompts,
    serving: &Classifier,
    other: &Classifier,
    cache: Option<&Path>,
) -> Result<Vec<Option<Readings>>> {
    let known: Vec<Option<Prompt>> = decisions.iter().map(|decision| prompts.of(decision)).collect();
    let present: Vec<&Prompt> = known.iter().flatten().collect();
    if present.is_empty() {
        return Ok(vec![None; decisions.len()]);
    }
    let inputs: Vec<(Inputs, _)> = Embedder::open(cache)?.inputs(&present, "prompts of the log")?;
    let read = |classifier: &Classifier, prompt: &Prompt, encoding| -> Classification {
        classifier.classify(prompt, &visible_text(prompt), encoding)
    };
    let mut encodings = inputs.iter().map(|(_, encoding)| encoding);
    let both = known.iter().map(|prompt| {
        let (prompt, encoding) = (prompt.as_ref()?, encodings.next()?);
        Some(Readings { serving: read(serving, prompt, encoding), other: read(other, prompt, encoding) })
    });
    Ok(both.collect())
}

/// What is kept beside a promoted artefact.
fn record(verdict: &Verdict, log: &Path) -> Result<String> {
    let at = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    let at_ms = u64::try_from(at).unwrap_or(u64::MAX);
    let record = json!({ "at_ms": at_ms, "log": log.display().to_string(), "verdict": verdict });
    Ok(serde_json::to_string_pretty(&record)? + "\n")
}

fn render(verdict: &Verdict, question: Question) -> String {
    let Verdict { serving, other, basis, figures, ruling, .. } = verdict;
    let mut out = format!("serving {serving}\nagainst {other}\n");
    out += &format!(
        "{} decisions, {} with a score; left out: {} without a prompt, {} not reproduced from it, {} of another classifier, {} \
         without a choice\n",
        basis.decisions,
        basis.scored,
        basis.without_prompt,
        basis.not_reproduced,
        basis.other_classifier,
        basis.without_choice
    );
    out += &format!(
        "it would have chosen otherwise in {:.1} % of decisions; they count as {:.0}\n",
        100.0 * figures.changed,
        figures.support.effective_sample_size
    );
    let says = match (question, ruling.decision) {
        (Question::Promotion, Choice::Promote) => "promote",
        (Question::Promotion, _) => "REFUSED: what serves stays",
        (Question::Rollback, Choice::RollBack) => "ROLL BACK: satisfice-train promote --rollback",
        (Question::Rollback, _) => "keep what serves",
    };
    out += &format!("{says}\n");
    verdict.reasons.iter().chain(&verdict.remedies).for_each(|line| out += &format!("  {line}\n"));
    out
}

#[cfg(test)]
mod tests;
