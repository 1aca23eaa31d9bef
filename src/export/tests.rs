#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use super::*;
use crate::{
    domain::{
        CallerId, Candidate, Decision, DecisionId, DecisionMode, Difficulty, EmbeddingRecord, Exclusion,
        FeedbackSource, KeyId, ModelId, Outcome, OutcomeStatus, Predicted, Propensity, Quality, RequestId,
        Requirements, Reward, RoutingRule, Scope, SessionId, TaskProbabilities, TaskType, Tenant, Timings, UnixMillis,
        Usd,
    },
    policy::CONTEXT_DIM,
    store::{FeedbackTarget, NewFeedback, Store},
};
use arrow::{
    array::{Array, AsArray},
    datatypes::{DataType, Float32Type, Float64Type, TimeUnit, TimestampMillisecondType, UInt32Type, UInt64Type},
    ipc::reader::FileReader,
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::{cell::Cell, fs::File};
use uuid::Uuid;

const CHOSEN: &str = "acme/small";
const BARRED: &str = "acme/unpriced";

fn id(n: u64) -> DecisionId {
    DecisionId::from_uuid(Uuid::from_u128((0x0190_0000_0000_7000_8000 << 48) | u128::from(n)))
}

fn candidates() -> Vec<Candidate> {
    let predicted = Predicted {
        prior: 0.7,
        quality: 0.1 + 0.2,
        spread: 1.0 / 3.0,
        quality_low: 0.25,
        cost_usd: Usd::new(1.25e-7).unwrap(),
        latency_ms: 812.5,
        output_tokens: 40,
    };
    let of = |model: &str, predicted, p, excluded_by| Candidate {
        model: ModelId::from(model),
        predicted,
        propensity: Propensity::new(p).unwrap(),
        excluded_by,
    };
    vec![of(CHOSEN, Some(predicted), 1.0, None), of(BARRED, None, 0.0, Some(Exclusion::Unpriced))]
}

fn decision(n: u64) -> Decision {
    Decision {
        id: id(n),
        request_id: RequestId::new(format!("request-{n}")),
        session_id: (n == 1).then(|| SessionId::from("trip")),
        caller: (n > 0).then(|| CallerId { key: (n == 1).then(|| KeyId::from("k1")), tenant: Tenant::from("acme") }),
        at: UnixMillis(1_760_000_000_123),
        scope: Scope::default(),
        policy: "default".to_owned(),
        policy_version: 3,
        features_version: "f1".to_owned(),
        rule: RoutingRule {
            mode: DecisionMode::Floor,
            quality_target: Quality::new(0.8).unwrap(),
            kappa: 0.5,
            lambda_usd: 0.0,
            exploration: 0.01,
        },
        tasks: TaskProbabilities(vec![(TaskType::Coding, 0.75), (TaskType::Math, 0.25)]),
        difficulty: Difficulty::new(0.4).unwrap(),
        input_tokens: 12,
        requirements: Requirements { tools: true, max_output_tokens: Some(7), ..Requirements::default() },
        context: (0..CONTEXT_DIM).map(|i| i as f32 + n as f32).collect(),
        candidates: candidates(),
        chosen: ModelId::from(CHOSEN),
        greedy: ModelId::from(CHOSEN),
        explored: false,
        fallbacks: vec![ModelId::from("acme/large"), ModelId::from("acme/huge")],
        target_met: true,
        reason: "line one\nline \"two\"".to_owned(),
        timings: Timings { queue_us: 1, encode_us: 2, classify_us: 3, decide_us: 4, total_us: 10 },
    }
}

fn outcome(n: u64) -> Outcome {
    Outcome {
        decision_id: id(n),
        served_model: ModelId::from(CHOSEN),
        completion_id: None,
        status: OutcomeStatus::Timeout,
        input_tokens: Some(9),
        cached_tokens: Some(3),
        cache_write_tokens: Some(2),
        reasoning_tokens: None,
        attempts: Some(vec![]),
        output_tokens: None,
        cost_usd: None,
        cost_is_estimate: true,
        first_byte_ms: None,
        latency_ms: 31.5,
        at: UnixMillis(1_760_000_001_000),
    }
}

fn feedback(n: u64, reward: Reward) -> NewFeedback {
    NewFeedback {
        target: FeedbackTarget::Decision(id(n)),
        tenant: None,
        source: FeedbackSource::Judge,
        reward,
        idempotency_key: None,
        comment: Some("fine, \"really\"".to_owned()),
        at: UnixMillis(1_760_000_002_000),
    }
}

async fn store(decisions: u64) -> Store {
    let store = Store::in_memory().await.unwrap();
    for n in 0..decisions {
        store.append_decision(decision(n)).await.unwrap();
    }
    store
}

/// Exports and reads back.
async fn round_trip(store: &Store, table: Table, format: FileFormat) -> Vec<RecordBatch> {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("table");
    let written = export(store, table, format, &out, |_| ()).await.unwrap();
    assert_eq!(written.bytes, out.metadata().unwrap().len());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside the file");
    let file = File::open(&out).unwrap();
    let batches: Vec<RecordBatch> = match format {
        FileFormat::Parquet => {
            let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().with_batch_size(100_000);
            reader.build().unwrap().map(Result::unwrap).collect()
        }
        FileFormat::Arrow => FileReader::try_new(file, None).unwrap().map(Result::unwrap).collect(),
    };
    assert_eq!(batches.iter().map(|b| b.num_rows() as u64).sum::<u64>(), written.rows);
    batches
}

fn texts(column: &dyn Array) -> Vec<Option<&str>> {
    column.as_string::<i32>().iter().collect()
}

#[tokio::test]
async fn decisions_survive_the_round_trip_through_parquet() {
    let batches = round_trip(&store(3).await, Table::Decisions, FileFormat::Parquet).await;
    let batch = &batches[0];
    let column = |name: &str| batch.column_by_name(name).unwrap();
    assert_eq!(texts(column("id"))[2], Some(id(2).to_string().as_str()));
    assert_eq!(column("at").as_primitive::<TimestampMillisecondType>().value(0), 1_760_000_000_123);
    assert_eq!(column("at").data_type(), &DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())));
    assert_eq!(column("difficulty").as_primitive::<Float64Type>().value(1), 0.4);
    assert_eq!(column("max_output_tokens").as_primitive::<UInt32Type>().value(1), 7);
    assert_eq!(column("total_us").as_primitive::<UInt64Type>().value(1), 10);
    assert_eq!(texts(column("task"))[0], Some("coding"));
    assert_eq!(texts(column("session_id")), [None, Some("trip"), None]);
    assert_eq!(texts(column("key_id")), [None, Some("k1"), None]);
    assert_eq!(texts(column("tenant")), [None, Some("acme"), Some("acme")]);
    assert_eq!(texts(column("reason"))[0], Some("line one\nline \"two\""));
    assert_eq!(texts(&column("fallbacks").as_list::<i32>().value(2)), [Some("acme/large"), Some("acme/huge")]);
}

