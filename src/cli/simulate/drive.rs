//! Requests, scores, feedback.

use super::{
    super::{
        answer::{FeedbackAnswer, RouteAnswer},
        client::{Answer, Client},
        dice,
        prompts::{LabelledPrompt, Prompts},
    },
    World,
};
use anyhow::Context;
use futures::{StreamExt, TryStreamExt, stream};
use indicatif::ProgressBar;
use serde_json::{Map, Value, json};
use std::ops::Range;

/// Keeps the draws of who gets feedback apart from those of scores.
const FEEDBACK_DRAW: u64 = 0x0FEE_DBAC;

/// Everything that traffic is made of.
pub(in crate::cli) struct Drive {
    /// The service.
    pub(in crate::cli) client: Client,
    /// The truth.
    pub(in crate::cli) world: World,
    /// What is asked.
    pub(in crate::cli) prompts: Prompts,
    /// The `route` object of every request; with `explain`.
    pub(in crate::cli) wishes: Map<String, Value>,
    /// Forward instead of deciding only.
    pub(in crate::cli) chat: bool,
    /// Share of answers that get feedback, 0 to 1.
    pub(in crate::cli) feedback_rate: f64,
}

/// What came of one request.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::cli) struct Step {
    /// Its number.
    pub(in crate::cli) n: u64,
    /// The prompt's true level of difficulty, 1 to 5.
    pub(in crate::cli) level: u8,
    /// What the service did; `None` when the upstream failed.
    pub(in crate::cli) served: Option<Served>,
}

/// A decision with its truth.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::cli) struct Served {
    /// The chosen model.
    pub(in crate::cli) model: String,
    /// The task type that was recognised.
    pub(in crate::cli) task: String,
    /// The difficulty that was predicted.
    pub(in crate::cli) difficulty: f64,
    /// The quality that was asked for.
    pub(in crate::cli) target: f64,
    /// The score it got.
    pub(in crate::cli) score: f64,
    /// Every model that could have been chosen.
    pub(in crate::cli) options: Vec<Choice>,
    /// Number of the feedback in the log, if one was given.
    pub(in crate::cli) feedback: Option<u64>,
}

/// A model that could have been chosen.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::cli) struct Choice {
    /// The model.
    pub(in crate::cli) model: String,
    /// Its expected cost, as predicted.
    pub(in crate::cli) cost_usd: f64,
    /// Its expected score, in truth.
    pub(in crate::cli) expected: f64,
}

impl Drive {
    /// Runs requests, up to `concurrency` at the same time; the steps come in order of their numbers.
    ///
    /// # Errors
    /// The first refusal of the service that is not a simulated failure.
    pub(in crate::cli) async fn run(
        &self,
        numbers: Range<u64>,
        concurrency: usize,
        bar: &ProgressBar,
    ) -> anyhow::Result<Vec<Step>> {
        let steps = stream::iter(numbers).map(|n| async move {
            let step = self.step(n).await;
            bar.inc(1);
            step
        });
        let mut steps: Vec<Step> = steps.buffer_unordered(concurrency).try_collect().await?;
        steps.sort_by_key(|step| step.n);
        Ok(steps)
    }

    async fn step(&self, n: u64) -> anyhow::Result<Step> {
        let prompt = self.prompts.nth(n);
        let body = json!({ "model": "auto", "messages": prompt.messages, "route": self.wishes });
        let answer =
            if self.chat { self.chat(&body).await? } else { Some(self.client.post("/v1/route", &body).await?) };
        let served = match answer {
            Some(answer) => Some(self.judge(n, prompt, answer).await?),
            None => None,
        };
        Ok(Step { n, level: prompt.level, served })
    }

    /// Forwards; `None` when the simulated upstream failed, as it now and then should.
    async fn chat(&self, body: &Value) -> anyhow::Result<Option<RouteAnswer>> {
        let answer: Answer = self.client.send("/v1/chat/completions", body).await?;
        if matches!(answer.status, 500..=599) {
            return Ok(None);
        }
        answer.json::<Value>()?;
        let decision = answer.header("x-satisfice-decision-id").context("the answer names no decision")?;
        self.client.get(&format!("/v1/decisions/{decision}")).await.map(Some)
    }

    async fn judge(&self, n: u64, prompt: &LabelledPrompt, answer: RouteAnswer) -> anyhow::Result<Served> {
        let score = self.world.score(&answer.model, prompt, n);
        let score =
            score.with_context(|| format!("{} is not a simulated model: its truth is unknown", answer.model))?;
        let feedback = if dice::throw(self.world.seed() ^ FEEDBACK_DRAW, n) < self.feedback_rate {
            self.feedback(&answer.decision_id, score.get()).await?
        } else {
            None
        };
        let options = answer.candidates.iter().filter_map(|c| {
            let expected = self.world.expected(&c.model, prompt, n)?;
            Some(Choice { model: c.model.clone(), cost_usd: c.cost_usd?, expected })
        });
        Ok(Served {
            options: options.collect(),
            model: answer.model,
            task: answer.task.r#type,
            difficulty: answer.difficulty,
            target: answer.rule.quality_target,
            score: score.get(),
            feedback,
        })
    }

    async fn feedback(&self, decision: &str, score: f64) -> anyhow::Result<Option<u64>> {
        let body = json!({ "decision_id": decision, "score": score, "source": "tests" });
        let answer: FeedbackAnswer = self.client.post("/v1/feedback", &body).await?;
        Ok(answer.number)
    }
}

impl Served {
    /// The chosen model among the options.
    pub(in crate::cli) fn chosen(&self) -> Option<&Choice> {
        self.options.iter().find(|option| option.model == self.model)
    }
}
