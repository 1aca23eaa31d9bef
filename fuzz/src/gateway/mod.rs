//! Splitting of streams. Law: it does not matter how the bytes are cut on their way.
//!
//! Named as in the service, for the visibilities in its files.

#[path = "../../../src/gateway/bedrock/frames.rs"]
mod frames_file;
#[path = "../../../src/gateway/sse.rs"]
mod sse_file;

use frames_file::FrameReader;
use sse_file::EventSplitter;

/// First byte: the size of pieces; the rest is the stream.
fn cut(data: &[u8]) -> Option<(usize, &[u8])> {
    let (&size, stream) = data.split_first()?;
    Some((usize::from(size).max(1), stream))
}

/// Server-sent events.
pub fn sse(data: &[u8]) {
    let Some((size, stream)) = cut(data) else { return };
    let split = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        let (mut splitter, mut events) = (EventSplitter::default(), Vec::new());
        for piece in pieces {
            if splitter.push(piece).is_err() {
                break;
            }
            events.extend(std::iter::from_fn(|| splitter.next_data()));
        }
        (events, splitter.is_torn())
    };
    let whole = split(&mut std::iter::once(stream));
    assert_eq!(whole, split(&mut stream.chunks(size)), "cut into pieces of {size}");
}

/// Frames of `application/vnd.amazon.eventstream`.
pub fn frames(data: &[u8]) {
    let Some((size, stream)) = cut(data) else { return };
    let split = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        let (mut reader, mut frames) = (FrameReader::default(), Vec::new());
        for piece in pieces {
            if reader.push(piece).is_err() {
                break;
            }
            while let Some(frame) = reader.next() {
                let is_lost = frame.is_err();
                frames.push(frame);
                if is_lost {
                    return (frames, true);
                }
            }
        }
        (frames, reader.is_torn())
    };
    let whole = split(&mut std::iter::once(stream));
    assert_eq!(whole, split(&mut stream.chunks(size)), "cut into pieces of {size}");
}
