#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use super::{args::*, check::Finding, prompts::LabelledPrompt, *};
use crate::{
    catalog::{Catalog, import},
    domain::{Quality, TaskType},
    router::{LearnerStatus, ReplayReport},
};
use clap::CommandFactory;
use simulate::{Degrade, World};
use std::path::{Path, PathBuf};

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(line.split(' '))
}

fn command(line: &str) -> Command {
    parse(line).unwrap().command.unwrap()
}

#[test]
fn the_declaration_of_arguments_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn without_a_command_it_serves() {
    let cli = parse("satisfice --listen 0.0.0.0:80 --data-dir /d").unwrap();
    assert!(cli.command.is_none());
    assert_eq!((cli.serve.listen.as_deref(), cli.serve.place.data_dir.as_deref()), (Some("0.0.0.0:80"), Some("/d")));
    let Command::Serve(args) = command("satisfice serve --config c.toml") else { panic!("not serve") };
    assert_eq!(args.place.config, Some(PathBuf::from("c.toml")));
}

#[test]
fn wishes_become_the_route_object() {
    let line = "satisfice route hello --quality 0.85 --mode average --max-cost 0.01 --models a/*,b/* --exclude b/x";
    let Command::Route(args) = command(line) else { panic!("not route") };
    let wishes = serde_json::Value::from(args.wishes.to_json());
    let expected = serde_json::json!({
        "quality_target": 0.85, "mode": "average", "max_cost_usd": 0.01, "models": ["a/*", "b/*"], "exclude": ["b/x"],
        "explain": true,
    });
    assert_eq!(wishes, expected);
}

#[test]
fn values_out_of_range_are_refused_by_name() {
    for (line, names) in [
        ("satisfice route x --quality 1.5", "--quality"),
        ("satisfice route x --quality nan", "--quality"),
        ("satisfice route x --max-cost -1", "--max-cost"),
        ("satisfice route x --mode cheap", "--mode"),
        ("satisfice simulate --feedback-rate 2", "--feedback-rate"),
        ("satisfice simulate --requests 0", "--requests"),
        ("satisfice simulate --degrade tiny", "--degrade"),
        ("satisfice simulate --server http://a --config c.toml", "--server"),
        ("satisfice replay", "--verify"),
        ("satisfice catalog import --format litellm f --as-of yesterday", "--as-of"),
        ("satisfice export --what everything --out f", "--what"),
    ] {
        let error = parse(line).unwrap_err().to_string();
        assert!(error.contains(names), "{line}: {error}");
    }
}

#[test]
fn a_degradation_names_model_quality_and_first_request() {
    let degrade: Degrade = "simulated/small=0.1@500".parse().unwrap();
    assert_eq!((degrade.model.as_str(), degrade.quality.get(), degrade.from), ("simulated/small", 0.1, 500));
    assert_eq!("a/b=1".parse::<Degrade>().unwrap().from, 0);
    for bad in ["", "a/b", "a/b=x", "a/b=2", "a/b=0.5@", "a/b=0.5@-1"] {
        assert!(bad.parse::<Degrade>().is_err(), "{bad}");
    }
}

fn prompt(task: TaskType, level: u8) -> LabelledPrompt {
    LabelledPrompt { messages: serde_json::Value::Null, task, level }
}

#[test]
fn the_built_in_prompts_can_all_be_read_and_follow_the_seed() {
    let (one, two) = (prompts::Prompts::load(None, 7).unwrap(), prompts::Prompts::load(None, 7).unwrap());
    let other = prompts::Prompts::load(None, 8).unwrap();
    assert!((0..50).all(|n| one.nth(n) == two.nth(n)));
    assert!((0..50).any(|n| one.nth(n) != other.nth(n)));
}

#[test]
fn a_line_that_is_no_prompt_is_named() {
    let good = r#"{"messages": [], "label": "math", "difficulty": 5, "author": "x"}"#;
    assert_eq!(prompts::parse(&format!("{good}\n\n{good}\n"), "f").unwrap().len(), 2);
    for bad in ["{", r#"{"messages": [], "label": "cooking", "difficulty": 1}"#, &good.replace('5', "6")] {
        let error = prompts::parse(&format!("{good}\n{bad}"), "f.jsonl").unwrap_err().to_string();
        assert!(error.starts_with("f.jsonl:2: "), "{error}");
    }
    assert!(prompts::parse("\n", "f").is_err());
}

