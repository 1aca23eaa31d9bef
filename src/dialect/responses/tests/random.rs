//! Laws that hold for any JSON.

use super::{super::answer, client::assembled, *};

/// Words of both dialects, so that random values come near to real ones.
const WORDS: [&str; 60] = [
    "input",
    "instructions",
    "type",
    "message",
    "role",
    "user",
    "assistant",
    "system",
    "developer",
    "content",
    "text",
    "input_text",
    "output_text",
    "input_image",
    "image_url",
    "input_file",
    "file_data",
    "refusal",
    "function_call",
    "function_call_output",
    "call_id",
    "name",
    "arguments",
    "output",
    "reasoning",
    "summary",
    "item_reference",
    "id",
    "tools",
    "function",
    "parameters",
    "strict",
    "tool_choice",
    "auto",
    "required",
    "allowed_tools",
    "mode",
    "format",
    "json_schema",
    "schema",
    "include",
    "top_logprobs",
    "stream",
    "store",
    "metadata",
    "choices",
    "index",
    "delta",
    "tool_calls",
    "reasoning_content",
    "logprobs",
    "token",
    "annotations",
    "url_citation",
    "usage",
    "prompt_tokens",
    "completion_tokens",
    "finish_reason",
    "length",
    "",
];

fn any_value() -> impl Strategy<Value = Value> {
    any_json(&WORDS)
}

/// Requests that are mostly well-formed, with random values in places.
fn near_request() -> impl Strategy<Value = Object> {
    let text = "\\PC{0,5}";
    let part = prop_oneof![
        text.prop_map(|text| json!({"type": "input_text", "text": text})),
        text.prop_map(|text| json!({"type": "output_text", "text": text})),
        Just(json!({"type": "input_image", "image_url": "https://x"})),
    ];
    let content = prop_oneof![
        4 => text.prop_map(Value::from),
        4 => proptest::collection::vec(part, 0..3).prop_map(Value::from),
        1 => any_value(),
    ];
    let role = proptest::sample::select(&["user", "assistant", "system", "developer"][..]);
    let item = prop_oneof![
        4 => (role, content.clone()).prop_map(|(role, content)| json!({"role": role, "content": content})),
        2 => text.prop_map(|id| json!({"type": "function_call", "call_id": id, "name": "f", "arguments": "{}"})),
        2 => (text, content).prop_map(
            |(id, content)| json!({"type": "function_call_output", "call_id": id, "output": content}),
        ),
        1 => Just(json!({"type": "reasoning", "id": "rs_1", "summary": []})),
    ];
    let field = (proptest::sample::select(&WORDS[..]), any_value());
    (proptest::collection::vec(item, 0..6), proptest::option::of(field)).prop_map(|(items, field)| {
        let mut body = object(json!({"model": "auto", "input": items, "tools": [{"type": "function", "name": "f"}]}));
        field.into_iter().for_each(|(name, value)| {
            body.insert(name.to_owned(), value);
        });
        body
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
            "tool" => assert!(message["tool_call_id"].is_string()),
            role => panic!("{role} is no role"),
        }
        assert!(
            content.as_array().is_none_or(|parts| !parts.is_empty() && parts.iter().all(|p| p["type"].is_string()))
        );
    }
    assert!(body.get("tools").is_none_or(|tools| tools.as_array().is_some_and(|tools| !tools.is_empty())));
    assert!(body.contains_key("tools") || !body.contains_key("tool_choice"));
}

fn check_events(chunks: &[Value], request: &Object) {
    let events = told(chunks, request);
    let last = &events.last().expect("an event")["response"];
    assert_eq!(last["output"], Value::from(assembled(&events)));
    assert!(last["status"] == "completed" || last["status"] == "incomplete");
}

