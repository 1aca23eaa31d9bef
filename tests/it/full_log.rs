//! A log that takes nothing more: no provider is asked for what can't be written down.

use crate::gateway_app::{ALPHA, GatewayApp, GatewayMake, Wire};
use satisfice::{
    domain::{Decision, DecisionId},
    store::{Store, StoreError, StoreOptions},
};
use serde_json::json;
use sqlx::{ConnectOptions, sqlite::SqliteConnectOptions};
use uuid::Uuid;

/// Writes decisions like this one until there is no room for another.
async fn fill(store: &Store, like: &Decision) {
    for _ in 0..1000 {
        let another = Decision { id: DecisionId::from_uuid(Uuid::now_v7()), ..like.clone() };
        match store.append_decision(another).await {
            Ok(()) => {}
            Err(StoreError::Overloaded { .. }) => return,
            Err(other) => panic!("{other}"),
        }
    }
    panic!("the queue is never full");
}

#[tokio::test]
async fn requests_are_turned_away_before_a_provider_is_called_while_the_log_is_full() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("log.db");
    let store = Store::open(&path, StoreOptions { queue: 4, ..StoreOptions::default() }).await.expect("a log");
    let app = GatewayApp::make(GatewayMake { store: Some(store.clone()), ..GatewayMake::default() }).await;
    app.ask(Wire::Chat, false, json!({"model": ALPHA})).await.is_answered_by(ALPHA, 1);
    let (_, served) = store.decisions_after(0, 1).await.expect("the log reads").pop().expect("a decision");

    let mut other = SqliteConnectOptions::new().filename(&path).connect().await.expect("a second connection");
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut other).await.expect("the database is free");
    fill(&store, &served).await;
    let called = app.calls();
    for model in [ALPHA, "auto"] {
        for wire in Wire::ALL {
            for stream in [false, true] {
                let refused = app.post(wire.path(), &wire.body(stream, json!({"model": model}))).await;
                assert_eq!(refused.status, 503, "{}", refused.text);
                assert_eq!(refused.header("retry-after"), Some("1"));
                assert!(refused.text.contains("queue"), "{}", refused.text);
            }
        }
    }
    assert_eq!(app.calls(), called, "a provider was called for nothing");

    sqlx::raw_sql("ROLLBACK").execute(&mut other).await.expect("it was open");
    let decisions = store.counts().await.expect("the log reads").decisions;
    app.ask(Wire::Chat, false, json!({"model": ALPHA})).await.is_answered_by(ALPHA, 1);
    assert_eq!(store.counts().await.expect("the log reads").decisions, decisions + 1);
}
