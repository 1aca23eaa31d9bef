//! Gemini's signatures of calls, there and back.

use super::*;

#[test]
fn a_signed_call_comes_back_signed() {
    let signed = |mut call: Value| {
        call["extra_content"] = json!({"google": {"thought_signature": "Cv+/AQ=="}});
        call
    };
    let said =
        json!({"role": "assistant", "content": null, "tool_calls": [signed(call("call:1", "{}")), call("b", "{}")]});
    let whole = super::super::answer(&completed(said, "tool_calls"));
    let mut writer = EventWriter::default();
    let mut piece = signed(call("call:1", "{}"));
    piece["index"] = json!(0);
    let stream = [writer.chunk(&chunk(json!({"tool_calls": [piece]}))), writer.end()].concat();
    let id = "call-3a-1--sig--Cv-_AQ";
    assert!(String::from_utf8_lossy(&stream).contains(&format!("\"id\":\"{id}\"")), "{stream:?}");
    assert_eq!((&whole["content"][0]["id"], &whole["content"][1]["id"]), (&json!(id), &json!("b")));

    let results = json!([{"type": "tool_result", "tool_use_id": id, "content": "r"}]);
    let messages = chat_messages(json!([
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": whole["content"]},
        {"role": "user", "content": results},
    ]));
    let calls = json!([signed(call("call-3a-1", "{}")), call("b", "{}")]);
    assert_eq!(messages[1]["tool_calls"], calls);
    assert_eq!(messages[2]["tool_call_id"], "call-3a-1");
}