#[tokio::test]
async fn candidates_are_a_list_of_structs_with_nulls_where_nothing_was_predicted() {
    let batches = round_trip(&store(2).await, Table::Decisions, FileFormat::Parquet).await;
    let lists = batches[0].column_by_name("candidates").unwrap().as_list::<i32>();
    let second = lists.value(1);
    let second = second.as_struct();
    let field = |name: &str| second.column_by_name(name).unwrap();
    assert_eq!(texts(field("model")), [Some(CHOSEN), Some(BARRED)]);
    assert_eq!(texts(field("excluded_by")), [None, Some("unpriced")]);
    let quality: Vec<_> = field("quality").as_primitive::<Float64Type>().iter().collect();
    assert_eq!(quality, [Some(0.1 + 0.2), None], "to the bit");
    let propensity: Vec<_> = field("propensity").as_primitive::<Float64Type>().iter().collect();
    assert_eq!(propensity, [Some(1.0), Some(0.0)]);
}

#[tokio::test]
async fn contexts_are_fixed_size_lists_in_arrow_as_well() {
    let batches = round_trip(&store(2).await, Table::Decisions, FileFormat::Arrow).await;
    let contexts = batches[0].column_by_name("context").unwrap().as_fixed_size_list();
    assert_eq!(contexts.value_length() as usize, CONTEXT_DIM);
    let second = contexts.value(1);
    assert_eq!(second.as_primitive::<Float32Type>().values().as_ref(), decision(1).context.as_slice());
}

