//! The part of an item that is being told.

use super::{
    events::Events,
    item::{Form, Part},
};
use serde_json::{Value, json};

/// A part and its place.
pub(super) struct Spot<'a> {
    pub(super) item_id: &'a str,
    pub(super) output_index: usize,
    pub(super) index: usize,
    pub(super) part: &'a mut Part,
}

impl Spot<'_> {
    /// Tells that the part begins.
    pub(super) fn begin(&self, events: &mut Events) {
        self.border("added", events);
    }

    /// Says more.
    pub(super) fn add(&mut self, text: &str, logprobs: Vec<Value>, events: &mut Events) {
        self.part.text.push_str(text);
        events.tell(&format!("{}.delta", self.part.form.event()), || {
            let mut data = self.place();
            data["delta"] = Value::from(text);
            if self.part.form == Form::Text {
                data["logprobs"] = json!(logprobs);
            }
            data
        });
        self.part.logprobs.extend(logprobs);
    }

    /// Gives a source for what was said.
    pub(super) fn cite(&mut self, citation: Value, events: &mut Events) {
        events.tell("response.output_text.annotation.added", || {
            let mut data = self.place();
            data["annotation_index"] = Value::from(self.part.annotations.len());
            data["annotation"] = citation.clone();
            data
        });
        self.part.annotations.push(citation);
    }

    /// Tells the whole text and that the part ends.
    pub(super) fn end(&self, events: &mut Events) {
        let form = self.part.form;
        events.tell(&format!("{}.done", form.event()), || {
            let mut data = self.place();
            data[form.field()] = Value::from(self.part.text.as_str());
            if form == Form::Text {
                data["logprobs"] = json!(self.part.logprobs);
            }
            data
        });
        self.border("done", events);
    }

    fn border(&self, which: &str, events: &mut Events) {
        events.tell(&format!("{}.{which}", self.part.form.part_event().0), || {
            let mut data = self.place();
            data["part"] = self.part.json();
            data
        });
    }

    fn place(&self) -> Value {
        let mut place = json!({"item_id": self.item_id, "output_index": self.output_index});
        place[self.part.form.part_event().1] = Value::from(self.index);
        place
    }
}
