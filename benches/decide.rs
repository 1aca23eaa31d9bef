//! How long the policy takes to decide: posterior beliefs, rule, exploration and draw for 16 models. `cargo bench --bench decide`

use divan::{Bencher, black_box};
use satisfice::{
    domain::{DecisionMode, FeedbackSource, ModelId, Quality, Reward, RoutingRule},
    policy::{
        CONTEXT_DIM, Event, ExplorationCaps, LearningRates, Posterior, Scored, choose, context_vector, prior_quality,
    },
};

fn main() {
    divan::main();
}

const MODELS: usize = 16;

fn context() -> Vec<f32> {
    (0..CONTEXT_DIM).map(|i| (i as f32 * 0.37).sin() / 5.5).collect()
}

/// A posterior in which every model has feedback.
fn learned() -> (Posterior, Vec<ModelId>) {
    let models: Vec<ModelId> = (0..MODELS).map(|i| ModelId::new(format!("vendor/model-{i}"))).collect();
    let mut posterior = Posterior::new(LearningRates::default());
    for number in 1..=320 {
        posterior.fold(&Event {
            number,
            model: models[number as usize % MODELS].clone(),
            source: FeedbackSource::Judge,
            reward: Reward::Score(Quality::clipped((number % 10) as f64 / 10.0)),
            context: context(),
            prior: 0.7,
            superseded: None,
        });
    }
    (posterior, models)
}

#[divan::bench(args = [DecisionMode::Floor, DecisionMode::Average])]
fn decide_among_16_models(bencher: Bencher<'_, '_>, mode: DecisionMode) {
    let (posterior, models) = learned();
    let (context, caps) = (context(), ExplorationCaps::default());
    let rule =
        RoutingRule { mode, quality_target: Quality::clipped(0.8), kappa: 0.5, lambda_usd: 0.01, exploration: 0.01 };
    let mut key = 0u128;
    bencher.bench_local(|| {
        key += 1;
        let scored: Vec<Scored> = models
            .iter()
            .enumerate()
            .map(|(i, model)| {
                let prior = 0.5 + i as f64 / 40.0;
                let belief = posterior.believe(model, prior, &context_vector(prior, black_box(&context)));
                Scored { mean: belief.mean, spread: belief.spread, cost_usd: 1e-4 * (i + 1) as f64 }
            })
            .collect();
        choose(&rule, &caps, &scored, 0, key)
    });
}

#[divan::bench]
fn prior_quality_of_one_model(bencher: Bencher<'_, '_>) {
    let tasks = satisfice::domain::TaskProbabilities(
        satisfice::domain::TaskType::ALL.iter().take(12).map(|&t| (t, 1.0 / 12.0)).collect(),
    );
    let difficulty = satisfice::domain::Difficulty::clipped(0.4);
    bencher.bench_local(|| prior_quality(black_box(&tasks), difficulty, |_| 1.9));
}

#[divan::bench]
fn fold_one_feedback(bencher: Bencher<'_, '_>) {
    let (mut posterior, models) = learned();
    let mut number = posterior.version();
    bencher.bench_local(|| {
        number += 1;
        posterior.fold(&Event {
            number,
            model: models[number as usize % MODELS].clone(),
            source: FeedbackSource::Judge,
            reward: Reward::Score(Quality::clipped(0.7)),
            context: context(),
            prior: 0.7,
            superseded: None,
        });
    });
}
