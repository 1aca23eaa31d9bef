//! Marks for the provider's cache.

use super::*;

fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

fn marked(said: &str) -> Value {
    json!({"type": "text", "text": said, "cache_control": {"type": "ephemeral", "ttl": "1h"}})
}

#[test]
fn marks_on_parts_reach_the_provider() {
    let picture = json!({"type": "image_url", "image_url": {"url": "https://a.example/x.png"}, "cache_control": {"type": "ephemeral"}});
    let told = body(chatting(json!({"messages": [
        {"role": "system", "content": [marked("One.")]},
        {"role": "user", "content": [text("Look:"), picture, marked(" ")]},
        {"role": "assistant", "content": null, "tool_calls": [call("c", "{}")]},
        {"role": "tool", "tool_call_id": "c", "content": [marked("r")]},
        {"role": "user", "content": "Go on."},
    ]})));
    assert_eq!(told["system"], json!([marked("One.")]));
    let source = json!({"type": "url", "url": "https://a.example/x.png"});
    let picture = json!({"type": "image", "source": source, "cache_control": {"type": "ephemeral"}});
    assert_eq!(told["messages"][0]["content"], json!([text("Look:"), picture]));
    let result = json!({"type": "tool_result", "tool_use_id": "c", "content": [marked("r")]});
    assert_eq!(told["messages"][2]["content"], json!([result, text("Go on.")]));
}

#[test]
fn of_more_marks_than_anthropic_takes_the_last_stay() {
    let told = body(chatting(json!({"messages": [
        {"role": "system", "content": [marked("1")]},
        {"role": "user", "content": [marked("2"), marked("3"), marked("4"), marked("5")]},
    ]})));
    assert_eq!(told["system"], "1", "without a mark there is nothing but text");
    assert_eq!(told["messages"][0]["content"], json!([marked("2"), marked("3"), marked("4"), marked("5")]));
}

#[test]
fn a_mark_that_is_none_is_left_out() {
    let told = body(chatting(json!({"messages": [
        {"role": "user", "content": [{"type": "text", "text": "Hi", "cache_control": null}]},
    ]})));
    assert_eq!(told["messages"][0]["content"], "Hi");
}
