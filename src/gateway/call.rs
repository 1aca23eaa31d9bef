//! What is forwarded, and what comes back.

use super::{GatewayError, Usage};
use crate::{
    catalog::{Dialect, ModelEntry},
    dialect::{Object, Wire},
    domain::{Attempt, DecisionId, Difficulty, ModelId, TaskType, Usd},
};
use bytes::Bytes;
use futures::stream::BoxStream;
use serde_json::Value;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// A chat completion to forward.
#[derive(Clone)]
pub struct ChatCall {
    /// How the caller speaks.
    pub wire: Wire,
    /// The request in the hub's form, without our own fields. Unknown fields pass through unharmed.
    pub body: Arc<Object>,
    /// The caller's own body where it speaks Messages, for providers that do as well.
    pub native: Option<Arc<Object>>,
    /// Anthropic's `anthropic-beta` header of the caller, for providers that speak Messages.
    pub anthropic_beta: Option<String>,
    /// Whether the caller asked for a stream.
    pub stream: bool,
    /// Whether the caller wants to be told of the tokens at the end of a stream.
    pub wants_usage: bool,
    /// The decision behind it: keys the staging provider's dice and the spread of pauses.
    pub decision: DecisionId,
    /// What the classifier thinks of the prompt; only the staging provider looks at it.
    pub task: TaskType,
    /// Likewise.
    pub difficulty: Difficulty,
    /// When a whole answer, or the head of a streamed one, must be there.
    pub deadline: Option<Instant>,
    /// Who else must agree before a model is called.
    pub gate: Arc<dyn Gate>,
}

/// Texts to embed.
#[derive(Clone)]
pub struct EmbeddingsCall {
    /// The caller's body, without our own fields.
    pub body: Arc<Object>,
    /// Keys the spread of pauses.
    pub decision: DecisionId,
    /// When the answer must be there.
    pub deadline: Option<Instant>,
    /// Who else must agree before the model is called.
    pub gate: Arc<dyn Gate>,
}

/// One of the models that may answer, in the order in which they are tried.
#[derive(Clone, Copy)]
pub struct Leg<'a> {
    /// The model.
    pub model: &'a ModelEntry,
    /// How its provider is spoken to.
    pub dialect: Dialect,
    /// What the answer is expected to cost.
    pub expected_cost: Usd,
}

/// A limit on calls that is none of the provider's.
pub trait Gate: Send + Sync {
    /// Lets one call of a model through.
    ///
    /// # Errors
    /// When to ask again; another model may do.
    fn admit(&self, model: &ModelId) -> Result<Ticket, Duration>;
}

/// A call that was let through, kept for as long as it goes on. Clones are for whoever let it through.
#[derive(Debug, Clone, Default)]
pub struct Ticket(Arc<AtomicBool>);

impl Ticket {
    /// Says that nobody bills the call: it was not made, or the provider refused it before its first byte.
    pub fn set_unbilled(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the provider may bill the call, as far as is known.
    #[must_use]
    pub fn may_be_billed(&self) -> bool {
        !self.0.load(Ordering::Relaxed)
    }

    /// Whether the call has come to its end: nobody else holds it.
    #[must_use]
    pub fn is_over(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }
}

/// Lets everything through.
#[derive(Debug, Clone, Copy, Default)]
pub struct OpenGate;

impl Gate for OpenGate {
    fn admit(&self, _: &ModelId) -> Result<Ticket, Duration> {
        Ok(Ticket::default())
    }
}

/// What came of a call.
pub struct Forwarded {
    /// Calls made to providers, in order; none when there was nobody to call.
    pub attempts: Vec<Attempt>,
    /// Index of the leg that serves, or was tried last; 0 if none was tried.
    pub leg: usize,
    /// The answer, or why there is none.
    pub reply: Result<ChatReply, GatewayError>,
}

/// What an upstream answers with.
pub enum ChatReply {
    /// One JSON body with `model` set to the name that callers know.
    Whole {
        /// The body.
        body: Told<Value>,
        /// Tokens and id.
        usage: Usage,
    },
    /// A stream whose first content has arrived: it is too late for another model.
    Stream(BoxStream<'static, Result<StreamItem, GatewayError>>),
}

/// An answer in one of two forms.
#[derive(Debug, Clone, PartialEq)]
pub enum Told<T> {
    /// In the hub's: a chat completion or a chunk of one.
    Hub(Value),
    /// In the caller's own dialect already.
    Native(T),
}

/// A piece of a streamed answer. `End` comes once and last; a stream without it broke off.
#[derive(Debug, Clone, PartialEq)]
pub enum StreamItem {
    /// The next chunk: the hub's, or whole events in the caller's dialect.
    Piece(Told<Bytes>),
    /// Seen on the way; nothing for the client.
    Usage(Usage),
    /// The answer is whole.
    End,
}
