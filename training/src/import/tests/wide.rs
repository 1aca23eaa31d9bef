//! One column per model.

use super::{Case, Source, number, parquet, triple};
use crate::{import::python_list::strings, tables};
use polars::prelude::{NamedFrom, Series};

const GSM8K: &str = "prompt,mistralai/Mixtral-8x7B-Instruct-v0.1,gpt-4-1106-preview,gpt-4-1106-preview_response\n\
    \"A robe, how many?\",False,True,\"It is 3,\nsurely\"\nDucks?,True,True,#### 18\n";
const QUESTIONS: &str = "{\"question_id\": 81, \"category\": \"writing\", \"turns\": [\"Write a post.\", \"Rewrite it.\"]}\n\
    {\"question_id\": 82, \"category\": \"math\", \"turns\": [\"Solve it.\", \"Again.\"]}\n";

fn judgement(question: u32, model: &str, turn: u32, score: i32) -> String {
    let judged = r#""judge": ["gpt-4", "single-v1"], "judgment": "Rating: [[9]]", "user_prompt": "x""#;
    format!("{{\"question_id\": {question}, \"model\": \"{model}\", {judged}, \"score\": {score}, \"turn\": {turn}}}\n")
}

#[test]
fn answers_of_a_routellm_benchmark_are_read_by_prompt_and_model() {
    let case = Case::new(Source::Routellm).file("gsm8k_responses.csv", GSM8K);
    let (weak, strong) = ("mistralai/Mixtral-8x7B-Instruct-v0.1", "gpt-4-1106-preview");
    let expected = [
        triple("gsm8k:0", strong, 1.0),
        triple("gsm8k:0", weak, 0.0),
        triple("gsm8k:1", strong, 1.0),
        triple("gsm8k:1", weak, 1.0),
    ];
    assert_eq!(case.scores(), expected);
    let row = &case.rows()[0];
    assert_eq!((row["dataset"].as_str(), row["task"].as_str()), (Some("routellm"), Some("gsm8k")));
    assert_eq!(row["split"], "test");
}

#[test]
fn mmlu_files_are_named_by_subject() {
    let case = Case::new(Source::Routellm).file("mmlu/responses/mmlu_anatomy.csv", "prompt,a,b\nWhere?,True,0.5\n");
    let row = &case.rows()[1];
    assert_eq!((row["query_id"].as_str(), row["task"].as_str()), (Some("mmlu:anatomy:0"), Some("mmlu/anatomy")));
    assert_eq!(number(row, "score"), 0.5);
}

#[test]
fn contaminated_prompts_one_folder_up_are_marked_and_left_out_by_training() {
    let contaminated = "{\"train_prompt\": \"Ducks\", \"eval_prompt\": \"Ducks?\", \"eval_idx\": 1}\n";
    let case = Case::new(Source::Routellm).beside("gsm8k/contaminated_prompts.jsonl", contaminated);
    let case = case.file("gsm8k/responses/gsm8k_responses.csv", GSM8K);
    let splits: Vec<_> = case.rows().iter().map(|row| row["split"].clone()).collect();
    assert_eq!(splits, ["test", "test", "contaminated", "contaminated"]);
    assert_eq!(tables::outcomes(&case.out()).unwrap().rows.len(), 2);
}

#[test]
fn mt_bench_is_the_mean_rating_of_both_turns_of_the_first_turn() {
    let judgements = [(1, 10), (2, 7)].map(|(turn, score)| judgement(81, "strong", turn, score)).concat();
    let case = Case::new(Source::Routellm).beside("question.jsonl", QUESTIONS);
    let case = case.file("judgements.jsonl", judgements + &judgement(82, "weak", 1, 1) + &judgement(82, "weak", 2, -1));
    let lines = case.lines();
    assert!(lines[0].ends_with("left out: answers that the judge gave no rating: 1"), "{lines:?}");
    // (8.5 − 1) / 9, in single precision.
    assert_eq!(
        case.scores(),
        [triple("mt_bench:81", "strong", f64::from(7.5f32 / 9.0)), triple("mt_bench:82", "weak", 0.0)]
    );
    let row = &case.rows()[0];
    assert_eq!((row["query"].as_str(), row["task"].as_str()), (Some("Write a post."), Some("mt_bench/writing")));
}

#[test]
fn judgements_without_their_questions_say_what_is_missing() {
    let case = Case::new(Source::Routellm).file("judgements.jsonl", judgement(81, "strong", 1, 9));
    assert!(case.error().contains("judgements.jsonl: its questions are missing"), "{}", case.error());
}

