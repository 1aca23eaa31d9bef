#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop")]

mod durability;
mod feedback;
mod keys;
mod model;
mod reading;

use super::*;
use crate::domain::{
    CallerId, Candidate, DecisionId, DecisionMode, Difficulty, Exclusion, FeedbackSource, KeyId, ModelId,
    OutcomeStatus, Predicted, Propensity, Quality, RequestId, Requirements, Reward, RoutingRule, Scope, SessionId,
    TaskProbabilities, TaskType, Tenant, Timings, UnixMillis, Usd,
};
use futures::future::join_all;
use uuid::Uuid;

const SMALL: &str = "openai/gpt-small";
const LARGE: &str = "anthropic/claude-\"large\"";
const BARRED: &str = "acme/unpriced";

fn id(n: u64) -> DecisionId {
    DecisionId::from_uuid(Uuid::from_u128((0x0190_0000_0000_7000_8000 << 48) | u128::from(n)))
}

fn candidate(model: &str, prior: f64, propensity: f64) -> Candidate {
    let predicted = Predicted {
        prior,
        quality: 0.1 + 0.2,
        spread: 1.0 / 3.0,
        quality_low: -0.0,
        cost_usd: Usd::new(1.234_567_890_123e-7).unwrap(),
        latency_ms: 1e300,
        output_tokens: u32::MAX,
    };
    let propensity = Propensity::new(propensity).unwrap();
    Candidate { model: ModelId::from(model), predicted: Some(predicted), propensity, excluded_by: None }
}

fn candidates() -> Vec<Candidate> {
    let excluded_by = Some(Exclusion::ContextWindow { needed: 9, limit: 8 });
    let barred = Candidate { predicted: None, excluded_by, ..candidate(BARRED, 0.0, 0.0) };
    vec![candidate(SMALL, 0.7, 0.9), candidate(LARGE, 0.1 + 0.7, 0.1), barred]
}

/// A decision full of numbers that a careless round trip would change.
fn decision_in(scope: &str, n: u64) -> Decision {
    Decision {
        id: id(n),
        request_id: RequestId::new(format!("request-{n}")),
        session_id: (n % 2 == 1).then(|| SessionId::from("my 'first' session ☂")),
        caller: Some(CallerId { key: (n % 2 == 1).then(|| KeyId::from("k1")), tenant: Tenant::from("acme") }),
        at: UnixMillis(1_760_000_000_123),
        scope: Scope::from(scope),
        policy: "auto 'quoted' ☂".to_owned(),
        policy_version: i64::MAX as u64,
        features_version: "f1".to_owned(),
        rule: RoutingRule {
            mode: DecisionMode::Average,
            quality_target: Quality::new(0.1 + 0.2).unwrap(),
            kappa: f64::MIN_POSITIVE,
            lambda_usd: 1.0 / 3.0,
            exploration: 0.05,
        },
        tasks: TaskProbabilities(vec![(TaskType::Coding, 0.1), (TaskType::Math, 1.0 / 3.0), (TaskType::Other, 1e-38)]),
        difficulty: Difficulty::new(std::f64::consts::FRAC_1_PI).unwrap(),
        input_tokens: u32::MAX,
        requirements: Requirements { tools: true, max_output_tokens: Some(7), ..Requirements::default() },
        context: vec![0.1, -1.0 / 3.0, f32::MIN_POSITIVE, f32::MAX, -0.0, f32::EPSILON],
        candidates: candidates(),
        chosen: ModelId::from(SMALL),
        greedy: ModelId::from(LARGE),
        explored: true,
        fallbacks: vec![ModelId::from(LARGE)],
        target_met: false,
        reason: "line one\nline \"two\"".to_owned(),
        timings: Timings { queue_us: u64::MAX, encode_us: 2, classify_us: 3, decide_us: 4, total_us: 5 },
    }
}

fn decision(n: u64) -> Decision {
    decision_in("default", n)
}

fn outcome(n: u64, model: &str, status: OutcomeStatus) -> Outcome {
    Outcome {
        decision_id: id(n),
        served_model: ModelId::from(model),
        completion_id: Some(format!("completion-{n}")),
        status,
        input_tokens: Some(u32::MAX),
        cached_tokens: Some(3),
        cache_write_tokens: Some(2),
        reasoning_tokens: None,
        attempts: Some(vec![]),
        output_tokens: None,
        cost_usd: Some(Usd::new(0.1 + 0.2).unwrap()),
        cost_is_estimate: true,
        first_byte_ms: Some(1.0 / 3.0),
        latency_ms: 1_234.567_8,
        at: UnixMillis(1_760_000_001_000),
    }
}

fn embedding(tenant: &str, cost_usd: Option<f64>) -> EmbeddingRecord {
    EmbeddingRecord {
        request_id: RequestId::from("request ☂"),
        caller: CallerId { key: None, tenant: Tenant::from(tenant) },
        model: ModelId::from("acme/embedder"),
        status: OutcomeStatus::Cancelled,
        input_tokens: Some(u32::MAX),
        cost_usd: cost_usd.map(|usd| Usd::new(usd).unwrap()),
        cost_is_estimate: true,
        attempts: vec![],
        latency_ms: 1.0 / 3.0,
        at: UnixMillis(1_760_000_000_123),
    }
}

