//! A provider that answers at once and always alike, in a process of its own: what is left is the cost of the gateway before it.
//!
//! `"stream":true` anywhere in the body asks for events, [`PACED`] in it for a pause before each.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// In a prompt: leave a pause before each event, as a model does.
pub(crate) const PACED: &str = "[paced]";
/// Events with a word in them.
pub(crate) const WORDS: usize = 20;
const PAUSE: Duration = Duration::from_millis(2);

const ID: &str = r#""id":"chatcmpl-bench","created":1764000000,"model":"mock""#;
const USAGE: &str = r#""usage":{"prompt_tokens":16,"completion_tokens":20,"total_tokens":36}"#;

/// Serves until the process is ended; prints its address first.
pub(crate) async fn serve(port: u16) -> io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("{}", listener.local_addr()?);
    let fixed = Arc::new(Fixed::new());
    loop {
        let (stream, _) = listener.accept().await?;
        let fixed = Arc::clone(&fixed);
        tokio::spawn(async move { fixed.connection(stream).await });
    }
}

/// Answers made once.
struct Fixed {
    whole: Vec<u8>,
    events: Vec<Vec<u8>>,
    /// Completions served: nobody may answer in its place.
    served: AtomicU64,
}

impl Fixed {
    fn new() -> Self {
        let text = "word ".repeat(WORDS);
        let whole = format!(
            r#"{{{ID},"object":"chat.completion","choices":[{{"index":0,"finish_reason":"stop","message":{{"role":"assistant","content":"{text}"}}}}],{USAGE}}}"#
        );
        let event = |choices: &str, more: &str| {
            let data = format!(r#"data: {{{ID},"object":"chat.completion.chunk","choices":[{choices}]{more}}}"#);
            chunk(&format!("{data}\n\n"))
        };
        let delta = |delta: &str, finish: &str| {
            event(&format!(r#"{{"index":0,"delta":{{{delta}}},"finish_reason":{finish}}}"#), "")
        };
        let mut events = vec![delta(r#""role":"assistant","content":"""#, "null")];
        events.extend((0..WORDS).map(|_| delta(r#""content":"word ""#, "null")));
        events.push(delta("", r#""stop""#));
        events.push(event("", &format!(",{USAGE}")));
        // With the end of the body, for which gateways don't wait.
        events.push([chunk("data: [DONE]\n\n"), b"0\r\n\r\n".to_vec()].concat());
        Self { whole: answer("200 OK", &whole), events, served: AtomicU64::new(0) }
    }

    /// Requests of one connection, one after another.
    async fn connection(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut request = Vec::with_capacity(1 << 14);
        loop {
            let length = loop {
                if let Some(length) = length(&request).filter(|&length| request.len() >= length) {
                    break length;
                }
                if stream.read_buf(&mut request).await? == 0 {
                    return Ok(());
                }
            };
            self.reply(&mut stream, &request[..length]).await?;
            request.drain(..length);
        }
    }

    async fn reply(&self, stream: &mut TcpStream, request: &[u8]) -> io::Result<()> {
        if request.starts_with(b"GET /count") {
            let count = self.served.load(Ordering::Relaxed).to_string();
            return stream.write_all(&answer("200 OK", &count)).await;
        }
        if !request.starts_with(b"POST ") || !contains(request, b"/chat/completions HTTP/1.1") {
            let models = r#"{"object":"list","data":[{"id":"mock","object":"model","created":0,"owned_by":"bench"}]}"#;
            return stream.write_all(&answer("200 OK", models)).await;
        }
        self.served.fetch_add(1, Ordering::Relaxed);
        if contains(request, br#""stream":true"#) || contains(request, br#""stream": true"#) {
            return self.stream(stream, contains(request, PACED.as_bytes())).await;
        }
        stream.write_all(&self.whole).await
    }

    /// Each event is written, and so sent, on its own.
    async fn stream(&self, stream: &mut TcpStream, paced: bool) -> io::Result<()> {
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
            .await?;
        let started = Instant::now();
        for (event, number) in self.events.iter().zip(1..) {
            if paced {
                // By the clock, so that delays don't add up, and by the system's: tokio's ticks of 1 ms are what is to be measured.
                let left = (started + PAUSE * number).saturating_duration_since(Instant::now());
                tokio::task::block_in_place(|| std::thread::sleep(left));
            }
            stream.write_all(event).await?;
        }
        Ok(())
    }
}

fn answer(status: &str, json: &str) -> Vec<u8> {
    let length = json.len();
    format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{json}")
        .into_bytes()
}

fn chunk(data: &str) -> Vec<u8> {
    format!("{:x}\r\n{data}\r\n", data.len()).into_bytes()
}

/// Head and body of the first request, once its head is there.
fn length(request: &[u8]) -> Option<usize> {
    let head = request.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&request[..head]).to_ascii_lowercase();
    let body = text.lines().find_map(|line| line.strip_prefix("content-length:"));
    Some(head + body.and_then(|length| length.trim().parse::<usize>().ok()).unwrap_or(0))
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}
