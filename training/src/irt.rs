//! Item-response model of an outcome table: `P(model m does query i well) = σ(u_m − b_i)` (Rasch 1960), on graded scores.

use crate::tables::Outcomes;
use satisfice::domain::sigmoid;

/// Prior of abilities on the catalogue's scale, where a small model is about 1 and a frontier model 3.8.
const ABILITY_PRIOR: (f64, f64) = (1.5, 1.5);
/// Prior of difficulties.
const DIFFICULTY_PRIOR: (f64, f64) = (0.0, 2.0);
/// Standard deviation of an anchored ability.
const ANCHOR_SPREAD: f64 = 0.3;

/// Abilities of models that many tables share, on the catalogue's scale: they put all tables on one scale. Values are the
/// catalogue's tier defaults for the class that each model was in. Matched as a part of the lower-cased name.
const ANCHORS: &[(&str, f64)] = &[
    ("gpt-4o-mini", 2.0),
    ("gpt-4o", 2.8),
    ("gpt-4-1106", 2.6),
    ("gpt4_1106", 2.6),
    ("claude-3-5-sonnet", 3.0),
    ("claude-3-opus", 2.7),
    ("claude-3-haiku", 1.7),
    ("gemini-2.5-pro", 3.6),
    ("gemini-2.5-flash", 3.0),
    ("gemini-1.5-pro", 2.6),
    ("gemini-1.5-flash", 2.0),
    ("mistral-large", 2.5),
    ("mixtral-8x7b", 1.3),
    ("llama-3.1-8b", 1.0),
    ("llama-3-8b-instruct", 0.9),
    ("llama-3-70b-instruct", 1.9),
    ("llama-3.1-70b", 2.0),
    ("qwen2.5-72b", 2.3),
    ("qwen2.5-7b", 1.2),
    ("gemma-2-9b", 1.2),
    ("mistral-7b-instruct", 0.5),
    ("llama-2-7b", -0.3),
];

/// Estimates for one table.
#[derive(Debug, Clone)]
pub struct Irt {
    /// Ability u of each model.
    pub ability: Vec<f64>,
    /// Difficulty b of each query.
    pub difficulty: Vec<f64>,
}

fn anchor(model: &str) -> Option<f64> {
    let name = model.to_lowercase();
    ANCHORS.iter().find(|(part, _)| name.contains(part)).map(|&(_, u)| u)
}

/// Maximum a posteriori by alternating Newton steps on abilities and difficulties; 40 rounds settle to 1e-4.
#[must_use]
pub fn fit(table: &Outcomes) -> Irt {
    let priors: Vec<(f64, f64)> =
        table.models.iter().map(|m| anchor(m).map_or(ABILITY_PRIOR, |u| (u, ANCHOR_SPREAD))).collect();
    let mut ability: Vec<f64> = priors.iter().map(|p| p.0).collect();
    let mut difficulty = vec![DIFFICULTY_PRIOR.0; table.queries.len()];
    // One anchored ability must outweigh the thousands of rows that only know differences.
    let per_model = table.rows.len() as f64 / table.models.len().max(1) as f64;
    for _ in 0..40 {
        let mut sums = vec![(0.0, 0.0); difficulty.len()];
        for row in &table.rows {
            let p = sigmoid(ability[row.model] - difficulty[row.query]);
            sums[row.query].0 += p - row.score;
            sums[row.query].1 += p * (1.0 - p);
        }
        newton(&mut difficulty, &sums, |_| (DIFFICULTY_PRIOR.0, DIFFICULTY_PRIOR.1, 1.0));
        let mut sums = vec![(0.0, 0.0); ability.len()];
        for row in &table.rows {
            let p = sigmoid(ability[row.model] - difficulty[row.query]);
            sums[row.model].0 += row.score - p;
            sums[row.model].1 += p * (1.0 - p);
        }
        let anchored = |m: usize| anchor(&table.models[m]).map_or(1.0, |_| per_model / 20.0);
        newton(&mut ability, &sums, |m| (priors[m].0, priors[m].1, anchored(m)));
    }
    Irt { ability, difficulty }
}

/// One damped Newton step for each value: gradient and curvature of the likelihood, plus a normal prior of a strength.
fn newton(values: &mut [f64], sums: &[(f64, f64)], prior: impl Fn(usize) -> (f64, f64, f64)) {
    for (i, (value, (gradient, curvature))) in values.iter_mut().zip(sums).enumerate() {
        let (mean, spread, strength) = prior(i);
        let precision = strength / (spread * spread);
        let step = (gradient - precision * (*value - mean)) / (curvature + precision);
        *value = (*value + step.clamp(-1.0, 1.0)).clamp(-6.0, 6.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::OutcomeRow;

    #[test]
    fn harder_queries_get_higher_difficulty_and_abler_models_higher_ability() {
        let (models, queries) = (6, 200);
        let mut table = Outcomes {
            models: (0..models).map(|m| format!("m{m}")).collect(),
            queries: (0..queries).map(|q| format!("q{q}")).collect(),
            ..Outcomes::default()
        };
        for query in 0..queries {
            for model in 0..models {
                let (u, b) = (model as f64 * 0.8, query as f64 / 50.0 - 1.0);
                table.rows.push(OutcomeRow { query, model, score: sigmoid(u - b), ..OutcomeRow::default() });
            }
        }
        let irt = fit(&table);
        assert!(irt.ability.windows(2).all(|w| w[0] < w[1]), "{:?}", irt.ability);
        assert!(irt.difficulty.windows(2).all(|w| w[0] <= w[1] + 1e-6));
    }
}
