use super::*;
use sqlx::{ConnectOptions, Connection};
use std::path::PathBuf;
use tempfile::TempDir;

fn temporary() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("folder/log.db");
    (dir, path)
}

async fn open(path: &Path) -> Store {
    Store::open(path, StoreOptions::default()).await.unwrap()
}

/// Runs a statement behind the store's back.
async fn tamper(path: &Path, statement: &'static str) {
    let mut conn = database::file(path).create_if_missing(true).connect().await.unwrap();
    sqlx::raw_sql(statement).execute(&mut conn).await.unwrap();
    conn.close().await.unwrap();
}

#[tokio::test]
async fn a_reopened_log_reads_the_same_values_bit_for_bit() {
    let (_dir, path) = temporary();
    let store = open(&path).await;
    store.append_decision(decision(1)).await.unwrap();
    store.append_outcome(outcome(1, LARGE, OutcomeStatus::Timeout)).await.unwrap();
    store.append_feedback(said(1, score(0.1 + 0.2))).await.unwrap();
    store.close().await.unwrap();

    let record = open(&path).await.decision(id(1)).await.unwrap().unwrap();
    assert_eq!(record.decision, decision(1));
    assert_eq!(serde_json::to_string(&record.decision).unwrap(), serde_json::to_string(&decision(1)).unwrap());
    let bits = |d: &Decision| d.context.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&record.decision), bits(&decision(1)), "negative zero too");
    assert_eq!(record.outcomes, [outcome(1, LARGE, OutcomeStatus::Timeout)]);
    assert_eq!(record.feedback[0].feedback.reward, score(0.1 + 0.2));
}

#[tokio::test]
async fn numbers_go_on_without_gaps_after_reopening() {
    let (_dir, path) = temporary();
    for round in 0..3 {
        let store = open(&path).await;
        for n in [2 * round + 1, 2 * round + 2] {
            store.append_decision(decision(n)).await.unwrap();
            let receipt = store.append_feedback(said(n, score(0.5))).await.unwrap();
            assert_eq!(receipt.number, Some(n));
        }
        store.close().await.unwrap();
    }
    let store = open(&path).await;
    assert_eq!(store.learning_events(&Scope::default(), 0, 100).await.unwrap().len(), 6);
    assert!(store.check().await.unwrap().is_sound());
}

#[test]
fn a_store_dropped_without_close_keeps_what_was_acknowledged() {
    let (_dir, path) = temporary();
    let first = tokio::runtime::Runtime::new().unwrap();
    first.block_on(async {
        let store = open(&path).await;
        for n in 1..=20 {
            store.append_decision(decision(n)).await.unwrap();
        }
        store.append_feedback(said(20, score(1.0))).await.unwrap();
    });
    drop(first);
    let second = tokio::runtime::Runtime::new().unwrap();
    let counts = second.block_on(async { open(&path).await.counts().await.unwrap() });
    assert_eq!(counts, Counts { decisions: 20, feedback: 1, ..Counts::default() });
}

#[test]
fn the_files_of_a_store_that_was_never_closed_hold_what_was_acknowledged() {
    let (_dir, path) = temporary();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = Store::open(&path, StoreOptions { durability: Durability::Process, ..StoreOptions::default() });
        let store = store.await.unwrap();
        store.append_decision(decision(1)).await.unwrap();
        // The files as they are while the store is open: what a kill would leave, or a backup tool copy.
        let copy = copied(&path);
        let recovered = open(&copy).await.decision(id(1)).await.unwrap().unwrap();
        assert_eq!(recovered.decision, decision(1));
    });
}

#[tokio::test]
async fn close_commits_what_waits_and_then_refuses() {
    let (_dir, path) = temporary();
    let store = open(&path).await;
    let (first, second, closed, late) =
        tokio::join!(store.append_decision(decision(1)), store.append_decision(decision(2)), store.close(), async {
            tokio::task::yield_now().await;
            store.close().await
        });
    assert!(first.is_ok() && second.is_ok() && closed.is_ok() && late.is_ok());
    assert!(matches!(store.append_decision(decision(3)).await, Err(StoreError::Closed)));
    assert!(!path.with_file_name("log.db-wal").exists(), "the write-ahead log was folded in");
    assert_eq!(open(&path).await.counts().await.unwrap().decisions, 2);
}

