use super::{again::Readings, prompts::Prompts, *};
use crate::replay::log::Read;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};
use satisfice::{
    classifier::CONTEXT,
    domain::{
        Candidate, DecisionId, DecisionMode, Difficulty, ModelId, Predicted, Propensity, Quality, RequestId,
        Requirements, Role, RoutingRule, Scope, TaskProbabilities, TaskType, Timings, UnixMillis, Usd,
    },
    store::{Store, StoreOptions},
};
use std::fs;

mod shelved;
mod tables;

use shelved::artefact;

const CATALOGUE: &str = r#"
[[models]]
id = "simulated/cheap"
provider = "simulated"
upstream_name = "cheap"
tier = "small"
context_window = 32768
max_output_tokens = 8192
capabilities = []
verbosity = 1.0
price = { input = 1.0, output = 1.0, source = "made up", as_of = "2026-11-22" }
[models.simulated]
ability = 0.0
failure_rate = 0.0

[[models]]
id = "simulated/dear"
provider = "simulated"
upstream_name = "dear"
tier = "frontier"
context_window = 32768
max_output_tokens = 8192
capabilities = []
verbosity = 1.0
price = { input = 10.0, output = 10.0, source = "made up", as_of = "2026-11-22" }
[models.simulated]
ability = 0.0
failure_rate = 0.0
"#;

const NAMES: [&str; 2] = ["simulated/cheap", "simulated/dear"];

fn catalogue() -> Fleet {
    let catalog = Catalog::builtin().expect("a catalogue").merge(CATALOGUE, "test").expect("models");
    Fleet::new(&catalog, &BTreeSet::new())
}

/// What a classifier says of a prompt of this difficulty.
fn reading(difficulty: f64) -> Classification {
    Classification {
        tasks: TaskProbabilities(vec![(TaskType::KnowledgeQa, 1.0)]),
        difficulty: Difficulty::clipped(difficulty),
        output_tokens: 100.0,
        context: vec![0.0; CONTEXT],
    }
}

/// Easy prompts, which the cheap model answers as well as the dear one, and hard ones, which only the dear one does. Hard is
/// every second one.
fn is_hard(i: usize) -> bool {
    i % 2 == 1
}

const EASY: f64 = 0.05;
const HARD: f64 = 0.9;

fn decision(i: usize, read: &Classification, fleet: &Fleet, chosen: usize) -> Decision {
    let candidate = |name: &str| {
        let model = fleet.get(&ModelId::from(name)).expect("a model");
        let prior = satisfice::policy::prior_quality(&read.tasks, read.difficulty, |t| model.ability(t));
        let price = model.entry.price.as_ref().expect("a price");
        let output_tokens = model.entry.expected_output(read.output_tokens, None);
        let predicted = Predicted {
            prior,
            quality: prior,
            spread: 0.0,
            quality_low: prior,
            cost_usd: satisfice::catalog::expected_cost(price, 100, 0, output_tokens),
            latency_ms: 1.0,
            output_tokens,
        };
        let half = Propensity::new(0.5).expect("a propensity");
        Candidate { model: ModelId::from(name), predicted: Some(predicted), propensity: half, excluded_by: None }
    };
    let id: DecisionId = format!("00000000-0000-7000-8000-{i:012x}").parse().expect("an id");
    Decision {
        id,
        request_id: RequestId::new(format!("request-{i}")),
        session_id: None,
        caller: None,
        at: UnixMillis(1_760_000_000_000 + i as i64),
        scope: Scope::default(),
        policy: "default".to_owned(),
        policy_version: 0,
        features_version: "serving".to_owned(),
        rule: RoutingRule {
            mode: DecisionMode::Floor,
            quality_target: Quality::clipped(0.6),
            kappa: 0.0,
            lambda_usd: 0.0,
            exploration: 0.0,
        },
        tasks: read.tasks.clone(),
        difficulty: read.difficulty,
        input_tokens: 100,
        requirements: Requirements::default(),
        context: read.context.clone(),
        candidates: NAMES.iter().map(|name| candidate(name)).collect(),
        chosen: ModelId::from(NAMES[chosen]),
        greedy: ModelId::from(NAMES[chosen]),
        explored: false,
        fallbacks: Vec::new(),
        target_met: true,
        reason: String::new(),
        timings: Timings::default(),
    }
}

