//! Gemini's signatures of tool calls, carried in the calls' ids.
//!
//! Gemini signs what it thought before a call, and refuses a conversation in which the call comes back without that. Chat has a
//! field for it, `extra_content.google.thought_signature`; Messages and Responses have none. There the signature is part of
//! the id, which callers hand back as it was, and only characters are in it that every dialect takes.

use super::Object;
use serde_json::{Value, json};
use std::borrow::Cow;

/// Between a call's own id and its signature.
const MARK: &str = "--sig--";
/// Where chat has Google's fields.
const EXTRA: &str = "extra_content";

/// The signature of a call, or of a piece of one, in chat.
pub(super) fn of(call: &Object) -> Option<&str> {
    call.get(EXTRA)?.get("google")?.get("thought_signature")?.as_str().filter(|signature| !signature.is_empty())
}

/// The id with the signature in it. Signatures are base64; anything else is no signature and is left out.
pub(super) fn sealed<'a>(id: Cow<'a, str>, signature: Option<&str>) -> Cow<'a, str> {
    match signature.and_then(portable) {
        Some(signature) => Cow::Owned(format!("{id}{MARK}{signature}")),
        None => id,
    }
}

/// A call's own id, and the signature that came with it.
pub fn opened(id: &str) -> (&str, Option<String>) {
    let told = id.split_once(MARK).and_then(|(own, signature)| Some((own, original(signature)?)));
    told.map_or((id, None), |(own, signature)| (own, Some(signature)))
}

/// A call in chat, by the id that the caller knows it by.
pub(super) fn chat_call(id: &str, function: &Value) -> Value {
    let (id, signature) = opened(id);
    let mut call = json!({"id": id, "type": "function", "function": function});
    if let Some(signature) = signature {
        call[EXTRA] = json!({"google": {"thought_signature": signature}});
    }
    call
}

/// The messages of a chat request without signatures, for providers that don't know the field and refuse it; nothing if there
/// are none.
pub fn without(chat: &Object) -> Option<Value> {
    let messages = chat.get("messages")?;
    let calls = messages.as_array()?.iter().filter_map(|message| message["tool_calls"].as_array()).flatten();
    let mut calls = calls.filter_map(Value::as_object);
    calls.any(|call| call.get(EXTRA).is_some_and(|extra| extra["google"].is_object())).then(|| stripped(messages))
}

fn stripped(messages: &Value) -> Value {
    let mut messages = messages.clone();
    for message in messages.as_array_mut().into_iter().flatten() {
        let calls = message.get_mut("tool_calls").and_then(Value::as_array_mut);
        for call in calls.into_iter().flatten().filter_map(Value::as_object_mut) {
            if call.get(EXTRA).is_some_and(|extra| extra["google"].is_object()) {
                call.remove(EXTRA);
            }
        }
    }
    messages
}

/// Base64 in the alphabet for addresses and without padding, if it is base64.
fn portable(signature: &str) -> Option<String> {
    let bare = signature.trim_end_matches('=');
    let is_whole = signature.len().is_multiple_of(4) && signature.len() - bare.len() <= 2;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
    (is_whole && !bare.is_empty() && bare.bytes().all(fits)).then(|| bare.replace('+', "-").replace('/', "_"))
}

/// The other way about.
fn original(portable: &str) -> Option<String> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if portable.is_empty() || portable.len() % 4 == 1 || !portable.bytes().all(fits) {
        return None;
    }
    let padding = "=".repeat(portable.len().wrapping_neg() % 4);
    Some(portable.replace('-', "+").replace('_', "/") + &padding)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn call(signature: &str) -> Object {
        let call = chat_call("c", &json!({"name": "f", "arguments": "{}"}));
        let mut call = call.as_object().cloned().unwrap_or_default();
        call.insert(EXTRA.to_owned(), json!({"google": {"thought_signature": signature}}));
        call
    }

    #[test]
    fn an_id_without_signature_stays_as_it_is() {
        assert_eq!(sealed("call_1".into(), of(&call(""))), "call_1");
        assert_eq!(sealed("call_1".into(), of(&call("not base64!"))), "call_1");
        for id in ["call_1", "", "a--sig--", "a--sig--b", "a--sig--?b"] {
            assert_eq!(opened(id), (id, None));
        }
    }

    #[test]
    fn signatures_are_taken_out_and_other_fields_are_not() {
        let chat = |calls: Value| {
            let body =
                json!({"messages": [{"role": "user", "content": "u"}, {"role": "assistant", "tool_calls": calls}]});
            body.as_object().cloned().unwrap_or_default()
        };
        let other = json!({"id": "d", "function": {}, "extra_content": {"acme": {}}});
        let bare = without(&chat(json!([call("AAAA"), other]))).unwrap_or_default();
        assert_eq!(bare[1]["tool_calls"], json!([chat_call("c", &json!({"name": "f", "arguments": "{}"})), other]));
        assert_eq!(bare[0]["content"], "u");
        assert_eq!(without(&chat(json!([other]))), None);
    }

    proptest! {
        #[test]
        fn signatures_come_back_as_they_were(
            id in "[a-zA-Z0-9_]{0,12}",
            signature in "([A-Za-z0-9+/]{4}){0,9}([A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)",
        ) {
            let told = sealed(id.as_str().into(), of(&call(&signature))).into_owned();
            prop_assert!(told.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'));
            prop_assert_eq!(opened(&told), (id.as_str(), Some(signature.clone())));
            let back = chat_call(&told, &json!({}));
            prop_assert_eq!(back.as_object().and_then(of), Some(signature.as_str()));
        }
    }
}