#[test]
fn shuffling_loses_and_repeats_nothing() {
    let mut order = dice::shuffled(3, 1000);
    assert_ne!(order[..10], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    order.sort_unstable();
    assert!(order.into_iter().eq(0..1000));
}

fn world(degraded: &[Degrade]) -> World {
    World::new(&Catalog::builtin().unwrap(), degraded, 1).unwrap()
}

#[test]
fn mean_scores_are_what_is_expected() {
    // The standard deviation of a score is below 0.4, so the mean of 20 000 is within 5·0.4/√20000 = 0.014.
    let world = world(&[]);
    for (model, task, level) in [
        ("simulated/tiny", TaskType::Math, 3),
        ("simulated/small", TaskType::Classification, 2),
        ("simulated/large", TaskType::Coding, 5),
    ] {
        let prompt = prompt(task, level);
        let sum: f64 = (0..20_000).map(|n| world.score(model, &prompt, n).unwrap().get()).sum();
        let expected = world.expected(model, &prompt, 0).unwrap();
        assert!((sum / 20_000.0 - expected).abs() < 0.014, "{model}: {} against {expected}", sum / 20_000.0);
    }
}

#[test]
fn a_degraded_model_is_as_bad_as_stated_from_its_request_on() {
    let world = world(&["simulated/large=0.05@10".parse().unwrap()]);
    let prompt = prompt(TaskType::KnowledgeQa, 1);
    let expected = |n| world.expected("simulated/large", &prompt, n).unwrap();
    assert!(expected(9) > 0.7 && expected(10) == 0.05);
    assert_eq!(world.score("simulated/large", &prompt, 10).unwrap().get(), 0.05);
    assert!(world.expected("simulated/small", &prompt, 10).unwrap() > 0.5, "the others stay as they were");
    assert!(world.score("openai/gpt-5", &prompt, 0).is_none(), "nobody knows the truth of real models");
}

#[test]
fn degrading_an_unknown_model_names_the_known_ones() {
    let error = World::new(&Catalog::builtin().unwrap(), &["simulated/smal=0.1".parse().unwrap()], 0).unwrap_err();
    assert!(error.to_string().contains("simulated/small"), "{error}");
}

#[test]
fn import_takes_the_providers_that_are_named_either_way() {
    let names = |wanted: &[&str]| {
        let wanted: Vec<String> = wanted.iter().map(|name| (*name).to_owned()).collect();
        let pairs = super::import::providers(&wanted, import::LITELLM_PROVIDERS).map_err(|e| e.to_string())?;
        Ok::<_, String>(pairs.iter().map(|(theirs, ours)| format!("{theirs}>{ours}")).collect::<Vec<_>>().join(" "))
    };
    assert_eq!(names(&["gemini", "xai"]).unwrap(), "gemini>google xai>xai");
    assert_eq!(names(&["google"]).unwrap(), "gemini>google");
    assert_eq!(names(&["azure=openai"]).unwrap(), "azure>openai");
    assert!(names(&["azure"]).unwrap_err().contains("anthropic"));
    assert_eq!(names(&[]).unwrap().split(' ').count(), import::LITELLM_PROVIDERS.len());
}

#[test]
fn what_an_import_leaves_out_is_counted_by_reason() {
    let list = r#"{"a": {"mode": "embedding", "litellm_provider": "openai"},
                   "b": {"mode": "embedding", "litellm_provider": "openai"},
                   "c": {"mode": "chat", "litellm_provider": "openai"}}"#;
    let options = import::ImportOptions {
        source: "test",
        as_of: jiff::civil::date(2026, 11, 22),
        providers: import::LITELLM_PROVIDERS,
    };
    let summary = super::import::summary(&import::litellm(list, &options).unwrap());
    insta::assert_snapshot!(summary, @r"
    0 models, 0 of them without a price; left out:
          1  does not state its token limits
          2  is for embedding, not for chat
    ");
}

#[test]
fn init_never_replaces_a_file_unless_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("satisfice.toml");
    super::init::write(&path, false, "first, and longer").unwrap();
    let error = super::init::write(&path, false, "second").unwrap_err().to_string();
    assert!(error.contains("--force"), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "first, and longer");
    super::init::write(&path, true, "second").unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "second");
    let nowhere = super::init::write(Path::new("/nowhere/x.toml"), false, "").unwrap_err().to_string();
    assert!(nowhere.contains("/nowhere/x.toml"), "{nowhere}");
}

