//! A request as a chat request.

use super::{Inexpressible, Object, given, input, refusals, settings, tools};
use serde_json::Value;

/// Fields that have another form or no place in a chat request. All others are handed on as they are: both dialects have
/// them (`temperature`, `user`, `prompt_cache_key` and more), they are ours (`route`), or they are a provider's own.
const OWN: [&str; 24] = [
    "input",
    "instructions",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "text",
    "reasoning",
    "include",
    "top_logprobs",
    "max_output_tokens",
    "stream_options",
    // Refused where they ask for anything.
    "previous_response_id",
    "conversation",
    "background",
    "background_options",
    "prompt",
    "context_management",
    "moderation",
    "access_programs",
    "image",
    // Input that is too long is refused by the provider, aloud, where `auto` would have it shortened.
    "truncation",
    // Limits tools that OpenAI runs itself, which can't be had.
    "max_tool_calls",
    // Echoed to the caller. Chat allows it only with what it stores.
    "metadata",
    "store",
];

/// The chat request that a Responses request amounts to. A `stream` asks for the usage too: a response tells it always.
///
/// # Errors
/// The request wants what a chat request can't say or what needs a store of responses, or it is malformed. Tell the caller:
/// the field is in their body.
pub fn chat_request(body: &Object) -> Result<Object, Inexpressible> {
    refusals::check(body)?;
    let handed_on = body.iter().filter(|(field, value)| !value.is_null() && !OWN.contains(&field.as_str()));
    let mut chat: Object = handed_on.map(|(field, value)| (field.clone(), value.clone())).collect();
    chat.insert("messages".to_owned(), Value::from(input::messages(body)?));
    chat.extend(tools::fields(body)?);
    chat.extend(settings::fields(body)?);
    // Whoever forbids storing means the provider too. To store is not asked of it: what is stored here is not theirs.
    if given(body, "store").is_some_and(|store| store == false) {
        chat.insert("store".to_owned(), Value::from(false));
    }
    Ok(chat)
}
