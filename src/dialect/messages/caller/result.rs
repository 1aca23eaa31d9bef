//! What a tool gave, as chat's message of the role `tool`.

use super::{
    Inexpressible, Object,
    content::{blocks, parts, simple, text_part},
    given, required, signature,
};
use serde_json::{Value, json};

/// The message, and what comes with it: chat's results are texts, so pictures and files go into the user's message that
/// follows, under the name of the call.
pub(super) fn message(block: &Object, path: &str) -> Result<(Value, Vec<Value>), Inexpressible> {
    let (id, _) = signature::opened(required(block, "tool_use_id", || format!("{path}.tool_use_id"))?);
    let failed = match given(block, "is_error") {
        None => false,
        Some(Value::Bool(failed)) => *failed,
        Some(_) => return Err(Inexpressible::new(format!("{path}.is_error"), "must be true or false")),
    };
    let mut content = Vec::new();
    if given(block, "content").is_some() {
        for (inner, path) in blocks(block.get("content"), &format!("{path}.content"))? {
            content.extend(parts(&inner, &path)?);
        }
    }
    let (mut texts, mut attached): (Vec<_>, Vec<_>) = content.into_iter().partition(|part| part["type"] == "text");
    if texts.is_empty() && !attached.is_empty() {
        texts.extend(text_part("The result is attached to the next message."));
    }
    if failed {
        mark(&mut texts);
    }
    if !attached.is_empty() {
        attached.insert(0, json!({"type": "text", "text": format!("Attached to the result of {id}:")}));
    }
    Ok((json!({"role": "tool", "tool_call_id": id, "content": simple(texts)}), attached))
}

/// Chat has no field for failure, so the text says it.
fn mark(texts: &mut Vec<Value>) {
    match texts.first_mut() {
        Some(first) => first["text"] = Value::from(format!("Error: {}", first["text"].as_str().unwrap_or_default())),
        None => texts.extend(text_part("Error")),
    }
}
