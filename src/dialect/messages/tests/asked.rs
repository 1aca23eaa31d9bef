//! What callers ask, in chat's words.

use super::*;

#[test]
fn a_plain_request_becomes_a_chat_request() {
    let asked = asking(json!({
        "system": "Be brief.", "temperature": 0.5, "top_p": 0.9, "top_k": 5, "stop_sequences": ["END"], "stream": true,
        "metadata": {"user_id": "u-1"}, "route": {"explain": true},
    }));
    let expected = json!({
        "model": "auto", "temperature": 0.5, "top_p": 0.9, "top_k": 5, "stop": ["END"], "max_completion_tokens": 100,
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
        "stream": true, "stream_options": {"include_usage": true}, "user": "u-1", "route": {"explain": true},
    });
    assert_eq!(chat(asked), expected);
}

#[test]
fn hints_for_anthropic_alone_are_left_out() {
    let hints = json!({
        "cache_control": {"type": "ephemeral"}, "service_tier": "auto", "speed": "fast", "diagnostics": {},
        "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]}, "container": null,
        "thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {}, "stop_sequences": [],
        "metadata": {"user_id": "x".repeat(65)}, "tool_choice": {"type": "auto"}, "tools": [], "system": "",
        "inference_geo": "global", "mcp_servers": [], "n": 1, "logprobs": false, "stream": false,
    });
    assert_eq!(chat(asking(hints)), chat(asking(json!({"stream": false}))));
}

#[test]
fn system_blocks_and_instructions_on_the_way_keep_their_place() {
    let cached = json!({"type": "text", "text": "One.", "cache_control": {"type": "ephemeral"}});
    let asked = asking(json!({
        "system": [cached, {"type": "text", "text": ""}, {"type": "text", "text": "Two."}],
        "messages": [{"role": "user", "content": "Hi"}, {"role": "system", "content": "Three."}],
    }));
    let expected = json!([
        {"role": "system", "content": [{"type": "text", "text": "One."}, {"type": "text", "text": "Two."}]},
        {"role": "user", "content": "Hi"},
        {"role": "system", "content": "Three."},
    ]);
    assert_eq!(chat(asked)["messages"], expected);
}

#[test]
fn pictures_and_documents_become_parts() {
    let said = chat_messages(json!([{"role": "user", "content": [
        {"type": "text", "text": "Look:"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA"}},
        {"type": "image", "source": {"type": "url", "url": "https://a.example/x.png"}},
        {"type": "document", "title": "a.pdf", "context": "Old.",
         "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi"}},
        {"type": "document", "title": "Notes", "source": {"type": "text", "media_type": "text/plain", "data": "n"}},
        {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "c"}]}},
        {"type": "document", "source": {"type": "content", "content": "d"}, "citations": {"enabled": false}},
        {"type": "search_result", "title": "T", "source": "https://b.example", "content": [{"type": "text", "text": "s"}]},
    ]}]));
    let text = |text: &str| json!({"type": "text", "text": text});
    let expected = json!([
        text("Look:"),
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}},
        {"type": "image_url", "image_url": {"url": "https://a.example/x.png"}},
        text("Old."),
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi"}},
        text("Notes"), text("n"), text("c"), text("d"), text("T\nhttps://b.example\ns"),
    ]);
    assert_eq!(said, json!([{"role": "user", "content": expected}]));
}

#[test]
fn calls_and_results_keep_their_ids_and_results_come_first() {
    let said = chat_messages(json!([
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
            {"type": "redacted_thinking", "data": "eA=="},
            {"type": "text", "text": "I look."},
            {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}, "caller": {"type": "direct"}},
            {"type": "tool_use", "id": "toolu_2", "name": "f", "input": {}},
        ]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "toolu_1", "content": "sunny", "is_error": false},
            {"type": "text", "text": "Go on."},
        ]},
        // Anthropic takes this for the same turn.
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "toolu_2", "content": [{"type": "text", "text": "rain"}], "is_error": true},
        ]},
    ]));
    let expected = json!([
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "I look.", "tool_calls": [call("toolu_1", "{\"a\":1}"), call("toolu_2", "{}")]},
        {"role": "tool", "tool_call_id": "toolu_1", "content": "sunny"},
        {"role": "tool", "tool_call_id": "toolu_2", "content": "Error: rain"},
        {"role": "user", "content": "Go on."},
    ]);
    assert_eq!(said, expected);
}

