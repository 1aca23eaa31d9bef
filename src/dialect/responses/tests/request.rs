//! What settings and tools become, and what is refused.

use super::*;

#[test]
fn settings_get_their_names_in_chat() {
    let body = asking(json!({
        "instructions": "Be brief", "max_output_tokens": 50, "temperature": 0.5, "top_p": 0.9, "user": "u",
        "reasoning": {"effort": "low", "summary": "auto"}, "text": {"verbosity": "low", "format": {"type": "json_object"}},
        "include": ["message.output_text.logprobs", "reasoning.encrypted_content"], "top_logprobs": 3,
        "service_tier": "flex", "prompt_cache_key": "k", "safety_identifier": "s", "route": {"quality_target": 0.9},
        "metadata": {"a": "b"}, "truncation": "auto", "max_tool_calls": 3, "background": false, "store": true,
        "parallel_tool_calls": true, "tool_choice": "auto", "tools": [], "previous_response_id": null,
    }));
    let expected = json!({
        "model": "auto",
        "messages": [{"role": "system", "content": "Be brief"}, {"role": "user", "content": "Hi"}],
        "max_completion_tokens": 50, "temperature": 0.5, "top_p": 0.9, "user": "u",
        "reasoning_effort": "low", "verbosity": "low", "response_format": {"type": "json_object"},
        "logprobs": true, "top_logprobs": 3,
        "service_tier": "flex", "prompt_cache_key": "k", "safety_identifier": "s", "route": {"quality_target": 0.9},
    });
    assert_eq!(chat(body), expected);
}

#[test]
fn a_stream_asks_for_its_usage() {
    let body = chat(asking(json!({"stream": true, "stream_options": {"include_obfuscation": false}})));
    assert_eq!((&body["stream"], &body["stream_options"]), (&json!(true), &json!({"include_usage": true})));
    assert_eq!(chat(asking(json!({"stream": false}))).get("stream_options"), None);
}

#[test]
fn storing_is_forbidden_to_the_provider_too() {
    assert_eq!(chat(asking(json!({"store": false})))["store"], json!(false));
}

