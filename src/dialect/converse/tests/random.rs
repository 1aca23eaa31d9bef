//! Laws that hold for any JSON.

use super::{stream::events_of, *};

/// Words of both dialects, so that random values come near to real ones.
const WORDS: [&str; 60] = [
    "messages",
    "role",
    "content",
    "user",
    "assistant",
    "system",
    "tool",
    "type",
    "text",
    "image_url",
    "url",
    "refusal",
    "tool_calls",
    "id",
    "function",
    "name",
    "arguments",
    "tool_call_id",
    "tools",
    "tool_choice",
    "parameters",
    "auto",
    "none",
    "required",
    "temperature",
    "top_p",
    "max_tokens",
    "stop",
    "n",
    "response_format",
    "json_schema",
    "schema",
    "{}",
    "{\"a\":1}",
    "reasoning_effort",
    "low",
    "data:image/png;base64,AA",
    "output",
    "message",
    "stopReason",
    "end_turn",
    "tool_use",
    "malformed_tool_use",
    "usage",
    "inputTokens",
    "outputTokens",
    "cacheReadInputTokens",
    "toolUse",
    "toolUseId",
    "input",
    "reasoningContent",
    "reasoningText",
    "citationsContent",
    "delta",
    "start",
    "contentBlockIndex",
    "signature",
    "call_1",
    "",
    "strict",
];

const KINDS: [&str; 8] = [
    "messageStart",
    "contentBlockStart",
    "contentBlockDelta",
    "contentBlockStop",
    "messageStop",
    "metadata",
    "validationException",
    "other",
];

fn word() -> impl Strategy<Value = String> {
    prop_oneof![9 => proptest::sample::select(&WORDS[..]).prop_map(str::to_owned), 1 => "\\PC{0,6}"]
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        prop_oneof![Just(0_u64), Just(1), any::<u64>()].prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 80, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::vec((word(), inner), 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// Requests that are mostly well-formed, with random values in places.
fn near_chat() -> impl Strategy<Value = Value> {
    let role = proptest::sample::select(&["user", "assistant", "system", "tool"][..]);
    let part = prop_oneof![
        3 => "\\PC{0,5}".prop_map(|text| json!({"type": "text", "text": text})),
        1 => Just(json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}})),
    ];
    let content = prop_oneof![
        4 => "\\PC{0,5}".prop_map(Value::from),
        4 => proptest::collection::vec(part, 0..3).prop_map(Value::from),
        1 => any_json(),
    ];
    let call = word().prop_map(|arguments| json!([{"id": "c", "function": {"name": "f", "arguments": arguments}}]));
    let calls = prop_oneof![3 => Just(Value::Null), 1 => call];
    let message = (role, content, calls).prop_map(
        |(role, content, calls)| json!({"role": role, "content": content, "tool_calls": calls, "tool_call_id": "c"}),
    );
    (proptest::collection::vec(message, 0..6), proptest::option::of((word(), any_json())), any::<bool>()).prop_map(
        |(messages, field, tools)| {
            let mut chat = json!({"messages": messages});
            if tools {
                chat["tools"] = json!([{"type": "function", "function": {"name": "f"}}]);
            }
            if let Some((name, value)) = field {
                chat[name] = value;
            }
            chat
        },
    )
}

/// Whether a body keeps Converse's rules for conversations.
fn check_body(body: &Object) {
    let turns = body["messages"].as_array().expect("an array");
    for (index, turn) in turns.iter().enumerate() {
        assert_eq!(turn["role"], if index % 2 == 0 { "user" } else { "assistant" });
        let blocks = turn["content"].as_array().expect("an array");
        assert!(!blocks.is_empty());
        for block in blocks {
            assert_eq!(block.as_object().map(Object::len), Some(1), "a block is one thing");
            assert!(block["text"].as_str().is_none_or(|text| !text.trim().is_empty()), "no text is blank");
            assert!(block.get("toolUse").is_none_or(|call| call["input"].is_object()));
        }
    }
    let uses_tools = turns.iter().flat_map(|t| t["content"].as_array()).flatten().any(|b| b.get("toolUse").is_some());
    assert!(!uses_tools || body.contains_key("toolConfig"));
    assert!(body["inferenceConfig"]["maxTokens"].as_u64().is_some_and(|n| n >= 1));
}

fn check_request(chat: Value) {
    let Value::Object(chat) = chat else { return };
    let early = inexpressible(&chat);
    match super::super::request(&chat, 0) {
        Ok(body) => {
            assert_eq!(early, None);
            check_body(&body);
        }
        Err(late) => assert!(early.is_none_or(|early| early == late)),
    }
}

proptest! {
    #[test]
    fn any_request_is_expressed_or_refused(chat in any_json()) {
        check_request(chat);
    }

    #[test]
    fn nearly_sound_requests_are_expressed_by_the_rules_or_refused(chat in near_chat()) {
        check_request(chat);
    }

    #[test]
    fn any_answer_is_read_or_refused(answer in any_json(), content in any_json(), reason in word()) {
        let _ = completion(&answer, "m");
        let _ = completion(&answered(content, &reason), "m");
    }

    #[test]
    fn any_events_are_read_or_refused(
        events in proptest::collection::vec((proptest::sample::select(&KINDS[..]), any_json()), 0..12),
    ) {
        let mut reader = EventReader::default();
        for (kind, data) in events {
            let _ = reader.event(kind, &data);
            let _ = reader.event(kind, &json!({"contentBlockIndex": 0, "delta": data, "start": data, "usage": data}));
        }
    }

    #[test]
    fn a_stream_says_what_the_whole_answer_says(
        blocks in proptest::collection::vec((0_u8..3, "\\PC{0,9}", word()), 0..6),
        reason in proptest::sample::select(&["end_turn", "tool_use", "max_tokens", "guardrail_intervened"][..]),
    ) {
        let content: Vec<Value> = blocks.into_iter().enumerate().map(|(index, (kind, text, key))| match kind {
            0 => json!({"text": text}),
            1 => json!({"reasoningContent": {"reasoningText": {"text": text}}}),
            _ if text.is_empty() => json!({"toolUse": {"toolUseId": format!("t{index}"), "name": "f", "input": {}}}),
            _ => json!({"toolUse": {"toolUseId": format!("t{index}"), "name": "f", "input": {key: text}}}),
        }).collect();
        let answer = answered(Value::from(content), reason);
        let whole = completion(&answer, "m").expect("it is readable");
        let mut reader = EventReader::default();
        let chunks: Vec<Value> =
            events_of(&answer).iter().flat_map(|(kind, data)| reader.event(kind, data).expect("a sound event")).collect();
        prop_assert!(reader.is_over());
        let (streamed, choice) = (assembled(&chunks), &whole["choices"][0]);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        for field in ["content", "reasoning_content"] {
            prop_assert_eq!(text(&streamed["message"][field]), text(&choice["message"][field]));
        }
        prop_assert_eq!(streamed["tool_calls"].as_array().filter(|c| !c.is_empty()), choice["message"]["tool_calls"].as_array());
        prop_assert_eq!(&streamed["finish_reason"], &choice["finish_reason"]);
        prop_assert_eq!(&streamed["usage"], &whole["usage"]);
    }
}
