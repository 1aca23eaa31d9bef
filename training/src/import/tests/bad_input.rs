//! Everything that can be wrong, with its place and what to do.

use super::{Case, Source, parquet};
use polars::prelude::{NamedFrom, Series};
use std::fs;

fn csv(bytes: impl AsRef<[u8]>) -> Case {
    Case::new(Source::Csv).file("a.csv", bytes)
}

/// The error's only fault.
fn fault(case: &Case) -> String {
    let error = case.error();
    let (head, fault) = error.split_once('\n').unwrap();
    assert_eq!(head, "nothing is written, 1 fault:", "{error}");
    fault.to_owned()
}

#[test]
fn a_missing_column_is_told_with_those_that_are_there() {
    let expected = "a.csv, column `score`: not in the file: say which it is with --column score=NAME; the columns are \
                    `query`, `model`, `rating`";
    assert_eq!(fault(&csv("query,model,rating\nWhy?,a,1\n")), expected);
}

#[test]
fn a_field_that_no_line_has_is_told_once() {
    let lines = "{\"query\": \"Why?\", \"score\": 1}\n".repeat(30);
    let error = fault(&Case::new(Source::Jsonl).file("a.jsonl", lines));
    assert!(error.starts_with("a.jsonl, column `model`: not in the file"), "{error}");
}

#[test]
fn scores_on_another_scale_are_one_fault() {
    let rows: String = (0..60).map(|i| format!("Why {i}?,a,{}\n", 1 + i % 5)).collect();
    let expected = "a.csv line 3, column `score`: 2 is outside 0..1 (48 of 60 scores are; they run from 1 to 5): if scores run \
                    otherwise, say how with --score-scale, such as 1..5";
    assert_eq!(fault(&csv(format!("query,model,score\n{rows}"))), expected);
}

#[test]
fn the_wrong_scale_is_noticed_as_well() {
    let case = csv("query,model,score\nWhy?,a,0.5\nHow?,a,1\n").with(&["--score-scale", "1..5"]);
    assert!(fault(&case).contains("line 2, column `score`: 0.5 is outside 1..5 (1 of 2 scores are"));
}

#[test]
fn what_is_no_score_is_refused_in_its_place() {
    for (cell, why) in [
        ("NaN", "NaN is no score"),
        ("", "no score: fill it in"),
        ("good", "`good` is not a number"),
        ("inf", "inf is outside 0..1"),
        ("-0.1", "-0.1 is outside 0..1"),
    ] {
        let error = fault(&csv(format!("query,model,score\nWhy?,a,1\nHow?,a,{cell}\n")));
        assert!(error.starts_with(&format!("a.csv line 3, column `score`: {why}")), "{error}");
    }
}

#[test]
fn costs_and_tokens_are_checked() {
    let head = "query,model,score,cost_usd,prompt_tokens\nWhy?,a,1,";
    for (cells, why) in [
        ("-1,", "column `cost_usd`: -1 is no cost"),
        ("inf,", "column `cost_usd`: inf is no cost"),
        (",1.5", "column `prompt_tokens`: 1.5 is no count of tokens"),
        (",3000000000", "column `prompt_tokens`: 3000000000 is no count of tokens"),
    ] {
        let error = fault(&csv(format!("{head}{cells}\n")));
        assert!(error.contains(why) && error.contains("leave the cell empty"), "{error}");
    }
    assert!(csv(format!("{head}NaN,n/a\n")).rows()[0]["cost_usd"].is_null());
}

#[test]
fn every_fault_of_a_row_and_of_every_file_is_told() {
    let case = csv("query,model,score\n,,x\n").file("b.csv", "query,model,score\nWhy?,a,NaN\n");
    let error = case.error();
    assert!(error.starts_with("nothing is written, 4 faults:\n"), "{error}");
    let columns = ["a.csv line 2, column `query`", "`model`: no text", "`x` is not a number", "b.csv line 2"];
    assert!(columns.iter().all(|column| error.contains(column)), "{error}");
}

#[test]
fn beyond_twenty_faults_are_counted() {
    let rows: String = (0..50).map(|i| format!("Why {i}?,,1\n")).collect();
    let error = csv(format!("query,model,score\n{rows}")).error();
    assert!(error.starts_with("nothing is written, 50 faults:\n"), "{error}");
    assert!(error.ends_with("\na.csv: and 30 more") && error.lines().count() == 22, "{error}");
}

#[test]
fn one_id_with_two_texts_is_refused_with_both_places() {
    let case = csv("query_id,query,model,score\nq,Why?,a,1\nq,How?,b,1\n");
    let error = case.error();
    assert!(error.contains("a.csv line 3, column `query_id`: `q` has another text here than at"), "{error}");
    assert!(error.contains("a.csv line 2: give each text its own id"), "{error}");
}

#[test]
fn empty_files_are_told_from_those_without_rows() {
    assert_eq!(fault(&csv("")), "a.csv: holds no columns");
    assert_eq!(fault(&csv("query,model,score\n")), "a.csv: holds no rows");
    assert_eq!(fault(&Case::new(Source::Jsonl).file("a.jsonl", "\n\n")), "a.jsonl: holds no columns");
    assert!(fault(&Case::new(Source::Csv).file("a.parquet", "")).contains("a.parquet: not a parquet file"));
}