#[test]
fn the_whole_folder_of_routellm_is_read_and_other_files_passed_over() {
    let case = Case::new(Source::Routellm).beside("evals/mt_bench/question.jsonl", QUESTIONS);
    let case = case.beside("evals/mt_bench/judgements.jsonl", judgement(81, "a", 1, 10));
    let case = case.beside("evals/gsm8k/train.jsonl", r#"{"question": "Ducks?", "answer": "18"}"#);
    let case = case.beside("evals/gsm8k/gsm8k_responses.csv", "prompt,a\nDucks?,True\n").named("evals");
    assert_eq!(case.scores(), [triple("gsm8k:0", "a", 1.0), triple("mt_bench:81", "a", 1.0)]);
}

#[test]
fn a_number_that_is_no_score_is_recognised_and_models_can_be_named() {
    let csv = "prompt,length,a\nWhy?,40,True\nHow?,50,False\n";
    let case = Case::new(Source::Routellm).file("x.csv", csv);
    let expected = "x.csv line 2, column `length`: 40 is outside 0..1 (2 of 4 scores are; they run from 0 to 50)";
    assert!(case.error().contains(expected), "{}", case.error());
    assert_eq!(case.with(&["--model-column", "a"]).scores().len(), 2);
}

const ROUTERBENCH: &str = "sample_id,prompt,eval_name,claude-v1,gpt-4,claude-v1|model_response,gpt-4|model_response,\
    claude-v1|total_cost,gpt-4|total_cost,oracle_model_to_route_to\n\
    mbpp.dev.325,\"['Power of each number.\\n', 'And then?']\",mbpp,0.0,1.0,['x'],['y'],0.0005,0.007,gpt-4\n\
    mmlu.val.1,['Who\\'s?'],mmlu,1.0,,['x'],['y'],0.0005,0.007,claude-v1\n";

#[test]
fn routerbench_gives_models_costs_and_prompts() {
    let case = Case::new(Source::Routerbench).file("rb.csv", ROUTERBENCH);
    let lines = case.lines();
    let expected = "rb.csv: 2 queries, 2 models, 3 rows, 100 % priced; left out: cells without a score: 1";
    assert!(lines[0].ends_with(expected), "{lines:?}");
    let expected = [
        triple("mbpp.dev.325", "claude-v1", 0.0),
        triple("mbpp.dev.325", "gpt-4", 1.0),
        triple("mmlu.val.1", "claude-v1", 1.0),
    ];
    assert_eq!(case.scores(), expected);
    let rows = case.rows();
    assert_eq!(rows[0]["query"], "Power of each number.\n\nAnd then?");
    assert_eq!(rows[2]["query"], "Who's?");
    assert_eq!((rows[0]["task"].as_str(), number(&rows[1], "cost_usd")), (Some("mbpp"), 0.007));
}

#[test]
fn routerbench_is_read_from_parquet_as_well() {
    let columns = vec![
        Series::new("sample_id".into(), ["s1", "s2"]),
        Series::new("prompt".into(), ["['Why?']", "plain"]),
        Series::new("eval_name".into(), ["t", "t"]),
        Series::new("a".into(), [Some(0.5f64), Some(f64::NAN)]),
        Series::new("a|total_cost".into(), [0.25f64, 0.5]),
        Series::new("an_embedding".into(), [Series::new("".into(), [1f32]), Series::new("".into(), [2f32])]),
    ];
    let case = Case::new(Source::Routerbench).file("rb.parquet", parquet(columns));
    assert_eq!(case.scores(), [triple("s1", "a", 0.5)]);
    assert_eq!(case.rows()[0]["query"], "Why?");
}

#[test]
fn routerbench_without_its_columns_is_refused() {
    let case = Case::new(Source::Routerbench).file("rb.csv", "prompt,a\nWhy?,1\n");
    assert!(case.error().contains("rb.csv: no column `sample_id`, `eval_name`"), "{}", case.error());
}

#[test]
fn lists_of_strings_are_read_as_python_prints_them() {
    let read = |text: &str| strings(text);
    assert_eq!(read(r#"['a\'b', "c'd\n", '\\', 'é\xe9\u2019']"#).unwrap(), ["a'b", "c'd\n", "\\", "éé’"]);
    assert_eq!(read("['one',]").unwrap(), ["one"]);
    for other in ["plain", "[]", "[1, 2]", "['open", "['a' 'b']", r"['\q']", "see [1]"] {
        assert_eq!(read(other), None, "{other}");
    }
}
