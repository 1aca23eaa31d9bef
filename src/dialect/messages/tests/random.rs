//! Laws that hold for any JSON.

use super::{
    client::{assembled, told},
    read_stream::{chunks_of, events_of, put_together},
    *,
};

/// Words of both dialects, so that random values come near to real ones.
#[rustfmt::skip] // a word a line would be a page
const WORDS: &[&str] = &[
    "messages", "role", "content", "user", "assistant", "system", "developer", "tool", "type", "text", "image_url", "url",
    "refusal", "tool_calls", "id", "function", "name", "arguments", "tool_call_id", "tools", "tool_choice", "parameters",
    "auto", "none", "required", "temperature", "top_p", "max_tokens", "stop", "n", "response_format", "json_schema",
    "schema", "{}", "{\"a\":1}", "reasoning_effort", "low", "data:image/png;base64,AA", "file", "file_data", "image",
    "source", "base64", "media_type", "data", "document", "title", "citations", "enabled", "tool_use", "tool_result",
    "tool_use_id", "is_error", "input", "input_schema", "thinking", "budget_tokens", "signature", "output_config", "effort",
    "format", "any", "stop_sequences", "metadata", "user_id", "stream", "choices", "index", "delta", "finish_reason",
    "reasoning_content", "usage", "prompt_tokens", "input_tokens", "output_tokens", "message_start", "message",
    "content_block_start", "content_block", "content_block_delta", "text_delta", "input_json_delta", "partial_json",
    "content_block_stop", "message_delta", "stop_reason", "end_turn", "message_stop", "error", "search_result", "",
];

fn any_value() -> impl Strategy<Value = Value> {
    any_json(WORDS)
}

fn any_object() -> impl Strategy<Value = Object> {
    proptest::collection::vec((proptest::sample::select(WORDS), any_value()), 0..4)
        .prop_map(|fields| fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// Arguments that are whole at no brace but the last.
const INPUTS: &[&str] = &["{}", "{\"a\":{\"b\":[{},1]}}", "{\"a\":\"}\\\"}\",\"b\":\"\\\\\"}", " {\"a\":[]} "];

const TEXT: &str = "\\PC{0,5}";

/// A caller's content: mostly well-formed blocks of all kinds.
fn near_content() -> impl Strategy<Value = Value> {
    let picture = json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA"}});
    let document = json!({"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "d"}});
    let parts = json!([{"type": "text", "text": "r"}, picture]);
    let result = prop_oneof![Just(Value::Null), TEXT.prop_map(Value::from), Just(parts)];
    let block = prop_oneof![
        4 => TEXT.prop_map(|text| json!({"type": "text", "text": text})),
        1 => Just(picture),
        1 => Just(document),
        2 => (TEXT, any::<bool>(), result).prop_map(|(id, failed, content)| {
            json!({"type": "tool_result", "tool_use_id": id, "content": content, "is_error": failed})
        }),
        2 => TEXT.prop_map(|id| json!({"type": "tool_use", "id": id, "name": "f", "input": {"a": id}})),
        1 => Just(json!({"type": "thinking", "thinking": "Hm.", "signature": "c2ln"})),
    ];
    prop_oneof![
        3 => TEXT.prop_map(Value::from),
        6 => proptest::collection::vec(block, 0..4).prop_map(Value::from),
        1 => any_value(),
    ]
}

fn near_request() -> impl Strategy<Value = Object> {
    let role = proptest::sample::select(&["user", "user", "assistant", "assistant", "system"][..]);
    let message = (role, near_content()).prop_map(|(role, content)| json!({"role": role, "content": content}));
    (proptest::collection::vec(message, 0..5), any_object(), any::<bool>()).prop_map(|(messages, fields, odd)| {
        let mut body = asking(json!({"messages": messages}));
        if odd {
            body.extend(fields);
        }
        body
    })
}

fn near_chat() -> impl Strategy<Value = Object> {
    let role = proptest::sample::select(&["user", "user", "assistant", "system", "tool"][..]);
    let part = prop_oneof![
        3 => TEXT.prop_map(|text| json!({"type": "text", "text": text})),
        1 => Just(json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}})),
    ];
    let content = prop_oneof![
        4 => TEXT.prop_map(Value::from),
        4 => proptest::collection::vec(part, 0..3).prop_map(Value::from),
        1 => any_value(),
    ];
    let calls = prop_oneof![
        3 => Just(Value::Null),
        2 => (TEXT, proptest::sample::select(WORDS)).prop_map(|(id, arguments)| json!([call(&id, arguments)])),
    ];
    let message = (role, content, calls, TEXT).prop_map(
        |(role, content, calls, id)| json!({"role": role, "content": content, "tool_calls": calls, "tool_call_id": id}),
    );
    (proptest::collection::vec(message, 0..6), any_object(), any::<bool>()).prop_map(|(messages, fields, odd)| {
        let mut chat = chatting(json!({"messages": messages, "tools": [function("f")]}));
        if odd {
            chat.extend(fields);
        }
        chat
    })
}

/// Whether a chat request has the shape that all adapters rely on.
fn check_chat(body: &Object) {
    let messages = body["messages"].as_array().expect("an array");
    assert!(!messages.is_empty());
    for message in messages {
        let content = &message["content"];
        match message["role"].as_str().expect("a role") {
            "system" | "user" => assert!(content.is_string() || content.is_array()),
            "assistant" => assert!(!content.is_null() || message["tool_calls"].is_array()),
            "tool" => assert!(message["tool_call_id"].is_string() && !content.is_null()),
            role => panic!("{role} is no role"),
        }
        let is_part = |part: &Value| part["type"].is_string();
        assert!(content.as_array().is_none_or(|parts| !parts.is_empty() && parts.iter().all(is_part)));
    }
    assert!(body["max_completion_tokens"].as_u64().is_some_and(|n| n > 0));
    assert!(body.get("tools").is_none_or(|tools| tools.as_array().is_some_and(|tools| !tools.is_empty())));
    assert!(body.contains_key("tools") || !body.contains_key("tool_choice"));
}

/// Whether a body keeps Anthropic's rules for conversations.
fn check_body(body: &Object) {
    let portable = |id: &Value| {
        id.as_str()
            .is_some_and(|id| !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b)))
    };
    let is_said = |text: &Value| text.as_str().is_some_and(|text| !text.trim().is_empty());
    for (index, turn) in body["messages"].as_array().expect("an array").iter().enumerate() {
        assert_eq!(turn["role"], if index % 2 == 0 { "user" } else { "assistant" });
        let Value::Array(blocks) = &turn["content"] else {
            assert!(is_said(&turn["content"]));
            continue;
        };
        assert!(!blocks.is_empty());
        let results = blocks.iter().take_while(|block| block["type"] == "tool_result").count();
        for (at, block) in blocks.iter().enumerate() {
            match block["type"].as_str().expect("a type") {
                "text" => assert!(is_said(&block["text"])),
                "tool_use" => assert!(portable(&block["id"]) && block["input"].is_object() && index % 2 == 1),
                "tool_result" => assert!(portable(&block["tool_use_id"]) && at < results && index % 2 == 0),
                kind => assert!(["image", "document"].contains(&kind) && block["source"].is_object()),
            }
        }
    }
    assert!(body["max_tokens"].as_u64().is_some_and(|n| n >= 1));
}