proptest! {
    #[test]
    fn any_request_is_expressed_or_refused(
        body in any_value(),
        fields in proptest::collection::vec((proptest::sample::select(&WORDS[..]), any_value()), 0..4),
    ) {
        let mut asked = asking(json!({}));
        asked.extend(fields.into_iter().map(|(name, value)| (name.to_owned(), value)));
        for body in [body.as_object().cloned().unwrap_or_default(), asked] {
            if let Ok(chat) = chat_request(&body) {
                check_chat(&chat);
            }
        }
    }

    #[test]
    fn nearly_sound_requests_become_sound_chat_requests_or_are_refused(body in near_request()) {
        if let Ok(chat) = chat_request(&body) {
            check_chat(&chat);
        }
    }

    #[test]
    fn any_completion_is_answered(completion in any_value(), message in any_value(), request in any_value()) {
        let request = request.as_object().cloned().unwrap_or_default();
        let _ = answer(&completion, &request);
        let told = answer(&json!({"choices": [{"message": message}]}), &request);
        prop_assert!(told["output"].is_array());
    }

    #[test]
    fn any_chunks_become_events_in_order(
        chunks in proptest::collection::vec(any_value(), 0..4),
        deltas in proptest::collection::vec(any_value(), 0..8),
        request in any_value(),
    ) {
        let request = request.as_object().cloned().unwrap_or_default();
        let piece = |delta: &Value| [chunk(delta.clone()), chunk(json!({"tool_calls": [delta]}))];
        let all: Vec<Value> = deltas.iter().flat_map(piece).chain(chunks).collect();
        check_events(&all, &request);
    }

    #[test]
    fn items_told_in_any_order_are_told_well(
        kinds in proptest::collection::vec((0_u8..5, 0_u64..3, "\\PC{0,3}"), 0..12),
        summarises in any::<bool>(),
    ) {
        let call = |index: &u64, text: &str| {
            json!([{"index": index, "id": format!("call_{index}"), "function": {"name": "f", "arguments": text}}])
        };
        let delta = |(kind, index, text): &(u8, u64, String)| match kind {
            0 => json!({"content": text}),
            1 => json!({"refusal": text}),
            2 => json!({"reasoning_content": text}),
            3 => json!({"content": text, "tool_calls": call(index, text)}),
            _ => json!({"tool_calls": [{"index": index, "function": {"arguments": text}}]}),
        };
        let chunks: Vec<Value> = kinds.iter().map(delta).map(chunk).collect();
        let summary = if summarises { json!("auto") } else { Value::Null };
        check_events(&chunks, &asking(json!({"reasoning": {"summary": summary}})));
    }

    #[test]
    fn a_stream_says_what_the_whole_answer_says(
        completion in completions(1..3),
        cuts in any::<bool>(),
        summarises in any::<bool>(),
    ) {
        let summary = if summarises { json!("auto") } else { Value::Null };
        let request = asking(json!({"reasoning": {"summary": summary}}));
        let mut chunks = replay(&completion);
        if cuts {
            chunks = chunks.iter().flat_map(cut).collect();
        }
        check_events(&chunks, &request);
        let mut assembler = Assembler::default();
        chunks.iter().for_each(|chunk| assembler.chunk(chunk));
        let events = told(&chunks, &request);
        prop_assert_eq!(&events[events.len() - 1]["response"], &answer(&assembler.completion(), &request));
    }

    #[test]
    fn an_answer_given_back_is_the_message_that_it_came_from(mut given in completions(1..2)) {
        given["choices"][0]["message"]["refusal"] = Value::Null;
        let message = &given["choices"][0]["message"];
        let calls = message["tool_calls"].as_array().filter(|calls| !calls.is_empty());
        let output = answer(&given, &asking(json!({})))["output"].as_array().cloned().unwrap_or_default();
        let asked = json!([{"role": "user", "content": "Hi"}]);
        let back = messages(Value::from([asked.as_array().cloned().unwrap_or_default(), output].concat()));
        prop_assert!(back.as_array().is_some_and(|all| all.len() <= 2));
        let text = |message: &Value| message["content"].as_str().unwrap_or_default().to_owned();
        prop_assert_eq!(text(&back[1]), text(message));
        prop_assert_eq!(back[1]["tool_calls"].as_array(), calls);
    }
}