fn score(value: f64) -> Reward {
    Reward::Score(Quality::new(value).unwrap())
}

fn said(n: u64, reward: Reward) -> NewFeedback {
    NewFeedback {
        target: FeedbackTarget::Decision(id(n)),
        tenant: None,
        source: FeedbackSource::User,
        reward,
        idempotency_key: None,
        comment: None,
        at: UnixMillis(1_760_000_002_000),
    }
}

fn keyed(n: u64, reward: Reward, key: &str) -> NewFeedback {
    NewFeedback { idempotency_key: Some(key.to_owned()), ..said(n, reward) }
}

/// A store in memory with decisions 1..=n.
async fn store_with(n: u64) -> Store {
    let store = Store::in_memory().await.unwrap();
    for n in 1..=n {
        store.append_decision(decision(n)).await.unwrap();
    }
    store
}

async fn with_queue(queue: usize) -> Store {
    Store::start(&database::memory(), None, StoreOptions { queue, ..StoreOptions::default() }).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writes_of_64_concurrent_tasks_are_all_committed_when_acknowledged() {
    let store = store_with(0).await;
    let tasks = (1..=64).map(|n| {
        let store = store.clone();
        tokio::spawn(async move {
            store.append_decision(decision(n)).await.unwrap();
            store.append_outcome(outcome(n, SMALL, OutcomeStatus::Ok)).await.unwrap();
            let receipt = store.append_feedback(said(n, score(0.5))).await.unwrap();
            let record = store.decision(id(n)).await.unwrap().unwrap();
            assert_eq!((record.outcomes.len(), record.feedback.len()), (1, 1), "acknowledged, so visible to a reader");
            receipt.number.unwrap()
        })
    });
    let mut numbers: Vec<u64> = join_all(tasks).await.into_iter().map(Result::unwrap).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=64).collect::<Vec<_>>());
    assert_eq!(
        store.counts().await.unwrap(),
        Counts { decisions: 64, outcomes: 64, feedback: 64, ..Counts::default() }
    );
    assert!(store.check().await.unwrap().is_sound());
}

#[tokio::test]
async fn writes_that_wait_together_share_one_commit() {
    let store = store_with(64).await;
    let wakes = store.feedback_committed();
    assert_eq!(*wakes.borrow(), 0, "decisions wake no learner");
    join_all((1..=64).map(|n| store.append_feedback(said(n, score(0.5))))).await;
    assert_eq!(*wakes.borrow(), 1, "all 64 waited before the writer ran");
    assert!(wakes.has_changed().unwrap());
}

#[tokio::test]
async fn more_writes_than_one_batch_holds_are_all_committed() {
    let store = store_with(0).await;
    let results = join_all((1..=1500).map(|n| store.append_decision(decision(n)))).await;
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(store.counts().await.unwrap().decisions, 1500);
}

#[tokio::test]
async fn a_bad_row_fails_alone() {
    let store = store_with(1).await;
    let (a, twice, b) = tokio::join!(
        store.append_decision(decision(2)),
        store.append_decision(decision(1)),
        store.append_decision(decision(3))
    );
    let (orphan, c) = tokio::join!(
        store.append_outcome(outcome(99, SMALL, OutcomeStatus::Ok)),
        store.append_outcome(outcome(1, SMALL, OutcomeStatus::Ok))
    );
    assert!(matches!(twice, Err(StoreError::DuplicateDecision(taken)) if taken == id(1)));
    assert!(matches!(orphan, Err(StoreError::UnknownDecision(unknown)) if unknown == id(99)));
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    assert_eq!(store.counts().await.unwrap(), Counts { decisions: 3, outcomes: 1, ..Counts::default() });
}

/// A failing statement leaves the transaction open (`ABORT`) or takes it down (`ROLLBACK`), as a full disk may.
#[tokio::test]
async fn a_database_fault_fails_only_the_write_it_concerns() {
    let triggers = [
        "CREATE TRIGGER fault BEFORE INSERT ON decisions WHEN NEW.request_id = 'request-2'
         BEGIN SELECT RAISE(ABORT, 'the disk is on fire'); END",
        "CREATE TRIGGER fault BEFORE INSERT ON decisions WHEN NEW.request_id = 'request-2'
         BEGIN SELECT RAISE(ROLLBACK, 'the disk is on fire'); END",
    ];
    for trigger in triggers {
        for durability in [Durability::Full, Durability::Feedback] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("log.db");
            let store = Store::open(&path, StoreOptions { durability, ..StoreOptions::default() }).await.unwrap();
            let mut intruder = sqlx::ConnectOptions::connect(&database::file(&path)).await.unwrap();
            sqlx::raw_sql(trigger).execute(&mut intruder).await.unwrap();
            let results = join_all((1..=3).map(|n| store.append_decision(decision(n)))).await;
            if durability == Durability::Full {
                assert!(matches!(results[1], Err(StoreError::Database(_))), "{:?}", results[1]);
            }
            assert!(results[0].is_ok() && results[2].is_ok(), "{results:?}");
            assert_eq!(store.counts().await.unwrap().decisions, 2, "{durability:?}");
        }
    }
}