#[test]
fn a_schema_gets_an_object_of_its_own() {
    let format =
        json!({"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": true, "description": null});
    let expected =
        json!({"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}, "strict": true}});
    assert_eq!(chat(asking(json!({"text": {"format": format}})))["response_format"], expected);
    assert_eq!(chat(asking(json!({"text": {"format": {"type": "text"}}}))).get("response_format"), None);
}

#[test]
fn log_probabilities_are_asked_for_in_two_ways() {
    let asked = |fields: Value| {
        let body = chat(asking(fields));
        (body["logprobs"].clone(), body["top_logprobs"].clone())
    };
    assert_eq!(asked(json!({"top_logprobs": 2})), (json!(true), json!(2)));
    assert_eq!(asked(json!({"include": ["message.output_text.logprobs"]})), (json!(true), Value::Null));
    assert_eq!(asked(json!({"top_logprobs": 0, "include": []})), (Value::Null, Value::Null));
}

fn function(name: &str) -> Value {
    json!({"type": "function", "name": name, "description": "d", "parameters": {"type": "object"}, "strict": true})
}

fn in_chat(name: &str) -> Value {
    let function = json!({"name": name, "description": "d", "parameters": {"type": "object"}, "strict": true});
    json!({"type": "function", "function": function})
}

#[test]
fn functions_get_an_object_of_their_own() {
    let body = chat(asking(json!({
        "tools": [function("f"), {"type": "function", "name": "g", "parameters": null, "strict": null}],
        "tool_choice": {"type": "function", "name": "f"}, "parallel_tool_calls": false,
    })));
    assert_eq!(body["tools"], json!([in_chat("f"), {"type": "function", "function": {"name": "g"}}]));
    assert_eq!(body["tool_choice"], json!({"type": "function", "function": {"name": "f"}}));
    assert_eq!(body["parallel_tool_calls"], json!(false));
}

#[test]
fn only_allowed_tools_are_offered() {
    let allowed = |mode: &str| {
        let choice = json!({"type": "allowed_tools", "mode": mode, "tools": [{"type": "function", "name": "g"}]});
        chat(asking(json!({"tools": [function("f"), function("g")], "tool_choice": choice})))
    };
    for mode in ["auto", "required"] {
        let body = allowed(mode);
        assert_eq!((&body["tools"], &body["tool_choice"]), (&json!([in_chat("g")]), &json!(mode)));
    }
    let none = json!({"type": "allowed_tools", "mode": "auto", "tools": []});
    let body = chat(asking(json!({"tools": [function("f")], "tool_choice": none})));
    assert_eq!((body.get("tools"), body.get("tool_choice")), (None, None));
}

#[test]
fn what_needs_a_store_or_another_service_is_refused() {
    for (field, value) in [
        ("previous_response_id", json!("resp_1")),
        ("conversation", json!({"id": "conv_1"})),
        ("background", json!(true)),
        ("prompt", json!({"id": "pmpt_1"})),
        ("context_management", json!([{"type": "compaction"}])),
        ("moderation", json!({"model": "m"})),
        ("n", json!(2)),
        ("messages", json!([])),
        ("max_tokens", json!(5)),
        ("response_format", json!({"type": "json_object"})),
        ("truncation", json!("middle")),
    ] {
        let mut fields = json!({});
        fields[field] = value;
        assert_eq!(refused(asking(fields)), field);
    }
}

#[test]
fn a_refusal_says_what_to_do_instead() {
    let error = chat_request(&asking(json!({"previous_response_id": "resp_1"}))).expect_err("it is inexpressible");
    let expected =
        "previous_response_id: no response is stored here: send the earlier input and output items in `input`";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn settings_that_chat_has_no_words_for_are_refused() {
    for (fields, path) in [
        (json!({"reasoning": {"mode": "pro"}}), "reasoning.mode"),
        (json!({"reasoning": {"context": "all_turns"}}), "reasoning.context"),
        (json!({"reasoning": "high"}), "reasoning"),
        (json!({"text": {"format": {"type": "grammar"}}}), "text.format.type"),
        (json!({"text": {"format": {"type": "json_schema", "schema": {}}}}), "text.format.name"),
        (json!({"text": {"format": {"type": "json_schema", "name": "n"}}}), "text.format.schema"),
        (json!({"include": "all"}), "include"),
        (json!({"include": ["a", 1]}), "include[1]"),
        (json!({"instructions": ["a"]}), "instructions"),
    ] {
        assert_eq!(refused(asking(fields)), path);
    }
}

#[test]
fn tools_that_openai_runs_are_refused_by_their_place() {
    for kind in
        ["web_search", "file_search", "code_interpreter", "computer_use_preview", "mcp", "custom", "image_generation"]
    {
        let error = chat_request(&asking(json!({"tools": [function("f"), {"type": kind, "name": "x"}]})));
        let error = error.expect_err("it is inexpressible");
        assert_eq!(error.field, "tools[1].type");
        assert!(error.problem.contains(kind), "{error}");
    }
}

#[test]
fn tools_that_make_no_sense_are_refused_by_their_place() {
    for (tools, choice, path) in [
        (json!(1), Value::Null, "tools"),
        (json!([1]), Value::Null, "tools[0]"),
        (json!([{"type": "function"}]), Value::Null, "tools[0].name"),
        (json!([in_chat("f")]), Value::Null, "tools[0].function"),
        (json!([{"type": "function", "name": "f", "parameters": 1}]), Value::Null, "tools[0].parameters"),
        (json!([{"type": "function", "name": "f", "defer_loading": true}]), Value::Null, "tools[0].defer_loading"),
        (
            json!([{"type": "function", "name": "f", "allowed_callers": ["programmatic"]}]),
            Value::Null,
            "tools[0].allowed_callers",
        ),
        (json!([]), json!("required"), "tool_choice"),
        (json!([]), json!({"type": "function", "name": "f"}), "tool_choice"),
        (json!([function("f")]), json!("some"), "tool_choice"),
        (json!([function("f")]), json!({"type": "web_search_preview"}), "tool_choice.type"),
        (
            json!([function("f")]),
            json!({"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "g"}]}),
            "tool_choice.tools[0].name",
        ),
        (
            json!([function("f")]),
            json!({"type": "allowed_tools", "mode": "auto", "tools": [{"type": "mcp"}]}),
            "tool_choice.tools[0]",
        ),
    ] {
        assert_eq!(refused(asking(json!({"tools": tools, "tool_choice": choice}))), path);
    }
}
