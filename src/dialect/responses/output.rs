//! The output as it grows, and the events that tell it. A whole message grows in one step, and nobody hears the events.

use super::{
    Object, chat, delta,
    events::Events,
    item::{Form, Item, Kind, Part},
    signature,
    spot::Spot,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Items so far.
#[derive(Debug, Default)]
pub(super) struct Output {
    /// The completion's id, which ids of items are made from.
    stem: String,
    /// Whether the caller wants reasoning as a summary.
    summarises: bool,
    items: Vec<Item>,
    /// Whether the last item is a message or a reasoning that is still being told.
    open: bool,
    /// Where calls are among the items, by their index in chat. All are open to the end: chat may tell several at once.
    calls: BTreeMap<u64, usize>,
}

impl Output {
    /// No items yet.
    pub(super) fn new(summarises: bool) -> Self {
        Self { summarises, ..Self::default() }
    }

    /// Names the completion that the items belong to.
    pub(super) fn name(&mut self, completion_id: &str) {
        completion_id.clone_into(&mut self.stem);
    }

    /// Hears a message or a delta of one, from this choice.
    pub(super) fn hear(&mut self, said: &Value, choice: &Value, events: &mut Events) {
        let text = |field: &str| said[field].as_str().unwrap_or_default();
        let thought = if self.summarises { Form::Summary } else { Form::Reasoning };
        self.say(thought, delta::reasoning(said), Vec::new(), events);
        self.say(Form::Text, text("content"), delta::logprobs(choice), events);
        for citation in delta::annotations(said) {
            if let Some(mut spot) = self.spot().filter(|spot| spot.part.form == Form::Text) {
                spot.cite(citation, events);
            }
        }
        self.say(Form::Refusal, text("refusal"), Vec::new(), events);
        for piece in said["tool_calls"].as_array().into_iter().flatten().filter_map(Value::as_object) {
            self.call(piece, events);
        }
    }

    /// Ends what is open; `is_whole` says whether the model came to its end. An answer that says nothing at all gets an
    /// empty message: callers look for one.
    pub(super) fn end(&mut self, is_whole: bool, events: &mut Events) {
        if is_whole && self.items.iter().all(|item| matches!(item.kind, Kind::Reasoning(_))) {
            self.open(Form::Text, events);
        }
        self.close(is_whole, events);
        for (output_index, item) in self.items.iter().enumerate() {
            if let Item { id, kind: Kind::Call { arguments, .. } } = item {
                events.tell(
                    "response.function_call_arguments.done",
                    || json!({"item_id": id, "output_index": output_index, "arguments": arguments}),
                );
                self.done(output_index, is_whole, events);
            }
        }
    }

    /// The items as the API writes them. Where the model did not come to its end, the last one is incomplete.
    pub(super) fn json(&self, is_whole: bool) -> Value {
        self.items.iter().enumerate().map(|(at, item)| item.json(self.status(at, is_whole))).collect()
    }

    fn status(&self, at: usize, is_whole: bool) -> &'static str {
        if is_whole || at + 1 < self.items.len() { "completed" } else { "incomplete" }
    }

    fn say(&mut self, form: Form, text: &str, logprobs: Vec<Value>, events: &mut Events) {
        if text.is_empty() {
            return;
        }
        self.open(form, events);
        if let Some(mut spot) = self.spot() {
            spot.add(text, logprobs, events);
        }
    }

    fn call(&mut self, piece: &Object, events: &mut Events) {
        let function = piece.get("function").unwrap_or(&Value::Null);
        let told = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
        let (called, more) = (told(function.get("name")), told(function.get("arguments")));
        let index = chat::call_index(piece, self.calls.keys().next_back());
        let output_index = self.calls.get(&index).copied().unwrap_or_else(|| {
            self.close(true, events);
            let call_id = match told(piece.get("id")) {
                id if id.is_empty() => format!("call_{}_{index}", self.stem),
                id => id,
            };
            let call_id = signature::sealed(call_id.into(), signature::of(piece)).into_owned();
            self.begin("fc", Kind::Call { call_id, name: called.clone(), arguments: String::new() }, events);
            self.items.len() - 1
        });
        self.calls.insert(index, output_index);
        let Some(Item { id, kind: Kind::Call { name, arguments, .. } }) = self.items.get_mut(output_index) else {
            return;
        };
        if name.is_empty() {
            *name = called;
        }
        if !more.is_empty() {
            arguments.push_str(&more);
            let data = || json!({"item_id": id, "output_index": output_index, "delta": more});
            events.tell("response.function_call_arguments.delta", data);
        }
    }

    /// Sees that a part of this form is open.
    fn open(&mut self, form: Form, events: &mut Events) {
        if !self.open || !self.items.last().is_some_and(|item| item.holds(form)) {
            self.close(true, events);
            match form {
                Form::Text | Form::Refusal => self.begin("msg", Kind::Message(Vec::new()), events),
                Form::Reasoning | Form::Summary => self.begin("rs", Kind::Reasoning(Vec::new()), events),
            }
            self.open = true;
        }
        match self.spot() {
            Some(spot) if spot.part.form == form => return,
            Some(spot) => spot.end(events),
            None => {}
        }
        self.items.last_mut().and_then(Item::parts).into_iter().for_each(|parts| parts.push(Part::new(form)));
        if let Some(spot) = self.spot() {
            spot.begin(events);
        }
    }

    fn begin(&mut self, prefix: &str, kind: Kind, events: &mut Events) {
        let output_index = self.items.len();
        let item = Item { id: format!("{prefix}_{}_{output_index}", self.stem), kind };
        let data = || json!({"output_index": output_index, "item": item.json("in_progress")});
        events.tell("response.output_item.added", data);
        self.items.push(item);
    }

    /// Ends the message or reasoning that is open.
    fn close(&mut self, is_whole: bool, events: &mut Events) {
        if let Some(spot) = self.spot() {
            let output_index = spot.output_index;
            spot.end(events);
            self.done(output_index, is_whole, events);
        }
        self.open = false;
    }

    fn done(&self, output_index: usize, is_whole: bool, events: &mut Events) {
        let item = || self.items.get(output_index).map(|item| item.json(self.status(output_index, is_whole)));
        events.tell("response.output_item.done", || json!({"output_index": output_index, "item": item()}));
    }

    /// The part that is being told.
    fn spot(&mut self) -> Option<Spot<'_>> {
        let output_index = self.items.len().checked_sub(1).filter(|_| self.open)?;
        let Item { id, kind: Kind::Message(parts) | Kind::Reasoning(parts) } = self.items.last_mut()? else {
            return None;
        };
        let index = parts.len().checked_sub(1)?;
        Some(Spot { item_id: id, output_index, index, part: parts.last_mut()? })
    }
}
