//! System prompt and messages as chat's messages.

use super::{
    Inexpressible, Object,
    content::{Block, blocks, parts, simple, text_part, texts},
    given, required, result, signature,
};
use serde_json::{Value, json};

/// The messages of a request; at least one besides instructions.
pub(super) fn messages(body: &Object) -> Result<Vec<Value>, Inexpressible> {
    let mut conversation = Conversation::default();
    if given(body, "system").is_some() {
        conversation.instruct(texts(body.get("system"), "system")?);
    }
    let Some(Value::Array(messages)) = body.get("messages") else {
        return Err(Inexpressible::new("messages", "must be an array"));
    };
    for (at, message) in messages.iter().enumerate() {
        conversation.hear(message, at)?;
    }
    let messages: Vec<Value> = conversation.turns.into_iter().flat_map(Turn::messages).collect();
    match messages.iter().all(|message| message["role"] == "system") {
        true => Err(Inexpressible::new("messages", "there is nothing to answer")),
        false => Ok(messages),
    }
}

/// What was said so far. Messages of one role after another are one turn in the Messages API. Chat needs them to be put
/// together too: there, results must follow the message with their calls at once.
#[derive(Default)]
struct Conversation {
    turns: Vec<Turn>,
}

enum Turn {
    System(Vec<Value>),
    User { results: Vec<Value>, parts: Vec<Value> },
    Assistant { parts: Vec<Value>, calls: Vec<Value> },
}

impl Conversation {
    fn hear(&mut self, message: &Value, at: usize) -> Result<(), Inexpressible> {
        let Value::Object(message) = message else {
            return Err(Inexpressible::new(format!("messages[{at}]"), "must be an object"));
        };
        let path = format!("messages[{at}].content");
        match required(message, "role", || format!("messages[{at}].role"))? {
            "user" => self.ask(message.get("content"), &path),
            "assistant" => self.answer(message.get("content"), &path),
            // Instructions given half-way keep their place: chat knows such messages too.
            "system" => {
                self.instruct(texts(message.get("content"), &path)?);
                Ok(())
            }
            _ => Err(Inexpressible::new(format!("messages[{at}].role"), "must be user, assistant or system")),
        }
    }

    fn instruct(&mut self, parts: Vec<Value>) {
        if !parts.is_empty() {
            self.turns.push(Turn::System(parts));
        }
    }

    fn ask(&mut self, content: Option<&Value>, path: &str) -> Result<(), Inexpressible> {
        if !matches!(self.turns.last(), Some(Turn::User { .. })) {
            self.turns.push(Turn::User { results: Vec::new(), parts: Vec::new() });
        }
        let Some(Turn::User { results, parts: said }) = self.turns.last_mut() else { return Ok(()) };
        for (block, path) in blocks(content, path)? {
            match block {
                Block::Other { kind: "tool_result", fields } => {
                    let (result, attached) = result::message(fields, &path)?;
                    results.push(result);
                    said.extend(attached);
                }
                _ => said.extend(parts(&block, &path)?),
            }
        }
        Ok(())
    }

    fn answer(&mut self, content: Option<&Value>, path: &str) -> Result<(), Inexpressible> {
        if !matches!(self.turns.last(), Some(Turn::Assistant { .. })) {
            self.turns.push(Turn::Assistant { parts: Vec::new(), calls: Vec::new() });
        }
        let Some(Turn::Assistant { calls, parts: said }) = self.turns.last_mut() else { return Ok(()) };
        for (block, path) in blocks(content, path)? {
            match block {
                Block::Text(text) => said.extend(text_part(text)),
                Block::Other { kind: "tool_use", fields } => calls.push(call(fields, &path)?),
                // Only the model that thought it could check it.
                Block::Other { kind: "thinking" | "redacted_thinking", .. } => {}
                Block::Other { kind, .. } => return Err(Block::misplaced(kind, &path)),
            }
        }
        Ok(())
    }
}

impl Turn {
    fn messages(self) -> Vec<Value> {
        match self {
            Self::System(parts) => vec![json!({"role": "system", "content": simple(parts)})],
            Self::User { mut results, parts } => {
                if results.is_empty() || !parts.is_empty() {
                    results.push(json!({"role": "user", "content": simple(parts)}));
                }
                results
            }
            // Who only thought said nothing.
            Self::Assistant { parts, calls } if parts.is_empty() && calls.is_empty() => Vec::new(),
            Self::Assistant { parts, calls } => {
                let content = if parts.is_empty() { Value::Null } else { simple(parts) };
                let mut message = json!({"role": "assistant", "content": content});
                if !calls.is_empty() {
                    message["tool_calls"] = Value::from(calls);
                }
                vec![message]
            }
        }
    }
}

fn call(block: &Object, path: &str) -> Result<Value, Inexpressible> {
    let field = |field: &str| required(block, field, || format!("{path}.{field}"));
    let Some(input @ Value::Object(_)) = block.get("input") else {
        return Err(Inexpressible::new(format!("{path}.input"), "must be an object"));
    };
    let function = json!({"name": field("name")?, "arguments": input.to_string()});
    Ok(signature::chat_call(field("id")?, &function))
}