#[tokio::test]
async fn decisions_without_features_have_no_context_and_come_back_as_they_were() {
    let store = store(3).await;
    let named = Decision { context: vec![], tasks: TaskProbabilities(vec![]), ..decision(3) };
    store.append_decision(named).await.unwrap();
    store.append_decision(decision(4)).await.unwrap();
    let batches = round_trip(&store, Table::Decisions, FileFormat::Parquet).await;
    let contexts = batches[0].column_by_name("context").unwrap();
    assert_eq!((0..5).map(|row| contexts.is_null(row)).collect::<Vec<_>>(), [false, false, false, true, false]);
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("decisions.parquet");
    export(&store, Table::Decisions, FileFormat::Parquet, &out, |_| ()).await.unwrap();
    let contexts: Vec<Vec<f32>> = read::decisions(&out).unwrap().into_iter().map(|d| d.context).collect();
    let expected: Vec<Vec<f32>> =
        store.decisions_after(0, 9).await.unwrap().into_iter().map(|(_, d)| d.context).collect();
    assert_eq!(contexts, expected);
    assert_eq!(contexts[3], [0.0; 0]);
}

#[tokio::test]
async fn exclusion_names_are_those_of_the_wire() {
    let excluded = Exclusion::ContextWindow { needed: 2, limit: 1 };
    let unwell = Exclusion::Unwell { retry_after_ms: 30_000 };
    let unsaid = Exclusion::Inexpressible { field: "n".to_owned(), problem: "one answer only".to_owned() };
    for exclusion in [Exclusion::Unpriced, Exclusion::NoJsonSchema, excluded, Exclusion::TooSlow, unwell, unsaid] {
        let wire = serde_json::to_value(&exclusion).unwrap();
        let mut odd = decision(1);
        odd.candidates[1].excluded_by = Some(exclusion);
        let batch = decisions::batch(&[(1, odd)]).unwrap();
        let lists = batch.column_by_name("candidates").unwrap().as_list::<i32>().value(0);
        let names = lists.as_struct().column_by_name("excluded_by").unwrap().clone();
        assert_eq!(texts(&names)[1], wire["rule"].as_str());
    }
}

#[tokio::test]
async fn outcomes_keep_what_is_unknown_as_null() {
    let store = store(1).await;
    store.append_outcome(outcome(0)).await.unwrap();
    let batches = round_trip(&store, Table::Outcomes, FileFormat::Parquet).await;
    let column = |name: &str| batches[0].column_by_name(name).unwrap();
    assert_eq!(texts(column("status")), [Some("timeout")]);
    assert_eq!(texts(column("completion_id")), [None]);
    assert!(column("cost_usd").is_null(0) && column("output_tokens").is_null(0));
    assert!(column("cost_is_estimate").as_boolean().value(0));
    assert_eq!(column("latency_ms").as_primitive::<Float64Type>().value(0), 31.5);
}

#[tokio::test]
async fn a_revoked_feedback_has_no_score_and_names_what_it_replaces() {
    let store = store(1).await;
    let score = Reward::Score(Quality::new(0.25).unwrap());
    store.append_feedback(feedback(0, score)).await.unwrap();
    store.append_feedback(feedback(0, Reward::Revoked)).await.unwrap();
    let batches = round_trip(&store, Table::Feedback, FileFormat::Arrow).await;
    let column = |name: &str| batches[0].column_by_name(name).unwrap();
    let scores: Vec<_> = column("score").as_primitive::<Float64Type>().iter().collect();
    assert_eq!(scores, [Some(0.25), None]);
    let supersedes: Vec<_> = column("supersedes").as_primitive::<UInt64Type>().iter().collect();
    assert_eq!(supersedes, [None, Some(1)]);
    assert_eq!(texts(column("source")), [Some("judge"), Some("judge")]);
}