#[test]
fn results_without_words_are_told_too() {
    let image = json!({"type": "image", "source": {"type": "url", "url": "https://a.example/x.png"}});
    let said = chat_messages(json!([{"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": "a"},
        {"type": "tool_result", "tool_use_id": "b", "is_error": true},
        {"type": "tool_result", "tool_use_id": "c", "content": [image]},
    ]}]));
    let expected = json!([
        {"role": "tool", "tool_call_id": "a", "content": ""},
        {"role": "tool", "tool_call_id": "b", "content": "Error"},
        {"role": "tool", "tool_call_id": "c", "content": "The result is attached to the next message."},
        {"role": "user", "content": [
            {"type": "text", "text": "Attached to the result of c:"},
            {"type": "image_url", "image_url": {"url": "https://a.example/x.png"}},
        ]},
    ]);
    assert_eq!(said, expected);
}

#[test]
fn turns_of_one_role_are_put_together_and_thoughts_alone_are_passed_over() {
    let thought = json!([{"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}]);
    let used = |id: &str| json!([{"type": "tool_use", "id": id, "name": "f", "input": {}}]);
    let said = chat_messages(json!([
        {"role": "user", "content": "a"},
        {"role": "user", "content": "b"},
        {"role": "assistant", "content": used("1")},
        {"role": "assistant", "content": used("2")},
        {"role": "user", "content": "c"},
        {"role": "assistant", "content": thought},
        {"role": "user", "content": "d"},
    ]));
    let parts = json!([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]);
    let expected = json!([
        {"role": "user", "content": parts},
        {"role": "assistant", "content": null, "tool_calls": [call("1", "{}"), call("2", "{}")]},
        {"role": "user", "content": "c"},
        {"role": "user", "content": "d"},
    ]);
    assert_eq!(said, expected);
}

#[test]
fn a_user_who_says_nothing_is_left_for_others_to_judge() {
    for content in [json!(""), json!([]), json!([{"type": "text", "text": ""}])] {
        assert_eq!(
            chat_messages(json!([{"role": "user", "content": content}])),
            json!([{"role": "user", "content": ""}])
        );
    }
}

#[test]
fn tools_and_their_choice_become_functions() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "integer"}}});
    let tools = json!([
        {"name": "f", "description": "Does.", "input_schema": schema, "strict": true, "cache_control": {"type": "ephemeral"}},
        {"type": "custom", "name": "g", "input_schema": schema, "input_examples": [{"a": 1}], "allowed_callers": ["direct"]},
    ]);
    let asked = |choice: Value| chat(asking(json!({"tools": tools, "tool_choice": choice})));
    let expected = json!([
        {"type": "function", "function": {"name": "f", "description": "Does.", "parameters": schema, "strict": true}},
        {"type": "function", "function": {"name": "g", "parameters": schema}},
    ]);
    assert_eq!(asked(Value::Null)["tools"], expected);
    for (choice, expected, parallel) in [
        (Value::Null, Value::Null, Value::Null),
        (json!({"type": "auto"}), json!("auto"), Value::Null),
        (json!({"type": "auto", "disable_parallel_tool_use": true}), json!("auto"), json!(false)),
        (json!({"type": "any", "disable_parallel_tool_use": false}), json!("required"), Value::Null),
        (json!({"type": "none"}), json!("none"), Value::Null),
        (json!({"type": "tool", "name": "g", "disable_parallel_tool_use": true}), function("g"), json!(false)),
    ] {
        let chat = asked(choice);
        assert_eq!((&chat["tool_choice"], &chat["parallel_tool_calls"]), (&expected, &parallel));
    }
}

#[test]
fn schemas_become_strict_formats() {
    let format = json!({"type": "json_schema", "schema": {"type": "object"}});
    let expected = json!({
        "type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}, "strict": true},
    });
    assert_eq!(chat(asking(json!({"output_config": {"format": format}})))["response_format"], expected);
    assert_eq!(chat(asking(json!({"output_format": format})))["response_format"], expected);
}

#[test]
fn efforts_are_kept_and_budgets_become_efforts() {
    let budget = |tokens: u64| json!({"thinking": {"type": "enabled", "budget_tokens": tokens}});
    for (fields, effort) in [
        (budget(1024), json!("low")),
        (budget(10_000), json!("medium")),
        (budget(32_000), json!("high")),
        (
            json!({"output_config": {"effort": "xhigh"}, "thinking": {"type": "enabled", "budget_tokens": 1024}}),
            json!("xhigh"),
        ),
        (json!({"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}), json!("max")),
        (json!({"thinking": {"type": "adaptive"}}), Value::Null),
        (json!({"thinking": {"type": "disabled"}}), Value::Null),
    ] {
        assert_eq!(chat(asking(fields))["reasoning_effort"], effort);
    }
}