fn check_request(chat: &Object) {
    let early = inexpressible(chat);
    match super::super::request(chat, 0) {
        Ok(body) => {
            assert_eq!(early, None);
            check_body(&body);
        }
        Err(late) => assert!(early.is_none_or(|early| early == late)),
    }
}

proptest! {
    #[test]
    fn any_callers_request_is_expressed_or_refused(body in any_value(), fields in any_object(), near in near_request()) {
        let mut asked = asking(json!({}));
        asked.extend(fields);
        for body in [body.as_object().cloned().unwrap_or_default(), asked, near] {
            if let Ok(chat) = chat_request(&body) {
                check_chat(&chat);
                check_request(&chat);
            }
        }
    }

    #[test]
    fn any_chat_request_is_expressed_by_the_rules_or_refused(chat in any_value(), fields in any_object(), near in near_chat()) {
        let mut chatted = chatting(json!({}));
        chatted.extend(fields);
        for chat in [chat.as_object().cloned().unwrap_or_default(), chatted, near] {
            check_request(&chat);
        }
    }

    #[test]
    fn any_answer_is_read_or_refused(answer in any_value(), content in any_value(), reason in proptest::sample::select(WORDS)) {
        let _ = completion(&answer);
        let _ = completion(&message(content, reason));
    }

    #[test]
    fn any_completion_is_answered(completion in any_value(), message in any_value()) {
        let _ = answer(&completion);
        let told = answer(&json!({"choices": [{"message": message}]}));
        prop_assert!(told["content"].is_array() && told["stop_reason"].is_string());
    }

    #[test]
    fn any_events_are_read_or_refused(
        events in proptest::collection::vec((proptest::sample::select(WORDS), any_value(), any_value()), 0..12),
    ) {
        let mut reader = EventReader::default();
        for (kind, data, inner) in events {
            let _ = reader.event(&data);
            let event = json!({
                "type": kind, "index": 0, "delta": inner, "content_block": inner, "message": inner, "usage": inner,
            });
            let _ = reader.event(&event);
        }
    }

    #[test]
    fn any_chunks_become_events_in_order(
        chunks in proptest::collection::vec(any_value(), 0..4),
        deltas in proptest::collection::vec(any_value(), 0..8),
    ) {
        let piece = |delta: &Value| [chunk(delta.clone()), chunk(json!({"tool_calls": [delta]}))];
        let all: Vec<Value> = deltas.iter().flat_map(piece).chain(chunks).collect();
        assembled(&told(&all));
    }

    #[test]
    fn nothing_is_lost_in_whatever_order_blocks_are_told(
        inputs in proptest::array::uniform3(proptest::sample::select(INPUTS)),
        steps in proptest::collection::vec((0_usize..4, 1_usize..5), 0..40),
    ) {
        let mut left = inputs;
        let mut chunks = Vec::new();
        let mut words = 0;
        // Whatever the steps leave over is told call by call.
        for (index, size) in steps.into_iter().chain([(0, 99), (1, 99), (2, 99)]) {
            let Some(rest) = left.get_mut(index) else {
                chunks.push(chunk(json!({"content": "w"})));
                words += 1;
                continue;
            };
            let (piece, later) = rest.split_at(size.min(rest.len()));
            *rest = later;
            let function = json!({"name": "f", "arguments": piece});
            chunks.push(chunk(json!({"tool_calls": [{"index": index, "id": format!("c{index}"), "function": function}]})));
        }
        let message = assembled(&told(&chunks));
        let blocks = message["content"].as_array().expect("an array");
        let said: String = blocks.iter().filter_map(|block| block["text"].as_str()).collect();
        prop_assert_eq!(said, "w".repeat(words));
        for (index, input) in inputs.iter().enumerate() {
            let id = format!("c{index}");
            let call = blocks.iter().find(|block| block["id"] == id.as_str()).expect("it was told");
            prop_assert_eq!(&call["input"], &serde_json::from_str::<Value>(input).expect("JSON"));
        }
    }

    #[test]
    fn a_stream_told_says_what_the_whole_answer_says(completion in completions(1..3), cuts in any::<bool>()) {
        let mut chunks = replay(&completion);
        if cuts {
            chunks = chunks.iter().flat_map(cut).collect();
        }
        prop_assert_eq!(assembled(&told(&chunks)), answer(&put_together(&chunks)));
    }

    #[test]
    fn a_stream_read_says_what_the_whole_answer_says(
        blocks in proptest::collection::vec((0_u8..3, "\\PC{0,9}", "[a-z]{0,3}"), 0..6),
        reason in proptest::sample::select(&["end_turn", "tool_use", "max_tokens", "refusal"][..]),
    ) {
        let content: Value = blocks.into_iter().enumerate().map(|(at, (kind, text, key))| match kind {
            0 => json!({"type": "text", "text": text}),
            1 => json!({"type": "thinking", "thinking": text, "signature": "c2ln"}),
            _ if text.is_empty() => json!({"type": "tool_use", "id": format!("t{at}"), "name": "f", "input": {}}),
            _ => json!({"type": "tool_use", "id": format!("t{at}"), "name": "f", "input": {key: text}}),
        }).collect();
        let message = message(content, reason);
        let mut whole = completion(&message).expect("it is readable");
        let mut streamed = put_together(&chunks_of(&events_of(&message)));
        // A stream says that nothing was said; a whole answer leaves it out.
        for told in [&mut whole, &mut streamed] {
            let said = told["choices"][0]["message"].as_object_mut().expect("an object");
            said.retain(|_, value| !value.is_null() && value != "");
        }
        prop_assert_eq!(streamed, whole);
    }

    #[test]
    fn an_answer_told_and_given_back_is_the_message_that_it_came_from(mut given in completions(1..2)) {
        given["choices"][0]["message"]["refusal"] = Value::Null;
        let content = answer(&given)["content"].clone();
        let said = chat_messages(json!([{"role": "user", "content": "Hi"}, {"role": "assistant", "content": content}]));
        let message = &given["choices"][0]["message"];
        let text = |message: &Value| message["content"].as_str().unwrap_or_default().to_owned();
        prop_assert_eq!(text(&said[1]), text(message));
        let ids = |message: &Value| -> Vec<Value> {
            message["tool_calls"].as_array().into_iter().flatten().map(|call| call["id"].clone()).collect()
        };
        prop_assert_eq!(ids(&said[1]), ids(message));
    }
}
