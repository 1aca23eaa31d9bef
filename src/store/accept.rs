//! What a feedback means for the log. Runs inside the writer's transaction, so two feedbacks never race, also not
//! within one batch.

use super::{
    FeedbackError, FeedbackReceipt, FeedbackTarget, NewFeedback, StoreError,
    cells::{Cells, id_bytes, score_of},
};
use crate::{
    dialect::responses,
    domain::{DecisionId, ModelId, Reward, Scope, Tenant},
};
use sha2::{Digest, Sha256};
use sqlx::SqliteConnection;

/// The decision that a feedback is about.
struct Subject {
    id: DecisionId,
    scope: Scope,
    chosen: ModelId,
}

/// What a source says of a decision at the moment.
struct Standing {
    number: u64,
    model: ModelId,
    reward: Reward,
    revised: bool,
}

/// Appends a feedback, or finds that there is nothing to append.
///
/// # Errors
/// [`FeedbackError`]; only [`StoreError::Database`] leaves the transaction unusable.
pub(super) async fn accept(conn: &mut SqliteConnection, new: &NewFeedback) -> Result<FeedbackReceipt, FeedbackError> {
    let Some(subject) = resolve(conn, new).await? else {
        return Err(FeedbackError::UnknownDecision(new.target.clone()));
    };
    let Some(key) = &new.idempotency_key else {
        return Ok(settle(conn, &subject, new).await?);
    };
    if let Some(first) = recall(conn, &subject, key, new).await? {
        return Ok(first);
    }
    let receipt = settle(conn, &subject, new).await?;
    remember(conn, key, new, &receipt).await?;
    Ok(receipt)
}

const BY_DECISION: &str = "
    SELECT seq, id, scope, chosen FROM decisions WHERE id = ?1 AND (?2 IS NULL OR tenant = ?2)";
const BY_COMPLETION: &str = "
    SELECT d.seq, d.id, d.scope, d.chosen FROM outcomes o JOIN decisions d ON d.id = o.decision_id
    WHERE o.completion_id IN (?1, ?3) AND (?2 IS NULL OR d.tenant = ?2)
    ORDER BY o.completion_id = ?1 DESC, o.seq DESC LIMIT 1";
/// A request that was given a kept answer means the decision that this came from, also where one of its own had failed.
const BY_REQUEST: &str = "
    SELECT seq, id, scope, chosen, at_ms, 0 AS is_hit FROM decisions
    WHERE request_id = ?1 AND (?2 IS NULL OR tenant = ?2)
    UNION ALL
    SELECT d.seq, d.id, d.scope, d.chosen, h.at_ms, 1 FROM cache_hits h JOIN decisions d ON d.id = h.decision_id
    WHERE h.request_id = ?1 AND (?2 IS NULL OR h.tenant = ?2)
    ORDER BY at_ms DESC, is_hit DESC, seq DESC LIMIT 1";

/// Finds the decision; of several that answer to the name, the tenant's newest. Ids of requests are the callers' to choose, so
/// another tenant's must neither be found nor hide one. Callers of the Responses API know a completion by an id that was made
/// from the provider's, which counts where nothing has the very name.
async fn resolve(conn: &mut SqliteConnection, new: &NewFeedback) -> Result<Option<Subject>, StoreError> {
    let query = match &new.target {
        FeedbackTarget::Decision(id) => sqlx::query(BY_DECISION).bind(id_bytes(*id)),
        FeedbackTarget::Completion(id) => sqlx::query(BY_COMPLETION).bind(id.as_str()),
        FeedbackTarget::Request(id) => sqlx::query(BY_REQUEST).bind(id.as_str()),
    };
    let query = query.bind(new.tenant.as_ref().map(Tenant::as_str));
    let query = match &new.target {
        FeedbackTarget::Completion(id) => query.bind(responses::completion_id(id)),
        FeedbackTarget::Decision(_) | FeedbackTarget::Request(_) => query,
    };
    let Some(row) = query.fetch_optional(conn).await? else { return Ok(None) };
    let cells = Cells::new("decisions", &row);
    Ok(Some(Subject { id: cells.id("id")?, scope: cells.name("scope")?, chosen: cells.name("chosen")? }))
}

/// The receipt that this key was given before.
async fn recall(
    conn: &mut SqliteConnection,
    subject: &Subject,
    key: &str,
    new: &NewFeedback,
) -> Result<Option<FeedbackReceipt>, FeedbackError> {
    let query = "SELECT content, model, number, revised FROM feedback_keys
                 WHERE decision_id = ? AND idempotency_key = ?";
    let row = sqlx::query(query).bind(id_bytes(subject.id)).bind(key).fetch_optional(conn).await?;
    let Some(row) = row else { return Ok(None) };
    let cells = Cells::new("feedback_keys", &row);
    if cells.get::<&[u8]>("content")? != fingerprint(new) {
        return Err(FeedbackError::KeyReused { decision_id: subject.id, key: key.to_owned() });
    }
    Ok(Some(FeedbackReceipt {
        number: cells.checked_option::<i64, _>("number")?,
        revised: cells.get("revised")?,
        applied: false,
        repeated: true,
        ..receipt(subject, new, cells.name("model")?)
    }))
}

