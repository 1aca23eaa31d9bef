//! What requests are refused for.

use super::*;

/// The field that a request is refused for.
fn refused(chat: Value) -> String {
    let chat = object(chat);
    let early = inexpressible(&chat);
    let late = super::super::request(&chat, 100).err();
    assert_eq!(early, late, "both ways see the same fault");
    late.expect("it is refused").field
}

#[test]
fn wishes_that_would_be_lost_are_refused_by_name() {
    for (field, wish) in [
        ("n", json!(2)),
        ("seed", json!(1)),
        ("logprobs", json!(true)),
        ("top_logprobs", json!(5)),
        ("frequency_penalty", json!(0.5)),
        ("presence_penalty", json!(-1)),
        ("logit_bias", json!({"50256": -100})),
        ("modalities", json!(["text", "audio"])),
        ("temperature", json!(1.5)),
        ("temperature", json!("hot")),
        ("top_p", json!(-0.1)),
        ("max_tokens", json!(0)),
        ("max_completion_tokens", json!(1.5)),
        ("stop", json!(["a", ""])),
        ("reasoning_effort", json!("minimal")),
        ("functions", json!([{"name": "f"}])),
        ("tool_choice", json!("required")),
        ("tools", json!("all")),
    ] {
        assert_eq!(refused(asking(json!({field: wish}))), field);
    }
}

#[test]
fn wishes_that_say_nothing_are_not_refused() {
    let nothing = json!({
        "n": 1, "seed": null, "logprobs": false, "top_logprobs": 0, "frequency_penalty": 0.0, "presence_penalty": 0,
        "logit_bias": {}, "modalities": ["text"], "stop": null, "tools": [], "functions": [], "tool_choice": "none",
        "function_call": "auto", "parallel_tool_calls": false, "response_format": null, "service_tier": "flex",
        "prediction": {"type": "content", "content": "x"}, "store": true, "verbosity": "medium",
        "thinking": {"type": "disabled"},
    });
    assert_eq!(body(asking(nothing)), body(asking(json!({}))));
}

#[test]
fn formats_without_a_schema_are_refused() {
    for (format, field) in [
        (json!({"type": "json_object"}), "response_format.type"),
        (json!("json"), "response_format.type"),
        (json!({"type": "json_schema"}), "response_format.json_schema"),
        (json!({"type": "json_schema", "json_schema": {"name": "x"}}), "response_format.json_schema.schema"),
        (json!({"type": "json_schema", "json_schema": {"name": 1, "schema": {}}}), "response_format.json_schema.name"),
    ] {
        assert_eq!(refused(asking(json!({"response_format": format}))), field);
    }
}

#[test]
fn tools_that_are_no_functions_are_refused() {
    for (tool, field) in [
        (json!({"type": "custom", "custom": {"name": "x"}}), "tools[1].type"),
        (json!({"type": "function"}), "tools[1].function"),
        (json!({"type": "function", "function": {}}), "tools[1].function.name"),
        (json!({"type": "function", "function": {"name": "x", "parameters": 1}}), "tools[1].function.parameters"),
        (json!({"type": "function", "function": {"name": "x", "description": 1}}), "tools[1].function.description"),
    ] {
        let good = json!({"type": "function", "function": {"name": "good"}});
        assert_eq!(refused(asking(json!({"tools": [good, tool]}))), field);
    }
    let one = json!([{"type": "function", "function": {"name": "good"}}]);
    assert_eq!(refused(asking(json!({"tools": one, "parallel_tool_calls": false}))), "parallel_tool_calls");
    let allowed = json!({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}});
    assert_eq!(refused(asking(json!({"tools": one, "tool_choice": allowed}))), "tool_choice");
}

#[test]
fn earlier_calls_need_their_tools() {
    let messages = json!([
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "c", "content": "x"},
    ]);
    assert_eq!(refused(json!({"messages": messages})), "tools");
    let tools = json!([{"type": "function", "function": {"name": "f"}}]);
    assert_eq!(refused(json!({"messages": messages, "tools": tools, "tool_choice": "none"})), "tool_choice");
}

#[test]
fn a_fault_in_a_message_is_found_by_its_path() {
    let image = |url: &str| json!({"type": "image_url", "image_url": {"url": url}});
    let call = |id: &str, arguments: Value| json!({"role": "assistant", "tool_calls": [{"id": id, "function": {"name": "f", "arguments": arguments}}]});
    let long = "x".repeat(65);
    for (message, field) in [
        (json!("Hi"), "messages[1]"),
        (json!({"role": "function", "name": "f", "content": "x"}), "messages[1].role"),
        (json!({"role": "user", "content": "\n"}), "messages[1].content"),
        (json!({"role": "user", "content": 1}), "messages[1].content"),
        (json!({"role": "user", "content": [{"type": "text"}]}), "messages[1].content[0].text"),
        (json!({"role": "user", "content": [{"type": "file", "file": {}}]}), "messages[1].content[0].type"),
        (
            json!({"role": "user", "content": [image("https://a.example/x.png")]}),
            "messages[1].content[0].image_url.url",
        ),
        (
            json!({"role": "user", "content": [image("data:image/tiff;base64,AA")]}),
            "messages[1].content[0].image_url.url",
        ),
        (json!({"role": "system", "content": [image("data:image/png;base64,AA")]}), "messages[1].content[0].type"),
        (json!({"role": "assistant", "audio": {"id": "a"}}), "messages[1].audio"),
        (json!({"role": "assistant", "function_call": {"name": "f"}}), "messages[1].function_call"),
        (json!({"role": "assistant", "tool_calls": {}}), "messages[1].tool_calls"),
        (json!({"role": "assistant", "tool_calls": [{"id": "c", "type": "custom"}]}), "messages[1].tool_calls[0].type"),
        (json!({"role": "assistant", "tool_calls": [{"id": "c"}]}), "messages[1].tool_calls[0].function.name"),
        (call("a b", json!("{}")), "messages[1].tool_calls[0].id"),
        (call(&long, json!("{}")), "messages[1].tool_calls[0].id"),
        (call("c", json!("[1]")), "messages[1].tool_calls[0].function.arguments"),
        (call("c", json!("{\"a\": ")), "messages[1].tool_calls[0].function.arguments"),
        (json!({"role": "tool", "content": "x"}), "messages[1].tool_call_id"),
    ] {
        assert_eq!(refused(json!({"messages": [{"role": "user", "content": "Hi"}, message]})), field, "{message}");
    }
    for messages in [
        json!(null),
        json!([]),
        json!([{"role": "system", "content": "x"}]),
        json!([{"role": "assistant", "content": "x"}]),
    ] {
        assert_eq!(refused(json!({"messages": messages})), "messages");
    }
}

#[test]
fn arguments_too_deep_to_read_are_refused_not_lost() {
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(500), "]".repeat(500));
    let chat = object(json!({
        "messages": [
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": deep}}]},
        ],
        "tools": [{"type": "function", "function": {"name": "f"}}],
    }));
    let refused = super::super::request(&chat, 1).expect_err("it is too deep");
    assert_eq!(refused.field, "messages[1].tool_calls[0].function.arguments");
}
