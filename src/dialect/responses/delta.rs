//! What a message, or a piece of one, says: log probabilities, citations and tokens in the API's words.

use serde_json::{Value, json};

/// Reasoning in a message or delta; providers have two names for it.
pub(super) fn reasoning(message: &Value) -> &str {
    let named = |field: &str| message[field].as_str().filter(|text| !text.is_empty());
    named("reasoning_content").or_else(|| named("reasoning")).unwrap_or_default()
}

/// Log probabilities of a choice's text.
pub(super) fn logprobs(choice: &Value) -> Vec<Value> {
    let tokens = choice["logprobs"]["content"].as_array().into_iter().flatten();
    let with_others = |token: &Value| {
        let others = token["top_logprobs"].as_array().into_iter().flatten();
        let mut told = logprob(token);
        told["top_logprobs"] = others.map(logprob).collect();
        told
    };
    tokens.map(with_others).collect()
}

/// Chat may leave the bytes out, the Responses API must not.
fn logprob(token: &Value) -> Value {
    let text = token["token"].as_str().unwrap_or_default();
    let bytes = if token["bytes"].is_array() { token["bytes"].clone() } else { json!(text.as_bytes()) };
    json!({"token": text, "logprob": token["logprob"].as_f64().unwrap_or(0.0), "bytes": bytes})
}

/// Citations in a message or delta. Chat knows those of web pages only.
pub(super) fn annotations(message: &Value) -> impl Iterator<Item = Value> {
    let annotations = message["annotations"].as_array().into_iter().flatten();
    annotations.filter_map(|annotation| {
        let mut cited = annotation["url_citation"].as_object()?.clone();
        cited.insert("type".to_owned(), Value::from("url_citation"));
        Some(Value::Object(cited))
    })
}

/// The account of the tokens; null where none was given.
pub(super) fn usage(usage: &Value) -> Value {
    let count = |value: &Value| value.as_u64();
    let (Some(input), Some(output)) = (count(&usage["prompt_tokens"]), count(&usage["completion_tokens"])) else {
        return Value::Null;
    };
    let (input_details, output_details) = (&usage["prompt_tokens_details"], &usage["completion_tokens_details"]);
    json!({
        "input_tokens": input,
        "input_tokens_details": {
            "cached_tokens": count(&input_details["cached_tokens"]).unwrap_or(0),
            "cache_write_tokens": count(&input_details["cache_write_tokens"]).unwrap_or(0),
        },
        "output_tokens": output,
        "output_tokens_details": {"reasoning_tokens": count(&output_details["reasoning_tokens"]).unwrap_or(0)},
        "total_tokens": count(&usage["total_tokens"]).unwrap_or_else(|| input.saturating_add(output)),
    })
}
