//! Splits a byte stream into server-sent events.

use bytes::{Bytes, BytesMut};

/// Longest event accepted; an upstream that sends more without a blank line is cut off.
const MAX_EVENT_BYTES: usize = 8 << 20;

/// Collects bytes and gives out the `data` of each whole event.
#[derive(Debug, Default)]
pub(super) struct EventSplitter {
    buffer: BytesMut,
    /// So many of its bytes were looked through and end no event: a picture may come in a thousand pieces.
    seen: usize,
}

/// An event that never ends.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct EventTooLong;

impl EventSplitter {
    /// Adds bytes as they came.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), EventTooLong> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() > MAX_EVENT_BYTES { Err(EventTooLong) } else { Ok(()) }
    }

    /// The data of the next whole event, its `data:` lines joined by newlines; `None` when no event is whole yet. Comments and
    /// events without data are passed over.
    pub(super) fn next_data(&mut self) -> Option<Bytes> {
        loop {
            let Some((end, gap)) = event_end(&self.buffer, self.seen) else {
                // What closes an event is at most three bytes long, of which two may be here.
                self.seen = self.buffer.len().saturating_sub(2);
                return None;
            };
            self.seen = 0;
            let event = self.buffer.split_to(end + gap).freeze().slice(..end);
            let lines: Vec<&[u8]> = event.split(|&b| b == b'\n').filter_map(data_of).collect();
            match lines.as_slice() {
                [] => {}
                [one] => return Some(event.slice_ref(one)),
                many => return Some(Bytes::from(many.join(&b'\n'))),
            }
        }
    }

    /// Whether bytes of an unfinished event remain.
    pub(super) fn is_torn(&self) -> bool {
        self.buffer.iter().any(|b| !b.is_ascii_whitespace())
    }
}

/// End of the first event and length of the blank line that closes it; it does not end before `from`.
fn event_end(buffer: &[u8], from: usize) -> Option<(usize, usize)> {
    let mut i = from;
    while let Some(at) = buffer[i..].iter().position(|&b| b == b'\n') {
        let line_end = i + at;
        match &buffer[line_end + 1..] {
            [b'\n', ..] => return Some((line_end, 2)),
            [b'\r', b'\n', ..] => return Some((line_end, 3)),
            _ => i = line_end + 1,
        }
    }
    None
}

fn data_of(line: &[u8]) -> Option<&[u8]> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let data = line.strip_prefix(b"data:")?;
    Some(data.strip_prefix(b" ").unwrap_or(data))
}
