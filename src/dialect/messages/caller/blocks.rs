//! Content blocks that grow. Chat may tell several calls at once, and words among them; the Messages API tells one block after
//! another. So the first block is told as it grows, and those behind it wait until it is whole.

use super::{
    Object,
    answer::{Form, call_id},
    chat, signature,
};
use serde_json::{Value, json};
use std::collections::{BTreeSet, VecDeque};

/// Blocks so far.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    /// The completion's id, which calls are named by that have no name.
    stem: String,
    /// Those that are not told to their end. The first may have been begun.
    growing: VecDeque<Block>,
    begun: bool,
    /// Blocks told to their end.
    told: u64,
    /// Calls so far, by their index in chat.
    calls: BTreeSet<u64>,
}

#[derive(Debug)]
struct Block {
    kind: Kind,
    /// What is not told yet.
    text: String,
}

#[derive(Debug)]
enum Kind {
    Words(Form),
    Call {
        /// In chat.
        index: u64,
        /// Its place among the calls.
        at: usize,
        id: String,
        signature: Option<String>,
        name: String,
        arguments: Arguments,
    },
}

impl Blocks {
    /// Names the completion that the blocks belong to.
    pub(super) fn name(&mut self, completion_id: &str) {
        completion_id.clone_into(&mut self.stem);
    }

    /// Whether a tool was called.
    pub(super) fn has_calls(&self) -> bool {
        !self.calls.is_empty()
    }

    /// Hears words.
    pub(super) fn say(&mut self, form: Form, words: &str) {
        if words.is_empty() {
            return;
        }
        match self.growing.back_mut() {
            Some(Block { kind: Kind::Words(last), text }) if *last == form => text.push_str(words),
            _ => self.growing.push_back(Block { kind: Kind::Words(form), text: words.to_owned() }),
        }
    }

    /// Hears a piece of a call.
    pub(super) fn call(&mut self, piece: &Object) {
        let index = chat::call_index(piece, self.calls.last());
        let at = self.calls.len();
        if self.calls.insert(index) {
            let (id, name) = (String::new(), String::new());
            let kind = Kind::Call { index, at, id, signature: None, name, arguments: Arguments::default() };
            self.growing.push_back(Block { kind, text: String::new() });
        }
        // What belongs to a call that was told to its end comes too late.
        if let Some(block) = self.growing.iter_mut().find(|block| block.is_call(index)) {
            block.hear(piece);
        }
    }

    /// Tells what can be told; at the end, that is everything.
    pub(super) fn tell(&mut self, is_end: bool, mut event: impl FnMut(&str, Value)) {
        while let Some(first) = self.growing.front_mut() {
            let index = self.told;
            if !self.begun {
                if !first.is_named() && !is_end {
                    return;
                }
                event("content_block_start", json!({"index": index, "content_block": first.start(&self.stem)}));
                self.begun = true;
            }
            if !first.text.is_empty() {
                event("content_block_delta", json!({"index": index, "delta": first.delta()}));
            }
            let is_last = self.growing.len() == 1;
            if !is_end && (is_last || !self.growing[0].is_whole()) {
                return;
            }
            event("content_block_stop", json!({"index": index}));
            self.growing.pop_front();
            self.begun = false;
            self.told += 1;
        }
    }
}

impl Block {
    fn is_call(&self, index: u64) -> bool {
        matches!(self.kind, Kind::Call { index: own, .. } if own == index)
    }

    fn hear(&mut self, piece: &Object) {
        let Kind::Call { id, signature, name, arguments, .. } = &mut self.kind else { return };
        if signature.is_none() {
            *signature = signature::of(piece).map(str::to_owned);
        }
        let function = piece.get("function").unwrap_or(&Value::Null);
        for (field, told) in [(id, piece.get("id")), (name, function.get("name"))] {
            if let Some(told) = told.and_then(Value::as_str).filter(|_| field.is_empty()) {
                told.clone_into(field);
            }
        }
        if let Some(more) = function["arguments"].as_str() {
            arguments.hear(more);
            self.text.push_str(more);
        }
    }

    /// Whether it can be begun.
    fn is_named(&self) -> bool {
        !matches!(&self.kind, Kind::Call { name, .. } if name.is_empty())
    }

    /// Whether it is at its end if another block follows.
    fn is_whole(&self) -> bool {
        !matches!(&self.kind, Kind::Call { arguments, .. } if !arguments.is_whole())
    }

    fn start(&self, stem: &str) -> Value {
        match &self.kind {
            Kind::Words(form) => form.block(),
            Kind::Call { id, signature, name, at, .. } => {
                let id = signature::sealed(call_id(id, stem, *at), signature.as_deref());
                json!({"type": "tool_use", "id": id, "name": name, "input": {}})
            }
        }
    }

    /// What was not told yet.
    fn delta(&mut self) -> Value {
        let text = std::mem::take(&mut self.text);
        match &self.kind {
            Kind::Words(form) => json!({"type": format!("{}_delta", form.field()), form.field(): text}),
            Kind::Call { .. } => json!({"type": "input_json_delta", "partial_json": text}),
        }
    }
}

/// How far a JSON object was told.
#[derive(Debug, Default)]
struct Arguments {
    depth: u64,
    in_text: bool,
    escaped: bool,
    is_whole: bool,
}

impl Arguments {
    fn hear(&mut self, piece: &str) {
        for byte in piece.bytes() {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.in_text => self.escaped = true,
                b'"' => self.in_text = !self.in_text,
                _ if self.in_text => {}
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    self.is_whole |= self.depth == 0;
                }
                _ => {}
            }
        }
    }

    fn is_whole(&self) -> bool {
        self.is_whole
    }
}
