//! One row per query and model.

use super::{Case, Source, number, triple};
use crate::tables;
use polars::prelude::{DataType, ParquetReader, SerReader};
use std::fs::{self, File};

const LONG: &str = "query_id,query,task,model,score,cost_usd,prompt_tokens,completion_tokens,split\n\
    q2,Why?,chat,small,0.5,,,,\n\
    q1,\"Add 1,\n and 2\",math,small,0,0.001,12,3,test\n\
    q1,\"Add 1,\n and 2\",math,large,1,0.1,12,4.0,test\n";

#[test]
fn a_long_csv_becomes_a_table_sorted_by_query_and_model() {
    let case = Case::new(Source::Csv).file("mine.csv", LONG);
    assert_eq!(case.scores(), [triple("q1", "large", 1.0), triple("q1", "small", 0.0), triple("q2", "small", 0.5)]);
    let rows = case.rows();
    assert_eq!(rows[0]["query"], "Add 1,\n and 2");
    assert_eq!((number(&rows[0], "completion_tokens"), number(&rows[1], "cost_usd")), (4.0, 0.001));
    assert_eq!((rows[0]["dataset"].as_str(), rows[0]["split"].as_str()), (Some("mine"), Some("test")));
    assert!(rows[2]["cost_usd"].is_null() && rows[2]["prompt_tokens"].is_null());
}

#[test]
fn the_columns_are_those_of_an_outcome_table() {
    let case = Case::new(Source::Csv).file("mine.csv", LONG);
    case.lines();
    let table = ParquetReader::new(File::open(case.out()).unwrap()).finish().unwrap();
    let columns: Vec<(String, DataType)> =
        table.columns().iter().map(|c| (c.name().to_string(), c.dtype().clone())).collect();
    let text = |name: &str| (name.to_owned(), DataType::String);
    let mut expected = ["dataset", "query_id", "split", "query", "task", "model"].map(text).to_vec();
    expected.push(("score".to_owned(), DataType::Float32));
    expected.push(("cost_usd".to_owned(), DataType::Float64));
    expected.extend(["prompt_tokens", "completion_tokens"].map(|name| (name.to_owned(), DataType::Int32)));
    assert_eq!(columns, expected);
}

#[test]
fn training_reads_what_was_imported() {
    let case = Case::new(Source::Csv).file("mine.csv", LONG).with(&["--dataset", "ours"]);
    case.lines();
    let table = tables::outcomes(&case.out()).unwrap();
    assert_eq!((table.dataset.as_str(), table.rows.len()), ("ours", 3));
    assert_eq!((table.queries.len(), table.models), (2, vec!["large".to_owned(), "small".to_owned()]));
}

#[test]
fn columns_of_other_names_are_found_and_scores_rescaled() {
    let csv = "prompt,llm,rating,area\nWhy?,small,1,chat\nWhy?,large,4,chat\n";
    let columns = ["--column", "query=prompt", "--column", "model=llm", "--column", "score=rating"];
    let case = Case::new(Source::Csv).file("r.csv", csv).with(&columns);
    let case = case.with(&["--task-column", "area", "--score-scale", "1..5"]);
    let rows = case.rows();
    assert_eq!(rows.iter().map(|row| number(row, "score")).collect::<Vec<_>>(), [0.75, 0.0]);
    assert_eq!(rows[0]["task"], "chat");
}

#[test]
fn a_scale_may_begin_below_zero() {
    let csv = "query,model,score\nWhy?,a,-1\nWhy?,b,0\n";
    let case = Case::new(Source::Csv).file("r.csv", csv).with(&["--score-scale", "-1..1"]);
    assert_eq!(case.rows().iter().map(|row| number(row, "score")).collect::<Vec<_>>(), [0.0, 0.5]);
}