#[test]
fn check_lists_every_finding_and_counts_the_faults() {
    let found = [
        ("settings", Finding::Good("defaults and environment".to_owned())),
        ("settings", Finding::Warning("flag --listen: open\n    close it".to_owned())),
        ("encoder", Finding::Fault("config.json is missing; run `satisfice models pull`".to_owned())),
    ];
    insta::assert_snapshot!(super::check::render(&found), @r"
    ok       settings    defaults and environment
    warning  settings    flag --listen: open
                             close it
    FAULT    encoder     config.json is missing; run `satisfice models pull`
    1 fault
    ");
}

#[test]
fn a_replay_that_differs_says_so_with_both_digests() {
    let status =
        |version, digest: &str| LearnerStatus { scope: "default".to_owned(), version, digest: digest.to_owned() };
    let report = |equal| ReplayReport {
        from_log: status(9, "aa"),
        from_snapshot: status(9, if equal { "aa" } else { "bb" }),
        snapshot_at: 5,
        equal,
    };
    let same = super::replay::render(&[report(true)]);
    assert_eq!(same, "scope default: equal to the bit after 9 feedbacks (snapshot at 5), digest aa");
    let differs = super::replay::render(&[report(false)]);
    assert!(
        differs.contains("DIFFERENT") && differs.contains("digest aa") && differs.contains("digest bb"),
        "{differs}"
    );
}

#[test]
fn percentages_show_what_is_there_but_small() {
    assert_eq!(output::percent(0.0, 10.0), "·");
    assert_eq!(output::percent(0.01, 10.0), "<1%");
    assert_eq!(output::percent(5.0, 10.0), "50%");
    assert_eq!(output::percent(5.0, 0.0), "·", "a share of nothing");
}

#[test]
fn tables_align_names_left_and_figures_right() {
    let rows = [vec!["a".to_owned(), "1.5".to_owned()], vec!["longer".to_owned(), "10.0".to_owned()]];
    insta::assert_snapshot!(output::table(&["model", "cost"], &[0], rows), @r"");
}

fn answer() -> answer::RouteAnswer {
    serde_json::from_value(serde_json::json!({
        "decision_id": "0199-x", "request_id": "r", "model": "a/small", "provider": "a", "fallbacks": ["a/large"],
        "task": {"type": "coding", "probabilities": {"coding": 0.9}}, "difficulty": 0.31,
        "predicted": {"quality": 0.91, "quality_low": 0.87, "cost_usd": 0.00042, "output_tokens": 210, "latency_ms": 900.0},
        "propensity": 0.99, "explored": false, "policy": "default", "policy_version": 12,
        "rule": {"mode": "floor", "quality_target": 0.8, "kappa": 0.5, "lambda_usd": 0.0, "exploration": 0.01},
        "target_met": true, "reason": "cheapest of 2",
        "candidates": [
            {"model": "a/large", "quality": 0.97, "quality_low": 0.95, "cost_usd": 0.004, "output_tokens": 210,
             "latency_ms": 2500.0, "propensity": 0.01, "excluded_by": null},
            {"model": "b/eyes", "quality": null, "quality_low": null, "cost_usd": null, "output_tokens": null,
             "latency_ms": null, "propensity": 0.0, "excluded_by": {"rule": "unpriced", "reason": "no price is known"}},
            {"model": "a/small", "quality": 0.91, "quality_low": 0.87, "cost_usd": 0.00042, "output_tokens": 210,
             "latency_ms": 900.0, "propensity": 0.99, "excluded_by": null}
        ],
        "timings_us": {"queue": 1, "encode": 2000, "classify": 3, "decide": 4, "total": 2100}
    }))
    .unwrap()
}

#[test]
fn a_decision_reads_as_a_page_with_the_cheapest_candidates_first() {
    insta::assert_snapshot!(super::route::render(&answer()), @r"");
}

#[test]
fn the_route_command_reads_its_quality_as_a_quality() {
    let Command::Route(args) = command("satisfice route x --quality 0.8") else { panic!("not route") };
    assert_eq!(args.wishes.quality, Some(Quality::new(0.8).unwrap()));
}
