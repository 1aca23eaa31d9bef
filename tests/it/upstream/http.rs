//! HTTP/1.1 by hand, so that an answer can go wrong anywhere.

use serde_json::Value;
use std::{collections::BTreeMap, io};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A request as it came.
#[derive(Debug, Clone)]
pub(super) struct Received {
    pub(super) path: String,
    /// Names in lower case.
    pub(super) headers: BTreeMap<String, String>,
    /// `Null` if it is no JSON.
    pub(super) body: Value,
}

/// Reads a request; `None` when the peer has gone.
pub(super) async fn receive(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Received> {
    let head_end = loop {
        if let Some(at) = buffer.windows(4).position(|w| w == b"\r\n\r\n") {
            break at + 4;
        }
        more(stream, buffer).await?;
    };
    let head = String::from_utf8_lossy(&buffer[..head_end]).into_owned();
    let mut lines = head.lines();
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim().to_lowercase(), value.trim().to_owned()))
        .collect();
    assert!(!headers.contains_key("transfer-encoding"), "bodies without a length are not understood here: {head}");
    let length: usize = headers.get("content-length").and_then(|l| l.parse().ok()).unwrap_or(0);
    while buffer.len() < head_end + length {
        more(stream, buffer).await?;
    }
    let body = serde_json::from_slice(&buffer[head_end..head_end + length]).unwrap_or_default();
    buffer.drain(..head_end + length);
    Some(Received { path, headers, body })
}

async fn more(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<()> {
    match stream.read_buf(buffer).await {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(()),
    }
}

/// Waits until the peer hangs up. It does not speak while it waits for an answer.
pub(super) async fn hung_up(stream: &mut TcpStream) {
    let mut byte = [0; 1];
    while stream.read(&mut byte).await.is_ok_and(|read| read > 0) {}
}

/// Sends all of it.
pub(super) async fn send(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes).await
}

/// Sends each byte alone and lets others run in between.
pub(super) async fn drip(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
    for byte in bytes {
        stream.write_all(std::slice::from_ref(byte)).await?;
        tokio::task::yield_now().await;
    }
    Ok(())
}

/// Status line and headers; the body has this length, or comes in chunks.
pub(super) fn head(status: u16, content_type: &str, length: Option<usize>, more: &[(&str, String)]) -> Vec<u8> {
    let framing = length.map_or("transfer-encoding: chunked".to_owned(), |length| format!("content-length: {length}"));
    let more: String = more.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("HTTP/1.1 {status} {}\r\ncontent-type: {content_type}\r\n{framing}\r\n{more}\r\n", reason(status))
        .into_bytes()
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        429 => "Too Many Requests",
        400..=499 => "Client Error",
        _ => "Server Error",
    }
}

/// One chunk of a chunked body.
pub(super) fn chunk(data: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", data.len()).as_bytes(), data, b"\r\n"].concat()
}

/// What closes a chunked body.
pub(super) const LAST_CHUNK: &[u8] = b"0\r\n\r\n";
