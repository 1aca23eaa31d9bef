//! Server-sent events, numbered.

use bytes::{BufMut, Bytes, BytesMut};
use serde_json::{Value, json};

/// Events that were told and not yet taken.
#[derive(Debug)]
pub(super) struct Events {
    buffer: BytesMut,
    next: u64,
    heard: bool,
}

impl Events {
    /// Events for a stream.
    pub(super) fn heard() -> Self {
        Self { buffer: BytesMut::new(), next: 0, heard: true }
    }

    /// Events that nobody wants: none is made.
    pub(super) fn unheard() -> Self {
        Self { buffer: BytesMut::new(), next: 0, heard: false }
    }

    /// Tells an event; `data` are its fields beside `type` and `sequence_number`.
    pub(super) fn tell(&mut self, kind: &str, data: impl FnOnce() -> Value) {
        if !self.heard {
            return;
        }
        let mut data = data();
        data["type"] = Value::from(kind);
        data["sequence_number"] = json!(self.next);
        self.next += 1;
        self.buffer.put_slice(format!("event: {kind}\ndata: {data}\n\n").as_bytes());
    }

    /// The events told since the last time.
    pub(super) fn take(&mut self) -> Bytes {
        self.buffer.split().freeze()
    }
}
