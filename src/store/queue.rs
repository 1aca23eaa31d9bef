//! What goes through the writer's queue.

use super::{
    FeedbackError, FeedbackReceipt, KeyChange, KeyError, NewFeedback, Snapshot, StoreError, accept, cache_hits,
    decisions::DecisionRow, embeddings, error::WriteError, keys, outcomes::OutcomeRow, snapshots,
};
use crate::domain::{CacheHit, EmbeddingRecord};
use sqlx::SqliteConnection;
use tokio::sync::oneshot;

/// One write: what to do, its result once done, and who waits for it.
#[derive(Debug)]
pub(super) struct Call<I, T, E> {
    input: I,
    result: Option<Result<T, E>>,
    reply: Option<oneshot::Sender<Result<T, E>>>,
}

impl<I, T, E: WriteError> Call<I, T, E> {
    /// A call, and where its answer arrives.
    pub(super) fn new(input: I) -> (Self, oneshot::Receiver<Result<T, E>>) {
        let (reply, answer) = oneshot::channel();
        (Self { input, result: None, reply: Some(reply) }, answer)
    }

    /// What to do.
    pub(super) fn input(&self) -> &I {
        &self.input
    }

    /// A call that was answered before.
    pub(super) const fn answered(input: I) -> Self {
        Self { input, result: None, reply: None }
    }

    /// Keeps the result; passes on what spoils the transaction.
    fn record(&mut self, result: Result<T, E>) -> Result<(), sqlx::Error> {
        self.result = Some(match result.map_err(E::into_fault) {
            Ok(value) => Ok(value),
            Err(Err(error)) => Err(error),
            Err(Ok(fault)) => return Err(fault),
        });
        Ok(())
    }

    fn fail(&mut self, error: StoreError) {
        self.result = Some(Err(error.into()));
    }

    /// Whoever stopped waiting is not told; the write counts all the same.
    fn answer(self) {
        let result = self.result.unwrap_or_else(|| Err(StoreError::Closed.into()));
        match (self.reply, result) {
            (Some(reply), result) => drop(reply.send(result)),
            (None, Ok(_)) => {}
            (None, Err(error)) => {
                tracing::error!(%error, "a record that was acknowledged could not be added to the log")
            }
        }
    }
}

/// What can be written.
#[derive(Debug)]
pub(super) enum Write {
    Decision(Call<Box<DecisionRow>, (), StoreError>),
    Outcome(Call<Box<OutcomeRow>, (), StoreError>),
    Embedding(Call<Box<EmbeddingRecord>, (), StoreError>),
    CacheHit(Call<Box<CacheHit>, (), StoreError>),
    Feedback(Call<Box<NewFeedback>, FeedbackReceipt, FeedbackError>),
    Snapshot(Call<Snapshot, (), StoreError>),
    Key(Call<Box<KeyChange>, (), KeyError>),
}

impl Write {
    /// Whether it is a row that goes together with others.
    pub(super) const fn is_row(&self) -> bool {
        matches!(self, Self::Decision(_) | Self::Outcome(_))
    }

    /// Whether people act on its being kept: an opinion that was given, a key that was made or taken back.
    pub(super) const fn is_word_of_people(&self) -> bool {
        matches!(self, Self::Feedback(_) | Self::Key(_))
    }

    /// Writes what goes alone within the open transaction. What is wrong with this row alone is kept as its result.
    ///
    /// # Errors
    /// A fault of the database: the transaction must be rolled back.
    pub(super) async fn apply(&mut self, conn: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        match self {
            Self::Decision(_) | Self::Outcome(_) => Ok(()),
            Self::Embedding(call) => call.record(embeddings::append(conn, &call.input).await),
            Self::CacheHit(call) => call.record(cache_hits::append(conn, &call.input).await),
            Self::Feedback(call) => call.record(accept::accept(conn, &call.input).await),
            Self::Snapshot(call) => call.record(snapshots::save(conn, &call.input).await),
            Self::Key(call) => call.record(keys::change(conn, &call.input).await),
        }
    }

    /// Keeps what came of a row; does nothing for others.
    pub(super) fn appended(&mut self, is_appended: bool) {
        match self {
            Self::Decision(call) => {
                let taken = || StoreError::DuplicateDecision(call.input.decision().id);
                call.result = Some(if is_appended { Ok(()) } else { Err(taken()) });
            }
            Self::Outcome(call) => {
                let unknown = || StoreError::UnknownDecision(call.input.outcome().decision_id);
                call.result = Some(if is_appended { Ok(()) } else { Err(unknown()) });
            }
            _ => {}
        }
    }

    /// Whether a row of feedback was added.
    pub(super) fn added_feedback(&self) -> bool {
        matches!(self, Self::Feedback(Call { result: Some(Ok(receipt)), .. }) if receipt.applied)
    }

    pub(super) fn fail(&mut self, error: StoreError) {
        match self {
            Self::Decision(call) => call.fail(error),
            Self::Outcome(call) => call.fail(error),
            Self::Embedding(call) => call.fail(error),
            Self::CacheHit(call) => call.fail(error),
            Self::Feedback(call) => call.fail(error),
            Self::Snapshot(call) => call.fail(error),
            Self::Key(call) => call.fail(error),
        }
    }

    pub(super) fn answer(self) {
        match self {
            Self::Decision(call) => call.answer(),
            Self::Outcome(call) => call.answer(),
            Self::Embedding(call) => call.answer(),
            Self::CacheHit(call) => call.answer(),
            Self::Feedback(call) => call.answer(),
            Self::Snapshot(call) => call.answer(),
            Self::Key(call) => call.answer(),
        }
    }
}

/// A job for the writer.
#[derive(Debug)]
pub(super) enum Job {
    /// A write that somebody waits for.
    Write(Write),
    /// A write that was acknowledged, perhaps the one that goes with it, and the first's number in the journal.
    Noted(Write, Option<Write>, u64),
    /// To be answered when all before it is in the database.
    Settle(oneshot::Sender<()>),
    /// To write what is before it, and to end.
    Close(oneshot::Sender<Result<(), StoreError>>),
}

impl Job {
    /// Whether nobody waits for it.
    pub(super) const fn is_noted(&self) -> bool {
        matches!(self, Self::Noted(..))
    }
}
