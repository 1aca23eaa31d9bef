//! What providers are asked for a chat request.

use super::*;

#[test]
fn a_plain_chat_request_becomes_a_body() {
    let chat = chatting(json!({
        "temperature": 0.5, "top_p": 0.9, "top_k": 5, "stop": "END", "max_tokens": 10, "max_completion_tokens": 20,
        "stream": true, "stream_options": {"include_usage": true},
    }));
    let expected = json!({
        "model": "m", "stream": true, "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 20,
        "temperature": 0.5, "top_p": 0.9, "top_k": 5, "stop_sequences": ["END"],
    });
    assert_eq!(body(chat), expected);
    let least = json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 4096});
    assert_eq!(body(chatting(json!({}))), least);
    assert_eq!(super::super::request(&chatting(json!({})), 0).expect("it is expressible")["max_tokens"], 1);
}

#[test]
fn instructions_go_to_the_top_and_turns_alternate() {
    let messages = json!([
        {"role": "system", "content": "One."},
        {"role": "user", "content": "a"},
        {"role": "developer", "content": [{"type": "text", "text": "Two."}]},
        {"role": "user", "content": [{"type": "text", "text": "b"}, {"type": "text", "text": " "}], "name": "n"},
        {"role": "assistant", "content": "c", "reasoning_content": "Hm."},
        {"role": "assistant", "content": null, "refusal": "No."},
        {"role": "assistant", "content": ""},
        {"role": "user", "content": "d"},
    ]);
    let text = |text: &str| json!({"type": "text", "text": text});
    let body = body(chatting(json!({"messages": messages})));
    assert_eq!(body["system"], json!([text("One."), text("Two.")]));
    let expected = json!([
        {"role": "user", "content": [text("a"), text("b")]},
        {"role": "assistant", "content": [text("c"), text("No.")]},
        {"role": "user", "content": "d"},
    ]);
    assert_eq!(body["messages"], expected);
}

#[test]
fn results_are_one_turn_of_the_user_and_come_first() {
    let messages = json!([
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "I look.", "tool_calls": [call("call_1", "{\"a\":1}"), call("functions.f:0", "")]},
        {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
        {"role": "user", "content": "Go on."},
        {"role": "tool", "tool_call_id": "functions.f:0", "content": [
            {"type": "text", "text": "rain"}, {"type": "image_url", "image_url": {"url": "https://a.example/x.png"}},
        ]},
        {"role": "tool", "tool_call_id": "call_3", "content": ""},
    ]);
    let image = json!({"type": "image", "source": {"type": "url", "url": "https://a.example/x.png"}});
    let expected = json!([
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": [
            {"type": "text", "text": "I look."},
            {"type": "tool_use", "id": "call_1", "name": "f", "input": {"a": 1}},
            {"type": "tool_use", "id": "functions-2e-f-3a-0", "name": "f", "input": {}},
        ]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "call_1", "content": "sunny"},
            {"type": "tool_result", "tool_use_id": "functions-2e-f-3a-0", "content": [{"type": "text", "text": "rain"}, image]},
            {"type": "tool_result", "tool_use_id": "call_3"},
            {"type": "text", "text": "Go on."},
        ]},
    ]);
    // Tools need not be offered again for that.
    assert_eq!(body(chatting(json!({"messages": messages})))["messages"], expected);
}

#[test]
fn pictures_and_files_become_blocks() {
    let image = |url: &str| json!({"type": "image_url", "image_url": {"url": url, "detail": "high"}});
    let content = json!([
        image("data:image/jpg;base64,AA"),
        image("data:image/webp;charset=x;base64,BB"),
        image("HTTPS://a.example/x.png"),
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBERi0x", "filename": "a.pdf"}},
        {"type": "file", "file": {"file_data": "JVBERi0x"}},
    ]);
    let inline = |media: &str, data: &str| json!({"type": "base64", "media_type": media, "data": data});
    let pdf = inline("application/pdf", "JVBERi0x");
    let expected = json!([
        {"type": "image", "source": inline("image/jpeg", "AA")},
        {"type": "image", "source": inline("image/webp", "BB")},
        {"type": "image", "source": {"type": "url", "url": "HTTPS://a.example/x.png"}},
        {"type": "document", "source": pdf, "title": "a.pdf"},
        {"type": "document", "source": pdf},
    ]);
    let body = body(chatting(json!({"messages": [{"role": "user", "content": content}]})));
    assert_eq!(body["messages"], json!([{"role": "user", "content": expected}]));
}

