//! A streamed answer on its way through: bytes in, pieces for the caller out.

use super::{
    ChatReply, GatewayError, StreamItem, Told, Usage,
    transport::{Patience, Upstream, failed, malformed, timeout, transport, without},
};
use crate::{dialect::chat::Assembler, domain::ModelId};
use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use reqwest::Response;
use serde_json::Value;
use std::{collections::VecDeque, time::Instant};
use tokio::time::timeout_at;

/// Bytes of a stream that has come already, read at once.
const PIECE: usize = 1 << 16;

/// Reads what a provider streams.
pub(super) trait Reader: Send {
    /// Takes bytes as they came and gives out what they amount to.
    ///
    /// # Errors
    /// [`Fault`]; nothing good comes after it.
    fn read(&mut self, bytes: &[u8], pieces: &mut Pieces) -> Result<(), Fault>;

    /// The connection ended in good order.
    ///
    /// # Errors
    /// [`Fault`] when it was too early.
    fn end(&mut self, pieces: &mut Pieces) -> Result<(), Fault>;
}

/// Why the rest of a stream can't be had.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Fault {
    /// Not what the dialect says, or an error without a status.
    Malformed(String),
    /// The provider failed, as if it had answered with this status.
    Failed(u16, Value),
}

/// What was read and not yet given out.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    queue: VecDeque<StreamItem>,
    /// Whether any of it is content: from then on no other model can be tried.
    has_content: bool,
    is_over: bool,
}

impl Pieces {
    /// A chunk in the hub's form, for the caller unless it only tells of tokens that nobody asked for.
    pub(super) fn chunk(&mut self, mut chunk: Value, model: &ModelId, wants_usage: bool) {
        let usage = Usage::of(&chunk);
        self.has_content |= has_content(&chunk);
        let only_usage = usage.is_counted() && chunk["choices"].as_array().is_none_or(Vec::is_empty);
        // Before the piece: who leaves with a piece has had its tokens.
        if usage != Usage::default() {
            self.queue.push_back(StreamItem::Usage(usage));
        }
        if !only_usage || wants_usage {
            // Some tell it with each piece.
            if let Some(chunk) = chunk.as_object_mut().filter(|_| !wants_usage) {
                chunk.remove("usage");
            }
            super::name_model(&mut chunk, model);
            self.queue.push_back(StreamItem::Piece(Told::Hub(chunk)));
        }
    }

    /// Events in the caller's own dialect, with what they mean in the hub's.
    pub(super) fn native(&mut self, events: Bytes, meaning: &[Value]) {
        self.has_content |= meaning.iter().any(has_content);
        let usages = meaning.iter().map(Usage::of).filter(|usage| *usage != Usage::default());
        self.queue.extend(usages.map(StreamItem::Usage));
        self.queue.push_back(StreamItem::Piece(Told::Native(events)));
    }

    /// The answer is whole.
    pub(super) fn end(&mut self) {
        if !self.is_over {
            self.is_over = true;
            self.queue.push_back(StreamItem::End);
        }
    }
}

/// Whether a chunk says anything to the caller: not the role alone, which some send before they think.
fn has_content(chunk: &Value) -> bool {
    let says = |value: &Value| match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => true,
    };
    let choices = chunk["choices"].as_array().into_iter().flatten();
    choices.into_iter().any(|choice| {
        let delta = choice["delta"].as_object().into_iter().flatten();
        says(&choice["finish_reason"]) || delta.into_iter().any(|(field, value)| field != "role" && says(value))
    })
}

/// A stream that has begun, or not quite.
struct Streaming {
    provider: String,
    secrets: Vec<String>,
    patience: Patience,
    chunks: stream::BoxStream<'static, reqwest::Result<Bytes>>,
    reader: Box<dyn Reader>,
    pieces: Pieces,
    /// Nothing more will be read.
    is_closed: bool,
    failure: Option<GatewayError>,
}