/// Appends the row, unless the log says the same already.
async fn settle(
    conn: &mut SqliteConnection,
    subject: &Subject,
    new: &NewFeedback,
) -> Result<FeedbackReceipt, StoreError> {
    match standing(conn, subject, new).await? {
        Some(now) if now.reward == new.reward => Ok(FeedbackReceipt {
            number: Some(now.number),
            revised: now.revised,
            repeated: true,
            ..receipt(subject, new, now.model)
        }),
        None if new.reward == Reward::Revoked => Ok(receipt(subject, new, credited(conn, subject).await?)),
        now => {
            let model = credited(conn, subject).await?;
            let supersedes = now.map(|now| now.number);
            let number = insert(conn, subject, new, &model, supersedes).await?;
            let revised = supersedes.is_some();
            Ok(FeedbackReceipt { number: Some(number), applied: true, revised, ..receipt(subject, new, model) })
        }
    }
}

/// A receipt for nothing done yet.
fn receipt(subject: &Subject, new: &NewFeedback, model: ModelId) -> FeedbackReceipt {
    FeedbackReceipt {
        decision_id: subject.id,
        model,
        source: new.source,
        reward: new.reward,
        number: None,
        applied: false,
        revised: false,
        repeated: false,
    }
}

/// The newest row of this decision and source.
async fn standing(
    conn: &mut SqliteConnection,
    subject: &Subject,
    new: &NewFeedback,
) -> Result<Option<Standing>, StoreError> {
    let query = "SELECT seq, number, model, score, supersedes FROM feedback
                 WHERE decision_id = ? AND source = ? ORDER BY seq DESC LIMIT 1";
    let row = sqlx::query(query).bind(id_bytes(subject.id)).bind(new.source.as_str()).fetch_optional(conn).await?;
    let Some(row) = row else { return Ok(None) };
    let cells = Cells::new("feedback", &row);
    Ok(Some(Standing {
        number: cells.count("number")?,
        model: cells.name("model")?,
        reward: cells.reward("score")?,
        revised: cells.get::<Option<i64>>("supersedes")?.is_some(),
    }))
}

/// The model that earned it: of the latest good outcome, else of the latest, else the one that was decided.
async fn credited(conn: &mut SqliteConnection, subject: &Subject) -> Result<ModelId, StoreError> {
    let query = "SELECT served_model FROM outcomes WHERE decision_id = ? ORDER BY status = 'ok' DESC, seq DESC LIMIT 1";
    let served: Option<String> = sqlx::query_scalar(query).bind(id_bytes(subject.id)).fetch_optional(conn).await?;
    Ok(served.map_or_else(|| subject.chosen.clone(), ModelId::new))
}

/// Appends the row under the scope's next number.
async fn insert(
    conn: &mut SqliteConnection,
    subject: &Subject,
    new: &NewFeedback,
    model: &ModelId,
    supersedes: Option<u64>,
) -> Result<u64, StoreError> {
    let query = "INSERT INTO feedback (scope, number, decision_id, source, model, score, supersedes, idempotency_key,
                                       comment, at_ms)
                 VALUES (?1, (SELECT COALESCE(MAX(number), 0) + 1 FROM feedback WHERE scope = ?1), ?2, ?3, ?4, ?5, ?6,
                         ?7, ?8, ?9)
                 RETURNING seq, number";
    let row = sqlx::query(query)
        .bind(subject.scope.as_str())
        .bind(id_bytes(subject.id))
        .bind(new.source.as_str())
        .bind(model.as_str())
        .bind(score_of(new.reward))
        .bind(supersedes.map(u64::cast_signed))
        .bind(new.idempotency_key.as_deref())
        .bind(new.comment.as_deref())
        .bind(new.at.0)
        .fetch_one(conn)
        .await?;
    Cells::new("feedback", &row).count("number")
}

/// Keeps what was answered to this key.
async fn remember(
    conn: &mut SqliteConnection,
    key: &str,
    new: &NewFeedback,
    receipt: &FeedbackReceipt,
) -> Result<(), StoreError> {
    let query = "INSERT INTO feedback_keys (decision_id, idempotency_key, content, model, number, revised)
                 VALUES (?, ?, ?, ?, ?, ?)";
    sqlx::query(query)
        .bind(id_bytes(receipt.decision_id))
        .bind(key)
        .bind(fingerprint(new).as_slice())
        .bind(receipt.model.as_str())
        .bind(receipt.number.map(u64::cast_signed))
        .bind(receipt.revised)
        .execute(conn)
        .await?;
    Ok(())
}

/// SHA-256 of what is said: source, score, comment. When it was said does not count, a repeat comes later.
fn fingerprint(new: &NewFeedback) -> [u8; 32] {
    let score = score_of(new.reward).map(f64::to_bits);
    Sha256::digest(format!("{}\n{score:?}\n{:?}", new.source.as_str(), new.comment)).into()
}
