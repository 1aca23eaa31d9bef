//! Translation between the dialects, of any JSON.

use crate::{
    dialect::{Inexpressible, Object, chat, converse, messages, responses},
    json::values,
};
use serde_json::Value;

/// What callers send. Laws: what is refused cheaply is refused in translation, and what one dialect understands is a chat
/// request that the others can be asked about.
pub fn requests(data: &[u8]) {
    for value in values(data) {
        let Value::Object(body) = value else { continue };
        onward(&body);
        for chat in [messages::chat_request(&body), responses::chat_request(&body)].into_iter().flatten() {
            assert!(chat.get("messages").is_some_and(Value::is_array), "a chat request without messages: {chat:?}");
            onward(&chat);
        }
    }
}

fn onward(chat: &Object) {
    agree(messages::inexpressible(chat), messages::request(chat, 4096));
    agree(converse::inexpressible(chat), converse::request(chat, 4096));
}

fn agree(cheaply: Option<Inexpressible>, translated: Result<Object, Inexpressible>) {
    match (cheaply, translated) {
        (Some(refused), translated) => assert_eq!(Err(refused), translated),
        // Only translation reads arguments to their end.
        (None, Err(late)) => assert!(late.field.contains("arguments"), "not seen before: {late:?}"),
        (None, Ok(_)) => {}
    }
}

/// What providers answer, and what callers are told of it; the second value is the caller's request.
pub fn answers(data: &[u8]) {
    let values = values(data);
    let Some(answer) = values.first() else { return };
    let empty = Object::new();
    let request = values.get(1).and_then(Value::as_object).unwrap_or(&empty);
    tell(answer, request);
    for completion in [messages::completion(answer), converse::completion(answer, "mock")].into_iter().flatten() {
        assert!(completion["choices"].is_array(), "a completion without choices: {completion}");
        tell(&completion, request);
    }
}

fn tell(completion: &Value, request: &Object) {
    let _ = (messages::answer(completion), responses::answer(completion, request));
    told(&chat::replay(completion), request);
}

/// What providers stream, event by event.
pub fn events(data: &[u8]) {
    let values = values(data);
    let empty = Object::new();
    let request = values.first().and_then(Value::as_object).unwrap_or(&empty);
    told(&values, request);
    let mut reader = messages::EventReader::default();
    let chunks: Vec<Value> = values.iter().map_while(|v| reader.event(v).ok()).flatten().collect();
    let _ = reader.is_over();
    told(&chunks, request);
    let mut reader = converse::EventReader::default();
    let event = |value: &Value, reader: &mut converse::EventReader| {
        reader.event(value["type"].as_str().unwrap_or("contentBlockDelta"), value).ok()
    };
    let chunks: Vec<Value> = values.iter().map_while(|v| event(v, &mut reader)).flatten().collect();
    let _ = reader.is_over();
    told(&chunks, request);
}

/// Chunks as callers of the other dialects hear them. Law: what they hear is well-formed, whatever was said, and again after a
/// failure.
fn told(chunks: &[Value], request: &Object) {
    let (mut assembler, mut messages, mut responses) =
        (chat::Assembler::default(), messages::EventWriter::default(), responses::EventWriter::new(request));
    for chunk in chunks {
        assembler.chunk(chunk);
        well_formed(&messages.chunk(chunk));
        well_formed(&responses.chunk(chunk));
    }
    let _ = assembler.is_finished();
    let completion = assembler.completion();
    assert!(completion["choices"].is_array(), "{completion}");
    if chunks.len().is_multiple_of(2) {
        well_formed(&messages.end());
        well_formed(&responses.end());
    } else {
        well_formed(&messages.error("it broke", "api_error"));
        well_formed(&responses.error("it broke", "server_error"));
    }
}

/// Each event is a name and one line of JSON whose `type` is that name.
fn well_formed(events: &[u8]) {
    let text = std::str::from_utf8(events).expect("events are UTF-8");
    assert!(text.is_empty() || text.ends_with("\n\n"), "a torn event: {text:?}");
    for event in text.split_terminator("\n\n") {
        let (name, data) = event.split_once('\n').expect("two lines");
        let name = name.strip_prefix("event: ").expect("a name");
        let data = data.strip_prefix("data: ").expect("data");
        let data: Value = serde_json::from_str(data).expect("one line of JSON");
        assert_eq!(data["type"], name);
    }
}
