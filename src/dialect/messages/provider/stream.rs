//! A message's events as chunks of a chat completion.

use super::{
    Object, Unreadable,
    answer::{arguments, explanation, failure, finish_reason, head, id_and_name},
    usage::usage,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Turns the events of one stream into chunks.
#[derive(Debug, Default)]
pub struct EventReader {
    /// What all chunks share, once it is told.
    head: Option<Value>,
    /// Tool calls that are being told, by their content block.
    open: BTreeMap<u64, OpenCall>,
    /// Tool calls begun so far.
    calls: u64,
    /// What was told of the tokens; later counts replace earlier ones.
    usage: Object,
    stopped: bool,
    over: bool,
}

#[derive(Debug)]
struct OpenCall {
    /// The call's place among the calls.
    index: u64,
    /// Input that was told at the start, until other input comes.
    input: Option<Value>,
}

impl EventReader {
    /// Chunks that an event amounts to; often none. The data's own `type` says which event it is. Types that are not known
    /// amount to nothing, so that new ones do no harm.
    ///
    /// # Errors
    /// The provider says that it failed, or the event is not one of the Messages API's. Nothing good comes after it.
    pub fn event(&mut self, data: &Value) -> Result<Vec<Value>, Unreadable> {
        if self.over {
            return Ok(Vec::new());
        }
        match data["type"].as_str() {
            Some("message_start") => Ok(self.begin(&data["message"])),
            Some("content_block_start") => self.start(data),
            Some("content_block_delta") => self.delta(data),
            Some("content_block_stop") => Ok(self.close(data)),
            Some("message_delta") => Ok(self.finish(data)),
            Some("message_stop") => self.end(),
            Some("error") => Err(failure(data)),
            Some(_) => Ok(Vec::new()),
            None => Err(Unreadable("an event without `type`".to_owned())),
        }
    }

    /// Whether the answer is whole. A stream that ends before was cut off.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.over
    }

    fn begin(&mut self, message: &Value) -> Vec<Value> {
        self.head = Some(head(message));
        self.count(&message["usage"]);
        vec![self.chunk(json!({"role": "assistant", "content": "", "refusal": null}), None)]
    }

    fn start(&mut self, data: &Value) -> Result<Vec<Value>, Unreadable> {
        let block = &data["content_block"];
        match block["type"].as_str() {
            // Usually empty.
            Some("text") => Ok(self.say("content", &block["text"])),
            Some("thinking") => Ok(self.say("reasoning_content", &block["thinking"])),
            Some("tool_use") => {
                let (id, name) = id_and_name(block)?;
                let index = self.calls;
                self.calls += 1;
                self.open.insert(block_index(data)?, OpenCall { index, input: Some(block["input"].clone()) });
                let function = json!({"name": name, "arguments": ""});
                let call = json!({"index": index, "id": id, "type": "function", "function": function});
                Ok(vec![self.chunk(json!({"tool_calls": [call]}), None)])
            }
            _ => Ok(Vec::new()),
        }
    }

    /// Signatures and citations have no place in a chunk.
    fn delta(&mut self, data: &Value) -> Result<Vec<Value>, Unreadable> {
        let delta = &data["delta"];
        match delta["type"].as_str() {
            Some("text_delta") => Ok(self.say("content", &delta["text"])),
            Some("thinking_delta") => Ok(self.say("reasoning_content", &delta["thinking"])),
            Some("input_json_delta") => Ok(self.input(block_index(data)?, &delta["partial_json"])),
            _ => Ok(Vec::new()),
        }
    }

    fn say(&self, field: &str, text: &Value) -> Vec<Value> {
        let text = text.as_str().filter(|text| !text.is_empty());
        text.map(|text| self.chunk(json!({field: text}), None)).into_iter().collect()
    }

    /// Input of a call that was not begun belongs to one of Anthropic's own tools.
    fn input(&mut self, block: u64, piece: &Value) -> Vec<Value> {
        let Some(piece) = piece.as_str().filter(|piece| !piece.is_empty()) else { return Vec::new() };
        let Some(call) = self.open.get_mut(&block) else { return Vec::new() };
        call.input = None;
        let index = call.index;
        vec![self.arguments(index, piece)]
    }

    /// A call without input still needs arguments that can be read as JSON.
    fn close(&mut self, data: &Value) -> Vec<Value> {
        let call = data["index"].as_u64().and_then(|block| self.open.remove(&block));
        let whole = call.and_then(|call| Some((call.index, call.input?)));
        whole.map(|(index, input)| self.arguments(index, &arguments(&input))).into_iter().collect()
    }

    fn finish(&mut self, data: &Value) -> Vec<Value> {
        self.count(&data["usage"]);
        let delta = &data["delta"];
        let Some(reason) = delta["stop_reason"].as_str() else { return Vec::new() };
        self.stopped = true;
        let said = explanation(&delta["stop_details"]).map_or_else(|| json!({}), |why| json!({"refusal": why}));
        vec![self.chunk(said, Some(finish_reason(reason, self.calls > 0)))]
    }

    fn end(&mut self) -> Result<Vec<Value>, Unreadable> {
        if !self.stopped {
            return Err(Unreadable("no `stop_reason`".to_owned()));
        }
        self.over = true;
        let usage = usage(&Value::Object(std::mem::take(&mut self.usage)));
        let last = |usage| {
            let mut chunk = self.bare();
            chunk["choices"] = json!([]);
            chunk["usage"] = usage;
            chunk
        };
        Ok(usage.map(last).into_iter().collect())
    }

    fn count(&mut self, usage: &Value) {
        let told = usage.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
        self.usage.extend(told.map(|(field, value)| (field.clone(), value.clone())));
    }

    fn arguments(&self, index: u64, piece: &str) -> Value {
        self.chunk(json!({"tool_calls": [{"index": index, "function": {"arguments": piece}}]}), None)
    }

    fn chunk(&self, delta: Value, finish: Option<&str>) -> Value {
        let mut chunk = self.bare();
        chunk["choices"] = json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}]);
        chunk
    }

    /// A chunk without choices.
    fn bare(&self) -> Value {
        let mut chunk = self.head.clone().unwrap_or_else(|| head(&Value::Null));
        chunk["object"] = Value::from("chat.completion.chunk");
        chunk
    }
}

fn block_index(data: &Value) -> Result<u64, Unreadable> {
    data["index"].as_u64().ok_or_else(|| Unreadable("an event without `index`".to_owned()))
}