/// A log whose models were drawn evenly, with a classifier that finds everything of this difficulty.
fn logged(n: usize, difficulty: f64) -> Read {
    let (fleet, mut rng) = (catalogue(), ChaCha8Rng::seed_from_u64(7));
    let mut uniform = || (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
    let mut read = Read::default();
    for i in 0..n {
        let chosen = usize::from(uniform() < 0.5);
        let decision = decision(i, &reading(difficulty), &fleet, chosen);
        let adequate = if is_hard(i) { [0.1, 0.9][chosen] } else { 0.9 };
        let reward = Quality::clipped(f64::from(u8::from(uniform() < adequate)));
        let predicted = decision.candidates.iter().filter_map(|c| c.predicted);
        read.rounds.push(crate::replay::log::Logged {
            rule: decision.rule,
            models: decision.candidates.iter().map(|c| c.model.clone()).collect(),
            scored: predicted
                .map(|p| satisfice::policy::Scored { mean: p.quality, spread: p.spread, cost_usd: p.cost_usd.get() })
                .collect(),
            propensities: vec![0.5, 0.5],
            round: crate::ope::Round {
                arms: 2,
                chosen,
                propensity: Propensity::new(0.5).expect("a propensity"),
                reward: Some(reward),
                cost_usd: decision.candidates[chosen].predicted.map_or(Usd::ZERO, |p| p.cost_usd),
            },
        });
        read.decisions.push(decision);
    }
    read
}

fn versions() -> Versions {
    Versions { serving: "serving".to_owned(), other: "other".to_owned() }
}

/// The verdict about a classifier that gives each prompt this difficulty.
fn judged(read: Read, question: Question, difficulty: impl Fn(usize) -> f64) -> Result<Verdict> {
    judged_with(HARD, read, question, difficulty)
}

/// The same, where the one that serves gives each prompt the difficulty `serving`.
fn judged_with(serving: f64, read: Read, question: Question, difficulty: impl Fn(usize) -> f64) -> Result<Verdict> {
    judge(read, &catalogue(), question, versions(), |decisions| {
        let number = |d: &Decision| (d.id.as_u128() & 0xffff_ffff) as usize;
        let both = |d: &&Decision| Readings { serving: reading(serving), other: reading(difficulty(number(d))) };
        Ok(decisions.iter().map(|d| Some(both(d))).collect())
    })
}

#[test]
fn one_that_tells_easy_from_hard_is_better_at_the_same_cost() {
    let verdict = judged(logged(4000, HARD), Question::Promotion, |i| if is_hard(i) { HARD } else { EASY });
    let verdict = verdict.expect("a verdict");
    // Hard prompts go to the dear model, easy ones to the cheap one: better by .2 at the same cost; the even draw cost as much,
    // so that nothing is saved, and the gate says which of the two bounds it is.
    let change = verdict.figures.change.as_ref().expect("a comparison");
    assert!(change.quality.low > 0.15, "{change:?}");
    assert!(change.cost_usd.low.abs() < 1e-4 && change.cost_usd.high.abs() < 1e-4, "{change:?}");
}

#[test]
fn the_same_with_less_waste_is_promoted() {
    // Every prompt is easy, which is known: the even draw wasted nearly all its money on the dear model.
    let mut read = logged(4000, EASY);
    for round in &mut read.rounds {
        round.round.reward = Some(Quality::clipped(1.0));
    }
    let verdict = judged_with(EASY, read, Question::Promotion, |_| EASY).expect("a verdict");
    assert_eq!(verdict.ruling.decision, Choice::Promote, "{:?}", verdict.reasons);
    assert_eq!((verdict.basis.decisions, verdict.basis.scored), (4000, 4000));
    assert!(verdict.remedies.is_empty());
}

#[test]
fn a_worse_one_is_refused_and_would_be_taken_back() {
    let verdict = judged(logged(4000, HARD), Question::Promotion, |_| EASY).expect("a verdict");
    assert_eq!(verdict.ruling.decision, Choice::RollBack, "everything goes to the cheap model: {:?}", verdict.reasons);
    // The other way round: what serves is no worse than this one.
    let verdict = judged(logged(4000, HARD), Question::Rollback, |_| EASY).expect("a verdict");
    assert_ne!(verdict.ruling.decision, Choice::RollBack);
    // And what serves is worse than one that gives hard prompts to the model that can.
    let better = judged(logged(4000, HARD), Question::Rollback, |i| if is_hard(i) { HARD } else { EASY });
    assert_eq!(better.expect("a verdict").ruling.decision, Choice::RollBack);
}

#[test]
fn thin_support_is_refused_with_a_remedy() {
    let verdict = judged(logged(100, HARD), Question::Promotion, |_| EASY).expect("a verdict");
    assert_eq!(verdict.ruling.decision, Choice::Keep);
    assert!(verdict.reasons.iter().any(|r| r.contains("fewer than 200")), "{:?}", verdict.reasons);
    assert!(verdict.remedies.iter().any(|r| r.contains("SATISFICE_EXPLORATION")), "{:?}", verdict.remedies);
}

#[test]
fn what_is_not_the_prompt_of_its_decision_is_not_judged_on() {
    let misread = judge(logged(10, HARD), &catalogue(), Question::Promotion, versions(), |decisions| {
        let mut all: Vec<Option<Readings>> = vec![None; decisions.len()];
        all[0] = Some(Readings { serving: reading(EASY), other: reading(EASY) });
        Ok(all)
    });
    let error = misread.expect_err("nothing is left").to_string();
    assert!(error.contains("9 have no prompt") && error.contains("1 are not reproduced"), "{error}");
    let mut read = logged(10, HARD);
    read.decisions.iter_mut().for_each(|d| d.features_version = "older".to_owned());
    let error = judged(read, Question::Promotion, |_| EASY).expect_err("nothing is left").to_string();
    assert!(error.contains("10 were read by another classifier"), "{error}");
}

#[test]
fn prompts_are_found_by_decision_and_by_request() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("prompts.jsonl");
    let line = |id: &str| format!("{{{id}, \"messages\": [{{\"role\": \"user\", \"content\": \"Hello\"}}]}}\n");
    let text =
        line("\"decision_id\": \"00000000-0000-7000-8000-000000000001\"") + &line("\"request_id\": \"request-2\"");
    fs::write(&path, &text).expect("a file");
    let prompts = Prompts::read(std::slice::from_ref(&path)).expect("prompts");
    let fleet = catalogue();
    let found = |i| prompts.of(&decision(i, &reading(HARD), &fleet, 0));
    assert_eq!(found(1).map(|p| (p.turns.len(), p.turns[0].role)), Some((1, Role::User)));
    assert!(found(2).is_some() && found(3).is_none());
    fs::write(&path, text + &line("\"request\": \"x\"")).expect("a file");
    let error = format!("{:#}", Prompts::read(std::slice::from_ref(&path)).expect_err("a fault"));
    assert!(error.contains("line 3") && error.contains("request_id"), "{error}");
}

