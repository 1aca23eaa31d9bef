//! Logs of our own service and of LiteLLM.

use super::{Case, Source, number, parquet, triple};
use polars::prelude::{NamedFrom, Series};
use satisfice::domain::FeedbackSource;

/// Two decisions for `small`; the context is of a type that import does not read.
fn decisions() -> Vec<u8> {
    let context = [Series::new("".into(), [0.5f32]), Series::new("".into(), [1f32])];
    parquet(vec![
        Series::new("seq".into(), [1u64, 2]),
        Series::new("id".into(), ["d1", "d2"]),
        Series::new("policy".into(), ["default", "default"]),
        Series::new("task".into(), ["coding", "chat"]),
        Series::new("context".into(), context),
        Series::new("chosen".into(), ["small", "small"]),
        Series::new("propensity".into(), [0.75f64, 0.5]),
    ])
}

/// `d1` failed at first; `d2` was served by the fallback.
fn outcomes() -> Vec<u8> {
    parquet(vec![
        Series::new("seq".into(), [1u64, 2, 3]),
        Series::new("decision_id".into(), ["d1", "d1", "d2"]),
        Series::new("served_model".into(), ["small", "small", "large"]),
        Series::new("status".into(), ["ok", "timeout", "ok"]),
        Series::new("input_tokens".into(), [Some(10u32), None, Some(20)]),
        Series::new("output_tokens".into(), [Some(5u32), None, Some(6)]),
        Series::new("cost_usd".into(), [Some(0.01f64), None, None]),
    ])
}

fn feedback(rows: &[(u64, &str, &str, &str, Option<f64>)]) -> Vec<u8> {
    parquet(vec![
        Series::new("seq".into(), rows.iter().map(|r| r.0).collect::<Vec<_>>()),
        Series::new("decision_id".into(), rows.iter().map(|r| r.1).collect::<Vec<_>>()),
        Series::new("model".into(), rows.iter().map(|r| r.2).collect::<Vec<_>>()),
        Series::new("source".into(), rows.iter().map(|r| r.3).collect::<Vec<_>>()),
        Series::new("score".into(), rows.iter().map(|r| r.4).collect::<Vec<_>>()),
    ])
}

fn log(said: &[(u64, &str, &str, &str, Option<f64>)]) -> Case {
    let case = Case::new(Source::SatisficeLog).beside("log/decisions.parquet", decisions());
    case.beside("log/outcomes.parquet", outcomes()).beside("log/feedback.parquet", feedback(said)).named("log")
}

#[test]
fn the_last_word_of_each_source_counts_for_the_model_that_served() {
    let case = log(&[
        (1, "d1", "small", "user", Some(0.0)),
        (2, "d2", "large", "user", Some(0.25)),
        (3, "d1", "small", "user", Some(1.0)),
    ]);
    assert_eq!(case.scores(), [triple("d1", "small", 1.0), triple("d2", "large", 0.25)]);
    let rows = case.rows();
    assert_eq!((rows[0]["task"].as_str(), rows[0]["query"].as_str()), (Some("coding"), Some("")));
    assert_eq!((number(&rows[0], "cost_usd"), number(&rows[0], "prompt_tokens")), (0.01, 10.0));
    assert!(rows[1]["cost_usd"].is_null(), "unpriced is not free");
    assert!(case.lines().last().unwrap().starts_with("queries without text"));
}

#[test]
fn a_fallback_has_no_propensity() {
    let case = log(&[(1, "d1", "small", "user", Some(1.0)), (2, "d2", "large", "user", Some(1.0))]);
    let rows = case.rows();
    assert_eq!(number(&rows[0], "propensity"), 0.75);
    assert!(rows[1]["propensity"].is_null());
    assert_eq!(rows[1]["policy"], "default");
}

#[test]
fn sources_are_weighted_by_how_noisy_they_are() {
    let case = log(&[(1, "d1", "small", "user", Some(0.0)), (2, "d1", "small", "tests", Some(1.0))]);
    let [user, tests] = [FeedbackSource::User, FeedbackSource::Tests].map(|s| s.noise_variance().recip());
    let expected = tests / (user + tests);
    assert!((case.scores()[0].2 - expected).abs() < 1e-6, "single precision");
}

#[test]
fn what_was_taken_back_or_never_said_is_counted() {
    let case = log(&[
        (1, "d1", "small", "user", Some(1.0)),
        (2, "d1", "small", "user", None),
        (3, "d1", "small", "judge", Some(0.5)),
        (4, "d9", "small", "judge", Some(0.5)),
    ]);
    let lines = case.lines();
    let expected = "the log: 1 query, 1 model, 1 row, 100 % priced; left out: decisions without feedback: 1, \
                    scores of decisions that are not in these files: 1, scores that were taken back: 1";
    assert_eq!(lines[0], expected);
}

#[test]
fn decisions_of_the_same_text_stay_apart() {
    let two = parquet(vec![
        Series::new("seq".into(), [1u64, 2]),
        Series::new("id".into(), ["d1", "d2"]),
        Series::new("query".into(), ["Why?", "Why?"]),
        Series::new("policy".into(), ["default", "default"]),
        Series::new("task".into(), ["chat", "chat"]),
        Series::new("chosen".into(), ["small", "small"]),
        Series::new("propensity".into(), [0.75f64, 0.5]),
    ]);
    let said = [(1, "d1", "small", "user", Some(1.0)), (2, "d2", "small", "user", Some(0.0))];
    let case = log(&said).beside("log/decisions.parquet", two);
    assert_eq!(case.scores(), [triple("d1", "small", 1.0), triple("d2", "small", 0.0)]);
    assert_eq!(case.rows()[0]["query"], "Why?");
}

