//! From a fault and an answer to what happens on the wire.

use super::{
    Fault,
    answer::{Answer, error, error_event},
    asked::Speech,
    http::{LAST_CHUNK, chunk, head},
};
use std::time::Duration;

/// A step of answering. Unless told otherwise, the connection serves the next request afterwards.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Act {
    /// These bytes at once.
    Send(Vec<u8>),
    /// These bytes one at a time.
    Drip(Vec<u8>),
    /// Nothing for a while.
    Pause(Duration),
    /// With the next bytes all of the answer is told: the provider takes it for delivered.
    Deliver,
    /// Nothing for ever.
    Hang,
    /// The connection breaks: RST.
    Reset,
    /// The connection ends: FIN.
    Close,
}

/// Faults that need no answer: nothing was generated, so nothing is billed.
pub(super) fn refusal(fault: &Fault, speech: Speech, key: Option<&str>) -> Option<Vec<Act>> {
    let acts = match fault {
        Fault::RateLimited { retry_after } => {
            let headers: Vec<_> = retry_after.iter().map(|seconds| ("retry-after", seconds.to_string())).collect();
            json(429, &error(speech, 429, "Rate limit reached for requests per minute").to_string(), &headers)
        }
        Fault::ServerError(status) => json(*status, &error(speech, *status, "Overloaded, or worse").to_string(), &[]),
        Fault::Refused(status) => {
            let message =
                format!("Incorrect API key provided: {}. You can find your key elsewhere.", key.unwrap_or("none"));
            json(*status, &error(speech, *status, &message).to_string(), &[])
        }
        Fault::Rejected(status, message) => json(*status, &error(speech, *status, message).to_string(), &[]),
        Fault::Hang => vec![Act::Hang],
        Fault::ResetBeforeHead => vec![Act::Reset],
        Fault::WrongContentType => {
            let page = b"<!doctype html><title>Checking your browser</title><p>One moment\xe2\x80\xa6";
            vec![Act::Send([&head(200, "text/html", Some(page.len()), &[])[..], page].concat())]
        }
        Fault::Walled => {
            let page = b"<!doctype html><title>Attention required!</title><p>You have been blocked";
            vec![Act::Send([&head(403, "text/html", Some(page.len()), &[])[..], page].concat())]
        }
        Fault::ErrorIn200 => json(200, &error(speech, 500, "Provider returned error").to_string(), &[]),
        _ => return None,
    };
    Some(acts)
}

fn json(status: u16, body: &str, headers: &[(&str, String)]) -> Vec<Act> {
    vec![Act::Send([head(status, "application/json", Some(body.len()), headers), body.into()].concat())]
}

/// A whole answer under a fault.
pub(super) fn whole(fault: &Fault, answer: &Answer) -> Vec<Act> {
    let body = answer.whole.to_string().into_bytes();
    let head = head(200, "application/json", Some(body.len()), &[]);
    let half = body.len() / 2;
    let broken = |end: Act| vec![Act::Send([&head, &body[..half]].concat()), end];
    match fault {
        Fault::Slow(ms) => vec![pause(*ms), Act::Deliver, Act::Send([head, body].concat())],
        Fault::DripFeed => vec![Act::Deliver, Act::Drip([head, body].concat())],
        Fault::HangAfterHead => vec![Act::Send(head), Act::Hang],
        Fault::HangAfterFirst => broken(Act::Hang),
        Fault::ResetMidStream => broken(Act::Reset),
        Fault::EndMidStream => broken(Act::Close),
        Fault::TruncatedJson => json(200, &String::from_utf8_lossy(&body[..half]), &[]),
        _ => vec![Act::Deliver, Act::Send([head, body].concat())],
    }
}

/// A streamed answer under a fault. Head and opening are one piece, every other event is one.
pub(super) fn stream(fault: &Fault, speech: Speech, answer: &Answer) -> Vec<Act> {
    let head = head(200, "text/event-stream; charset=utf-8", None, &[]);
    let sent = |events: &[String]| events.iter().map(|event| Act::Send(chunk(event.as_bytes()))).collect::<Vec<_>>();
    let (opening, rest) = answer.events.split_at(answer.opening);
    let begin = [&head[..], &opening.iter().flat_map(|e| chunk(e.as_bytes())).collect::<Vec<u8>>()].concat();
    let (middle, last) = ((answer.content / 2).max(1), rest.len() - 1);
    // What a fault lets through of the content and after it, and what it ends with.
    let (told, end) = match fault {
        Fault::HangAfterHead => (0, vec![Act::Hang]),
        Fault::HangAfterFirst => (1, vec![Act::Hang]),
        Fault::ResetMidStream => (middle, vec![Act::Reset]),
        Fault::EndMidStream => (middle, vec![Act::Send(LAST_CHUNK.into())]),
        Fault::ErrorEventMidStream => {
            (middle, vec![Act::Send([chunk(error_event(speech).as_bytes()), LAST_CHUNK.into()].concat())])
        }
        Fault::StreamWithoutDone => (last, vec![Act::Deliver, Act::Send(LAST_CHUNK.into())]),
        Fault::TruncatedJson => return torn(&head, &answer.events[0]),
        Fault::DripFeed => return dripping(head, &answer.events),
        Fault::Paced(ms) => return paced(head, &answer.events, *ms),
        Fault::Slow(ms) => {
            let whole = [sent(opening), sent(&rest[..last])].concat();
            let end = vec![Act::Deliver, Act::Send([chunk(rest[last].as_bytes()), LAST_CHUNK.into()].concat())];
            return [vec![Act::Send(head), pause(*ms)], whole, end].concat();
        }
        _ => (last, vec![Act::Deliver, Act::Send([chunk(rest[last].as_bytes()), LAST_CHUNK.into()].concat())]),
    };
    [vec![Act::Send(begin)], sent(&rest[..told]), end].concat()
}

/// The first event stops in the middle of its JSON, and that is all.
fn torn(head: &[u8], event: &str) -> Vec<Act> {
    let cut = format!("{}\n\n", event.trim_end().split_at(event.len() / 2).0);
    vec![Act::Send([head, &chunk(cut.as_bytes()), LAST_CHUNK].concat())]
}

fn dripping(head: Vec<u8>, events: &[String]) -> Vec<Act> {
    let body = events.iter().flat_map(|event| chunk(event.as_bytes()));
    vec![Act::Deliver, Act::Drip(head.into_iter().chain(body).chain(LAST_CHUNK.iter().copied()).collect())]
}

fn paced(head: Vec<u8>, events: &[String], ms: u64) -> Vec<Act> {
    let mut acts = vec![Act::Send(head)];
    acts.extend(events.iter().flat_map(|event| [pause(ms), Act::Send(chunk(event.as_bytes()))]));
    acts.insert(acts.len() - 1, Act::Deliver);
    acts.push(Act::Send(LAST_CHUNK.into()));
    acts
}

const fn pause(ms: u64) -> Act {
    Act::Pause(Duration::from_millis(ms))
}