/// The command as the shell calls it, on a log that the store wrote.
fn arguments(line: &[&str]) -> PromoteArgs {
    #[derive(clap::Parser)]
    struct Command {
        #[command(flatten)]
        args: PromoteArgs,
    }
    <Command as clap::Parser>::try_parse_from([&["promote"], line].concat()).expect("arguments").args
}

#[test]
fn the_command_says_what_it_needs() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().to_str().expect("a path");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let store = Store::open(&folder.path().join(satisfice::app::STORE_FILE), StoreOptions::default())
            .await
            .expect("a store");
        store.append_decision(decision(1, &reading(HARD), &catalogue(), 0)).await.expect("a decision");
        store.close().await.expect("closed");
    });
    let candidate = folder.path().join("candidate");
    artefact(&candidate, &Manifest::builtin().encoder_id(), 3.0);
    let candidate = candidate.to_str().expect("a path");
    let error = run(&arguments(&["--artefact", candidate, "--log", data])).expect_err("no prompts");
    assert!(error.to_string().contains("--prompts is needed"), "{error}");
    let error = run(&arguments(&["--rollback", "--log", data])).expect_err("nothing before");
    assert!(error.to_string().contains("nothing to roll back to"), "{error}");
    let error = run(&arguments(&["--check", "--log", data])).expect_err("nothing before");
    assert!(error.to_string().contains("no previous one"), "{error}");
    let shelf = Shelf::new(folder.path().join(SHELF));
    shelf.promote(Path::new(candidate), &Manifest::builtin().encoder_id(), "{}").expect("a promotion");
    assert!(run(&arguments(&["--rollback", "--log", data])).expect("rolled back"));
    assert_eq!(shelf.pointer().expect("a pointer").serving, Shelved::Builtin);
}
