//! Our own log, as `satisfice export` writes it: decisions, outcomes and feedback in parquet, told apart by their
//! columns.
//!
//! A decision becomes a row for each model that is credited with feedback, as a rule one. Of each source (user, judge,
//! tests) the last word counts, nothing if it was taken back; scores of several sources are averaged, weighted by the
//! inverse of the noise that the service assumes ([`FeedbackSource::noise_variance`]). Verdicts are scores already.
//! Tokens and cost are those of the forwarding that served. `propensity` is that of the chosen model; a fallback has
//! none, since no policy drew it.
//!
//! `query_id` is the decision's id. The log keeps no text, so `query` is empty, unless the decisions have such a
//! column.

mod join;

use super::{Scale, cells::Cells, files::Input, intake::Intake, options::Options, read};
use anyhow::{Result, bail};
use join::{Decision, Log, Said, Served};
use satisfice::domain::FeedbackSource;

const DECISIONS: [&str; 8] = ["id", "task", "chosen", "propensity", "policy", "seq", "query", "split"];
const OUTCOMES: [&str; 7] =
    ["seq", "decision_id", "served_model", "status", "input_tokens", "output_tokens", "cost_usd"];
const FEEDBACK: [&str; 5] = ["seq", "decision_id", "model", "source", "score"];

/// A table of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Table {
    Decisions,
    Outcomes,
    Feedback,
}

impl Table {
    const ALL: [Self; 3] = [Self::Decisions, Self::Outcomes, Self::Feedback];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Decisions => "decisions",
            Self::Outcomes => "outcomes",
            Self::Feedback => "feedback",
        }
    }

    fn of(columns: &[String]) -> Option<Self> {
        let has = |names: &[&str]| names.iter().all(|name| columns.iter().any(|c| c == name));
        // `query` and `split` are not in every log.
        let tables = [has(&DECISIONS[..6]), has(&OUTCOMES), has(&FEEDBACK)];
        Self::ALL.into_iter().zip(tables).find(|(_, fits)| *fits).map(|(table, _)| table)
    }
}

/// Reads the tables and joins them.
pub(super) fn read(inputs: &[Input], options: &Options) -> Vec<Intake> {
    let (mut log, mut found) = (Log::default(), Vec::new());
    let mut intakes = super::each(inputs, |input, intake| {
        let columns = read::shape(input)?.columns;
        let table = Table::of(&columns);
        match table {
            Some(Table::Decisions) => decisions(input, &mut log, intake)?,
            Some(Table::Outcomes) => outcomes(input, &mut log, intake)?,
            Some(Table::Feedback) => feedback(input, &mut log, intake)?,
            None if input.named => bail!("none of the tables that `satisfice export` writes"),
            None => {}
        }
        found.extend(table);
        Ok(())
    });
    let mut joined = Intake::named("the log");
    for absent in Table::ALL.into_iter().filter(|table| !found.contains(table)) {
        let name = absent.as_str();
        joined.fault(
            None,
            None,
            format_args!("no {name} among the files: satisfice export --what {name} --out {name}.parquet"),
        );
    }
    log.join(options, &mut joined);
    intakes.push(joined);
    intakes
}

fn decisions(input: &Input, log: &mut Log, intake: &mut Intake) -> Result<()> {
    read::each(input, &|name| DECISIONS.contains(&name), intake, |cells| {
        let (id, task, chosen) = (cells.text("id"), cells.text("task"), cells.text("chosen"));
        let propensity = cells.score("propensity", Scale::UNIT);
        let optional = |name| cells.optional_text(name);
        let (query, split) = (optional("query").unwrap_or_default(), optional("split").unwrap_or_default());
        let policy = optional("policy");
        let (Some(id), Some(task), Some(chosen)) = (id, task, chosen) else { return };
        log.decided(id, Decision { task, chosen, propensity, policy, query, split });
    })?;
    intake.end(Scale::UNIT, "a propensity is a probability");
    Ok(())
}

fn outcomes(input: &Input, log: &mut Log, intake: &mut Intake) -> Result<()> {
    let take = |cells: &mut Cells<'_>| {
        let (id, model) = (cells.text("decision_id"), cells.text("served_model"));
        let ok = cells.optional_text("status").is_some_and(|status| status == "ok");
        let served = Served {
            rank: (ok, sequence(cells)),
            input_tokens: cells.tokens("input_tokens"),
            output_tokens: cells.tokens("output_tokens"),
            cost_usd: cells.cost("cost_usd"),
        };
        if let (Some(id), Some(model)) = (id, model) {
            log.served(id, model, served);
        }
    };
    read::each(input, &|name| OUTCOMES.contains(&name), intake, take).map(drop)
}

fn feedback(input: &Input, log: &mut Log, intake: &mut Intake) -> Result<()> {
    read::each(input, &|name| FEEDBACK.contains(&name), intake, |cells| {
        let (id, model, source) = (cells.text("decision_id"), cells.text("model"), source(cells));
        let revoked = cells.get("score").is_none();
        let score = if revoked { None } else { cells.score("score", Scale::UNIT) };
        let (Some(id), Some(model), Some(source)) = (id, model, source) else { return };
        log.said(id, Said { seq: sequence(cells), at: cells.at(), model, source, score });
    })?;
    intake.end(Scale::UNIT, "scores in the log run from 0 to 1");
    Ok(())
}

fn source(cells: &mut Cells<'_>) -> Option<FeedbackSource> {
    let name = cells.text("source")?;
    let source = FeedbackSource::ALL.into_iter().find(|source| source.as_str() == name);
    if source.is_none() {
        cells.fault("source", &format!("`{name}` is no source of feedback"));
    }
    source
}

/// The row's place in the log.
fn sequence(cells: &Cells<'_>) -> u64 {
    cells.get("seq").and_then(|seq| seq.as_u64()).unwrap_or_default()
}
