//! Feedback as the learner folds it: each row with the context it was earned in and the row it replaces.

use super::{
    StoreError,
    cells::{Cells, signed},
};
use crate::domain::{DecisionId, Difficulty, FeedbackSource, ModelId, Reward, Scope, UnixMillis};
use serde::Deserialize;
use sqlx::{SqlitePool, sqlite::SqliteRow};
use std::borrow::Cow;

/// What an event takes back before it counts itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Superseded {
    /// Its number.
    pub number: u64,
    /// The model that was credited; another one if the decision was served again in between.
    pub model: ModelId,
    /// What was said; [`Reward::Revoked`] when nothing is left to take back.
    pub reward: Reward,
    /// The quality prior `q0` of that model at the decision; `None` when it was no eligible candidate.
    pub prior: Option<f64>,
}

/// One step of the fold.
#[derive(Debug, Clone, PartialEq)]
pub struct LearningEvent {
    /// 1..N without gaps within the scope.
    pub number: u64,
    /// The model that is credited.
    pub model: ModelId,
    /// Who says so.
    pub source: FeedbackSource,
    /// What is said.
    pub reward: Reward,
    /// The decision.
    pub decision_id: DecisionId,
    /// The decision's context, `(CONTEXT_DIM,)`.
    pub context: Vec<f32>,
    /// The quality prior `q0` of `model` at the decision; `None` when it was no eligible candidate.
    pub prior: Option<f64>,
    /// The decision's difficulty.
    pub difficulty: Difficulty,
    /// Whether the decision explored.
    pub explored: bool,
    /// When the feedback arrived.
    pub at: UnixMillis,
    /// What it replaces.
    pub superseded: Option<Superseded>,
}

const SELECT: &str = "
    SELECT f.seq, f.number, f.model, f.source, f.score, f.decision_id, f.at_ms, f.supersedes,
           d.context, d.candidates, d.difficulty, d.explored, old.model AS old_model, old.score AS old_score
    FROM feedback f
    JOIN decisions d ON d.id = f.decision_id
    LEFT JOIN feedback old ON old.scope = f.scope AND old.number = f.supersedes
    WHERE f.scope = ? AND f.number > ?
    ORDER BY f.number
    LIMIT ?";

/// Up to `limit` events after `after`, in order.
pub(super) async fn list(
    pool: &SqlitePool,
    scope: &Scope,
    after: u64,
    limit: u32,
) -> Result<Vec<LearningEvent>, StoreError> {
    let query = sqlx::query(SELECT).bind(scope.as_str()).bind(signed("number", after)?).bind(limit);
    query.fetch_all(pool).await?.iter().map(read).collect()
}

fn read(row: &SqliteRow) -> Result<LearningEvent, StoreError> {
    let cells = Cells::new("feedback", row);
    let priors: Vec<CandidatePrior<'_>> =
        serde_json::from_str(cells.get("candidates")?).map_err(|e| cells.corrupt("candidates", e))?;
    let model: ModelId = cells.name("model")?;
    Ok(LearningEvent {
        number: cells.count("number")?,
        prior: prior_of(&priors, &model),
        model,
        source: cells.variant("source")?,
        reward: cells.reward("score")?,
        decision_id: cells.id("decision_id")?,
        context: cells.floats("context")?,
        difficulty: cells.checked::<f64, _>("difficulty")?,
        explored: cells.get("explored")?,
        at: cells.at()?,
        superseded: superseded(&cells, &priors)?,
    })
}

fn superseded(cells: &Cells<'_>, priors: &[CandidatePrior<'_>]) -> Result<Option<Superseded>, StoreError> {
    let Some(number) = cells.checked_option::<i64, u64>("supersedes")? else { return Ok(None) };
    let model: ModelId = cells.name("old_model")?;
    let prior = prior_of(priors, &model);
    Ok(Some(Superseded { number, model, reward: cells.reward("old_score")?, prior }))
}

/// The two fields of a candidate that learning needs; a replay reads millions.
#[derive(Deserialize)]
struct CandidatePrior<'a> {
    #[serde(borrow)]
    model: Cow<'a, str>,
    predicted: Option<Prior>,
}

#[derive(Deserialize)]
struct Prior {
    prior: f64,
}

fn prior_of(priors: &[CandidatePrior<'_>], model: &ModelId) -> Option<f64> {
    let candidate = priors.iter().find(|c| c.model == model.as_str())?;
    candidate.predicted.as_ref().map(|p| p.prior)
}
