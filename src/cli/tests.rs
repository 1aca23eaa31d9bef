#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use super::{args::*, check::Finding, *};
use crate::{
    catalog::import,
    domain::Quality,
    router::{LearnerStatus, ReplayReport},
};
use clap::CommandFactory;
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
        ("satisfice route x --quality -0.1", "--quality"),
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
          2  not for chat
          1  without token limits
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
    assert_eq!(output::percent(1.0, 200.0), "<1%");
    assert_eq!(output::percent(5.0, 10.0), "50%");
    assert_eq!(output::percent(5.0, 0.0), "·", "a share of nothing");
}

#[test]
fn tables_align_names_left_and_figures_right() {
    let rows = [vec!["a".to_owned(), "1.5".to_owned()], vec!["longer".to_owned(), "10.0".to_owned()]];
    insta::assert_snapshot!(output::table(&["model", "cost"], &[0], rows), @r"
     model    cost
    ───────────────
     a         1.5
     longer   10.0
    ");
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
    insta::assert_snapshot!(super::route::render(&answer()), @r"
    model       a/small (provider a)
    because     cheapest of 2
    task        coding, difficulty 0.31
    expected    quality 0.910 (at least 0.870), $0.0004200 for about 210 output tokens
    policy      default, version 12
    propensity  0.9900
    fallbacks   a/large
    took        2.1 ms
    decision    0199-x

         model     quality   at least         cost   seconds   propensity   excluded
    ──────────────────────────────────────────────────────────────────────────────────────────
     →   a/small     0.910      0.870   $0.0004200       0.9       0.9900
         a/large     0.970      0.950    $0.004000       2.5       0.0100
         b/eyes                                                    0.0000   no price is known
    ");
}

#[test]
fn the_route_command_reads_its_quality_as_a_quality() {
    let Command::Route(args) = command("satisfice route x --quality 0.8") else { panic!("not route") };
    assert_eq!(args.wishes.quality, Some(Quality::new(0.8).unwrap()));
}

#[test]
fn an_error_tells_each_cause_once() {
    let gone = std::io::Error::other("gone");
    let told = crate::app::SetupError::File { what: "catalogue", path: "c.toml".into(), source: gone };
    assert_eq!(with_causes(&told.into()), "can't read the catalogue c.toml: gone");
    let untold = anyhow::Error::new(std::io::Error::other("gone")).context("can't start");
    assert_eq!(with_causes(&untold), "can't start: gone");
}
