//! What requests are refused for, callers' first and then chat's.

use super::*;

#[test]
fn what_anthropic_alone_can_do_is_refused_by_name() {
    let schema = json!({"type": "object"});
    for (fields, field) in [
        (json!({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}), "tools[0].type"),
        (json!({"tools": [{"name": "f", "input_schema": schema, "defer_loading": true}]}), "tools[0].defer_loading"),
        (
            json!({"tools": [{"name": "f", "input_schema": schema, "allowed_callers": ["code_execution_20260120"]}]}),
            "tools[0].allowed_callers",
        ),
        (json!({"container": "c"}), "container"),
        (json!({"mcp_servers": [{"type": "url", "url": "https://a.example", "name": "a"}]}), "mcp_servers"),
        (json!({"inference_geo": "us"}), "inference_geo"),
    ] {
        assert_eq!(refused(asking(fields)), field);
    }
}

#[test]
fn chats_names_are_refused_with_the_right_ones() {
    for (field, wish, name) in [
        ("max_completion_tokens", json!(1), "max_tokens"),
        ("stop", json!("x"), "stop_sequences"),
        ("response_format", json!({"type": "json_object"}), "output_config.format"),
        ("reasoning_effort", json!("low"), "output_config.effort"),
        ("parallel_tool_calls", json!(false), "tool_choice.disable_parallel_tool_use"),
        ("functions", json!([]), "tools"),
        ("n", json!(2), "one answer"),
        ("logprobs", json!(true), "log probabilities"),
        ("modalities", json!(["audio"]), "text"),
    ] {
        let refused = chat_request(&asking(json!({field: wish}))).expect_err("it is refused");
        assert_eq!(refused.field, field);
        assert!(refused.problem.contains(name), "{refused}");
    }
}

#[test]
fn malformed_settings_are_refused() {
    for (fields, field) in [
        (json!({"max_tokens": null}), "max_tokens"),
        (json!({"max_tokens": 0}), "max_tokens"),
        (json!({"messages": []}), "messages"),
        (json!({"messages": [{"role": "system", "content": "x"}]}), "messages"),
        (json!({"system": 1}), "system"),
        (json!({"system": [{"type": "image"}]}), "system[0].type"),
        (json!({"stop_sequences": ["a", 1]}), "stop_sequences[1]"),
        (json!({"metadata": {"user_id": 1}}), "metadata.user_id"),
        (json!({"thinking": {"type": "hard"}}), "thinking.type"),
        (json!({"thinking": {"type": "enabled"}}), "thinking.budget_tokens"),
        (json!({"output_config": {"effort": 1}}), "output_config.effort"),
        (json!({"output_config": {"format": {"type": "regex"}}}), "output_config.format.type"),
        (json!({"output_format": {"type": "json_schema"}}), "output_format.schema"),
        (json!({"tools": [1]}), "tools[0]"),
        (json!({"tools": [{"name": "f"}]}), "tools[0].input_schema"),
        (json!({"tools": [{"input_schema": {}}]}), "tools[0].name"),
        (json!({"tool_choice": "auto"}), "tool_choice"),
        (json!({"tool_choice": {"type": "any"}}), "tool_choice"),
        (json!({"tool_choice": {"type": "some"}}), "tool_choice.type"),
        (json!({"tool_choice": {"type": "tool"}}), "tool_choice.name"),
    ] {
        assert_eq!(refused(asking(fields.clone())), field, "{fields}");
    }
}

