use super::*;
use proptest::prelude::*;

/// CRC-32 as Ethernet has it, bit by bit: the decoder's own table is what is tested.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 })
    })
}

/// A frame with these header bytes and this payload.
fn frame_of(headers: &[u8], payload: &[u8]) -> Vec<u8> {
    let length = |n: usize| u32::try_from(n).expect("a short frame").to_be_bytes();
    let mut frame = [length(16 + headers.len() + payload.len()), length(headers.len())].concat();
    frame.extend(crc(&frame).to_be_bytes());
    frame.extend([headers, payload].concat());
    frame.extend(crc(&frame).to_be_bytes());
    frame
}

fn frame(headers: &[(&str, &str)], payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, value) in headers {
        bytes.push(u8::try_from(name.len()).expect("a short name"));
        bytes.extend(name.as_bytes());
        bytes.push(7); // a string
        bytes.extend(u16::try_from(value.len()).expect("a short value").to_be_bytes());
        bytes.extend(value.as_bytes());
    }
    frame_of(&bytes, payload)
}

fn event(kind: &str, payload: &str) -> Vec<u8> {
    let headers = [(":event-type", kind), (":content-type", "application/json"), (":message-type", "event")];
    frame(&headers, payload.as_bytes())
}

fn read_all(bytes: &[u8], size: usize) -> Vec<Result<Frame, Unreadable>> {
    let mut reader = FrameReader::default();
    let mut read = Vec::new();
    for piece in bytes.chunks(size) {
        if reader.push(piece).is_err() {
            break;
        }
        read.extend(std::iter::from_fn(|| reader.next()));
    }
    read
}

/// `messageStart` to the byte; Python's zlib gave the checksums, and botocore reads it so.
const START: &[u8] = b"\x00\x00\x00\x76\x00\x00\x00\x52\x96\xD5\xFA\xDE\
    \x0B:event-type\x07\x00\x0CmessageStart\x0D:content-type\x07\x00\x10application/json\x0D:message-type\x07\x00\x05event\
    {\"role\":\"assistant\"}\x6F\xA8\xC5\x99";