#[tokio::test]
async fn a_second_writer_is_refused_and_a_reader_is_not() {
    let (_dir, path) = temporary();
    let store = open(&path).await;
    store.append_decision(decision(1)).await.unwrap();
    let refused = Store::open(&path, StoreOptions::default()).await;
    assert!(matches!(refused, Err(StoreError::Locked { .. })), "{refused:?}");
    let reader = Store::open_read_only(&path).await.unwrap();
    // Readers elsewhere see what is in the database, some milliseconds after it was acknowledged.
    assert_eq!(store.counts().await.unwrap().decisions, 1);
    assert_eq!(reader.counts().await.unwrap().decisions, 1);
    store.append_decision(decision(2)).await.unwrap();
    assert_eq!(store.counts().await.unwrap().decisions, 2);
    assert_eq!(reader.counts().await.unwrap().decisions, 2, "it follows the writer");
}

#[cfg(unix)]
#[tokio::test]
async fn another_name_of_the_same_file_does_not_get_around_the_lock() {
    let (dir, path) = temporary();
    let _store = open(&path).await;
    let link = dir.path().join("link.db");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    assert!(matches!(Store::open(&link, StoreOptions::default()).await, Err(StoreError::Locked { .. })));
}

#[tokio::test]
async fn a_closed_log_can_be_read_without_a_writer() {
    let (_dir, path) = temporary();
    assert!(matches!(Store::open_read_only(&path).await, Err(StoreError::Missing { .. })));
    let store = open(&path).await;
    store.append_decision(decision(1)).await.unwrap();
    store.close().await.unwrap();
    let reader = Store::open_read_only(&path).await.unwrap();
    assert_eq!(reader.decisions_after(0, 9).await.unwrap(), [(1, decision(1))]);
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let (_dir, path) = temporary();
    open(&path).await.close().await.unwrap();
    tamper(&path, "UPDATE _sqlx_migrations SET version = 999 WHERE version = 1").await;
    let newer =
        |e: StoreError| matches!(e, StoreError::NewerSchema { found: 999, known } if known == database::known_schema());
    assert!(newer(Store::open(&path, StoreOptions::default()).await.unwrap_err()));
    assert!(newer(Store::open_read_only(&path).await.unwrap_err()));
}

fn is_older(refused: &Result<Reader, StoreError>, version: i64) -> bool {
    let known = database::known_schema();
    matches!(refused, Err(StoreError::OlderSchema { found, known: newest }) if (*found, *newest) == (version, known))
}

#[tokio::test]
async fn an_older_schema_is_not_read_unmigrated() {
    let (_dir, path) = temporary();
    open(&path).await.close().await.unwrap();
    tamper(&path, "DELETE FROM _sqlx_migrations").await;
    let refused = Store::open_read_only(&path).await;
    assert!(is_older(&refused, 0), "{refused:?}");
}

#[tokio::test]
async fn a_log_of_the_first_release_is_brought_up_to_date() {
    let (_dir, path) = temporary();
    let store = open(&path).await;
    store.append_decision(decision(1)).await.unwrap();
    store.close().await.unwrap();
    let undo = "DROP INDEX decisions_by_caller; DROP TABLE api_keys; ALTER TABLE decisions DROP COLUMN key_id;
                ALTER TABLE decisions DROP COLUMN tenant; ALTER TABLE decisions DROP COLUMN session_id;
                ALTER TABLE outcomes DROP COLUMN attempts; ALTER TABLE outcomes DROP COLUMN cached_tokens;
                ALTER TABLE outcomes DROP COLUMN reasoning_tokens; ALTER TABLE outcomes DROP COLUMN cache_write_tokens;
                ALTER TABLE outcomes DROP COLUMN cost_is_estimate; DROP TABLE embeddings; DROP TABLE cache_hits;
                DELETE FROM _sqlx_migrations WHERE version > 1";
    tamper(&path, undo).await;
    let refused = Store::open_read_only(&path).await;
    assert!(is_older(&refused, 1), "{refused:?}");
    let store = open(&path).await;
    store.append_decision(decision(3)).await.unwrap();
    let before = Decision { session_id: None, caller: None, ..decision(1) };
    assert_eq!(store.decisions_after(0, 9).await.unwrap(), [(1, before), (2, decision(3))]);
}

