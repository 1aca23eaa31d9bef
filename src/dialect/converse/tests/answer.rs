//! What whole answers become.

use super::*;

#[test]
fn an_answer_becomes_a_completion() {
    let completion = completion(&answered(json!([{"text": "Hello"}, {"text": " you"}]), "end_turn"), "bedrock/nova");
    let expected = json!({
        "object": "chat.completion", "created": 0, "model": "bedrock/nova",
        "choices": [{
            "index": 0, "finish_reason": "stop", "logprobs": null,
            "message": {"role": "assistant", "content": "Hello you", "refusal": null},
        }],
        "usage": {
            "prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15,
            "prompt_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        },
    });
    assert_eq!(completion, Ok(expected));
}

#[test]
fn reasoning_citations_and_calls_find_their_places() {
    let content = json!([
        {"reasoningContent": {"reasoningText": {"text": "Hm. ", "signature": "s"}}},
        {"reasoningContent": {"redactedContent": "AAAA"}},
        {"citationsContent": {"content": [{"text": "So it says."}], "citations": []}},
        {"toolUse": {"toolUseId": "own", "name": "search", "input": {}, "type": "server_tool_use"}},
        {"toolUse": {"toolUseId": "t1", "name": "f", "input": {"a": [1, null]}}},
        {"toolUse": {"toolUseId": "t2", "name": "g"}},
        {"neverSeen": {}},
    ]);
    let completion = completion(&answered(content, "tool_use"), "m").expect("it is readable");
    let choice = &completion["choices"][0];
    let expected = json!({
        "role": "assistant", "content": "So it says.", "refusal": null, "reasoning_content": "Hm. ",
        "tool_calls": [
            {"id": "t1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":[1,null]}"}},
            {"id": "t2", "type": "function", "function": {"name": "g", "arguments": "{}"}},
        ],
    });
    assert_eq!((&choice["message"], &choice["finish_reason"]), (&expected, &json!("tool_calls")));
}

#[test]
fn every_stop_reason_has_a_finish_reason() {
    for (reason, expected) in [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("guardrail_intervened", "content_filter"),
        ("content_filtered", "content_filter"),
        ("tool_use", "tool_calls"),
        ("never_seen", "stop"),
    ] {
        let completion = completion(&answered(json!([{"text": "x"}]), reason), "m").expect("it is readable");
        assert_eq!(completion["choices"][0]["finish_reason"], expected, "{reason}");
    }
    let called = answered(json!([{"toolUse": {"toolUseId": "t", "name": "f", "input": {}}}]), "end_turn");
    let completion = completion(&called, "m").expect("it is readable");
    assert_eq!(completion["choices"][0]["finish_reason"], "tool_calls", "some models end their turn with a call");
}

#[test]
fn cached_input_is_counted_within_the_prompt() {
    let mut answer = answered(json!([{"text": "x"}]), "end_turn");
    answer["usage"] = json!({"inputTokens": 4, "outputTokens": 6, "totalTokens": 1010, "cacheReadInputTokens": 900, "cacheWriteInputTokens": 100});
    let expected = json!({
        "prompt_tokens": 1004, "completion_tokens": 6, "total_tokens": 1010,
        "prompt_tokens_details": {"cached_tokens": 900, "cache_write_tokens": 100},
    });
    assert_eq!(completion(&answer, "m").expect("it is readable")["usage"], expected);
    answer["usage"] = json!(null);
    assert_eq!(completion(&answer, "m").expect("it is readable").get("usage"), None, "tokens are never guessed");
}

#[test]
fn what_is_no_answer_is_unreadable() {
    let text = json!([{"text": "x"}]);
    for answer in [
        json!(null),
        json!({"message": "Too many requests"}),
        json!({"output": {"message": {"content": "x"}}, "stopReason": "end_turn"}),
        json!({"output": {"message": {"content": text}}}),
        answered(json!([{"toolUse": {"name": "f"}}]), "tool_use"),
        answered(text.clone(), "malformed_tool_use"),
        answered(text, "malformed_model_output"),
    ] {
        assert!(completion(&answer, "m").is_err(), "{answer}");
    }
}

#[test]
fn a_message_that_comes_back_is_the_one_that_was_given() {
    let content = json!([
        {"text": "Let me see."},
        {"toolUse": {"toolUseId": "tooluse_1-a", "name": "f", "input": {"x": 0.1, "y": "ü"}}},
        {"toolUse": {"toolUseId": "tooluse_2", "name": "f", "input": {}}},
    ]);
    let completion = completion(&answered(content.clone(), "tool_use"), "m").expect("it is readable");
    let chat = json!({
        "messages": [{"role": "user", "content": "Hi"}, completion["choices"][0]["message"]],
        "tools": [{"type": "function", "function": {"name": "f"}}],
    });
    assert_eq!(body(chat)["messages"][1]["content"], content);
}
