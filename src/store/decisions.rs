//! Decisions as rows.

use super::{
    StoreError,
    cells::{Cells, bytes_of, id_bytes, signed},
    rows::Insert,
};
use crate::domain::{CallerId, Decision, KeyId, RoutingRule, SessionId, Tenant};
use serde::Serialize;
use sqlx::sqlite::SqliteRow;

/// A decision with its compound fields encoded; made by the caller, so that the writer only writes.
#[derive(Debug)]
pub(super) struct DecisionRow {
    decision: Decision,
    policy_version: i64,
    tasks: String,
    requirements: String,
    candidates: String,
    fallbacks: String,
    timings: String,
    context: Vec<u8>,
}

impl DecisionRow {
    /// Encodes a decision.
    ///
    /// # Errors
    /// [`StoreError::Unstorable`] for a number that would not come back as it went in.
    pub(super) fn encode(decision: Decision) -> Result<Self, StoreError> {
        check_finite(&decision)?;
        Ok(Self {
            policy_version: signed("policy_version", decision.policy_version)?,
            tasks: json("tasks", &decision.tasks)?,
            requirements: json("requirements", &decision.requirements)?,
            candidates: json("candidates", &decision.candidates)?,
            fallbacks: json("fallbacks", &decision.fallbacks)?,
            timings: json("timings", &decision.timings)?,
            context: bytes_of(&decision.context),
            decision,
        })
    }

    /// What was encoded.
    pub(super) const fn decision(&self) -> &Decision {
        &self.decision
    }
}

/// As JSON.
///
/// # Errors
/// [`StoreError::Unstorable`] for what has no JSON.
pub(super) fn json(what: &'static str, value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|e| StoreError::Unstorable { what, value: e.to_string() })
}

/// JSON has no NaN and no infinity: they would be lost without a word.
fn check_finite(decision: &Decision) -> Result<(), StoreError> {
    let rule = &decision.rule;
    let rule = [("kappa", rule.kappa), ("lambda_usd", rule.lambda_usd), ("exploration", rule.exploration)];
    let tasks = decision.tasks.0.iter().map(|&(_, p)| ("tasks", f64::from(p)));
    let context = decision.context.iter().map(|&x| ("context", f64::from(x)));
    let predicted = decision.candidates.iter().filter_map(|c| c.predicted).flat_map(|p| {
        [
            ("predicted.prior", p.prior),
            ("predicted.quality", p.quality),
            ("predicted.spread", p.spread),
            ("predicted.quality_low", p.quality_low),
            ("predicted.latency_ms", p.latency_ms),
        ]
    });
    match rule.into_iter().chain(tasks).chain(context).chain(predicted).find(|(_, v)| !v.is_finite()) {
        Some((what, value)) => Err(StoreError::Unstorable { what, value: value.to_string() }),
        None => Ok(()),
    }
}

/// One row for [`INSERT`].
const VALUES: &str =
    "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

const INSERT: &str = "
    INSERT INTO decisions (
        id, at_ms, request_id, scope, policy, policy_version, features_version, mode, quality_target, kappa,
        lambda_usd, exploration, task, tasks, difficulty, input_tokens, requirements, context, candidates, chosen,
        greedy, explored, fallbacks, target_met, reason, timings, propensity, predicted_quality, predicted_spread,
        predicted_cost_usd, predicted_latency_ms, predicted_output_tokens, session_id, key_id, tenant) VALUES";

/// Appends so many decisions, but for those whose id is taken.
pub(super) fn insert(rows: usize) -> String {
    let values = vec![VALUES; rows].join(", ");
    format!("{INSERT} {values} ON CONFLICT (id) DO NOTHING")
}

/// Gives [`insert`] the values of its next row. A table: one line for each column.
pub(super) fn bind<'q>(insert: Insert<'q>, row: &'q DecisionRow) -> Insert<'q> {
    let d = &row.decision;
    let predicted = d.candidate(&d.chosen).and_then(|c| c.predicted);
    insert
        .bind(id_bytes(d.id))
        .bind(d.at.0)
        .bind(d.request_id.shared())
        .bind(d.scope.shared())
        .bind(d.policy.as_str())
        .bind(row.policy_version)
        .bind(d.features_version.as_str())
        .bind(d.rule.mode.as_str())
        .bind(d.rule.quality_target.get())
        .bind(d.rule.kappa)
        .bind(d.rule.lambda_usd)
        .bind(d.rule.exploration)
        .bind(d.tasks.top().as_str())
        .bind(row.tasks.as_str())
        .bind(d.difficulty.get())
        .bind(d.input_tokens)
        .bind(row.requirements.as_str())
        .bind(row.context.as_slice())
        .bind(row.candidates.as_str())
        .bind(d.chosen.shared())
        .bind(d.greedy.shared())
        .bind(d.explored)
        .bind(row.fallbacks.as_str())
        .bind(d.target_met)
        .bind(d.reason.as_str())
        .bind(row.timings.as_str())
        .bind(d.propensity())
        .bind(predicted.map(|p| p.quality))
        .bind(predicted.map(|p| p.spread))
        .bind(predicted.map(|p| p.cost_usd.get()))
        .bind(predicted.map(|p| p.latency_ms))
        .bind(predicted.map(|p| p.output_tokens))
        .bind(d.session_id.as_ref().map(SessionId::shared))
        .bind(d.caller.as_ref().and_then(|caller| caller.key.as_ref()).map(KeyId::shared))
        .bind(d.caller.as_ref().map(|caller| caller.tenant.shared()))
}

/// Reads a row of `SELECT * FROM decisions`.
pub(super) fn read(row: &SqliteRow) -> Result<Decision, StoreError> {
    let cells = Cells::new("decisions", row);
    Ok(Decision {
        id: cells.id("id")?,
        request_id: cells.name("request_id")?,
        session_id: cells.get::<Option<&str>>("session_id")?.map(SessionId::from),
        caller: caller(&cells)?,
        at: cells.at()?,
        scope: cells.name("scope")?,
        policy: cells.get("policy")?,
        policy_version: cells.count("policy_version")?,
        features_version: cells.get("features_version")?,
        rule: rule(&cells)?,
        tasks: cells.json("tasks")?,
        difficulty: cells.checked::<f64, _>("difficulty")?,
        input_tokens: cells.checked::<i64, _>("input_tokens")?,
        requirements: cells.json("requirements")?,
        context: cells.floats("context")?,
        candidates: cells.json("candidates")?,
        chosen: cells.name("chosen")?,
        greedy: cells.name("greedy")?,
        explored: cells.get("explored")?,
        fallbacks: cells.json("fallbacks")?,
        target_met: cells.get("target_met")?,
        reason: cells.get("reason")?,
        timings: cells.json("timings")?,
    })
}

fn caller(cells: &Cells<'_>) -> Result<Option<CallerId>, StoreError> {
    let Some(tenant) = cells.get::<Option<&str>>("tenant")?.map(Tenant::from) else { return Ok(None) };
    let key = cells.get::<Option<&str>>("key_id")?.map(KeyId::from);
    Ok(Some(CallerId { key, tenant }))
}

fn rule(cells: &Cells<'_>) -> Result<RoutingRule, StoreError> {
    Ok(RoutingRule {
        mode: cells.variant("mode")?,
        quality_target: cells.checked::<f64, _>("quality_target")?,
        kappa: cells.get("kappa")?,
        lambda_usd: cells.get("lambda_usd")?,
        exploration: cells.get("exploration")?,
    })
}