#[tokio::test]
async fn a_database_of_another_application_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("other.db");
    tamper(&path, "CREATE TABLE cats (name TEXT)").await;
    let before = std::fs::read(&path).unwrap();
    assert!(matches!(Store::open(&path, StoreOptions::default()).await, Err(StoreError::NotAStore { .. })));
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn the_check_finds_gaps_and_orphans() {
    let (_dir, path) = temporary();
    let store = open(&path).await;
    for n in 1..=3 {
        store.append_decision(decision(n)).await.unwrap();
        store.append_feedback(said(n, score(0.5))).await.unwrap();
    }
    store.append_feedback(said(1, score(0.6))).await.unwrap();
    assert!(store.check().await.unwrap().is_sound());
    store.close().await.unwrap();
    tamper(
        &path,
        "DELETE FROM feedback WHERE number = 1; PRAGMA foreign_keys = OFF; DELETE FROM decisions WHERE seq = 3",
    )
    .await;
    let report = Store::open_read_only(&path).await.unwrap().check().await.unwrap();
    assert_eq!(report.gaps, [NumberGap { scope: Scope::default(), rows: 3, highest: 4 }]);
    assert_eq!(report.orphans, 2, "one feedback without its decision, one without the row it replaces");
}

#[tokio::test]
async fn a_value_that_can_not_be_read_back_is_reported_with_its_place() {
    let (_dir, path) = temporary();
    let store = open(&path).await;
    store.append_decision(decision(1)).await.unwrap();
    store.close().await.unwrap();
    tamper(&path, "UPDATE decisions SET context = x'0102'").await;
    let reader = Store::open_read_only(&path).await.unwrap();
    let error = reader.decision(id(1)).await.unwrap_err();
    assert!(matches!(&error, StoreError::Corrupt { at, .. } if at == "decisions.context, row 1"), "{error}");
}

#[tokio::test]
async fn whatever_shares_a_transaction_each_write_has_its_own_result() {
    let store = Store::in_memory().await.unwrap();
    store.append_decision(decision(1)).await.unwrap();
    // More than share a statement, of all kinds, in one batch: the writer starts when all are queued.
    let decisions = join_all((1..=20).map(|n| store.append_decision(decision(n))));
    let outcomes = join_all((1..=30).map(|n| store.append_outcome(outcome(n, SMALL, OutcomeStatus::Ok))));
    let feedback = join_all([5, 40].map(|n| store.append_feedback(said(n, score(0.5)))));
    let (decisions, outcomes, feedback) = tokio::join!(decisions, outcomes, feedback);
    for (n, result) in (1..).zip(decisions) {
        match n {
            1 => assert!(matches!(result, Err(StoreError::DuplicateDecision(taken)) if taken == id(1)), "{result:?}"),
            _ => assert!(result.is_ok(), "{n}: {result:?}"),
        }
    }
    for (n, result) in (1..).zip(outcomes) {
        match n {
            1..=20 => assert!(result.is_ok(), "{n}: {result:?}"),
            _ => assert!(matches!(result, Err(StoreError::UnknownDecision(of)) if of == id(n)), "{n}: {result:?}"),
        }
    }
    assert!(feedback[0].is_ok() && matches!(feedback[1], Err(FeedbackError::UnknownDecision(_))));
    let expected = Counts { decisions: 20, outcomes: 20, feedback: 1, ..Counts::default() };
    assert_eq!(store.counts().await.unwrap(), expected);
    for n in 1..=20 {
        let record = store.decision(id(n)).await.unwrap().unwrap();
        assert_eq!((record.decision, record.outcomes), (decision(n), vec![outcome(n, SMALL, OutcomeStatus::Ok)]));
    }
}

