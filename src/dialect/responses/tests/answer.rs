//! What whole completions become.

use super::{super::answer, *};

#[test]
fn a_response_tells_the_answer_its_tokens_and_what_was_asked() {
    let function = json!({"type": "function", "name": "f", "parameters": {}, "strict": null});
    let request = asking(json!({
        "instructions": "Be brief", "metadata": {"a": "b"}, "temperature": 0.5, "tools": [function], "user": "u",
        "reasoning": {"effort": "low"}, "text": {"verbosity": "low"}, "store": true, "truncation": "auto",
    }));
    let mut given = completion(json!({"role": "assistant", "content": "Hello"}), "stop");
    given["service_tier"] = json!("default");
    let expected = json!({
        "id": "resp_chatcmpl-1", "object": "response", "created_at": 7, "status": "completed", "model": "m",
        "error": null, "incomplete_details": null, "background": false, "previous_response_id": null,
        "output": [{
            "id": "msg_chatcmpl-1_0", "type": "message", "role": "assistant", "status": "completed",
            "content": [{"type": "output_text", "text": "Hello", "annotations": [], "logprobs": []}],
        }],
        "usage": {
            "input_tokens": 10, "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 0},
            "output_tokens": 5, "output_tokens_details": {"reasoning_tokens": 2}, "total_tokens": 15,
        },
        "instructions": "Be brief", "metadata": {"a": "b"}, "temperature": 0.5, "top_p": null, "user": "u",
        "max_output_tokens": null, "max_tool_calls": null, "parallel_tool_calls": true, "prompt_cache_key": null,
        "reasoning": {"effort": "low", "summary": null}, "safety_identifier": null, "service_tier": "default",
        "store": false, "text": {"format": {"type": "text"}, "verbosity": "low"}, "tool_choice": "auto",
        "tools": [{"type": "function", "name": "f", "parameters": {}, "strict": false}], "top_logprobs": 0,
        "truncation": "disabled",
    });
    assert_eq!(answer(&given, &request), expected);
}

fn output(message: Value, finish: &str, request: Value) -> Value {
    answer(&completion(message, finish), &asking(request))["output"].take()
}

#[test]
fn reasoning_text_and_calls_are_items_in_this_order() {
    let call = |id: &str| json!({"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}});
    let message = json!({"content": "A", "reasoning_content": "R", "tool_calls": [call("a"), call("b")]});
    let called = |at: usize, id: &str| {
        json!({
            "id": format!("fc_chatcmpl-1_{at}"), "type": "function_call", "status": "completed", "call_id": id,
            "name": "f", "arguments": "{}",
        })
    };
    let expected = json!([
        {"id": "rs_chatcmpl-1_0", "type": "reasoning", "status": "completed", "summary": [],
         "content": [{"type": "reasoning_text", "text": "R"}]},
        {"id": "msg_chatcmpl-1_1", "type": "message", "role": "assistant", "status": "completed",
         "content": [{"type": "output_text", "text": "A", "annotations": [], "logprobs": []}]},
        called(2, "a"), called(3, "b"),
    ]);
    assert_eq!(output(message, "tool_calls", json!({})), expected);
}

#[test]
fn who_asked_for_a_summary_gets_the_reasoning_as_one() {
    let message = json!({"content": "A", "reasoning": "R"});
    let items = output(message, "stop", json!({"reasoning": {"summary": "auto"}}));
    assert_eq!(items[0]["summary"], json!([{"type": "summary_text", "text": "R"}]));
    assert_eq!(items[0]["content"], json!([]));
}

#[test]
fn a_refusal_is_a_part_of_its_own() {
    let items = output(json!({"content": null, "refusal": "No"}), "stop", json!({}));
    assert_eq!(items[0]["content"], json!([{"type": "refusal", "refusal": "No"}]));
    let items = output(json!({"content": "A", "refusal": "No"}), "stop", json!({}));
    assert_eq!((&items[0]["content"][0]["text"], &items[0]["content"][1]["refusal"]), (&json!("A"), &json!("No")));
}

#[test]
fn an_answer_that_was_cut_off_is_incomplete() {
    for (finish, reason) in [("length", "max_output_tokens"), ("content_filter", "content_filter")] {
        let told = answer(&completion(json!({"content": "A", "reasoning_content": "R"}), finish), &asking(json!({})));
        assert_eq!((&told["status"], &told["incomplete_details"]["reason"]), (&json!("incomplete"), &json!(reason)));
        assert_eq!(
            (&told["output"][0]["status"], &told["output"][1]["status"]),
            (&json!("completed"), &json!("incomplete"))
        );
    }
}

#[test]
fn an_answer_that_says_nothing_is_an_empty_message_unless_it_was_cut_off() {
    let said = |finish: &str| output(json!({"content": ""}), finish, json!({}));
    assert_eq!(said("stop")[0]["content"][0]["text"], "");
    assert_eq!(said("length"), json!([]));
}

#[test]
fn log_probabilities_and_sources_come_with_the_text() {
    let citation = json!({"url": "u", "title": "t", "start_index": 0, "end_index": 1});
    let message = json!({"content": "é", "annotations": [{"type": "url_citation", "url_citation": citation}]});
    let mut given = completion(message, "stop");
    let others = json!([{"token": "e", "logprob": -2.0, "bytes": [101]}]);
    given["choices"][0]["logprobs"] =
        json!({"content": [{"token": "é", "logprob": -0.5, "bytes": null, "top_logprobs": others}]});
    let expected = json!({
        "type": "output_text", "text": "é",
        "annotations": [{"type": "url_citation", "url": "u", "title": "t", "start_index": 0, "end_index": 1}],
        "logprobs": [{"token": "é", "logprob": -0.5, "bytes": [195, 169], "top_logprobs": others}],
    });
    assert_eq!(answer(&given, &asking(json!({})))["output"][0]["content"][0], expected);
}

#[test]
fn without_an_account_of_tokens_there_is_none() {
    let mut given = completion(json!({"content": "A"}), "stop");
    given["usage"] = Value::Null;
    assert_eq!(answer(&given, &asking(json!({})))["usage"], Value::Null);
}

#[test]
fn ids_lead_back_to_the_completion() {
    for (id, completion) in [
        ("resp_chatcmpl-1", Some("chatcmpl-1")),
        ("resp_gen_7_2", Some("gen_7_2")),
        ("msg_chatcmpl-1_0", Some("chatcmpl-1")),
        ("fc_gen_7_2", Some("gen_7")),
        ("resp_", None),
        ("msg_01XyZ", None),
        ("chatcmpl-1", None),
    ] {
        assert_eq!(crate::dialect::responses::completion_id(id), completion, "{id}");
    }
}
