//! Priors of ability.

use super::*;
use crate::domain::{TaskType, logit, sigmoid};

fn with_benchmarks(tier: &str, figures: &[(&str, f64)]) -> ModelEntry {
    let figure = |(name, score): &(&str, f64)| format!("{{name='{name}',score={score},source='s',as_of='2026-01-01'}}");
    let figures: Vec<_> = figures.iter().map(figure).collect();
    let toml = toml_with(&format!("benchmarks = [{}]", figures.join(","))).replace("medium", tier);
    Catalog::parse(&toml, "test.toml").unwrap().models()[0].clone()
}

#[test]
fn ability_rises_with_the_tier_with_and_without_figures() {
    for figures in [&[][..], &[("mmlu-pro", 0.7), ("humaneval", 0.8)]] {
        for task in TaskType::ALL {
            let abilities: Vec<_> =
                Tier::ALL.iter().map(|tier| with_benchmarks(tier.as_str(), figures).ability(*task).logit).collect();
            assert!(abilities.is_sorted_by(|weak, strong| weak < strong), "{task}: {abilities:?}");
        }
    }
}

#[test]
fn ability_rises_with_the_score() {
    for &name in BenchmarkName::ALL {
        let at = |score| with_benchmarks("medium", &[(name.as_str(), score)]).ability(name.tasks()[0]).logit;
        assert!(at(0.3) < at(0.6) && at(0.6) < at(0.9), "{name}");
    }
}

#[test]
fn without_a_figure_the_tier_speaks() {
    let ability = with_benchmarks("large", &[("humaneval", 0.9)]).ability(TaskType::Translation);
    assert_eq!(ability, Ability { logit: 2.8, basis: Basis::Tier });
}

#[test]
fn figures_are_shrunk_towards_the_tier() {
    let ability = with_benchmarks("medium", &[("livecodebench", 0.8), ("humaneval", 0.9)]).ability(TaskType::Coding);
    let expected = ((logit(0.8) + 1.2) + (logit(0.9) - 0.8) + 1.9) / 3.0;
    assert!((ability.logit - expected).abs() < 1e-12);
    assert_eq!(ability.basis, Basis::Benchmark(vec![BenchmarkName::HumanEval, BenchmarkName::LiveCodeBench]));
}

#[test]
fn a_whole_score_is_not_infinite_ability() {
    let ability = with_benchmarks("frontier", &[("aime-2025", 1.0)]).ability(TaskType::Math).logit;
    assert!(ability < 5.0, "{ability}");
}

#[test]
fn merged_types_take_the_mean_of_their_members() {
    let model = with_benchmarks("small", &[("ifeval", 0.9), ("arena-hard", 0.6)]);
    let member = |task| model.ability(task).logit;
    let text_analysis = (member(TaskType::Classification) + member(TaskType::Extraction)) / 2.0;
    assert!((member(TaskType::TextAnalysis) - text_analysis).abs() < 1e-12);
    let basis = model.ability(TaskType::Writing).basis;
    assert_eq!(basis, Basis::Benchmark(vec![BenchmarkName::IfEval, BenchmarkName::ArenaHard]));
}

/// The table of difficulties is sane: no figure of the built-in catalogue moves a model by more than a tier and a half,
/// and a coin-flip prompt (b = 1.9) separates the ends of the catalogue.
#[test]
fn builtin_abilities_stay_near_their_tiers() {
    for model in Catalog::builtin().unwrap().models() {
        for task in TaskType::ALL {
            let ability = model.ability(*task).logit;
            assert!((ability - model.tier.ability()).abs() < 1.5, "{} {task}: {ability}", model.id);
        }
    }
    assert!(sigmoid(Tier::Nano.ability() - 1.9) < 0.2 && sigmoid(Tier::Frontier.ability() - 1.9) > 0.8);
}