/// The log's files as a kill leaves them, with what is only in the journal.
fn copied(path: &Path) -> std::path::PathBuf {
    let copy = path.with_file_name("copy.db");
    std::fs::copy(path, &copy).unwrap();
    for ending in ["wal", "pending.1", "pending.2"] {
        let [from, to] = ["log", "copy"].map(|name| path.with_file_name(format!("{name}.db-{ending}")));
        std::fs::copy(from, to).unwrap();
    }
    copy
}

#[tokio::test]
async fn what_was_acknowledged_and_is_not_in_the_database_is_taken_over_once() {
    let (_dir, path) = temporary();
    let store = open(&path).await;
    // Keeps the writer from writing, as a long transaction of another process would.
    let mut other = database::file(&path).connect().await.unwrap();
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    for n in 1..=9 {
        store.append_decision(decision(n)).await.unwrap();
        store.append_outcome(outcome(n, SMALL, OutcomeStatus::Ok)).await.unwrap();
    }
    let killed = copied(&path);
    let nothing = Store::open_read_only(&killed).await.unwrap();
    assert_eq!(nothing.counts().await.unwrap(), Counts::default(), "it was all in the journal");
    let expected = Counts { decisions: 9, outcomes: 9, ..Counts::default() };
    for _ in 0..3 {
        let recovered = open(&killed).await;
        assert_eq!(recovered.counts().await.unwrap(), expected);
        let record = recovered.decision(id(9)).await.unwrap().unwrap();
        let outcomes = vec![outcome(9, SMALL, OutcomeStatus::Ok)];
        assert_eq!((record.decision, record.outcomes), (decision(9), outcomes), "to the last bit");
        recovered.close().await.unwrap();
    }
    sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    assert_eq!(store.counts().await.unwrap(), expected, "who reads waits for what was acknowledged");
}

#[tokio::test]
async fn a_journal_that_was_half_taken_over_is_not_taken_over_twice() {
    let (_dir, path) = temporary();
    let store = open(&path).await;
    store.append_decision(decision(1)).await.unwrap();
    store.append_outcome(outcome(1, SMALL, OutcomeStatus::Ok)).await.unwrap();
    // Both lines are in the database and in the journal.
    let expected = Counts { decisions: 1, outcomes: 1, ..Counts::default() };
    assert_eq!(store.counts().await.unwrap(), expected);
    let killed = copied(&path);
    assert!(std::fs::metadata(killed.with_file_name("copy.db-pending.1")).unwrap().len() > 0);
    assert_eq!(open(&killed).await.counts().await.unwrap(), expected);
}

#[tokio::test]
async fn feedback_finds_a_decision_that_was_just_acknowledged() {
    let (_dir, path) = temporary();
    let store = open(&path).await;
    for n in 1..=50 {
        store.append_decision(decision(n)).await.unwrap();
        assert!(store.append_feedback(said(n, score(0.5))).await.unwrap().applied, "{n}");
    }
}

#[tokio::test]
async fn a_full_queue_refuses_what_has_no_place_and_keeps_the_rest() {
    let (_dir, path) = temporary();
    let store = Store::open(&path, StoreOptions { queue: 4, ..StoreOptions::default() }).await.unwrap();
    let mut other = database::file(&path).connect().await.unwrap();
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let mut acknowledged = 0;
    for n in 1..=200 {
        match store.append_decision(decision(n)).await {
            Ok(()) => acknowledged += 1,
            Err(StoreError::Overloaded { capacity: 4 }) => {}
            Err(other) => panic!("{other}"),
        }
    }
    assert!((4..200).contains(&acknowledged), "{acknowledged}");
    sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    assert_eq!(store.counts().await.unwrap().decisions, acknowledged);
    store.close().await.unwrap();
    assert_eq!(open(&path).await.counts().await.unwrap().decisions, acknowledged);
}
