//! Messages as turns. Converse wants user and assistant to alternate, tool results said by the user, and instructions apart.

use super::{
    Inexpressible, Object,
    content::{Block, Call, Images, blocks, check_id},
    given, text,
};
use serde_json::{Value, json};

/// A conversation in Converse's order.
pub(super) struct Conversation<'a> {
    instructions: Vec<Block<'a>>,
    turns: Vec<Turn<'a>>,
}

struct Turn<'a> {
    role: &'static str,
    blocks: Vec<Block<'a>>,
}

impl<'a> Conversation<'a> {
    pub(super) fn of(chat: &'a Object) -> Result<Self, Inexpressible> {
        let Some(Value::Array(messages)) = chat.get("messages") else {
            return Err(Inexpressible::new("messages", "must be an array"));
        };
        let mut conversation = Self { instructions: Vec::new(), turns: Vec::new() };
        for (at, message) in messages.iter().enumerate() {
            conversation.hear(message, at)?;
        }
        match conversation.turns.first() {
            Some(Turn { role: "user", .. }) => Ok(conversation),
            Some(_) => Err(Inexpressible::new("messages", "Bedrock wants the user to speak before the assistant")),
            None => Err(Inexpressible::new("messages", "there is nothing to answer")),
        }
    }

    fn hear(&mut self, message: &'a Value, at: usize) -> Result<(), Inexpressible> {
        let Value::Object(message) = message else {
            return Err(Inexpressible::new(format!("messages[{at}]"), "must be an object"));
        };
        match message.get("role").and_then(Value::as_str) {
            // Instructions given half-way are told at the start: there is no other place for them.
            Some("system" | "developer") => self.instructions.extend(blocks(message, at, Images::Refused)?),
            Some("user") => {
                let blocks = blocks(message, at, Images::Allowed)?;
                if blocks.is_empty() {
                    return Err(Inexpressible::new(
                        format!("messages[{at}].content"),
                        "Bedrock takes no blank message",
                    ));
                }
                self.say("user", blocks);
            }
            // An assistant that said nothing is passed over.
            Some("assistant") => self.say("assistant", assistant(message, at)?),
            Some("tool") => self.say("user", vec![tool_result(message, at)?]),
            _ => {
                let problem = "must be system, developer, user, assistant or tool";
                return Err(Inexpressible::new(format!("messages[{at}].role"), problem));
            }
        }
        Ok(())
    }

    fn say(&mut self, role: &'static str, blocks: Vec<Block<'a>>) {
        match self.turns.last_mut() {
            Some(last) if last.role == role => last.blocks.extend(blocks),
            _ if blocks.is_empty() => {}
            _ => self.turns.push(Turn { role, blocks }),
        }
    }

    /// Whether tools were called so far.
    pub(super) fn uses_tools(&self) -> bool {
        self.turns.iter().flat_map(|turn| &turn.blocks).any(|b| matches!(b, Block::Call(_) | Block::Result { .. }))
    }

    /// The instructions, if any.
    pub(super) fn system(&self) -> Option<Value> {
        let texts = self.instructions.iter().filter_map(|block| match block {
            Block::Text(text) => Some(json!({"text": text})),
            _ => None,
        });
        (!self.instructions.is_empty()).then(|| texts.collect())
    }

    /// The turns.
    pub(super) fn messages(&self) -> Result<Value, Inexpressible> {
        self.turns.iter().map(Turn::json).collect()
    }
}

impl Turn<'_> {
    fn json(&self) -> Result<Value, Inexpressible> {
        let content: Value = self.blocks.iter().map(Block::json).collect::<Result<_, _>>()?;
        Ok(json!({"role": self.role, "content": content}))
    }
}

/// What the assistant said and which tools it called. Its reasoning is not told again: chat keeps no provider's signature of
/// it, and unsigned it is refused.
fn assistant(message: &Object, at: usize) -> Result<Vec<Block<'_>>, Inexpressible> {
    for field in ["function_call", "audio"] {
        if given(message, field).is_some() {
            return Err(Inexpressible::new(format!("messages[{at}].{field}"), "Bedrock has no such thing"));
        }
    }
    let mut said = blocks(message, at, Images::Refused)?;
    if said.is_empty() {
        let refusal = text(message, "refusal", || format!("messages[{at}].refusal"))?;
        said.extend(refusal.and_then(Block::of_text));
    }
    let calls = match given(message, "tool_calls") {
        None => &[],
        Some(Value::Array(calls)) => calls.as_slice(),
        Some(_) => return Err(Inexpressible::new(format!("messages[{at}].tool_calls"), "must be an array")),
    };
    for (index, call) in calls.iter().enumerate() {
        said.push(Block::Call(Call::of(call, at, index)?));
    }
    Ok(said)
}

fn tool_result(message: &Object, at: usize) -> Result<Block<'_>, Inexpressible> {
    let id = text(message, "tool_call_id", || format!("messages[{at}].tool_call_id"))?.unwrap_or_default();
    check_id(id, || format!("messages[{at}].tool_call_id"))?;
    Ok(Block::Result { id, content: blocks(message, at, Images::Allowed)? })
}