#[test]
fn a_frame_made_byte_by_byte_is_read() {
    assert_eq!(event("messageStart", r#"{"role":"assistant"}"#), START);
    let expected = Frame { kind: "messageStart".to_owned(), is_exception: false, data: json!({"role": "assistant"}) };
    assert_eq!(read_all(START, START.len()), [Ok(expected)]);
}

#[test]
fn frames_are_whole_however_the_bytes_arrive() {
    let bytes =
        [event("messageStop", r#"{"stopReason":"end_turn"}"#), event("metadata", ""), event("x", "[]")].concat();
    for size in 1..=bytes.len() {
        let frames: Vec<_> = read_all(&bytes, size).into_iter().map(|f| f.expect("a sound frame")).collect();
        let kinds: Vec<&str> = frames.iter().map(|f| f.kind.as_str()).collect();
        assert_eq!(kinds, ["messageStop", "metadata", "x"], "in pieces of {size}");
        assert_eq!(frames[1].data, json!({}), "no payload is an empty one");
    }
}

#[test]
fn an_exception_is_told_from_an_event() {
    let named = frame(
        &[(":exception-type", "throttlingException"), (":message-type", "exception")],
        br#"{"message":"Too many tokens"}"#,
    );
    let unnamed =
        frame(&[(":message-type", "error"), (":error-code", "InternalError"), (":error-message", "Oh no")], b"");
    let exception = |kind: &str, message| {
        Ok(Frame { kind: kind.to_owned(), is_exception: true, data: json!({"message": message}) })
    };
    assert_eq!(read_all(&named, 9), [exception("throttlingException", "Too many tokens")]);
    assert_eq!(read_all(&unnamed, 9), [exception("InternalError", "Oh no")]);
}

#[test]
fn a_changed_bit_is_noticed_and_nothing_is_read_after_it() {
    let sound = event("messageStart", r#"{"role":"assistant"}"#);
    for bit in 0..sound.len() * 8 {
        let mut bytes = [sound.clone(), sound.clone()].concat();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let mut reader = FrameReader::default();
        reader.push(&bytes).expect("it is empty");
        // A length that grew is waited for.
        if let Some(first) = reader.next() {
            assert!(first.is_err(), "bit {bit}");
            assert!(reader.next().is_none() && reader.push(b"x").is_err() && !reader.is_torn(), "bit {bit}");
        } else {
            assert!(bit < 4 * 8, "bit {bit}");
        }
    }
}

#[test]
fn memory_is_bounded() {
    let too_long = u32::try_from(MAX_FRAME_BYTES + 1).expect("16 MiB fit").to_be_bytes();
    assert!(matches!(read_all(&too_long, 4).as_slice(), [Err(_)]), "it is refused before it is waited for");
    let mut reader = FrameReader::default();
    reader.push(&u32::try_from(MAX_FRAME_BYTES).expect("16 MiB fit").to_be_bytes()).expect("it is empty");
    let piece = vec![0; 1 << 20];
    let taken = (0..).take_while(|_| reader.next().is_none() && reader.push(&piece).is_ok()).count();
    assert_eq!(taken, 16);
}

#[test]
fn what_is_no_event_is_refused() {
    let event_type = (":event-type", "x");
    let bad = [
        frame(&[event_type], b"{}"),
        frame(&[(":message-type", "event")], b"{}"),
        frame(&[(":message-type", "gossip"), event_type], b"{}"),
        frame(&[(":message-type", "event"), event_type], b"{"),
        frame_of(&[1], b""),
        0_u32.to_be_bytes().to_vec(),
        15_u32.to_be_bytes().to_vec(),
    ];
    for bytes in bad {
        assert!(matches!(read_all(&bytes, 99).as_slice(), [Err(_)]), "{bytes:?}");
    }
}

#[test]
fn a_torn_frame_is_noticed() {
    let mut reader = FrameReader::default();
    assert!(!reader.is_torn());
    reader.push(&START[..START.len() - 1]).expect("it is empty");
    assert!(reader.next().is_none() && reader.is_torn());
    reader.push(&START[START.len() - 1..]).expect("nothing was lost");
    assert!(reader.next().is_some() && !reader.is_torn());
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), size in 1_usize..50) {
        read_all(&bytes, size);
    }

    #[test]
    fn no_headers_make_it_panic(
        headers in proptest::collection::vec(prop_oneof![Just(0_u8), Just(1), Just(6), Just(7), Just(8), any::<u8>()], 0..60),
        payload in proptest::collection::vec(any::<u8>(), 0..20),
        says in any::<u32>(),
    ) {
        read_all(&frame_of(&headers, &payload), 64);
        // Sound checksums over a wrong length of headers.
        let mut bytes = frame_of(&headers, &payload);
        let lengths = [&bytes[..4], &(says % 100).to_be_bytes()].concat();
        bytes[4..8].copy_from_slice(&lengths[4..]);
        bytes[8..12].copy_from_slice(&crc(&lengths).to_be_bytes());
        let end = bytes.len() - 4;
        let sum = crc(&bytes[..end]);
        bytes[end..].copy_from_slice(&sum.to_be_bytes());
        read_all(&bytes, 64);
    }

    #[test]
    fn every_event_comes_back(
        kinds in proptest::collection::vec("[a-zA-Z]{1,20}", 0..5),
        text in "\\PC{0,40}",
        size in 1_usize..100,
    ) {
        let data = json!({"delta": {"text": text}});
        let bytes: Vec<u8> = kinds.iter().flat_map(|kind| event(kind, &data.to_string())).collect();
        let expected: Vec<_> =
            kinds.into_iter().map(|kind| Ok(Frame { kind, is_exception: false, data: data.clone() })).collect();
        prop_assert_eq!(read_all(&bytes, size), expected);
    }
}
