//! The one task that writes: group commit over a bounded queue.

use super::{
    StoreError,
    decisions::DecisionRow,
    journal::{Entry, Journal},
    outcomes::OutcomeRow,
    queue::{Call, Job, Write},
    transaction::Transactions,
};
use std::{fs::File, sync::Arc, time::Duration};
use tokio::sync::{Notify, mpsc, oneshot, watch};

/// Jobs that share a transaction at most.
const BATCH: usize = 512;
/// How long writes that nobody waits for are gathered.
const GATHER: Duration = Duration::from_millis(20);
/// After how long a write that was acknowledged is tried again when the database failed.
const RETRY: Duration = Duration::from_secs(1);

/// Owner of the connection that writes, and of the lock that keeps other writers away.
pub(super) struct Writer {
    transactions: Transactions,
    journal: Option<Arc<Journal>>,
    lock: Option<File>,
    queue: mpsc::Receiver<Job>,
    /// Somebody waits, or the queue fills up.
    hurry: Arc<Notify>,
    feedback_commits: watch::Sender<u64>,
}

/// Work at hand.
#[derive(Default)]
struct Hand {
    writes: Vec<Held>,
    settlers: Vec<oneshot::Sender<()>>,
    closers: Vec<oneshot::Sender<Result<(), StoreError>>>,
}

/// A write, and its number in the journal if it was acknowledged.
struct Held {
    write: Write,
    noted: Option<u64>,
}

impl Writer {
    /// A writer that takes its work from `queue` and counts commits with feedback in `feedback_commits`.
    pub(super) fn new(
        transactions: Transactions,
        lock: Option<File>,
        queue: mpsc::Receiver<Job>,
        feedback_commits: watch::Sender<u64>,
    ) -> Self {
        Self { transactions, journal: None, lock, queue, hurry: Arc::default(), feedback_commits }
    }

    /// Takes over what an earlier process left in its journal.
    ///
    /// # Errors
    /// [`StoreError::Unstorable`] and [`StoreError::Database`]; the journal is as it was.
    pub(super) async fn take_over(&mut self, left: Vec<(u64, Entry)>) -> Result<(), StoreError> {
        let mut held = Vec::with_capacity(left.len());
        for (number, entry) in left {
            let write = match entry {
                Entry::Decision(decision) => Write::Decision(Call::answered(Box::new(DecisionRow::encode(*decision)?))),
                Entry::Outcome(outcome) => Write::Outcome(Call::answered(Box::new(OutcomeRow::encode(*outcome)?))),
            };
            held.push(Held { write, noted: Some(number) });
        }
        for held in held.chunks_mut(BATCH) {
            self.commit(held).await?;
        }
        held.into_iter().for_each(|held| held.write.answer());
        Ok(())
    }

    /// Heeds `hurry`, and tells `journal` how far the database is.
    pub(super) fn with_journal(mut self, journal: Option<Arc<Journal>>, hurry: Arc<Notify>) -> Self {
        (self.journal, self.hurry) = (journal, hurry);
        self
    }

    /// Works until it is told to close, or nobody is left who could give it work; in both cases the queue is emptied.
    pub(super) async fn run(mut self) {
        let (mut jobs, mut hand) = (Vec::with_capacity(BATCH), Hand::default());
        while self.receive(&mut jobs).await {
            for job in jobs.drain(..) {
                match job {
                    Job::Write(write) => hand.writes.push(Held { write, noted: None }),
                    Job::Noted(write, next, number) => {
                        let writes = [write].into_iter().chain(next).zip(number..);
                        hand.writes.extend(writes.map(|(write, number)| Held { write, noted: Some(number) }));
                    }
                    Job::Settle(reply) => hand.settlers.push(reply),
                    Job::Close(reply) => hand.closers.push(reply),
                }
            }
            if !hand.closers.is_empty() {
                self.queue.close();
            }
            while !self.write(&mut hand.writes).await {
                // It was acknowledged, so it is tried until it is done; the next start tries it again as well.
                if !hand.closers.is_empty() {
                    return self.finish(hand.closers).await;
                }
                tokio::time::sleep(RETRY).await;
            }
            for settler in hand.settlers.drain(..) {
                // Whoever stopped waiting is not told.
                let _ = settler.send(());
            }
        }
        self.finish(hand.closers).await;
    }

