//! Instructions and input items as messages.

use super::{
    Inexpressible, Object,
    content::{Speaker, content},
    given, required, signature, text,
};
use serde_json::{Value, json};

/// The messages of a request; at least one.
pub(super) fn messages(body: &Object) -> Result<Vec<Value>, Inexpressible> {
    let mut conversation = Conversation::default();
    let instructions = text(body, "instructions", || "instructions".to_owned())?;
    if let Some(instructions) = instructions.filter(|text| !text.is_empty()) {
        conversation.0.push(json!({"role": "system", "content": instructions}));
    }
    match given(body, "input") {
        Some(Value::String(text)) => conversation.0.push(json!({"role": "user", "content": text})),
        Some(Value::Array(items)) => {
            items.iter().enumerate().try_for_each(|(at, item)| conversation.hear(item, at))?;
        }
        Some(_) => return Err(Inexpressible::new("input", "must be text or an array of items")),
        None => return Err(Inexpressible::new("input", "must be given")),
    }
    if conversation.0.is_empty() {
        return Err(Inexpressible::new("input", "there is nothing to answer"));
    }
    Ok(conversation.0)
}

/// Messages so far. What an assistant said and called in one turn are several items and one message.
#[derive(Default)]
struct Conversation(Vec<Value>);

impl Conversation {
    fn hear(&mut self, item: &Value, at: usize) -> Result<(), Inexpressible> {
        let path = |field: &str| format!("input[{at}]{field}");
        let Value::Object(item) = item else {
            return Err(Inexpressible::new(path(""), "must be an object"));
        };
        match kind(item) {
            "message" => self.message(item, path),
            "function_call" => self.call(item, path),
            "function_call_output" => self.result(item, path),
            // Only the model that reasoned could use it, and chat has no form that all providers take back.
            "reasoning" => Ok(()),
            "item_reference" => Err(Inexpressible::new(path(""), "no item is stored here: send the item itself")),
            "" => Err(Inexpressible::new(path(".type"), "must be the type of an item")),
            other => {
                let problem = format!("`{other}` can't be told here: only messages, function calls and their outputs");
                Err(Inexpressible::new(path(".type"), problem))
            }
        }
    }

    fn message(&mut self, item: &Object, path: impl Fn(&str) -> String) -> Result<(), Inexpressible> {
        let (role, speaker) = match required(item, "role", || path(".role"))? {
            // Both mean the same to OpenAI, and only the older name is known to all providers.
            "system" | "developer" => ("system", Speaker::System),
            "user" => ("user", Speaker::User),
            "assistant" => ("assistant", Speaker::Assistant),
            _ => return Err(Inexpressible::new(path(".role"), "must be user, assistant, system or developer")),
        };
        let content = content(item.get("content"), speaker, &path(".content"))?;
        match self.0.last_mut() {
            // Results must follow the message with their calls, so a text in between goes into that message.
            Some(last) if role == "assistant" && last["tool_calls"].is_array() => add(&mut last["content"], content),
            _ => self.0.push(json!({"role": role, "content": content})),
        }
        Ok(())
    }

    fn call(&mut self, item: &Object, path: impl Fn(&str) -> String) -> Result<(), Inexpressible> {
        let field = |field: &str| required(item, field, || path(&format!(".{field}")));
        let function = json!({"name": field("name")?, "arguments": field("arguments")?});
        let call = signature::chat_call(field("call_id")?, &function);
        if self.0.last().is_none_or(|last| last["role"] != "assistant") {
            self.0.push(json!({"role": "assistant", "content": null}));
        }
        match self.0.last_mut().map(|last| &mut last["tool_calls"]) {
            Some(Value::Array(calls)) => calls.push(call),
            Some(none_yet) => *none_yet = json!([call]),
            None => {}
        }
        Ok(())
    }

    fn result(&mut self, item: &Object, path: impl Fn(&str) -> String) -> Result<(), Inexpressible> {
        let (call_id, _) = signature::opened(required(item, "call_id", || path(".call_id"))?);
        let output = content(item.get("output"), Speaker::Function, &path(".output"))?;
        self.0.push(json!({"role": "tool", "tool_call_id": call_id, "content": output}));
        Ok(())
    }
}

/// What an item is. Messages and references may leave their type out.
fn kind(item: &Object) -> &str {
    match given(item, "type") {
        Some(kind) => kind.as_str().unwrap_or_default(),
        None if item.contains_key("role") => "message",
        None if item.contains_key("id") => "item_reference",
        None => "",
    }
}

/// Adds content after content.
fn add(content: &mut Value, more: Value) {
    let parts = |content: Value| match content {
        Value::Null => Vec::new(),
        Value::Array(parts) => parts,
        text => vec![json!({"type": "text", "text": text})],
    };
    *content = match content.take() {
        Value::Null => more,
        said => Value::from([parts(said), parts(more)].concat()),
    };
}