#[test]
fn a_query_without_an_id_is_named_by_its_text_whatever_the_file() {
    let one = Case::new(Source::Csv).file("a.csv", "query,model,score\nWhy?,small,1\n").rows();
    let two = Case::new(Source::Jsonl).file("b.jsonl", r#"{"query": "Why?", "model": "large", "score": 0}"#).rows();
    assert!(one[0]["query_id"].as_str().unwrap().starts_with("q-"));
    assert_eq!(one[0]["query_id"], two[0]["query_id"]);
    assert_eq!(one[0]["task"], "unknown");
}

#[test]
fn json_lines_may_nest_what_is_asked_for() {
    let lines = "\u{feff}{\"input\": {\"text\": \"Why?\"}, \"model\": \"a\", \"score\": true, \"extra\": [1]}\n\n\
                 {\"input\": {\"text\": \"How?\"}, \"model\": \"a\", \"score\": \"0.25\", \"prompt_tokens\": null}\n";
    let case = Case::new(Source::Jsonl).file("a.jsonl", lines).with(&["--column", "query=input.text"]);
    let mut scores: Vec<f64> = case.rows().iter().map(|row| number(row, "score")).collect();
    scores.sort_by(f64::total_cmp);
    assert_eq!(scores, [0.25, 1.0]);
}

#[test]
fn a_json_array_and_tabs_are_read_too() {
    let array = r#"[{"query": "Why?", "model": "a", "score": 1}, {"query": "Why?", "model": "b", "score": 0}]"#;
    let case = Case::new(Source::Jsonl).file("a.json", array);
    assert_eq!(case.rows().len(), 2);
    let case = Case::new(Source::Csv).file("a.tsv", "\u{feff}query\tmodel\tscore\nWhy, then?\ta\t1\n");
    assert_eq!(case.rows()[0]["query"], "Why, then?");
}

#[test]
fn duplicates_are_averaged_and_counted() {
    let csv = "query_id,query,model,score,cost_usd\nq,Why me?,a,1,0.2\nq,Why  me? ,a,0.5,\nq,Why me?,b,0,\n";
    let case = Case::new(Source::Csv).file("a.csv", csv);
    let lines = case.lines();
    assert!(lines[0].ends_with("a.csv: 1 query, 2 models, 3 rows, 33 % priced"), "{lines:?}");
    assert!(lines[1].ends_with("1 query, 2 models, 2 rows, 50 % priced; duplicates averaged: 1"), "{lines:?}");
    assert_eq!(case.scores(), [triple("q", "a", 0.75), triple("q", "b", 0.0)]);
    assert_eq!(number(&case.rows()[0], "cost_usd"), 0.2);
}

#[test]
fn a_text_under_two_ids_is_one_query() {
    let csv = "query_id,query,model,score,task\nq2,Why?,a,1,two\nq1,Why?,b,0,one\n";
    let case = Case::new(Source::Csv).file("a.csv", csv);
    assert_eq!(case.scores(), [triple("q1", "a", 1.0), triple("q1", "b", 0.0)]);
    assert!(case.rows().iter().all(|row| row["task"] == "one"));
}

#[test]
fn several_data_sets_in_one_table_are_pointed_out() {
    let csv = |query| format!("query,model,score\n{query},a,1\n");
    let case = Case::new(Source::Csv).file("a.csv", csv("Why?")).file("b.csv", csv("How?"));
    assert!(case.lines().last().unwrap().contains("several data sets (a, b)"));
    let case = case.with(&["--dataset", "both"]);
    assert!(case.lines().last().unwrap().contains("2 queries"));
}

#[test]
fn a_folder_is_searched_and_a_table_replaced() {
    let csv = "query,model,score\nWhy?,a,1\n";
    let case = Case::new(Source::Csv).beside("in/deep/a.csv", csv).beside("in/notes.txt", "no").named("in");
    fs::create_dir_all(case.out().parent().unwrap()).unwrap();
    fs::write(case.out(), "old").unwrap();
    assert_eq!(case.rows().len(), 1);
    assert_eq!(fs::read_dir(case.out().parent().unwrap()).unwrap().count(), 1, "no part is left");
}
