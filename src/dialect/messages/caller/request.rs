//! A request as a chat request.

use super::{Inexpressible, Object, conversation, refusals, settings, tools};
use serde_json::Value;

/// Fields that have another form or no place in a chat request. All others are handed on as they are: both dialects have
/// them (`temperature`, `top_p`), they are ours (`route`), or they are a provider's own (`top_k`).
const OWN: [&str; 31] = [
    "messages",
    "system",
    "max_tokens",
    "stop_sequences",
    "tools",
    "tool_choice",
    "thinking",
    "output_config",
    // The older name of `output_config.format`.
    "output_format",
    "metadata",
    "stream_options",
    // Refused where they ask for anything.
    "container",
    "mcp_servers",
    "thread",
    "inference_geo",
    "n",
    "logprobs",
    "top_logprobs",
    "modalities",
    // Hints for a cache that others don't have.
    "cache_control",
    "diagnostics",
    // They make a long context shorter. One that is too long is refused by the provider, aloud.
    "context_management",
    "compaction",
    // About the caller's account with Anthropic, its billing and its fallbacks; here there are others.
    "service_tier",
    "speed",
    "billing_policy",
    "fallbacks",
    "fallback_credit_token",
    "user_profile_id",
    "workspace_id",
    // Headers that some clouds take in the body.
    "anthropic_version",
];

/// The chat request that a Messages request amounts to. A `stream` asks for the usage too: a message tells it always.
///
/// # Errors
/// The request wants what a chat request can't say or what Anthropic alone can do, or it is malformed. Tell the caller: the
/// field is in their body.
pub fn chat_request(body: &Object) -> Result<Object, Inexpressible> {
    refusals::refuse(body)?;
    let handed_on = body.iter().filter(|(field, value)| !value.is_null() && !OWN.contains(&field.as_str()));
    let mut chat: Object = handed_on.map(|(field, value)| (field.clone(), value.clone())).collect();
    chat.insert("messages".to_owned(), Value::from(conversation::messages(body)?));
    chat.extend(tools::fields(body)?);
    chat.extend(settings::fields(body)?);
    Ok(chat)
}
