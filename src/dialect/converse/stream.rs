//! A `ConverseStream` as chunks of a chat completion.

use super::{
    Unreadable,
    answer::{finish_reason, id_and_name, is_for_caller, usage},
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Turns the events of one stream into chunks. The chunks have no `id` and no `model`: Converse tells neither.
#[derive(Debug, Default)]
pub struct EventReader {
    /// Tool calls that are being told, by their content block.
    open: BTreeMap<u64, OpenCall>,
    /// Tool calls begun so far.
    calls: u64,
    stopped: bool,
    metered: bool,
}

#[derive(Debug)]
struct OpenCall {
    /// The call's place among the calls.
    index: u64,
    has_input: bool,
}

impl EventReader {
    /// Chunks that an event amounts to; often none. `kind` is the frame's event or exception type. Kinds that are not known
    /// amount to nothing, so that new ones do no harm.
    ///
    /// # Errors
    /// The provider says that it failed, or the event is not one of Converse's. Nothing good comes after it.
    pub fn event(&mut self, kind: &str, data: &Value) -> Result<Vec<Value>, Unreadable> {
        match kind {
            "messageStart" => Ok(vec![chunk(json!({"role": "assistant", "content": ""}), None)]),
            "contentBlockStart" => self.start(data),
            "contentBlockDelta" => self.delta(data),
            "contentBlockStop" => Ok(self.close(data)),
            "messageStop" => self.stop(data),
            "metadata" => Ok(self.meter(data)),
            _ if kind.ends_with("Exception") => {
                Err(Unreadable(format!("{kind}: {}", data["message"].as_str().unwrap_or("no message"))))
            }
            _ => Ok(Vec::new()),
        }
    }

    /// Whether the answer is whole: it was ended, and its tokens were told, which comes last. A stream that ends before
    /// was cut off.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.stopped && self.metered
    }

    fn start(&mut self, data: &Value) -> Result<Vec<Value>, Unreadable> {
        let tool_use = &data["start"]["toolUse"];
        if !is_for_caller(tool_use) {
            return Ok(Vec::new());
        }
        let (id, name) = id_and_name(tool_use)?;
        let index = self.calls;
        self.calls += 1;
        self.open.insert(block_index(data)?, OpenCall { index, has_input: false });
        let call = json!({"index": index, "id": id, "type": "function", "function": {"name": name, "arguments": ""}});
        Ok(vec![chunk(json!({"tool_calls": [call]}), None)])
    }

    fn delta(&mut self, data: &Value) -> Result<Vec<Value>, Unreadable> {
        let delta = &data["delta"];
        let said = |field: &str, text: &str| (!text.is_empty()).then(|| chunk(json!({field: text}), None));
        let chunk = if let Some(text) = delta["text"].as_str() {
            said("content", text)
        } else if let Some(text) = delta["reasoningContent"]["text"].as_str() {
            said("reasoning_content", text)
        } else if let Some(input) = delta["toolUse"]["input"].as_str() {
            self.input(block_index(data)?, input)
        } else {
            None
        };
        Ok(chunk.into_iter().collect())
    }

    /// Input of a call that was not begun belongs to one of Bedrock's own tools.
    fn input(&mut self, block: u64, input: &str) -> Option<Value> {
        let call = self.open.get_mut(&block).filter(|_| !input.is_empty())?;
        call.has_input = true;
        Some(arguments(call.index, input))
    }

    /// A call without input still needs arguments that can be read as JSON.
    fn close(&mut self, data: &Value) -> Vec<Value> {
        let call = block_index(data).ok().and_then(|block| self.open.remove(&block));
        call.filter(|call| !call.has_input).map(|call| arguments(call.index, "{}")).into_iter().collect()
    }

    fn stop(&mut self, data: &Value) -> Result<Vec<Value>, Unreadable> {
        let Some(reason) = data["stopReason"].as_str() else {
            return Err(Unreadable("no `stopReason`".to_owned()));
        };
        let finish = finish_reason(reason, self.calls > 0)?;
        self.stopped = true;
        Ok(vec![chunk(json!({}), Some(finish))])
    }

    fn meter(&mut self, data: &Value) -> Vec<Value> {
        self.metered = true;
        let chunk = |usage| json!({"object": "chat.completion.chunk", "created": 0, "choices": [], "usage": usage});
        usage(&data["usage"]).map(chunk).into_iter().collect()
    }
}

fn block_index(data: &Value) -> Result<u64, Unreadable> {
    data["contentBlockIndex"].as_u64().ok_or_else(|| Unreadable("an event without `contentBlockIndex`".to_owned()))
}

fn arguments(index: u64, piece: &str) -> Value {
    chunk(json!({"tool_calls": [{"index": index, "function": {"arguments": piece}}]}), None)
}

fn chunk(delta: Value, finish: Option<&str>) -> Value {
    json!({
        "object": "chat.completion.chunk", "created": 0,
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    })
}