#[test]
fn a_table_that_is_missing_is_named_with_the_command_that_writes_it() {
    let case = Case::new(Source::SatisficeLog).file("d.parquet", decisions()).file("o.parquet", outcomes());
    let expected = "no feedback among the files: satisfice export --what feedback --out feedback.parquet";
    assert!(case.error().contains(expected), "{}", case.error());
}

#[test]
fn a_source_or_a_score_that_the_log_cannot_hold_is_refused() {
    let error = log(&[(1, "d1", "small", "oracle", Some(1.0)), (2, "d1", "small", "user", Some(2.0))]).error();
    assert!(error.contains("feedback.parquet row 0, column `source`: `oracle` is no source"), "{error}");
    assert!(error.contains("feedback.parquet row 1, column `score`: 2 is outside 0..1"), "{error}");
}

const SPEND: &str = r#"{"request_id": "r1", "model": "gpt-4o", "spend": 0.02, "prompt_tokens": 9, "completion_tokens": 3, "messages": "{}", "metadata": "{\"score\": 4, \"task\": \"chat\"}", "proxy_server_request": {"messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Why?"}]}}
{"request_id": "r2", "model": "local", "spend": 0.0, "prompt_tokens": 9, "completion_tokens": 3, "messages": [{"role": "user", "content": [{"type": "text", "text": "Why?"}]}], "metadata": {}}
"#;
const PAYLOAD: &str = r#"{"standard_logging_object": {"id": "r3", "model": "gpt-4o", "model_group": "best", "response_cost": 0.01, "status": "success", "messages": [{"role": "user", "content": "How?"}, {"role": "assistant", "content": "So."}], "metadata": {"requester_metadata": {"feedback": {"score": 5}}}}}"#;

#[test]
fn spend_logs_and_payloads_give_prompts_costs_and_scores() {
    let case = Case::new(Source::LitellmLog).file("spend.jsonl", SPEND).file("payload.json", PAYLOAD);
    let case = case.with(&["--score-scale", "1..5", "--task-column", "metadata.task"]);
    assert_eq!(case.scores(), [triple("r1", "gpt-4o", 0.75), triple("r3", "gpt-4o", 1.0)]);
    let rows = case.rows();
    assert_eq!((rows[0]["query"].as_str(), rows[0]["task"].as_str()), (Some("Why?"), Some("chat")));
    assert_eq!((number(&rows[0], "cost_usd"), number(&rows[1], "cost_usd")), (0.02, 0.01));
    assert_eq!((rows[1]["query"].as_str(), rows[1]["task"].as_str()), (Some("How?"), Some("unknown")));
}

#[test]
fn scores_apart_go_before_those_in_the_log_and_same_prompts_are_one_query() {
    let scores = "request_id,score\nr1,1\nr2,3\nr9,3\n";
    let case = Case::new(Source::LitellmLog).beside("log/spend.jsonl", SPEND).beside("log/s.csv", scores).named("log");
    let path = case.path("log/s.csv").display().to_string();
    let case = case.with(&["--score-scale", "1..5", "--scores", &path]);
    assert_eq!(case.scores(), [triple("r1", "gpt-4o", 0.0), triple("r1", "local", 0.5)]);
    assert!(case.rows()[1]["cost_usd"].is_null(), "a cost of 0 is an unknown one");
    assert!(case.lines()[1].contains("scores of requests that are not in the log: 1"), "{:?}", case.lines());
}

#[test]
fn requests_without_a_score_are_left_out_with_a_hint() {
    let case = Case::new(Source::LitellmLog).file("spend.jsonl", SPEND).with(&["--score-scale", "1..5"]);
    let lines = case.lines();
    assert!(lines[0].ends_with("left out: requests without a score: 1"), "{lines:?}");
    assert!(lines[2].contains("--scores FILE.csv (request_id, score)"), "{lines:?}");
}

#[test]
fn a_log_without_any_score_writes_nothing_and_says_how_to_go_on() {
    let line = r#"{"request_id": "r", "model": "a", "messages": "redacted-by-litellm", "metadata": {"score": 1}}"#;
    let case =
        Case::new(Source::LitellmLog).file("spend.jsonl", SPEND.lines().nth(1).unwrap().to_owned() + "\n" + line);
    let error = case.error();
    assert!(error.starts_with("no outcome in these files"), "{error}");
    assert!(error.contains("--scores FILE.csv") && error.contains("store_prompts_in_spend_logs"), "{error}");
}

#[test]
fn the_name_that_callers_use_can_be_taken_for_the_model() {
    let case = Case::new(Source::LitellmLog).file("payload.json", PAYLOAD);
    let case = case.with(&["--score-scale", "1..5", "--column", "model=model_group"]);
    assert_eq!(case.scores(), [triple("r3", "best", 1.0)]);
}

#[test]
fn a_request_that_is_scored_twice_is_refused() {
    let case = Case::new(Source::LitellmLog).file("spend.jsonl", SPEND);
    let case = case.beside("s.csv", "request_id,score\nr1,1\nr1,0\n");
    let path = case.path("s.csv").display().to_string();
    let error = case.with(&["--scores", &path]).error();
    assert!(error.contains("s.csv line 3, column `request_id`: `r1` is scored twice"), "{error}");
}