#[tokio::test]
async fn a_decision_and_its_outcome_are_kept_together() {
    for durability in [Durability::Full, Durability::Feedback, Durability::Process] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.db");
        let store = Store::open(&path, StoreOptions { durability, ..StoreOptions::default() }).await.unwrap();
        let outcomes = [1, 2].map(|n| outcome(n, SMALL, OutcomeStatus::Ok));
        for (n, outcome) in (1..).zip(outcomes.clone()) {
            store.append_served(decision(n), outcome).await.unwrap();
        }
        let left = journal::Journal::left(&path, 0).unwrap();
        let numbers: Vec<u64> = left.into_iter().map(|(number, _)| number).collect();
        assert_eq!(numbers, if durability == Durability::Full { vec![] } else { vec![1, 2, 3, 4] });
        assert_eq!(store.decision(id(2)).await.unwrap().unwrap().decision, decision(2), "{durability:?}");
        let kept = store.outcomes_after(0, 9).await.unwrap();
        assert_eq!(kept.into_iter().map(|(_, outcome)| outcome).collect::<Vec<_>>(), outcomes, "{durability:?}");
    }
}

/// They share statements, which tell only how many rows were added.
#[tokio::test]
async fn among_many_rows_each_is_told_what_came_of_it() {
    let store = store_with(0).await;
    let mut ids: Vec<u64> = (1..=100).collect();
    ids.insert(70, 7);
    let results = join_all(ids.iter().map(|n| store.append_decision(decision(*n)))).await;
    for (place, result) in results.iter().enumerate() {
        match result {
            Err(StoreError::DuplicateDecision(taken)) => assert_eq!((place, *taken), (70, id(7))),
            result => assert!(result.is_ok() && place != 70, "{place}: {result:?}"),
        }
    }
    ids[70] = 1000;
    let results = join_all(ids.iter().map(|n| store.append_outcome(outcome(*n, SMALL, OutcomeStatus::Ok)))).await;
    for (place, result) in results.iter().enumerate() {
        match result {
            Err(StoreError::UnknownDecision(unknown)) => assert_eq!((place, *unknown), (70, id(1000))),
            result => assert!(result.is_ok() && place != 70, "{place}: {result:?}"),
        }
    }
    ids.remove(70);
    let decisions: Vec<_> = store.decisions_after(0, 200).await.unwrap().into_iter().map(|(_, d)| d.id).collect();
    let outcomes: Vec<_> =
        store.outcomes_after(0, 200).await.unwrap().into_iter().map(|(_, o)| o.decision_id).collect();
    let expected: Vec<_> = ids.into_iter().map(id).collect();
    assert_eq!((&decisions, &outcomes), (&expected, &expected), "in their order");
}

#[tokio::test]
async fn a_full_queue_answers_overloaded_at_once() {
    let store = with_queue(4).await;
    let results = join_all((1..=10).map(|n| store.append_decision(decision(n)))).await;
    assert_eq!(results.iter().filter(|r| r.is_ok()).count(), 4);
    assert!(results[4..].iter().all(|r| matches!(r, Err(StoreError::Overloaded { capacity: 4 }))));
    store.append_decision(decision(11)).await.unwrap();
    assert_eq!(store.counts().await.unwrap().decisions, 5);
}

#[tokio::test]
async fn a_full_queue_says_so_before_anything_is_written() {
    let store = with_queue(1).await;
    store.has_room().unwrap();
    let mut write = std::pin::pin!(store.append_decision(decision(1)));
    // It waits in the queue: on this thread nothing runs that could take it.
    assert!(futures::poll!(&mut write).is_pending());
    assert!(matches!(store.has_room(), Err(StoreError::Overloaded { capacity: 1 })));
    write.await.unwrap();
    store.has_room().unwrap();
}

#[tokio::test]
async fn numbers_that_would_not_come_back_are_refused() {
    let store = store_with(1).await;
    let mut nan = decision(2);
    nan.rule.kappa = f64::NAN;
    let mut infinite = decision(2);
    infinite.context[3] = f32::INFINITY;
    let mut huge = decision(2);
    huge.policy_version = u64::MAX;
    for (bad, what) in [(nan, "kappa"), (infinite, "context"), (huge, "policy_version")] {
        let refused = store.append_decision(bad).await;
        assert!(matches!(refused, Err(StoreError::Unstorable { what: found, .. }) if found == what), "{what}");
    }
    let late = Outcome { latency_ms: f64::NAN, ..outcome(1, SMALL, OutcomeStatus::Ok) };
    assert!(matches!(store.append_outcome(late).await, Err(StoreError::Unstorable { what: "latency_ms", .. })));
}
