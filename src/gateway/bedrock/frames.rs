//! Frames of `application/vnd.amazon.eventstream`: lengths, headers, a JSON payload, and checksums over each.

use crate::dialect::Unreadable;
use aws_smithy_eventstream::frame::read_message_from;
use bytes::{Buf, Bytes, BytesMut};
use serde_json::{Value, json};

/// Longest frame accepted. AWS's own limit is 24 MiB; frames of text are some hundred bytes.
pub(in crate::gateway) const MAX_FRAME_BYTES: usize = 16 << 20;
/// The prelude (two lengths and their checksum) and the checksum at the end.
const MIN_FRAME_BYTES: usize = 16;

/// What a frame says.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::gateway) struct Frame {
    /// The type of the event or exception, such as `contentBlockDelta` or `throttlingException`.
    pub(in crate::gateway) kind: String,
    /// Whether the provider failed; no event follows.
    pub(in crate::gateway) is_exception: bool,
    /// The payload; `{}` when there is none.
    pub(in crate::gateway) data: Value,
}

/// Collects bytes and gives out whole frames. After the first error it gives nothing more: where the next frame begins is
/// lost.
#[derive(Debug, Default)]
pub(in crate::gateway) struct FrameReader {
    buffer: BytesMut,
    is_lost: bool,
}

impl FrameReader {
    /// Adds bytes as they came. Take all whole frames out before adding more.
    ///
    /// # Errors
    /// A frame's worth of bytes waits already, or an error was given before.
    pub(in crate::gateway) fn push(&mut self, bytes: &[u8]) -> Result<(), Unreadable> {
        if self.is_lost || self.buffer.len() >= MAX_FRAME_BYTES {
            return Err(self.lose("bytes after the last frame that could be read"));
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    /// The next whole frame; `None` until more bytes come.
    pub(in crate::gateway) fn next(&mut self) -> Option<Result<Frame, Unreadable>> {
        let length = usize::try_from(self.buffer.as_ref().try_get_u32().ok()?).unwrap_or(usize::MAX);
        if !(MIN_FRAME_BYTES..=MAX_FRAME_BYTES).contains(&length) {
            return Some(Err(self.lose(&format!("a frame of {length} bytes"))));
        }
        if self.buffer.len() < length {
            return None;
        }
        let frame = self.buffer.split_to(length).freeze();
        Some(read(frame).map_err(|problem| self.lose(&problem)))
    }

    /// Whether bytes of an unfinished frame remain.
    pub(in crate::gateway) fn is_torn(&self) -> bool {
        !self.buffer.is_empty()
    }

    fn lose(&mut self, problem: &str) -> Unreadable {
        self.is_lost = true;
        self.buffer = BytesMut::new();
        Unreadable(problem.to_owned())
    }
}

fn read(mut frame: Bytes) -> Result<Frame, String> {
    let message = read_message_from(&mut frame).map_err(|e| format!("a frame that can't be read: {e}"))?;
    let header = |name: &str| {
        let header = message.headers().iter().find(|header| header.name().as_str() == name);
        let value = header.and_then(|header| header.value().as_string().ok());
        value.map(|value| value.as_str().to_owned()).ok_or_else(|| format!("a frame without `{name}`"))
    };
    let payload = || match message.payload().as_ref() {
        b"" => Ok(json!({})),
        payload => serde_json::from_slice(payload).map_err(|e| format!("a frame without JSON: {e}")),
    };
    match header(":message-type")?.as_str() {
        "event" => Ok(Frame { kind: header(":event-type")?, is_exception: false, data: payload()? }),
        "exception" => Ok(Frame { kind: header(":exception-type")?, is_exception: true, data: payload()? }),
        // Errors that the API does not name have everything in headers.
        "error" => {
            let data = json!({"message": header(":error-message").unwrap_or_default()});
            Ok(Frame { kind: header(":error-code")?, is_exception: true, data })
        }
        other => Err(format!("a frame of the kind {other:?}")),
    }
}

#[cfg(test)]
mod tests;
