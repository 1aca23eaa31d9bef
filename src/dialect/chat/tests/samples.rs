//! Values for laws: any JSON, completions as providers give them, and chunks cut smaller.

use super::{call, *};

/// Any JSON at all, with these words among its texts.
pub(in crate::dialect) fn any_json(words: &'static [&'static str]) -> impl Strategy<Value = Value> {
    let word = prop_oneof![9 => proptest::sample::select(words).prop_map(str::to_owned), 1 => "\\PC{0,6}"];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        prop_oneof![Just(0_u64), Just(1), any::<u64>()].prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 80, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::vec((word.clone(), inner), 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn maybe(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Option<Value>> {
    prop_oneof![Just(None), Just(Some(Value::Null)), value.prop_map(Some)]
}

fn words() -> impl Strategy<Value = Value> {
    "\\PC{0,12}".prop_map(Value::from)
}

fn a_message() -> impl Strategy<Value = Value> {
    let calls = proptest::collection::vec("\\PC{0,8}", 0..4).prop_map(|all| {
        all.iter().enumerate().map(|(at, arguments)| call(&format!("call_{at}"), arguments)).collect::<Value>()
    });
    let cited =
        json!([{"type": "url_citation", "url_citation": {"url": "u", "title": "t", "start_index": 0, "end_index": 1}}]);
    let content = prop_oneof![1 => Just(Value::Null), 3 => words()];
    (content, maybe(words()), maybe(words()), maybe(calls), maybe(Just(cited))).prop_map(
        |(content, refusal, reasoning, calls, annotations)| {
            let mut message = json!({"role": "assistant", "content": content});
            let others = [refusal, reasoning, calls, annotations];
            for (field, value) in ["refusal", "reasoning_content", "tool_calls", "annotations"].iter().zip(others) {
                value.into_iter().for_each(|value| message[field] = value);
            }
            message
        },
    )
}

/// Completions as providers give them, with this many choices.
pub(in crate::dialect) fn completions(choices: std::ops::Range<usize>) -> impl Strategy<Value = Value> {
    let logprobs = proptest::collection::vec(words(), 0..3)
        .prop_map(|tokens| tokens.iter().map(|t| json!({"token": t, "logprob": -0.5})).collect::<Value>())
        .prop_map(|tokens| json!({"content": tokens, "refusal": null}));
    let finish = proptest::sample::select(&["stop", "length", "tool_calls", "content_filter"][..]);
    let choice = (a_message(), finish, maybe(logprobs));
    let usage = (any::<u32>(), any::<u32>(), any::<u32>()).prop_map(|(input, output, cached)| {
        json!({
            "prompt_tokens": input, "completion_tokens": output, "prompt_tokens_details": {"cached_tokens": cached},
        })
    });
    let head = ("[a-zA-Z0-9-]{1,9}", any::<u32>(), maybe(words()));
    (head, proptest::collection::vec(choice, choices), proptest::option::of(usage)).prop_map(
        |((id, created, fingerprint), choices, usage)| {
            let choices: Value = choices
                .into_iter()
                .enumerate()
                .map(|(index, (message, finish, logprobs))| {
                    let mut choice = json!({"index": index, "message": message, "finish_reason": finish});
                    logprobs.into_iter().for_each(|logprobs| choice["logprobs"] = logprobs);
                    choice
                })
                .collect();
            let mut completion =
                json!({"id": id, "object": "chat.completion", "created": created, "model": "m", "choices": choices});
            fingerprint.into_iter().for_each(|fingerprint| completion["system_fingerprint"] = fingerprint);
            usage.into_iter().for_each(|usage| completion["usage"] = usage);
            completion
        },
    )
}

/// Cuts each text of a chunk in two, where it may be cut.
pub(in crate::dialect) fn cut(chunk: &Value) -> Vec<Value> {
    let mut halves = [chunk.clone(), chunk.clone()];
    let delta = &chunk["choices"][0]["delta"];
    let cut = |text: &Value, half: usize| {
        let text = text.as_str().unwrap_or_default();
        let (first, second) = text.split_at(text.floor_char_boundary(text.len() / 2));
        Value::from([first, second][half])
    };
    for field in ["content", "refusal", "reasoning_content"] {
        if delta[field].as_str().is_some_and(|text| !text.is_empty()) {
            for (half, chunk) in halves.iter_mut().enumerate() {
                chunk["choices"][0]["delta"][field] = cut(&delta[field], half);
            }
            halves[0]["choices"][0]["logprobs"] = Value::Null;
            return halves.into();
        }
    }
    if delta["tool_calls"].as_array().is_some_and(|calls| !calls.is_empty()) {
        let arguments = &delta["tool_calls"][0]["function"]["arguments"];
        let index = &delta["tool_calls"][0]["index"];
        halves[0]["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"] = cut(arguments, 0);
        halves[1]["choices"][0]["delta"] =
            json!({"tool_calls": [{"index": index, "function": {"arguments": cut(arguments, 1)}}]});
        return halves.into();
    }
    vec![chunk.clone()]
}