    /// Waits for jobs; no for the end of them. If nobody waits for what comes, more is gathered.
    async fn receive(&mut self, jobs: &mut Vec<Job>) -> bool {
        if self.queue.recv_many(jobs, BATCH).await == 0 {
            return false;
        }
        if jobs.iter().all(Job::is_noted) {
            tokio::select! {
                () = tokio::time::sleep(GATHER) => {}
                () = self.hurry.notified() => {}
            }
            while jobs.len() < BATCH
                && let Ok(job) = self.queue.try_recv()
            {
                jobs.push(job);
            }
        }
        true
    }

    /// Commits and answers a batch. When the database fails, each write is tried once more by itself, so that only those fail
    /// which the fault really concerns. No: the first that is left was acknowledged and must be tried again.
    async fn write(&mut self, writes: &mut Vec<Held>) -> bool {
        match self.commit(writes).await {
            Ok(()) => {}
            Err(fault) if writes.len() > 1 => {
                tracing::warn!(%fault, writes = writes.len(), "a batch was rolled back; its writes are tried singly");
                for at in 0..writes.len() {
                    if let Err(fault) = self.commit(&mut writes[at..=at]).await
                        && !writes[at].fail(fault)
                    {
                        writes.drain(..at).for_each(|held| held.write.answer());
                        return false;
                    }
                }
            }
            Err(fault) => {
                if writes.first_mut().is_some_and(|held| !held.fail(fault)) {
                    return false;
                }
            }
        }
        writes.drain(..).for_each(|held| held.write.answer());
        true
    }

    /// One transaction over the batch.
    async fn commit(&mut self, batch: &mut [Held]) -> Result<(), sqlx::Error> {
        let noted = batch.iter().filter_map(|held| held.noted).max();
        let mut writes: Vec<&mut Write> = batch.iter_mut().map(|held| &mut held.write).collect();
        if writes.is_empty() {
            return Ok(());
        }
        self.transactions.commit(&mut writes, noted).await?;
        if writes.iter().any(|write| write.added_feedback()) {
            self.feedback_commits.send_modify(|commits| *commits += 1);
        }
        if let (Some(journal), Some(number)) = (&self.journal, noted) {
            journal.committed(number);
        }
        Ok(())
    }

    /// Folds the write-ahead log into the file, frees the lock, then tells those who wait for it.
    async fn finish(self, closers: Vec<oneshot::Sender<Result<(), StoreError>>>) {
        let result = self.transactions.close().await;
        if let Some(Err(error)) = self.journal.map(|journal| journal.finish()) {
            tracing::warn!(%error, "the journal was not emptied; what is in the log already is not taken over again");
        }
        drop(self.lock);
        if closers.is_empty()
            && let Err(fault) = &result
        {
            tracing::warn!(%fault, "the log was not closed cleanly; it recovers when it is opened");
        }
        let mut result = result.map_err(StoreError::from);
        for closer in closers {
            let _ = closer.send(std::mem::replace(&mut result, Ok(())));
        }
    }
}

impl Held {
    /// Keeps the fault as the result; no where the write was acknowledged and may succeed later.
    fn fail(&mut self, fault: sqlx::Error) -> bool {
        if self.noted.is_some() && !is_of_the_row(&fault) {
            tracing::error!(%fault, "the database fails; no record is written until it works again");
            return false;
        }
        self.write.fail(fault.into());
        true
    }
}

/// Whether the fault is the row's own, which no further try would change.
fn is_of_the_row(fault: &sqlx::Error) -> bool {
    /// `SQLITE_CONSTRAINT`, the low byte of every code for a constraint.
    const CONSTRAINT: u32 = 19;
    let code = fault.as_database_error().and_then(|error| error.code()?.parse::<u32>().ok());
    code.is_some_and(|code| code & 0xff == CONSTRAINT)
}
