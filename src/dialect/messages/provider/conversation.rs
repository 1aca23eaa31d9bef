//! Messages as turns. Anthropic wants user and assistant to alternate, results of tools at the start of the user's turn, and
//! instructions apart.

use super::{
    Inexpressible, Object, array,
    content::{Block, Call, Parts, blocks, forget_marks, marks, told},
    given, required, text,
};
use serde_json::{Value, json};

/// Marks for the cache that a request may hold.
const MAX_MARKS: usize = 4;

/// A conversation in Anthropic's order.
pub(super) struct Conversation<'a> {
    /// Texts and marks.
    instructions: Vec<Block<'a>>,
    turns: Vec<Turn<'a>>,
}

struct Turn<'a> {
    role: &'static str,
    results: Vec<Block<'a>>,
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
        conversation.forget_early_marks();
        match conversation.turns.first() {
            Some(Turn { role: "user", .. }) => Ok(conversation),
            Some(_) => Err(Inexpressible::new("messages", "Anthropic wants the user to speak before the assistant")),
            None => Err(Inexpressible::new("messages", "there is nothing to answer")),
        }
    }

    fn hear(&mut self, message: &'a Value, at: usize) -> Result<(), Inexpressible> {
        let Value::Object(message) = message else {
            return Err(Inexpressible::new(format!("messages[{at}]"), "must be an object"));
        };
        match message.get("role").and_then(Value::as_str) {
            // Instructions given half-way are told at the start: only some models know another place for them.
            Some("system" | "developer") => self.instructions.extend(blocks(message, at, Parts::Texts)?),
            Some("user") => {
                let blocks = blocks(message, at, Parts::All)?;
                if blocks.is_empty() {
                    let path = format!("messages[{at}].content");
                    return Err(Inexpressible::new(path, "Anthropic takes no blank message"));
                }
                self.turn("user").blocks.extend(blocks);
            }
            // An assistant that said nothing is passed over.
            Some("assistant") => match assistant(message, at)? {
                said if said.is_empty() => {}
                said => self.turn("assistant").blocks.extend(said),
            },
            Some("tool") => {
                let result = result(message, at)?;
                self.turn("user").results.push(result);
            }
            _ => {
                let problem = "must be system, developer, user, assistant or tool";
                return Err(Inexpressible::new(format!("messages[{at}].role"), problem));
            }
        }
        Ok(())
    }

    /// The turn of who speaks now.
    fn turn(&mut self, role: &'static str) -> &mut Turn<'a> {
        let at = match self.turns.iter().rposition(|turn| turn.role == role) {
            Some(at) if at + 1 == self.turns.len() => at,
            _ => {
                self.turns.push(Turn { role, results: Vec::new(), blocks: Vec::new() });
                self.turns.len() - 1
            }
        };
        &mut self.turns[at]
    }

    /// The last marks stand after the longest stretches, and Anthropic takes no more than so many.
    fn forget_early_marks(&mut self) {
        let turns = self.turns.iter_mut().flat_map(|turn| [&mut turn.results, &mut turn.blocks]);
        let mut stretches: Vec<&mut Vec<Block<'_>>> = std::iter::once(&mut self.instructions).chain(turns).collect();
        let marks: usize = stretches.iter().map(|blocks| marks(blocks)).sum();
        let mut excess = marks.saturating_sub(MAX_MARKS);
        for blocks in &mut stretches {
            forget_marks(blocks, &mut excess);
        }
    }

    /// The instructions, if any.
    pub(super) fn system(&self) -> Result<Option<Value>, Inexpressible> {
        match self.instructions.as_slice() {
            [] => Ok(None),
            [Block::Text(one)] => Ok(Some(Value::from(*one))),
            many => told(many).map(Some),
        }
    }

    /// The turns.
    pub(super) fn messages(&self) -> Result<Value, Inexpressible> {
        self.turns.iter().map(Turn::json).collect()
    }
}

impl Turn<'_> {
    /// A text alone needs no block.
    fn json(&self) -> Result<Value, Inexpressible> {
        let content = match (self.results.as_slice(), self.blocks.as_slice()) {
            ([], [Block::Text(text)]) => Value::from(*text),
            (results, blocks) => told(results.iter().chain(blocks))?,
        };
        Ok(json!({"role": self.role, "content": content}))
    }
}

/// What the assistant said and which tools it called. Its reasoning is not told again: chat keeps no signature of it, and
/// unsigned it is refused.
fn assistant(message: &Object, at: usize) -> Result<Vec<Block<'_>>, Inexpressible> {
    for field in ["function_call", "audio"] {
        if given(message, field).is_some() {
            return Err(Inexpressible::new(format!("messages[{at}].{field}"), "Anthropic has no such thing"));
        }
    }
    let mut said = blocks(message, at, Parts::Texts)?;
    if said.is_empty() {
        let refusal = text(message, "refusal", || format!("messages[{at}].refusal"))?;
        said.extend(refusal.and_then(Block::of_text));
    }
    let calls = array(message, "tool_calls", || format!("messages[{at}].tool_calls"))?;
    for (index, call) in calls.iter().enumerate() {
        said.push(Block::Call(Call::of(call, at, index)?));
    }
    Ok(said)
}

fn result(message: &Object, at: usize) -> Result<Block<'_>, Inexpressible> {
    let id = required(message, "tool_call_id", || format!("messages[{at}].tool_call_id"))?;
    if id.is_empty() {
        return Err(Inexpressible::new(format!("messages[{at}].tool_call_id"), "must not be empty"));
    }
    Ok(Block::Result { id, content: blocks(message, at, Parts::All)? })
}
