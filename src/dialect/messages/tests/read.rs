//! What providers answer, whole.

use super::*;

fn read(content: Value, reason: &str) -> Value {
    completion(&message(content, reason)).expect("it is readable")
}

#[test]
fn a_message_becomes_a_completion() {
    let content = json!([
        {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "eA=="},
        {"type": "text", "text": "I ", "citations": null},
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}},
        {"type": "text", "text": "look."},
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}},
        {"type": "tool_use", "id": "toolu_2", "name": "f", "input": null},
    ]);
    let expected = json!({
        "id": "msg_1", "object": "chat.completion", "created": 0, "model": "m",
        "choices": [{
            "index": 0, "finish_reason": "tool_calls", "logprobs": null,
            "message": {
                "role": "assistant", "content": "I look.", "refusal": null, "reasoning_content": "Hm.",
                "tool_calls": [call("toolu_1", "{\"a\":1}"), call("toolu_2", "{}")],
            },
        }],
        "usage": {
            "prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 25,
            "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 6},
            "completion_tokens_details": {"reasoning_tokens": 2},
        },
    });
    assert_eq!(read(content, "tool_use"), expected);
}

#[test]
fn a_message_ends_for_the_same_reason() {
    let text = json!([{"type": "text", "text": "x"}]);
    let used = json!([{"type": "tool_use", "id": "a", "name": "f", "input": {}}]);
    for (content, reason, finish) in [
        (&text, "end_turn", "stop"),
        (&text, "stop_sequence", "stop"),
        (&text, "max_tokens", "length"),
        (&text, "model_context_window_exceeded", "length"),
        (&text, "pause_turn", "length"),
        (&text, "refusal", "content_filter"),
        (&text, "something_new", "stop"),
        (&used, "tool_use", "tool_calls"),
        (&used, "end_turn", "tool_calls"),
        (&used, "max_tokens", "length"),
    ] {
        assert_eq!(read(content.clone(), reason)["choices"][0]["finish_reason"], finish);
    }
}

#[test]
fn a_refusal_gives_its_reason() {
    let mut refused = message(json!([]), "refusal");
    refused["stop_details"] = json!({"type": "refusal", "category": "cyber", "explanation": "Harmful."});
    let told = completion(&refused).expect("it is readable");
    let said = &told["choices"][0]["message"];
    assert_eq!((&said["content"], &said["refusal"]), (&Value::Null, &json!("Harmful.")));
}

#[test]
fn what_is_no_message_is_unreadable() {
    let error = json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
    assert_eq!(completion(&error), Err(Unreadable("overloaded_error: Overloaded".to_owned())));
    let nameless = json!([{"type": "tool_use", "id": "a", "input": {}}]);
    for broken in
        [json!(null), json!({}), json!({"content": []}), message(nameless, "tool_use"), message(json!("x"), "end_turn")]
    {
        assert!(completion(&broken).is_err(), "{broken}");
    }
}

#[test]
fn tokens_are_told_only_if_they_were() {
    let mut uncounted = message(json!([]), "end_turn");
    uncounted["usage"] = Value::Null;
    assert_eq!(completion(&uncounted).expect("it is readable").get("usage"), None);
    uncounted["usage"] = json!({"input_tokens": 1, "output_tokens": 2, "cache_read_input_tokens": null});
    let told = completion(&uncounted).expect("it is readable");
    assert_eq!((&told["usage"]["prompt_tokens"], &told["usage"]["total_tokens"]), (&json!(1), &json!(3)));
    uncounted["usage"] = json!({"input_tokens": u64::MAX, "output_tokens": u64::MAX, "cache_read_input_tokens": 1});
    assert_eq!(completion(&uncounted).expect("it is readable")["usage"]["total_tokens"], json!(u64::MAX));
}
