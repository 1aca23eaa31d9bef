use super::*;
use proptest::prelude::*;
use samples::{any_json, completions, cut};
use serde_json::json;

pub(in crate::dialect) mod samples;

fn assembled(chunks: &[Value]) -> Value {
    let mut assembler = Assembler::default();
    chunks.iter().for_each(|chunk| assembler.chunk(chunk));
    assembler.completion()
}

fn chunk(delta: Value) -> Value {
    json!({
        "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
        "choices": [{"index": 0, "delta": delta, "finish_reason": null}],
    })
}

/// The only message of chunks with these deltas.
fn message(deltas: &[Value]) -> Value {
    let chunks: Vec<Value> = deltas.iter().cloned().map(chunk).collect();
    assembled(&chunks)["choices"][0]["message"].take()
}

/// A whole call of the function `f`.
fn call(id: &str, arguments: &str) -> Value {
    json!({"id": id, "type": "function", "function": {"name": "f", "arguments": arguments}})
}

#[test]
fn chunks_become_the_completion_that_they_tell() {
    let mut chunks = vec![
        chunk(json!({"role": "assistant", "content": "", "refusal": null})),
        chunk(json!({"reasoning_content": "Hm"})),
        chunk(json!({"reasoning_content": "m."})),
        chunk(json!({"content": "Hel"})),
        chunk(json!({"content": "lo"})),
    ];
    let mut end = chunk(json!({}));
    end["choices"][0]["finish_reason"] = json!("stop");
    chunks.push(end);
    chunks.push(json!({"id": "c", "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}));
    let expected = json!({
        "id": "c", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{
            "index": 0, "finish_reason": "stop",
            "message": {"role": "assistant", "content": "Hello", "refusal": null, "reasoning_content": "Hmm."},
        }],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2},
    });
    assert_eq!(assembled(&chunks), expected);
}

#[test]
fn calls_told_at_once_are_kept_apart() {
    let piece =
        |index: u64, arguments: &str| json!({"tool_calls": [{"index": index, "function": {"arguments": arguments}}]});
    let begin = |index: u64, id: &str| {
        let function = json!({"name": "f", "arguments": ""});
        json!({"tool_calls": [{"index": index, "id": id, "function": function}]})
    };
    let told = message(&[begin(0, "a"), begin(7, "b"), piece(7, "{\"x\""), piece(0, "{}"), piece(7, ":1}")]);
    assert_eq!(told["tool_calls"], json!([call("a", "{}"), call("b", "{\"x\":1}")]));
    assert_eq!(told["content"], Value::Null);
}

#[test]
fn calls_without_an_index_are_told_apart_by_their_ids() {
    let begin = |id: &str| json!({"tool_calls": [{"id": id, "function": {"name": "f", "arguments": "{"}}]});
    let piece = json!({"tool_calls": [{"function": {"arguments": "}"}}]});
    let told = message(&[begin("a"), piece.clone(), begin("b"), piece]);
    assert_eq!(told["tool_calls"], json!([call("a", "{}"), call("b", "{}")]));
}

#[test]
fn what_is_repeated_in_each_chunk_is_told_once() {
    let piece = |id: &str, arguments: &str| {
        let mut piece = call(id, arguments);
        piece["index"] = json!(0);
        json!({"role": "assistant", "tool_calls": [piece]})
    };
    let told = message(&[piece("a", "{"), piece("", "}")]);
    assert_eq!(told, json!({"role": "assistant", "content": null, "tool_calls": [call("a", "{}")]}));
}

#[test]
fn log_probabilities_of_all_chunks_are_joined() {
    let with = |logprobs: Value| json!({"choices": [{"index": 0, "delta": {}, "logprobs": logprobs}]});
    let chunks = [
        with(Value::Null),
        with(json!({"content": [{"token": "a"}], "refusal": null})),
        with(json!({"content": [{"token": "b"}], "refusal": null})),
        with(Value::Null),
    ];
    let expected = json!({"content": [{"token": "a"}, {"token": "b"}], "refusal": null});
    assert_eq!(assembled(&chunks)["choices"][0]["logprobs"], expected);
}

#[test]
fn choices_told_in_turns_are_kept_apart_and_ordered() {
    let of = |index: u64, text: &str, finish: Value| json!({"choices": [{"index": index, "delta": {"content": text}, "finish_reason": finish}]});
    let chunks =
        [of(1, "B", Value::Null), of(0, "A", Value::Null), of(1, "b", json!("length")), of(0, "a", json!("stop"))];
    let choices = assembled(&chunks)["choices"].take();
    let told: Vec<_> = (0..2)
        .map(|i| (&choices[i]["index"], &choices[i]["message"]["content"], &choices[i]["finish_reason"]))
        .collect();
    assert_eq!(told, [(&json!(0), &json!("Aa"), &json!("stop")), (&json!(1), &json!("Bb"), &json!("length"))]);
}

#[test]
fn a_completion_is_finished_when_each_choice_is() {
    let of = |index: u64, finish: Value| json!({"choices": [{"index": index, "delta": {}, "finish_reason": finish}]});
    let mut assembler = Assembler::default();
    assert!(!assembler.is_finished());
    for (chunk, finished) in [
        (of(0, Value::Null), false),
        (of(1, Value::Null), false),
        (of(1, json!("stop")), false),
        (of(0, json!("stop")), true),
    ] {
        assembler.chunk(&chunk);
        assert_eq!(assembler.is_finished(), finished);
    }
}

#[test]
fn an_empty_name_at_the_start_gives_way_to_the_real_one() {
    let first = json!({"id": "", "model": "", "choices": [], "prompt_filter_results": [1]});
    let told = assembled(&[first, chunk(json!({"content": "A"}))]);
    assert_eq!((&told["id"], &told["model"]), (&json!("c"), &json!("m")));
    assert_eq!(told["prompt_filter_results"], json!([1]));
}

#[test]
fn a_replay_has_the_order_of_a_stream() {
    let message = json!({
        "role": "assistant", "content": "A", "refusal": null, "reasoning_content": "R",
        "tool_calls": [call("a", "{}"), call("b", "{}")],
    });
    let completion = json!({
        "id": "c", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls", "logprobs": {"content": []}}],
        "usage": {"prompt_tokens": 1},
    });
    let mut second = call("b", "{}");
    second["index"] = json!(1);
    let mut first = call("a", "{}");
    first["index"] = json!(0);
    let choice = |delta: Value| json!([{"index": 0, "delta": delta, "finish_reason": null}]);
    let expected = [
        choice(json!({"role": "assistant", "refusal": null})),
        choice(json!({"reasoning_content": "R"})),
        json!([{"index": 0, "delta": {"content": "A"}, "finish_reason": null, "logprobs": {"content": []}}]),
        choice(json!({"tool_calls": [first]})),
        choice(json!({"tool_calls": [second]})),
        json!([{"index": 0, "delta": {}, "finish_reason": "tool_calls", "logprobs": null}]),
        json!([]),
    ];
    let chunks = replay(&completion);
    assert!(chunks.iter().all(|chunk| chunk["object"] == "chat.completion.chunk" && chunk["id"] == "c"));
    let choices: Vec<Value> = chunks.iter().map(|chunk| chunk["choices"].clone()).collect();
    assert_eq!(choices, expected);
    assert_eq!(chunks[6]["usage"], json!({"prompt_tokens": 1}));
    assert!(chunks[..6].iter().all(|chunk| chunk.get("usage").is_none()));
}

#[test]
fn what_is_no_completion_has_no_chunks() {
    for value in [Value::Null, json!([]), json!("text"), json!({}), json!({"choices": 1})] {
        assert_eq!(replay(&value), Vec::<Value>::new());
    }
}

/// Words of the dialect, so that random values come near to real ones.
const WORDS: [&str; 24] = [
    "id",
    "choices",
    "index",
    "delta",
    "message",
    "role",
    "content",
    "refusal",
    "reasoning_content",
    "tool_calls",
    "function",
    "name",
    "arguments",
    "finish_reason",
    "stop",
    "length",
    "logprobs",
    "usage",
    "prompt_tokens",
    "completion_tokens",
    "annotations",
    "url_citation",
    "type",
    "",
];

proptest! {
    #[test]
    fn a_replayed_completion_is_assembled_to_itself(completion in completions(1..4)) {
        prop_assert_eq!(assembled(&replay(&completion)), completion);
    }

    #[test]
    fn how_texts_are_cut_makes_no_difference(completion in completions(1..3)) {
        let chunks: Vec<Value> = replay(&completion).iter().flat_map(cut).collect();
        let told = assembled(&chunks);
        let choices = |completion: &Value| completion["choices"].as_array().cloned().unwrap_or_default();
        for (told, choice) in choices(&told).iter().zip(choices(&completion)) {
            prop_assert_eq!(&told["message"], &choice["message"]);
            prop_assert_eq!(&told["finish_reason"], &choice["finish_reason"]);
            prop_assert_eq!(&told["logprobs"], &choice["logprobs"]);
        }
    }

    #[test]
    fn any_chunks_are_assembled(
        chunks in proptest::collection::vec(any_json(&WORDS), 0..6),
        deltas in proptest::collection::vec(any_json(&WORDS), 0..6),
    ) {
        let mut assembler = Assembler::default();
        for delta in deltas {
            assembler.chunk(&chunk(delta.clone()));
            assembler.chunk(&json!({"choices": [{"index": 0, "delta": {"tool_calls": [delta], "content": "a"}}]}));
        }
        chunks.iter().for_each(|chunk| assembler.chunk(chunk));
        let _ = assembler.is_finished();
        let completion = assembler.completion();
        prop_assert!(completion["choices"].is_array());
    }

    #[test]
    fn any_completion_is_replayed(completion in any_json(&WORDS), message in any_json(&WORDS)) {
        let _ = replay(&completion);
        let chunks = replay(&json!({"choices": [{"message": message}]}));
        prop_assert!(!chunks.is_empty());
    }
}
