//! What callers are told, whole.

use super::*;

#[test]
fn a_completion_becomes_a_message() {
    let said = json!({
        "role": "assistant", "content": "I look.", "refusal": null, "reasoning_content": "Hm.",
        "tool_calls": [call("call_1", "{\"a\":1}"), call("functions.f:1", "")],
    });
    let expected = json!({
        "id": "chatcmpl-1", "type": "message", "role": "assistant", "model": "m",
        "content": [
            {"type": "thinking", "thinking": "Hm.", "signature": ""},
            {"type": "text", "text": "I look."},
            {"type": "tool_use", "id": "call_1", "name": "f", "input": {"a": 1}},
            {"type": "tool_use", "id": "functions-2e-f-3a-1", "name": "f", "input": {}},
        ],
        "stop_reason": "tool_use", "stop_sequence": null, "stop_details": null,
        "usage": {
            "input_tokens": 10, "cache_creation_input_tokens": 6, "cache_read_input_tokens": 4, "output_tokens": 5,
            "output_tokens_details": {"thinking_tokens": 2},
        },
    });
    assert_eq!(answer(&completed(said, "tool_calls")), expected);
}

#[test]
fn an_answer_ends_for_the_same_reason() {
    let calls = json!({"tool_calls": [call("c", "{}")]});
    for (said, finish, reason) in [
        (json!({"content": "x"}), "stop", "end_turn"),
        (json!({"content": "x"}), "length", "max_tokens"),
        (json!({"content": "x"}), "content_filter", "refusal"),
        (json!({"refusal": "No."}), "stop", "refusal"),
        (calls.clone(), "tool_calls", "tool_use"),
        (calls.clone(), "stop", "tool_use"),
        (calls, "length", "max_tokens"),
        (json!({"content": "x"}), "tool_calls", "end_turn"),
        (json!({"content": "x"}), "eos", "end_turn"),
    ] {
        assert_eq!(answer(&completed(said, finish))["stop_reason"], reason);
    }
}

#[test]
fn a_refusal_is_said_in_words() {
    let told = answer(&completed(json!({"content": null, "refusal": "No."}), "stop"));
    assert_eq!(told["content"], json!([{"type": "text", "text": "No."}]));
}

#[test]
fn arguments_that_are_no_object_are_not_lost() {
    for arguments in ["{\"a\":", "[1]", "null", "x"] {
        let told = answer(&completed(json!({"tool_calls": [call("c", arguments)]}), "tool_calls"));
        assert_eq!(told["content"][0]["input"], json!({"INVALID_JSON": arguments}));
    }
}

#[test]
fn a_call_without_an_id_gets_one() {
    let nameless = json!({"function": {"name": "f", "arguments": "{}"}});
    let told = answer(&completed(json!({"tool_calls": [call("c", "{}"), nameless]}), "tool_calls"));
    assert_eq!(told["content"][1]["id"], "toolu_chatcmpl-1_1");
}

#[test]
fn of_several_choices_the_first_is_told_and_nothing_is_still_a_message() {
    let mut several = completed(json!({"content": "b"}), "length");
    several["choices"][0]["index"] = json!(1);
    several["choices"].as_array_mut().expect("an array").push(json!({"index": 0, "message": {"content": "a"}}));
    let told = answer(&several);
    assert_eq!((&told["content"][0]["text"], &told["stop_reason"]), (&json!("a"), &json!("end_turn")));
    let nothing = answer(&json!({}));
    assert_eq!((&nothing["content"], &nothing["stop_reason"]), (&json!([]), &json!("end_turn")));
    assert_eq!((&nothing["usage"]["input_tokens"], &nothing["usage"]["output_tokens"]), (&json!(0), &json!(0)));
}

#[test]
fn a_cache_larger_than_the_prompt_does_no_harm() {
    let mut odd = completed(json!({"content": "x"}), "stop");
    odd["usage"] = json!({"prompt_tokens": 1, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 5}});
    assert_eq!(answer(&odd)["usage"]["input_tokens"], 0);
}
