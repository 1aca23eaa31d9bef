#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop")]

use super::*;
use crate::{
    domain::{KeyId, Scope, UnixMillis},
    store::{KeyChange, Snapshot, database, queue::Call},
};

async fn transactions(durability: Durability) -> (tempfile::TempDir, Transactions) {
    let folder = tempfile::tempdir().unwrap();
    let conn = database::connect_writer(&database::file(&folder.path().join("log.db")), durability).await.unwrap();
    (folder, Transactions::new(conn, durability))
}

/// A key that is not there: refused as a row, committed as a transaction.
fn word_of_people() -> Write {
    let change = KeyChange::Revoke { id: KeyId::from("nobody"), at: UnixMillis(0) };
    Write::Key(Call::new(Box::new(change)).0)
}

fn snapshot() -> Write {
    let snapshot = Snapshot { scope: Scope::default(), number: 1, version: 1, body: Vec::new(), at: UnixMillis(0) };
    Write::Snapshot(Call::new(snapshot).0)
}

/// SQLite's number for how commits are synchronised: 1 is NORMAL, 2 is FULL.
async fn synchronous(transactions: &mut Transactions) -> i64 {
    sqlx::query_scalar("PRAGMA synchronous").fetch_one(&mut transactions.conn).await.unwrap()
}

#[tokio::test]
async fn what_people_said_waits_for_the_disk_as_the_setting_has_it() {
    for (durability, with_words, without) in
        [(Durability::Full, 2, 2), (Durability::Feedback, 2, 1), (Durability::Process, 1, 1)]
    {
        let (_folder, mut transactions) = transactions(durability).await;
        for _ in 0..2 {
            transactions.commit(&mut [&mut snapshot()], None).await.unwrap();
            assert_eq!(synchronous(&mut transactions).await, without, "{durability:?}");
            transactions.commit(&mut [&mut snapshot(), &mut word_of_people()], None).await.unwrap();
            assert_eq!(synchronous(&mut transactions).await, with_words, "{durability:?}");
        }
    }
}

#[tokio::test]
async fn the_number_is_noted_with_what_it_is_for() {
    let (_folder, mut transactions) = transactions(Durability::Process).await;
    assert_eq!(noted(&mut transactions.conn).await.unwrap(), 0);
    transactions.commit(&mut [&mut snapshot()], Some(7)).await.unwrap();
    transactions.commit(&mut [&mut snapshot()], None).await.unwrap();
    assert_eq!(noted(&mut transactions.conn).await.unwrap(), 7);
    sqlx::query("ALTER TABLE snapshots RENAME TO gone").execute(&mut transactions.conn).await.unwrap();
    transactions.commit(&mut [&mut snapshot()], Some(8)).await.unwrap_err();
    assert_eq!(noted(&mut transactions.conn).await.unwrap(), 7, "nothing of what failed stands");
}
