//! What input items become.

use super::*;

#[test]
fn a_text_is_the_users() {
    assert_eq!(messages(json!("Hi")), json!([{"role": "user", "content": "Hi"}]));
}

#[test]
fn messages_of_all_roles_are_told_with_or_without_their_type() {
    let items = json!([
        {"role": "developer", "content": "D"},
        {"type": "message", "role": "system", "content": [{"type": "input_text", "text": "S"}]},
        {"role": "user", "content": "U"},
        {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
         "content": [{"type": "output_text", "text": "A", "annotations": [], "logprobs": []}]},
    ]);
    let expected = json!([
        {"role": "system", "content": "D"}, {"role": "system", "content": "S"}, {"role": "user", "content": "U"},
        {"role": "assistant", "content": "A"},
    ]);
    assert_eq!(messages(items), expected);
}

#[test]
fn parts_become_chats_parts() {
    let items = json!([
        {"role": "user", "content": [
            {"type": "input_text", "text": "See"},
            {"type": "input_image", "image_url": "https://x/a.png", "detail": "low"},
            {"type": "input_image", "image_url": "data:image/png;base64,AA", "detail": "auto"},
            {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,AA"},
            {"type": "input_file", "file_id": "file_1"},
            {"type": "input_text", "text": "kept", "prompt_cache_breakpoint": {"mode": "explicit"}},
        ]},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "No"}]},
        {"role": "user", "content": []},
    ]);
    let expected = json!([
        {"role": "user", "content": [
            {"type": "text", "text": "See"},
            {"type": "image_url", "image_url": {"url": "https://x/a.png", "detail": "low"}},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}},
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AA"}},
            {"type": "file", "file": {"file_id": "file_1"}},
            {"type": "text", "text": "kept", "prompt_cache_breakpoint": {"mode": "explicit"}},
        ]},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "No"}]},
        {"role": "user", "content": ""},
    ]);
    assert_eq!(messages(items), expected);
}

fn called(id: &str) -> Value {
    json!({"type": "function_call", "id": "fc_1", "call_id": id, "name": "f", "arguments": "{}", "status": "completed"})
}

fn gave(id: &str, output: Value) -> Value {
    json!({"type": "function_call_output", "call_id": id, "output": output})
}

fn call(id: &str) -> Value {
    json!({"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}})
}

#[test]
fn a_turns_items_become_one_message_and_its_results() {
    let items = json!([
        {"role": "user", "content": "U"},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x"},
        {"role": "assistant", "content": "A"},
        called("a"), called("b"),
        gave("a", json!("1")), gave("b", json!([{"type": "input_text", "text": "2"}])),
        {"type": "reasoning", "id": "rs_2", "summary": []},
        called("c"),
        gave("c", json!([{"type": "input_text", "text": "3"}, {"type": "input_image", "image_url": "https://x"}])),
    ]);
    let picture = json!({"type": "image_url", "image_url": {"url": "https://x"}});
    let expected = json!([
        {"role": "user", "content": "U"},
        {"role": "assistant", "content": "A", "tool_calls": [call("a"), call("b")]},
        {"role": "tool", "tool_call_id": "a", "content": "1"},
        {"role": "tool", "tool_call_id": "b", "content": "2"},
        {"role": "assistant", "content": null, "tool_calls": [call("c")]},
        {"role": "tool", "tool_call_id": "c", "content": [{"type": "text", "text": "3"}, picture]},
    ]);
    assert_eq!(messages(items), expected);
}

#[test]
fn a_text_between_calls_and_results_does_not_part_them() {
    let said = |text: &str| json!({"role": "assistant", "content": text});
    let told = messages(json!([said("A"), called("a"), said("B"), gave("a", json!("1"))]));
    let text = |text: &str| json!({"type": "text", "text": text});
    let expected = json!([
        {"role": "assistant", "content": [text("A"), text("B")], "tool_calls": [call("a")]},
        {"role": "tool", "tool_call_id": "a", "content": "1"},
    ]);
    assert_eq!(told, expected);
    let told = messages(json!([called("a"), said("B"), gave("a", json!("1"))]));
    assert_eq!(told[0], json!({"role": "assistant", "content": "B", "tool_calls": [call("a")]}));
}

#[test]
fn items_that_chat_has_no_words_for_are_refused_by_their_place() {
    for (input, path) in [
        (Value::Null, "input"),
        (json!(1), "input"),
        (json!([]), "input"),
        (json!([{"type": "reasoning", "id": "rs_1", "summary": []}]), "input"),
        (json!([1]), "input[0]"),
        (json!([{}]), "input[0].type"),
        (json!([{"type": "item_reference", "id": "msg_1"}]), "input[0]"),
        (json!([{"id": "msg_1"}]), "input[0]"),
        (json!([{"type": "web_search_call", "id": "ws_1"}]), "input[0].type"),
        (json!([{"type": "compaction", "encrypted_content": "x"}]), "input[0].type"),
        (json!([{"role": "tool", "content": "x"}]), "input[0].role"),
        (json!([{"role": "user"}]), "input[0].content"),
        (json!([{"role": "user", "content": [{"type": "text", "text": "x"}]}]), "input[0].content[0].type"),
        (json!([{"role": "user", "content": [{"type": "input_text"}]}]), "input[0].content[0].text"),
        (json!([{"role": "user", "content": [{"type": "refusal", "refusal": "x"}]}]), "input[0].content[0].type"),
        (json!([{"role": "system", "content": [{"type": "input_image"}]}]), "input[0].content[0].type"),
        (
            json!([{"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}]),
            "input[0].content[0].file_id",
        ),
        (
            json!([{"role": "user", "content": [{"type": "input_file", "file_url": "https://x"}]}]),
            "input[0].content[0].file_url",
        ),
        (json!([{"role": "user", "content": [{"type": "input_file"}]}]), "input[0].content[0].file_data"),
        (json!([{"type": "function_call", "name": "f", "arguments": "{}"}]), "input[0].call_id"),
        (json!([{"type": "function_call_output", "call_id": "a"}]), "input[0].output"),
        (json!([{"type": "function_call_output", "output": "x"}]), "input[0].call_id"),
    ] {
        assert_eq!(refused(asking(json!({"input": input}))), path, "{input}");
    }
}

#[test]
fn a_signed_call_comes_back_signed() {
    let call = json!({
        "id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"},
        "extra_content": {"google": {"thought_signature": "Cv+/AQ=="}},
    });
    let said = json!({"role": "assistant", "content": null, "tool_calls": [call]});
    let response = super::super::answer(&completion(said, "tool_calls"), &asking(json!({})));
    let item = &response["output"][0];
    assert_eq!(item["call_id"], "call_1--sig--Cv-_AQ");
    let mut piece = call.clone();
    piece["index"] = json!(0);
    let events = told(&[chunk(json!({"tool_calls": [piece]}))], &asking(json!({})));
    assert!(events.iter().any(|event| event["item"]["call_id"] == item["call_id"]), "{events:?}");
    let result = json!({"type": "function_call_output", "call_id": item["call_id"], "output": "r"});
    let messages = messages(json!([{"role": "user", "content": "Hi"}, item, result]));
    assert_eq!(messages[1]["tool_calls"], json!([call]));
    assert_eq!(messages[2]["tool_call_id"], "call_1");
}
