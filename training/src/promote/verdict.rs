//! Whether another classifier should serve, in figures and words.

use super::again::{self, Readings};
use crate::{
    ope::{Comparison, Decision as Choice, Interval, Party, Reason, Refusal, Ruling, rule},
    replay::{
        PolicyReport,
        log::{Logged, Read},
        policy::Variant,
        try_policy,
    },
};
use anyhow::{Result, ensure};
use satisfice::{domain::Decision, router::Fleet};
use serde::Serialize;

/// What was judged on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Basis {
    /// Decisions judged on.
    pub decisions: usize,
    /// Those with a score.
    pub scored: usize,
    /// Left out: another classifier than the one that serves had read the prompt.
    pub other_classifier: usize,
    /// Left out: no prompt was given.
    pub without_prompt: usize,
    /// Left out: the prompt with the serving classifier and this catalogue does not give what was logged.
    pub not_reproduced: usize,
    /// Left out: there was no choice, or another model served.
    pub without_choice: usize,
}

/// A verdict about the other classifier.
#[derive(Debug, Clone, Serialize)]
pub struct Verdict {
    /// Version that serves.
    pub serving: String,
    /// Version that is compared with it.
    pub other: String,
    /// What it rests on.
    pub basis: Basis,
    /// What the other would have given, against what serves.
    pub figures: PolicyReport,
    /// Of the question that was asked.
    pub ruling: Ruling,
    /// Its reasons in words.
    pub reasons: Vec<String>,
    /// What would help, if nothing could be concluded.
    pub remedies: Vec<String>,
}

/// What is asked of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// May the other replace what serves?
    Promotion,
    /// Is what serves worse than the other, which served before?
    Rollback,
}

/// Versions of what is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versions {
    /// What serves.
    pub serving: String,
    /// What is compared with it.
    pub other: String,
}

/// Judges; `readings` gives what both classifiers say of each decision's prompt, `None` without one, in the order given.
///
/// # Errors
/// Nothing is left to judge on; says why.
pub fn judge(
    read: Read,
    fleet: &Fleet,
    question: Question,
    versions: Versions,
    readings: impl FnOnce(&[&Decision]) -> Result<Vec<Option<Readings>>>,
) -> Result<Verdict> {
    let mut basis = Basis { without_choice: read.without_choice + read.served_by_another, ..Basis::default() };
    let all: Vec<(Logged, Decision)> = read.rounds.into_iter().zip(read.decisions).collect();
    let (own, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, d)| d.features_version == versions.serving);
    basis.other_classifier = others.len();
    let readings = readings(&own.iter().map(|(_, d)| d).collect::<Vec<_>>())?;
    let (mut rounds, mut decisions, mut scores) = (Vec::new(), Vec::new(), Vec::new());
    for ((round, decision), readings) in own.into_iter().zip(readings) {
        let Some(readings) = readings else {
            basis.without_prompt += 1;
            continue;
        };
        let again = again::rescored(&decision, &readings.other, fleet);
        match again.filter(|_| again::reproduces(&decision, &readings.serving, fleet)) {
            Some(scored) => {
                scores.push(scored);
                rounds.push(round);
                decisions.push(decision);
            }
            None => basis.not_reproduced += 1,
        }
    }
    basis.decisions = rounds.len();
    basis.scored = rounds.iter().filter(|r| r.round.reward.is_some()).count();
    ensure!(basis.scored > 0, "{}", nothing_left(&basis, &versions.serving));
    let target = again::decided(&rounds, &decisions, scores);
    let figures = try_policy(&rounds, &Variant::default(), target, 0)?;
    let ruling = match (&figures.change, question) {
        (Some(change), Question::Promotion) => rule(change),
        (Some(change), Question::Rollback) => rule(&mirrored(change)),
        (None, _) => anyhow::bail!("{}", nothing_left(&basis, &versions.serving)),
    };
    Ok(Verdict {
        serving: versions.serving,
        other: versions.other,
        reasons: ruling.reasons.iter().map(ToString::to_string).collect(),
        remedies: remedies(&ruling),
        basis,
        figures,
        ruling,
    })
}

fn nothing_left(basis: &Basis, serving: &str) -> String {
    format!(
        "nothing to judge on: of the log's decisions {} have no prompt in --prompts, {} were read by another classifier than \
         {serving}, {} are not reproduced from their prompt (another text, or another catalogue: name yours with --catalog), {} \
         had no choice, and of the {} left none has a score",
        basis.without_prompt, basis.other_classifier, basis.not_reproduced, basis.without_choice, basis.decisions
    )
}

/// The same comparison seen from the other side.
fn mirrored(comparison: &Comparison) -> Comparison {
    let turned = |i: Interval| Interval { low: -i.high, high: -i.low };
    let other = |party| match party {
        Party::Candidate => Party::Baseline,
        Party::Baseline => Party::Candidate,
    };
    Comparison {
        quality: turned(comparison.quality),
        cost_usd: turned(comparison.cost_usd),
        refusals: comparison.refusals.iter().map(|&(party, refusal)| (other(party), refusal)).collect(),
    }
}

fn remedies(ruling: &Ruling) -> Vec<String> {
    if ruling.decision != Choice::Keep {
        return Vec::new();
    }
    let of = |reason: &Reason| match reason {
        Reason::Refused(_, Refusal::FewEffectiveRounds { .. }) => Some(
            "Collect more decisions with a score, or let more traffic explore for a while (SATISFICE_EXPLORATION=0.3).",
        ),
        Reason::Refused(_, Refusal::MeanWeight { .. }) => Some(
            "It often chooses what was hardly ever tried: let more traffic explore, and ask for scores whichever model answered.",
        ),
        Reason::QualityUncertain(_) => Some("More decisions with a score make the interval of quality narrower."),
        Reason::CostUncertain(_) => Some("It may cost more: lower the quality target, or keep what serves."),
        Reason::QualityHolds(_) | Reason::QualityDrops(_) | Reason::CostHolds(_) => None,
    };
    let mut all: Vec<String> = ruling.reasons.iter().filter_map(of).map(str::to_owned).collect();
    all.dedup();
    all
}