#[test]
fn a_fault_in_a_callers_block_is_found_by_its_path() {
    let source = |source: Value| json!({"type": "image", "source": source});
    let document = |source: Value| json!({"type": "document", "source": source, "citations": {"enabled": true}});
    let result = |content: Value| json!({"type": "tool_result", "tool_use_id": "a", "content": content});
    for (role, block, field) in [
        ("user", json!("x"), ""),
        ("user", json!({"text": "x"}), ".type"),
        ("user", json!({"type": "text"}), ".text"),
        ("user", json!({"type": "tool_use", "id": "a", "name": "f", "input": {}}), ".type"),
        ("user", json!({"type": "container_upload", "file_id": "f"}), ".type"),
        ("user", source(json!(null)), ".source"),
        ("user", source(json!({"type": "file", "file_id": "f"})), ".source.type"),
        ("user", source(json!({"type": "base64", "data": "AA"})), ".source.media_type"),
        ("user", document(json!({"type": "text", "data": "x"})), ".citations"),
        ("user", json!({"type": "document", "source": {"type": "url", "url": "https://a.example"}}), ".source.type"),
        (
            "user",
            json!({"type": "document", "source": {"type": "content", "content": [{"type": "document"}]}}),
            ".source.content[0].type",
        ),
        ("user", json!({"type": "tool_result"}), ".tool_use_id"),
        ("user", json!({"type": "tool_result", "tool_use_id": "a", "is_error": 1}), ".is_error"),
        ("user", result(json!([{"type": "tool_reference", "tool_name": "f"}])), ".content[0].type"),
        ("user", result(json!(1)), ".content"),
        ("assistant", json!({"type": "tool_result", "tool_use_id": "a"}), ".type"),
        ("assistant", json!({"type": "image", "source": {"type": "url", "url": "u"}}), ".type"),
        ("assistant", json!({"type": "server_tool_use", "id": "a", "name": "web_search", "input": {}}), ".type"),
        ("assistant", json!({"type": "tool_use", "name": "f", "input": {}}), ".id"),
        ("assistant", json!({"type": "tool_use", "id": "a", "name": "f", "input": []}), ".input"),
        ("system", json!({"type": "image"}), ".type"),
    ] {
        let messages = json!([{"role": "user", "content": "Hi"}, {"role": role, "content": [block]}]);
        assert_eq!(refused(asking(json!({"messages": messages}))), format!("messages[1].content[0]{field}"), "{block}");
    }
    for (message, field) in [(json!(1), ""), (json!({"content": "x"}), ".role"), (json!({"role": "tool"}), ".role")] {
        assert_eq!(refused(asking(json!({"messages": [message]}))), format!("messages[0]{field}"));
    }
    assert_eq!(refused(asking(json!({"messages": [{"role": "user"}]}))), "messages[0].content");
}

#[test]
fn chat_wishes_that_would_be_lost_are_refused_by_name() {
    for (field, wish) in [
        ("n", json!(2)),
        ("logprobs", json!(true)),
        ("top_logprobs", json!(5)),
        ("frequency_penalty", json!(0.5)),
        ("presence_penalty", json!(-1)),
        ("logit_bias", json!({"50256": -100})),
        ("modalities", json!(["text", "audio"])),
        ("audio", json!({"voice": "ash"})),
        ("prediction", json!({"type": "content", "content": "x"})),
        ("verbosity", json!("low")),
        ("web_search_options", json!({})),
        ("functions", json!([{"name": "f"}])),
        ("function_call", json!({"name": "f"})),
        ("temperature", json!(1.5)),
        ("temperature", json!("hot")),
        ("top_p", json!(-0.1)),
        ("top_k", json!(1.5)),
        ("max_tokens", json!(0)),
        ("max_completion_tokens", json!(1.5)),
        ("stop", json!(["a", "\n"])),
        ("stop", json!([1])),
        ("reasoning_effort", json!("hard")),
        ("thinking", json!("hard")),
        ("tool_choice", json!("required")),
        ("tools", json!("all")),
        ("parallel_tool_calls", json!("no")),
    ] {
        assert_eq!(unsaid(chatting(json!({field: wish}))), field);
    }
    for (format, field) in [
        (json!({"type": "json_object"}), "response_format.type"),
        (json!("json"), "response_format.type"),
        (json!({"type": "json_schema"}), "response_format.json_schema"),
        (json!({"type": "json_schema", "json_schema": {"name": "x"}}), "response_format.json_schema.schema"),
    ] {
        assert_eq!(unsaid(chatting(json!({"response_format": format}))), field);
    }
}