/// Reads until the first content, so that what fails before it can be tried elsewhere, and gives out the whole stream.
///
/// # Errors
/// No content came in time, or something else instead.
pub(super) async fn begin(
    upstream: &Upstream<'_>,
    response: Response,
    reader: Box<dyn Reader>,
    since: Instant,
) -> Result<impl Stream<Item = Result<StreamItem, GatewayError>> + Send + use<>, GatewayError> {
    let mut streaming = Streaming {
        provider: upstream.provider.to_owned(),
        secrets: upstream.access.keys.secrets().into_iter().map(str::to_owned).collect(),
        patience: upstream.patience,
        chunks: response.bytes_stream().boxed(),
        reader,
        pieces: Pieces::default(),
        is_closed: false,
        failure: None,
    };
    let limit = since + upstream.patience.first_token;
    let until = upstream.deadline.map_or(limit, |deadline| deadline.min(limit));
    while !streaming.pieces.has_content && !streaming.is_closed {
        streaming.read(until).await.map_err(|error| match error {
            GatewayError::Timeout { provider, .. } => timeout(&provider, since.elapsed()),
            error => error,
        })?;
    }
    Ok(stream::unfold(streaming, |mut streaming| async move { Some((streaming.next().await?, streaming)) }))
}

impl Streaming {
    async fn next(&mut self) -> Option<Result<StreamItem, GatewayError>> {
        loop {
            if let Some(item) = self.pieces.queue.pop_front() {
                return Some(Ok(item));
            }
            if self.is_closed {
                return self.failure.take().map(Err);
            }
            if let Err(error) = self.read(Instant::now() + self.patience.idle).await {
                self.is_closed = true;
                // What was read before it comes first.
                self.failure = Some(error);
            }
        }
    }

    /// Reads once.
    async fn read(&mut self, until: Instant) -> Result<(), GatewayError> {
        let begun = Instant::now();
        let told = match timeout_at(until.into(), self.chunks.next()).await {
            Err(_) => return Err(timeout(&self.provider, begun.elapsed())),
            Ok(Some(Err(e))) => return Err(transport(&self.provider, &e, self.patience.total)),
            Ok(Some(Ok(bytes))) => self.reader.read(&bytes, &mut self.pieces),
            Ok(None) => {
                self.is_closed = true;
                self.reader.end(&mut self.pieces)
            }
        };
        self.is_closed |= self.pieces.is_over;
        told.map_err(|fault| self.error(fault))
    }

    fn error(&self, fault: Fault) -> GatewayError {
        let secrets: Vec<&str> = self.secrets.iter().map(String::as_str).collect();
        match fault {
            Fault::Malformed(problem) => malformed(&self.provider, &without(&secrets, &problem)),
            Fault::Failed(status, error) => failed(&self.provider, &secrets, status, &error, None),
        }
    }
}

/// A stream where a whole answer was asked for, put together.
///
/// # Errors
/// It breaks off, is too slow or too large, or is not what the dialect says.
pub(super) async fn whole(
    upstream: &Upstream<'_>,
    response: Response,
    mut reader: Box<dyn Reader>,
) -> Result<ChatReply, GatewayError> {
    let (bytes, mut pieces) = (upstream.bytes(response).await?, Pieces::default());
    // A reader keeps what belongs to no whole event, and takes no event as large as an answer may be.
    let read = bytes.chunks(PIECE).try_for_each(|bytes| reader.read(bytes, &mut pieces));
    let ended = read.and_then(|()| if pieces.is_over { Ok(()) } else { reader.end(&mut pieces) });
    ended.map_err(|fault| match fault {
        Fault::Malformed(problem) => upstream.malformed(&without(&upstream.access.keys.secrets(), &problem)),
        Fault::Failed(status, error) => upstream.failed(status, &error, None),
    })?;
    let mut told = Assembler::default();
    for item in &pieces.queue {
        if let StreamItem::Piece(Told::Hub(chunk)) = item {
            told.chunk(chunk);
        }
    }
    let body = told.completion();
    Ok(ChatReply::Whole { usage: Usage::of(&body), body: Told::Hub(body) })
}

/// A whole answer where a stream was asked for, told as one.
pub(super) fn replayed(
    chunks: Vec<Value>,
    model: &ModelId,
    wants_usage: bool,
) -> impl Stream<Item = Result<StreamItem, GatewayError>> + Send + use<> {
    let mut pieces = Pieces::default();
    for chunk in chunks {
        pieces.chunk(chunk, model, wants_usage);
    }
    pieces.end();
    stream::iter(pieces.queue.into_iter().map(Ok))
}