#[test]
fn functions_and_their_choice_become_tools() {
    let schema = json!({"type": "object", "properties": {}});
    let tools = json!([
        {"type": "function", "function": {"name": "f", "description": "Does.", "parameters": schema, "strict": true}},
        {"type": "function", "function": {"name": "g", "description": "", "parameters": {}, "strict": false}},
        function("h"),
    ]);
    let asked = |choice: Value, parallel: Value| {
        body(chatting(json!({"tools": tools, "tool_choice": choice, "parallel_tool_calls": parallel})))
    };
    let expected = json!([
        {"name": "f", "description": "Does.", "input_schema": schema, "strict": true},
        {"name": "g", "input_schema": {"type": "object"}},
        {"name": "h", "input_schema": {"type": "object"}},
    ]);
    assert_eq!(asked(Value::Null, Value::Null)["tools"], expected);
    for (choice, parallel, expected) in [
        (Value::Null, json!(true), Value::Null),
        (json!("auto"), Value::Null, Value::Null),
        (json!("auto"), json!(false), json!({"type": "auto", "disable_parallel_tool_use": true})),
        (json!("none"), json!(false), json!({"type": "none"})),
        (json!("required"), json!(true), json!({"type": "any"})),
        (function("g"), json!(false), json!({"type": "tool", "name": "g", "disable_parallel_tool_use": true})),
    ] {
        assert_eq!(asked(choice, parallel)["tool_choice"], expected);
    }
}

#[test]
fn schemas_and_efforts_go_into_the_output_config() {
    let named = json!({"name": "x", "description": "d", "schema": {"type": "object"}, "strict": true});
    let fields = json!({"response_format": {"type": "json_schema", "json_schema": named}, "reasoning_effort": "high"});
    let body = body(chatting(fields));
    let format = json!({"type": "json_schema", "schema": {"type": "object"}});
    assert_eq!(body["output_config"], json!({"format": format, "effort": "high"}));
    assert_eq!(body["thinking"], json!({"type": "adaptive"}));
}

#[test]
fn to_think_is_asked_for_where_that_is_allowed() {
    let forced = json!({"reasoning_effort": "low", "tools": [function("f")], "tool_choice": "required"});
    for (fields, effort, thinking) in [
        (json!({"reasoning_effort": "minimal"}), json!("low"), json!({"type": "adaptive"})),
        (json!({"reasoning_effort": "max"}), json!("max"), json!({"type": "adaptive"})),
        (json!({"reasoning_effort": "none"}), Value::Null, json!({"type": "disabled"})),
        (json!({"reasoning_effort": "low", "temperature": 0.2}), json!("low"), Value::Null),
        (json!({"reasoning_effort": "low", "temperature": 1}), json!("low"), json!({"type": "adaptive"})),
        (forced, json!("low"), Value::Null),
        (
            json!({"thinking": {"type": "enabled", "budget_tokens": 2000}}),
            Value::Null,
            json!({"type": "enabled", "budget_tokens": 2000}),
        ),
    ] {
        let body = body(chatting(fields));
        assert_eq!((&body["output_config"]["effort"], &body["thinking"]), (&effort, &thinking));
    }
}

#[test]
fn what_a_caller_asks_comes_back_as_it_was() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "integer"}}});
    let inline = |media: &str, data: &str| json!({"type": "base64", "media_type": media, "data": data});
    let asked = asking(json!({
        "model": "m", "system": "Be brief.", "temperature": 0.5, "top_k": 5, "stop_sequences": ["END"], "stream": true,
        "tools": [{"name": "f", "description": "Does.", "input_schema": schema, "strict": true}],
        "tool_choice": {"type": "tool", "name": "f", "disable_parallel_tool_use": true},
        "output_config": {"format": {"type": "json_schema", "schema": schema}, "effort": "low"},
        "messages": [
            {"role": "user", "content": [
                {"type": "image", "source": inline("image/png", "AA")},
                {"type": "document", "source": inline("application/pdf", "JVBERi"), "title": "a.pdf"},
                {"type": "text", "text": "What is it?"},
            ]},
            {"role": "assistant", "content": [
                {"type": "text", "text": "I look."},
                {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}},
                {"type": "tool_use", "id": "toolu_2", "name": "f", "input": {}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "content": "sunny"},
                {"type": "tool_result", "tool_use_id": "toolu_2"},
                {"type": "text", "text": "Go on."},
            ]},
        ],
    }));
    assert_eq!(body(object(chat(asked.clone()))), Value::Object(asked));
}