#[test]
fn chat_wishes_that_say_nothing_and_hints_are_not_refused() {
    let nothing = json!({
        "n": 1, "seed": 7, "logprobs": false, "top_logprobs": 0, "frequency_penalty": 0.0, "presence_penalty": 0,
        "logit_bias": {}, "modalities": ["text"], "stop": null, "tools": [], "functions": [], "tool_choice": "none",
        "function_call": "auto", "parallel_tool_calls": false, "response_format": {"type": "text"}, "audio": null,
        "verbosity": "medium", "temperature": 1, "top_p": 1.0, "top_k": -1, "user": "u", "metadata": {"a": "b"},
        "store": true, "service_tier": "flex", "stream_options": {"include_usage": true}, "safety_identifier": "s",
        "prompt_cache_key": "k", "route": {}, "unheard_of": 1,
    });
    assert_eq!(body(chatting(nothing)), body(chatting(json!({}))));
}

#[test]
fn a_fault_in_a_chat_message_or_tool_is_found_by_its_path() {
    let image = |url: &str| json!({"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]});
    let file = |file: Value| json!({"role": "user", "content": [{"type": "file", "file": file}]});
    let calling = |call: Value| json!({"role": "assistant", "tool_calls": [call]});
    for (message, field) in [
        (json!("Hi"), ""),
        (json!({"role": "function", "name": "f", "content": "x"}), ".role"),
        (json!({"role": "user", "content": "\n"}), ".content"),
        (json!({"role": "user", "content": 1}), ".content"),
        (json!({"role": "user", "content": [{"type": "text"}]}), ".content[0].text"),
        (json!({"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}), ".content[0].type"),
        (image("file:///etc/passwd"), ".content[0].image_url.url"),
        (image("data:image/tiff;base64,AA"), ".content[0].image_url.url"),
        (file(json!({"file_id": "f"})), ".content[0].file.file_data"),
        (file(json!({"file_data": "data:text/plain;base64,AA"})), ".content[0].file.file_data"),
        (json!({"role": "system", "content": [{"type": "image_url", "image_url": {"url": "u"}}]}), ".content[0].type"),
        (json!({"role": "assistant", "audio": {"id": "a"}}), ".audio"),
        (json!({"role": "assistant", "function_call": {"name": "f"}}), ".function_call"),
        (json!({"role": "assistant", "tool_calls": {}}), ".tool_calls"),
        (calling(json!({"id": "c", "type": "custom"})), ".tool_calls[0].type"),
        (calling(json!({"id": "c"})), ".tool_calls[0].function.name"),
        (calling(call("", "{}")), ".tool_calls[0].id"),
        (calling(call("c", "[1]")), ".tool_calls[0].function.arguments"),
        (calling(call("c", "{\"a\": ")), ".tool_calls[0].function.arguments"),
        (json!({"role": "tool", "content": "x"}), ".tool_call_id"),
        (json!({"role": "tool", "tool_call_id": "", "content": "x"}), ".tool_call_id"),
    ] {
        let chat = object(json!({"messages": [{"role": "user", "content": "Hi"}, message]}));
        assert_eq!(unsaid(chat), format!("messages[1]{field}"), "{message}");
    }
    for messages in [
        json!(null),
        json!([]),
        json!([{"role": "system", "content": "x"}]),
        json!([{"role": "assistant", "content": "x"}]),
    ] {
        assert_eq!(unsaid(object(json!({"messages": messages}))), "messages");
    }
    for (tool, field) in [
        (json!({"type": "custom", "custom": {"name": "x"}}), "type"),
        (json!({"type": "function"}), "function"),
        (json!({"type": "function", "function": {}}), "function.name"),
        (json!({"type": "function", "function": {"name": "x", "parameters": 1}}), "function.parameters"),
        (json!({"type": "function", "function": {"name": "x", "description": 1}}), "function.description"),
    ] {
        assert_eq!(unsaid(chatting(json!({"tools": [function("f"), tool]}))), format!("tools[1].{field}"));
    }
    let allowed = json!({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}});
    assert_eq!(unsaid(chatting(json!({"tools": [function("f")], "tool_choice": allowed}))), "tool_choice");
}

#[test]
fn arguments_too_deep_to_read_are_refused_not_lost() {
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(500), "]".repeat(500));
    let messages = json!([{"role": "user", "content": "Hi"}, {"role": "assistant", "tool_calls": [call("c", &deep)]}]);
    let refused = super::super::request(&object(json!({"messages": messages})), 1).expect_err("it is too deep");
    assert_eq!(refused.field, "messages[1].tool_calls[0].function.arguments");
}
