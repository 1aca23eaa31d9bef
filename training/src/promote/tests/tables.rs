//! Logs as files.

use super::{HARD, catalogue, decision, reading};
use crate::replay::log;
use satisfice::{
    domain::{DecisionId, FeedbackSource, ModelId, Outcome, OutcomeStatus, Quality, Reward, UnixMillis, Usd},
    export::{FileFormat, Table, export},
    store::{FeedbackTarget, NewFeedback, Store, StoreOptions},
};
use std::fs;

#[test]
fn exported_tables_say_what_the_database_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let (database, tables) = (folder.path().join(satisfice::app::STORE_FILE), folder.path().join("tables"));
    fs::create_dir(&tables).expect("a folder");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let store = Store::open(&database, StoreOptions::default()).await.expect("a store");
        for i in 0..40 {
            let decision = decision(i, &reading(HARD), &catalogue(), i % 2);
            let (id, chosen) = (decision.id, decision.chosen.clone());
            store.append_decision(decision).await.expect("a decision");
            store.append_outcome(outcome(id, chosen)).await.expect("an outcome");
            let reward = if i == 3 { Reward::Revoked } else { Reward::Score(Quality::clipped(0.025 * i as f64)) };
            if i % 3 == 0 {
                store.append_feedback(said(id, Reward::Score(Quality::clipped(0.5)))).await.expect("feedback");
                store.append_feedback(said(id, reward)).await.expect("feedback");
            }
        }
        for (table, name) in
            [(Table::Decisions, "decisions"), (Table::Outcomes, "outcomes"), (Table::Feedback, "feedback")]
        {
            let out = tables.join(format!("{name}.parquet"));
            export(&store, table, FileFormat::Parquet, &out, |_| ()).await.expect("a table");
        }
        store.close().await.expect("closed");
    });
    let from_database = log::read_decisions(folder.path(), None).expect("a log");
    let from_tables = log::read_decisions(&tables, None).expect("tables");
    assert_eq!(from_database.rounds.iter().filter(|r| r.round.reward.is_some()).count(), 13);
    assert!(from_database == from_tables, "all of it, to the bit");
    fs::remove_file(tables.join("feedback.parquet")).expect("gone");
    let error = log::read(&tables, None).expect_err("a table is missing").to_string();
    assert!(error.contains("satisfice export --what feedback"), "{error}");
}

fn outcome(decision_id: DecisionId, served_model: ModelId) -> Outcome {
    Outcome {
        decision_id,
        served_model,
        completion_id: None,
        status: OutcomeStatus::Ok,
        input_tokens: Some(100),
        cached_tokens: None,
        cache_write_tokens: None,
        output_tokens: Some(90),
        reasoning_tokens: None,
        cost_usd: Some(Usd::new(1.5e-4).expect("a cost")),
        cost_is_estimate: false,
        attempts: None,
        first_byte_ms: Some(2.5),
        latency_ms: 31.5,
        at: UnixMillis(1_760_000_001_000),
    }
}

fn said(id: DecisionId, reward: Reward) -> NewFeedback {
    NewFeedback {
        target: FeedbackTarget::Decision(id),
        tenant: None,
        source: FeedbackSource::Judge,
        reward,
        idempotency_key: None,
        comment: None,
        at: UnixMillis(1_760_000_002_000),
    }
}
