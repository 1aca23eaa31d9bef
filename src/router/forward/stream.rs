//! A streamed answer on its way to the caller.

use super::{keep::Listener, record::OutcomeGuard, status_of};
use crate::{
    domain::OutcomeStatus,
    gateway::{GatewayError, StreamItem, Told},
};
use bytes::Bytes;
use futures::{Stream, StreamExt, stream::BoxStream};
use serde_json::Value;
use std::{
    pin::Pin,
    task::{Context, Poll},
};

/// A piece of a streamed answer. One `End` or `Failed` comes last.
#[derive(Debug, Clone, PartialEq)]
pub enum StreamPiece {
    /// A chunk of a chat completion.
    Chunk(Value),
    /// Whole events in the caller's own dialect.
    Native(Bytes),
    /// The answer is whole, and its outcome is committed.
    End,
    /// The answer broke off; that is its outcome.
    Failed(GatewayError),
}

/// A streamed answer. However it ends (whole, broken, or dropped because the client left), one outcome is written; at a
/// regular end before the last piece is given out.
pub struct ChatStream {
    pieces: BoxStream<'static, StreamPiece>,
}

impl ChatStream {
    /// The `listener` is told what passes by.
    pub(super) fn new(
        guard: OutcomeGuard,
        items: BoxStream<'static, Result<StreamItem, GatewayError>>,
        listener: Option<Listener>,
    ) -> Self {
        let state = Streaming { guard, items, listener, over: false };
        let pieces = futures::stream::unfold(state, |mut state| async move {
            let piece = state.next().await?;
            Some((piece, state))
        });
        Self { pieces: pieces.boxed() }
    }
}

impl Stream for ChatStream {
    type Item = StreamPiece;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<StreamPiece>> {
        self.pieces.poll_next_unpin(cx)
    }
}

struct Streaming {
    guard: OutcomeGuard,
    items: BoxStream<'static, Result<StreamItem, GatewayError>>,
    /// Hears all of it, or is gone.
    listener: Option<Listener>,
    over: bool,
}

impl Streaming {
    async fn next(&mut self) -> Option<StreamPiece> {
        while !self.over {
            match self.items.next().await {
                Some(Ok(StreamItem::Usage(usage))) => self.guard.usage.merge(usage),
                Some(Ok(StreamItem::Piece(piece))) => {
                    self.guard.first_byte();
                    self.listener.take_if(|listener| !listener.hears(&piece));
                    return Some(match piece {
                        Told::Hub(chunk) => StreamPiece::Chunk(chunk),
                        Told::Native(events) => StreamPiece::Native(events),
                    });
                }
                Some(Ok(StreamItem::End)) => {
                    self.over = true;
                    let kept =
                        self.listener.take().map(|listener| (listener, self.guard.usage.clone(), self.guard.cost()));
                    self.guard.finish(OutcomeStatus::Ok).await;
                    if let Some((listener, usage, cost)) = kept {
                        listener.end(&usage, cost);
                    }
                    return Some(StreamPiece::End);
                }
                Some(Err(error)) => return Some(self.fail(error).await),
                None => {
                    let (provider, problem) = ("the provider".to_owned(), "the stream broke off".to_owned());
                    return Some(self.fail(GatewayError::Connection { provider, problem }).await);
                }
            }
        }
        None
    }

    async fn fail(&mut self, error: GatewayError) -> StreamPiece {
        self.over = true;
        self.guard.failed(error.class());
        self.guard.finish(status_of(&error)).await;
        StreamPiece::Failed(error)
    }
}
