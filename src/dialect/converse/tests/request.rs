//! What requests become.

use super::*;

#[test]
fn a_question_becomes_a_turn_and_instructions_stand_apart() {
    let chat = json!({
        "model": "auto", "stream": true, "stream_options": {"include_usage": true}, "user": "u", "metadata": {"a": "b"},
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "developer", "content": [{"type": "text", "text": "Be kind."}, {"type": "text", "text": " "}]},
            {"role": "user", "name": "Ada", "content": "Hi"},
        ],
    });
    let expected = json!({
        "system": [{"text": "Be brief."}, {"text": "Be kind."}],
        "messages": [{"role": "user", "content": [{"text": "Hi"}]}],
        "inferenceConfig": {"maxTokens": 4096},
    });
    assert_eq!(body(chat), expected);
}

#[test]
fn sampling_is_passed_on() {
    let fields = json!({"max_tokens": 7, "temperature": 0.7, "top_p": 1, "stop": ["a", "b"]});
    let expected = json!({"maxTokens": 7, "temperature": 0.7, "topP": 1, "stopSequences": ["a", "b"]});
    assert_eq!(body(asking(fields))["inferenceConfig"], expected);
    let newer = json!({"max_tokens": 7, "max_completion_tokens": 9, "stop": "x", "temperature": null});
    assert_eq!(body(asking(newer))["inferenceConfig"], json!({"maxTokens": 9, "stopSequences": ["x"]}));
}

#[test]
fn a_tool_call_and_its_results_keep_their_ids() {
    let call = |id: &str, arguments: &str| json!({"id": id, "type": "function", "function": {"name": "weather", "arguments": arguments}});
    let chat = json!({
        "messages": [
            {"role": "user", "content": "Weather in Rome and Oslo?"},
            {"role": "assistant", "content": null, "tool_calls": [call("call_1", "{\"city\": \"Rome\"}"), call("call:2", "")]},
            {"role": "tool", "tool_call_id": "call_1", "content": "Sunny"},
            {"role": "tool", "tool_call_id": "call:2", "content": ""},
            {"role": "user", "content": "And?"},
        ],
        "tools": [{"type": "function", "function": {"name": "weather"}}],
    });
    let expected = json!([
        {"role": "user", "content": [{"text": "Weather in Rome and Oslo?"}]},
        {"role": "assistant", "content": [
            {"toolUse": {"toolUseId": "call_1", "name": "weather", "input": {"city": "Rome"}}},
            {"toolUse": {"toolUseId": "call:2", "name": "weather", "input": {}}},
        ]},
        {"role": "user", "content": [
            {"toolResult": {"toolUseId": "call_1", "content": [{"text": "Sunny"}]}},
            {"toolResult": {"toolUseId": "call:2", "content": []}},
            {"text": "And?"},
        ]},
    ]);
    assert_eq!(body(chat)["messages"], expected);
}

#[test]
fn tools_are_declared_and_chosen() {
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    let function = json!({"name": "weather", "description": "Tells it", "parameters": schema, "strict": true});
    let tools = json!([
        {"type": "function", "function": function},
        {"type": "function", "function": {"name": "now", "description": "", "strict": false}},
    ]);
    let declared = json!([
        {"toolSpec": {"name": "weather", "description": "Tells it", "inputSchema": {"json": schema}, "strict": true}},
        {"toolSpec": {"name": "now", "inputSchema": {"json": {"type": "object", "properties": {}}}}},
    ]);
    for (choice, expected) in [
        (json!(null), json!({"tools": declared})),
        (json!("auto"), json!({"tools": declared})),
        (json!("required"), json!({"tools": declared, "toolChoice": {"any": {}}})),
        (
            json!({"type": "function", "function": {"name": "now"}}),
            json!({"tools": declared, "toolChoice": {"tool": {"name": "now"}}}),
        ),
        (json!("none"), json!(null)),
    ] {
        let fields = json!({"tools": tools, "tool_choice": choice, "parallel_tool_calls": true});
        assert_eq!(body(asking(fields))["toolConfig"], expected, "{choice}");
    }
}

#[test]
fn pictures_in_base64_are_shown() {
    let part = |media: &str| json!({"type": "image_url", "image_url": {"url": format!("data:{media};base64,iVBO"), "detail": "low"}});
    let chat = json!({"messages": [
        {"role": "user", "content": [{"type": "text", "text": "What is it?"}, part("image/png"), part("Image/JPG;name=x")]},
        {"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "look"}}]},
        {"role": "tool", "tool_call_id": "c", "content": [part("image/webp")]},
    ], "tools": [{"type": "function", "function": {"name": "look"}}]});
    let image = |format: &str| json!({"image": {"format": format, "source": {"bytes": "iVBO"}}});
    let messages = &body(chat)["messages"];
    assert_eq!(messages[0]["content"], json!([{"text": "What is it?"}, image("png"), image("jpeg")]));
    assert_eq!(messages[2]["content"][0]["toolResult"]["content"], json!([image("webp")]));
}

#[test]
fn a_schema_and_an_effort_are_passed_on() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "number"}}, "required": ["a"]});
    let named = json!({"name": "answer", "description": "It", "strict": true, "schema": schema});
    let fields = json!({"response_format": {"type": "json_schema", "json_schema": named}, "reasoning_effort": "high"});
    let config = &body(asking(fields))["outputConfig"];
    assert_eq!((&config["effort"], &config["textFormat"]["type"]), (&json!("high"), &json!("json_schema")));
    let definition = &config["textFormat"]["structure"]["jsonSchema"];
    assert_eq!((&definition["name"], &definition["description"]), (&json!("answer"), &json!("It")));
    let text = definition["schema"].as_str().expect("schemas travel as text");
    assert_eq!(serde_json::from_str::<Value>(text).expect("it is JSON"), schema);
    assert_eq!(body(asking(json!({"response_format": {"type": "text"}}))).get("outputConfig"), None);
}

#[test]
fn an_assistant_without_words_is_passed_over_and_turns_alternate() {
    let chat = json!({"messages": [
        {"role": "user", "content": "One"},
        {"role": "assistant", "content": "", "reasoning_content": "Hm"},
        {"role": "user", "content": "Two"},
        {"role": "assistant", "content": null, "refusal": "No."},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "Never."}]},
    ]});
    let expected = json!([
        {"role": "user", "content": [{"text": "One"}, {"text": "Two"}]},
        {"role": "assistant", "content": [{"text": "No."}, {"text": "Never."}]},
    ]);
    assert_eq!(body(chat)["messages"], expected);
}
