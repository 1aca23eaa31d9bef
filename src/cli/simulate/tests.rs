#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use super::{
    super::{
        dice,
        prompts::{self, LabelledPrompt},
    },
    drive::{Choice, Served},
    report::Report,
    *,
};
use crate::{catalog::Catalog, domain::TaskType};

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

/// A request for which `a` costs 1 and is worth `worth`, `b` costs 10 and is worth 0.9.
fn step(n: u64, model: &str, worth: f64) -> Step {
    let option = |model: &str, cost_usd, expected| Choice { model: model.to_owned(), cost_usd, expected };
    let served = Served {
        model: model.to_owned(),
        task: "math".to_owned(),
        difficulty: 0.5,
        target: 0.8,
        score: 1.0,
        options: vec![option("v/b", 10.0, 0.9), option("v/a", 1.0, worth)],
        feedback: None,
    };
    Step { n, level: 3, served: Some(served) }
}

#[test]
fn regret_is_measured_against_the_cheapest_model_that_truly_meets_the_target() {
    let right = Summary::of(&[step(0, "v/a", 0.85), step(1, "v/b", 0.5)]);
    assert_eq!((right.adequate, right.quality_regret, right.cost_regret_usd), (1.0, 0.0, 0.0));
    let dear = Summary::of(&[step(0, "v/b", 0.85)]);
    assert_eq!((dear.adequate, dear.cost_regret_usd), (1.0, 9.0));
    let weak = Summary::of(&[step(0, "v/a", 0.5)]);
    assert!(weak.adequate == 0.0 && (weak.quality_regret - 0.3).abs() < 1e-12 && weak.cost_regret_usd == 0.0);
}

#[test]
fn where_nobody_meets_the_target_the_best_is_adequate() {
    let mut hard = step(0, "v/b", 0.1);
    hard.served.as_mut().unwrap().target = 0.99;
    assert_eq!(Summary::of(&[hard]).adequate, 1.0);
}

#[test]
fn failed_requests_count_but_do_not_weigh() {
    let failed = Step { n: 1, level: 1, served: None };
    let summary = Summary::of(&[step(0, "v/a", 0.85), failed.clone()]);
    assert_eq!((summary.requests, summary.failed, summary.score, summary.cost_usd), (2, 1, 1.0, 1.0));
    let none = Summary::of(&[failed]);
    assert_eq!((none.score, none.adequate), (0.0, 0.0));
}

#[test]
fn a_report_has_a_row_for_each_block_and_the_cheapest_model_first() {
    let steps: Vec<Step> = (0..5).map(|n| step(n, if n < 3 { "v/b" } else { "v/a" }, 0.85)).collect();
    let report = Report::new(&steps, 2);
    assert_eq!(report.blocks.iter().map(|block| block.summary.requests).collect::<Vec<_>>(), [2, 2, 1]);
    assert_eq!(always_best(&steps).unwrap().model, "v/b");
    insta::assert_snapshot!(report.render(), @r"
     requests      a      b   score   adequate   missing      $/1000   too much   failed
    ─────────────────────────────────────────────────────────────────────────────────────
          1–2      ·   100%   1.000       100%     0.000   10000.000   9000.000        0
          3–4    50%    50%   1.000       100%     0.000    5500.000   4500.000        0
          5–5   100%      ·   1.000       100%     0.000    1000.000      0.000        0
          all    40%    60%   1.000       100%     0.000    6400.000   5400.000        0

    adequate: share of requests whose model truly meets the target, or is the best there is; missing: mean quality short of
    that; too much: mean cost above the cheapest adequate model's, $/1000. Costs are expected ones.

    routed: $32.00 at an expected score of 0.880
    v/b for every request, the best single model in hindsight: $50.00 at 0.900
    The router spends 64% of that.
    ");
}