#[test]
fn text_that_is_not_utf8_is_named_with_the_way_out() {
    let error = fault(&csv(b"query,model,score\nWhy?,a,1\nGr\xfc\xdfe,a,1\n"));
    assert!(error.starts_with("a.csv line 3: column `query` is not UTF-8"), "{error}");
    assert!(error.contains("iconv"), "{error}");
    assert!(fault(&csv(b"\xff\xfeq\0u\0e\0")).contains("not UTF-8"));
    let line =
        b"{\"query\": \"Gr\xfc\", \"model\": \"a\", \"score\": 1}\n{\"query\": \"?\", \"model\": \"a\", \"score\": 1}";
    assert!(fault(&Case::new(Source::Jsonl).file("a.jsonl", line)).contains("a.jsonl line 1: the line is not UTF-8"));
}

#[test]
fn broken_rows_are_named() {
    let error = fault(&csv("query,model,score\nWhy, oh why?,a,1\nHow?,a,1\n"));
    assert!(error.contains("a.csv line 2: the row has 4 cells, the header 3"), "{error}");
    let lines = "{\"query\": \"Why?\", \"model\": \"a\", \"score\": 1}\n{\"score\": NaN}\n[1]\n";
    let error = Case::new(Source::Jsonl).file("a.jsonl", lines).error();
    assert!(error.contains("a.jsonl line 2: no JSON object, expected value at character 11"), "{error}");
    assert!(error.contains("a.jsonl line 3: an object with named fields is expected"), "{error}");
}

#[test]
fn a_header_that_names_a_column_twice_is_refused() {
    assert_eq!(fault(&csv("query,model,score,model\nWhy?,a,1,b\n")), "a.csv: the header names column `model` twice");
}

#[test]
fn a_pickle_is_refused_with_the_line_that_converts_it() {
    let case = Case::new(Source::Routerbench).file("rb.pkl", b"\x80\x04");
    let line = "python3 -c \"import pandas as pd; pd.read_pickle('rb.pkl').to_csv('rb.csv', index=False)\"";
    assert!(case.error().contains(line), "{}", case.error());
    let case = Case::new(Source::Routerbench).beside("rb/x.pkl", b"\x80\x04").named("rb");
    assert!(case.error().contains("to_csv('rb/x.csv'"), "{}", case.error());
}

#[test]
fn files_of_other_kinds_and_paths_that_are_not_there_are_refused_together() {
    let case = Case::new(Source::Csv).file("a.xlsx", "PK").file("b.gz", "x").named("c.csv");
    let error = case.error();
    assert!(error.contains("a.xlsx: spreadsheets aren't read") && error.contains("b.gz: unpack it first"), "{error}");
    assert!(error.contains("c.csv: can't be read: No such file"), "{error}");
}

#[test]
fn the_table_stays_as_it_was_when_anything_is_wrong() {
    let case = csv("query,model,score\nWhy?,a,7\n");
    fs::create_dir_all(case.out().parent().unwrap()).unwrap();
    fs::write(case.out(), "old").unwrap();
    super::import(&case.args().unwrap()).unwrap_err();
    assert_eq!(fs::read(case.out()).unwrap(), b"old");
}

#[test]
fn a_table_that_cannot_be_written_is_told() {
    let case = csv("query,model,score\nWhy?,a,1\n");
    let error = format!("{:#}", super::import(&case.args().unwrap()).unwrap_err());
    assert!(error.contains("can't write") && error.contains("table.parquet.part"), "{error}");
}

#[test]
fn arguments_that_do_not_fit_the_source_are_refused_together() {
    let arguments = ["--column", "query=x", "--score-scale", "1..5", "--scores", "s.csv"];
    let error = Case::new(Source::SatisficeLog).file("x.parquet", "").with(&arguments).error();
    for name in ["--column", "--score-scale", "--scores"] {
        assert!(error.contains(&format!("{name} has no use with --from satisfice-log")), "{error}");
    }
    let twice = csv("").with(&["--column", "task=a", "--task-column", "b"]).error();
    assert!(twice.contains("a column for `task` is given twice"), "{twice}");
}

#[test]
fn arguments_of_the_wrong_form_say_the_right_one() {
    for (arguments, hint) in [
        (["--column", "question=prompt"], "`question` is none of the fields dataset, query_id,"),
        (["--column", "query"], "write FIELD=NAME"),
        (["--column", "query="], "name the column after `query=`"),
        (["--score-scale", "5"], "write WORST..BEST, such as 1..5"),
        (["--score-scale", "5..1"], "5 is not less than 1"),
        (["--score-scale", "0..NaN"], "0 is not less than NaN"),
    ] {
        let error = csv("").with(&arguments).args().unwrap_err().to_string();
        assert!(error.contains(hint), "{error}");
    }
}

#[test]
fn a_parquet_column_of_a_type_that_is_not_read_is_named_if_it_is_needed() {
    let lists = [Series::new("".into(), [1f32]), Series::new("".into(), [2f32])];
    let text = |name: &str| Series::new(name.into(), ["a", "b"]);
    let table = |query| parquet(vec![query, text("model"), Series::new("score".into(), [1i64, 0])]);
    let error = fault(&Case::new(Source::Csv).file("a.parquet", table(Series::new("query".into(), lists))));
    assert!(error.starts_with("a.parquet: column `query` is of type"), "{error}");
    assert_eq!(Case::new(Source::Csv).file("a.parquet", table(text("query"))).rows().len(), 2);
}
