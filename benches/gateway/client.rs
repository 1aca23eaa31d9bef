//! The least HTTP/1.1 client that can be measured with: one connection, kept alive, one request at a time.
//!
//! Loader, service and upstream share the machine, so what the loader spends is taken from what is measured.

use std::{
    io,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Longer than any service should need; a round must end.
const PATIENCE: Duration = Duration::from_secs(60);

/// A place to send requests to, such as `http://127.0.0.1:8080`, no path.
#[derive(Debug, Clone)]
pub(crate) struct Place(String);

impl Place {
    pub(crate) fn new(url: &str) -> Self {
        let bare = url.strip_prefix("http://").expect("only plain http:// can be measured").trim_end_matches('/');
        Self(bare.to_owned())
    }

    pub(crate) fn host(&self) -> &str {
        &self.0
    }
}

/// One connection.
pub(crate) struct Connection {
    stream: TcpStream,
    place: Place,
    /// The answer so far.
    answer: Vec<u8>,
}

/// An answer and when its parts came.
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    /// With the framing of chunks still in it.
    pub(crate) body: &'a [u8],
    /// Until the first byte of the body.
    pub(crate) first: Duration,
    /// Until the last.
    pub(crate) total: Duration,
}

impl Connection {
    pub(crate) async fn open(place: &Place) -> io::Result<Self> {
        let stream = TcpStream::connect(place.host()).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, place: place.clone(), answer: Vec::with_capacity(1 << 16) })
    }

    pub(crate) async fn get(&mut self, path: &str) -> io::Result<Answer<'_>> {
        let request = format!("GET {path} HTTP/1.1\r\nhost: {}\r\n\r\n", self.place.host());
        self.exchange(request.as_bytes()).await
    }

    /// Posts JSON with one write.
    pub(crate) async fn post(&mut self, path: &str, json: &str) -> io::Result<Answer<'_>> {
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer none\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{json}",
            self.place.host(),
            json.len()
        );
        self.exchange(request.as_bytes()).await
    }

    async fn exchange(&mut self, request: &[u8]) -> io::Result<Answer<'_>> {
        let started = Instant::now();
        self.stream.write_all(request).await?;
        let (head, first) = tokio::time::timeout(PATIENCE, self.read(started)).await??;
        let total = started.elapsed();
        Ok(Answer { status: head.status, body: &self.answer[head.length..], first, total })
    }

    async fn read(&mut self, started: Instant) -> io::Result<(Head, Duration)> {
        self.answer.clear();
        let mut seen: Option<(Head, Duration)> = None;
        loop {
            if self.stream.read_buf(&mut self.answer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if seen.is_none()
                && let Some(head) = Head::parse(&self.answer)
            {
                seen = Some((head, started.elapsed()));
            }
            if let Some((head, first)) = seen
                && head.ends(&self.answer)
            {
                return Ok((head, first));
            }
        }
    }
}

/// What must be known of an answer to find its end.
#[derive(Debug, Clone, Copy)]
struct Head {
    status: u16,
    length: usize,
    /// `None`: the body comes in chunks.
    body: Option<usize>,
}

impl Head {
    /// `None` until the head and a byte of the body are there (or there is no body).
    fn parse(answer: &[u8]) -> Option<Self> {
        let length = answer.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
        let text = String::from_utf8_lossy(&answer[..length]).to_ascii_lowercase();
        let status = text.split(' ').nth(1)?.parse().ok()?;
        let body = text.lines().find_map(|l| l.strip_prefix("content-length:")).and_then(|l| l.trim().parse().ok());
        (body == Some(0) || answer.len() > length).then_some(Self { status, length, body })
    }

    /// An event ends in a line feed, never in what closes the chunks.
    fn ends(&self, answer: &[u8]) -> bool {
        match self.body {
            Some(body) => answer.len() >= self.length + body,
            None => answer.ends_with(b"\r\n0\r\n\r\n") || answer[self.length..] == *b"0\r\n\r\n",
        }
    }
}
