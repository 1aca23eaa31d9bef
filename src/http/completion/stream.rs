//! Streamed answers as server-sent events in the caller's dialect.

use super::super::{envelope, error::ApiError};
use crate::{
    dialect::{Object, Wire, messages, responses},
    gateway::GatewayError,
    router::StreamPiece,
};
use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::{Stream, StreamExt};
use serde_json::{Value, json};
use std::{convert::Infallible, future::ready};

/// Tells reverse proxies to pass events on as they come.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
/// Bytes that a chunk seldom exceeds.
const CHUNK: usize = 512;

/// An answer that is told as it comes.
pub(super) fn response(mut telling: Telling, pieces: impl Stream<Item = StreamPiece> + Send + 'static) -> Response {
    let events = pieces.map(move |piece| telling.tell(piece));
    // Not every chunk is worth an event in every dialect.
    let events = events.filter(|events| ready(!events.is_empty())).map(Ok::<_, Infallible>);
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (ACCEL_BUFFERING, HeaderValue::from_static("no")),
    ];
    (headers, Body::from_stream(events)).into_response()
}

/// Tells one stream.
pub(super) struct Telling {
    writer: Writer,
    /// The provider has told it in the caller's dialect, its end included.
    is_native: bool,
}

/// Chunks of a chat completion in the caller's dialect.
enum Writer {
    Chat,
    Messages(Box<messages::EventWriter>),
    Responses(Box<responses::EventWriter>),
}

impl Telling {
    /// In the dialect of the caller, who sent the body `own`.
    pub(super) fn new(wire: Wire, own: Option<&Object>) -> Self {
        let writer = match wire {
            Wire::Chat => Writer::Chat,
            Wire::Messages => Writer::Messages(Box::default()),
            Wire::Responses => Writer::Responses(Box::new(responses::EventWriter::new(own.unwrap_or(&Object::new())))),
        };
        Self { writer, is_native: false }
    }

    /// The events that a piece amounts to; often none.
    pub(super) fn tell(&mut self, piece: StreamPiece) -> Bytes {
        match piece {
            StreamPiece::Native(events) => {
                self.is_native = true;
                events
            }
            StreamPiece::Chunk(chunk) => self.writer.chunk(&chunk),
            StreamPiece::End if self.is_native => Bytes::new(),
            StreamPiece::End => self.writer.end(),
            StreamPiece::Failed(error) => self.writer.error(error),
        }
    }
}

impl Writer {
    fn chunk(&mut self, chunk: &Value) -> Bytes {
        match self {
            Self::Chat => event(chunk),
            Self::Messages(writer) => writer.chunk(chunk),
            Self::Responses(writer) => writer.chunk(chunk),
        }
    }

    fn end(&mut self) -> Bytes {
        match self {
            Self::Chat => Bytes::from_static(b"data: [DONE]\n\n"),
            Self::Messages(writer) => writer.end(),
            Self::Responses(writer) => writer.end(),
        }
    }

    /// The last event of a stream that broke off.
    fn error(&mut self, error: GatewayError) -> Bytes {
        let error = ApiError::from(error);
        let (status, error) = (error.status(), error.into_body().to_json());
        let text = |field: &str| error[field].as_str().unwrap_or_default();
        match self {
            Self::Chat => event(&json!({"error": error})),
            Self::Messages(writer) => writer.error(text("message"), envelope::kind(status)),
            Self::Responses(writer) => writer.error(text("message"), text("type")),
        }
    }
}

fn event(data: &Value) -> Bytes {
    let mut event = Vec::with_capacity(CHUNK);
    event.extend_from_slice(b"data: ");
    serde_json::to_writer(&mut event, data).unwrap_or_else(|e| unreachable!("JSON is written to memory: {e}"));
    event.extend_from_slice(b"\n\n");
    event.into()
}