#[tokio::test]
async fn embeddings_are_a_table_of_their_own() {
    let store = store(0).await;
    let record = EmbeddingRecord {
        request_id: RequestId::from("r"),
        caller: CallerId { key: Some(KeyId::from("k1")), tenant: Tenant::from("acme") },
        model: ModelId::from("acme/embedder"),
        status: OutcomeStatus::UpstreamError,
        input_tokens: None,
        cost_usd: None,
        cost_is_estimate: false,
        attempts: vec![],
        latency_ms: 31.5,
        at: UnixMillis(1_760_000_001_000),
    };
    let cost_usd = Some(Usd::new(1.25e-7).unwrap());
    store.append_embedding(record.clone()).await.unwrap();
    store.append_embedding(EmbeddingRecord { cost_usd, input_tokens: Some(9), ..record }).await.unwrap();
    let batches = round_trip(&store, Table::Embeddings, FileFormat::Parquet).await;
    let column = |name: &str| batches[0].column_by_name(name).unwrap();
    assert_eq!(texts(column("model")), [Some("acme/embedder"); 2]);
    assert_eq!((texts(column("key_id")), texts(column("tenant"))), (vec![Some("k1"); 2], vec![Some("acme"); 2]));
    let costs: Vec<_> = column("cost_usd").as_primitive::<Float64Type>().iter().collect();
    assert_eq!(costs, [None, Some(1.25e-7)]);
    let tokens: Vec<_> = column("input_tokens").as_primitive::<UInt32Type>().iter().collect();
    assert_eq!(tokens, [None, Some(9)]);
}

#[tokio::test]
async fn an_empty_log_gives_a_table_without_rows_but_with_its_columns() {
    let store = store(0).await;
    for table in [Table::Decisions, Table::Outcomes, Table::Embeddings, Table::Feedback] {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("empty.parquet");
        let written = export(&store, table, FileFormat::Parquet, &out, |_| ()).await.unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&out).unwrap()).unwrap();
        assert_eq!(written.rows, 0);
        assert_eq!(reader.schema().fields(), empty(table).unwrap().schema().fields());
    }
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repeat() {
    let rows = u64::from(PAGE) + 5;
    let store = Store::in_memory().await.unwrap();
    let appends = (0..rows).map(|n| store.append_decision(decision(n)));
    // As many at once as the queue surely takes.
    use futures::StreamExt;
    futures::stream::iter(appends).buffer_unordered(512).for_each(async |done| done.unwrap()).await;
    let seen = Cell::new(0);
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("pages.arrow");
    export(&store, Table::Decisions, FileFormat::Arrow, &out, |n| seen.set(n)).await.unwrap();
    assert_eq!(seen.get(), rows);
    let batches = FileReader::try_new(File::open(&out).unwrap(), None).unwrap().map(Result::unwrap);
    let numbers: Vec<u64> =
        batches.flat_map(|b| b.column_by_name("seq").unwrap().as_primitive::<UInt64Type>().values().to_vec()).collect();
    assert!(numbers.len() as u64 == rows && numbers.is_sorted_by(|a, b| a + 1 == *b));
}

#[tokio::test]
async fn a_context_of_another_length_is_refused_and_leaves_no_file() {
    let store = store(1).await;
    let mut odd = decision(1);
    odd.context.pop();
    store.append_decision(odd).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("odd.parquet");
    let error = export(&store, Table::Decisions, FileFormat::Parquet, &out, |_| ()).await.unwrap_err();
    assert!(matches!(error, ExportError::Context { found, .. } if found == CONTEXT_DIM - 1), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
