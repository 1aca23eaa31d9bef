//! Forwards a chat completion to the provider of the chosen model and watches what comes back.
//!
//! [`Gateway::chat`] returns as soon as the upstream's status and headers are known. Whole answers arrive as one body;
//! streamed ones as server-sent events, passed on as they come. Both are watched for the provider's completion id and token
//! usage. One adapter speaks the OpenAI dialect over HTTP, the other is the built-in staging provider.

mod openai;
mod simulated;
mod sse;
mod usage;

pub use simulated::{SimulatedWorld, staging_score};
pub use usage::Usage;

use crate::{
    catalog::{Dialect, ModelEntry},
    domain::{DecisionId, Difficulty, ModelId, TaskType},
};
use bytes::Bytes;
use futures::stream::BoxStream;
use serde_json::{Map, Value};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// How to reach a provider.
#[derive(Clone)]
pub struct ProviderAccess {
    /// Base URL up to and including the version, e.g. `https://api.openai.com/v1`; unused by the simulated provider.
    pub base_url: String,
    /// Bearer token; `None` for servers that want none.
    pub api_key: Option<String>,
}

/// A chat completion to forward.
#[derive(Debug, Clone)]
pub struct ChatCall {
    /// The caller's body, without our own fields. Unknown fields pass through unharmed.
    pub body: Map<String, Value>,
    /// Whether the caller asked for a stream.
    pub stream: bool,
    /// The decision behind it: keys the staging provider's dice.
    pub decision: DecisionId,
    /// What the classifier thinks of the prompt; only the staging provider looks at it.
    pub task: TaskType,
    /// Likewise.
    pub difficulty: Difficulty,
    /// When a whole answer, or the head of a streamed one, must be there.
    pub deadline: Option<Instant>,
}

/// What came of a call.
pub struct Forwarded {
    /// Calls made to providers; 0 when there was nobody to call.
    pub attempts: u32,
    /// The answer, or why there is none. Nothing was delivered to the client yet, so the caller may try another model.
    pub reply: Result<ChatReply, GatewayError>,
}

/// What an upstream answers with.
pub enum ChatReply {
    /// One JSON body with `model` set to the name that callers know.
    Whole {
        /// The body.
        body: Value,
        /// Tokens and id.
        usage: Usage,
    },
    /// Server-sent events, `data: …\n\n` each, ending with `[DONE]`.
    Stream(BoxStream<'static, Result<StreamItem, GatewayError>>),
}

/// A piece of a streamed answer.
#[derive(Debug, Clone, PartialEq)]
pub enum StreamItem {
    /// Bytes for the client.
    Event(Bytes),
    /// Seen on the way; nothing for the client.
    Usage(Usage),
}

/// Why an upstream gave no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum GatewayError {
    /// The model's provider is not configured.
    #[error("provider {0:?} is not configured")]
    NoAccess(String),
    /// No connection, or it broke.
    #[error("{provider}: {problem}")]
    Connection {
        /// Which provider.
        provider: String,
        /// What happened, without URL or credentials.
        problem: String,
    },
    /// No answer in time.
    #[error("{provider} did not answer within {after_ms} ms")]
    Timeout {
        /// Which provider.
        provider: String,
        /// The limit.
        after_ms: u64,
    },
    /// An error status.
    #[error("{provider} answered {status}: {message}")]
    Status {
        /// Which provider.
        provider: String,
        /// HTTP status.
        status: u16,
        /// The provider's message, credentials redacted.
        message: String,
        /// The provider's `retry-after`, seconds.
        retry_after: Option<u64>,
    },
    /// An answer that is not what the dialect says.
    #[error("{provider} sent an answer that can't be read: {problem}")]
    Malformed {
        /// Which provider.
        provider: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl GatewayError {
    /// The kind of failure in a word, for metrics.
    #[must_use]
    pub const fn class(&self) -> &'static str {
        match self {
            Self::NoAccess(_) => "not_configured",
            Self::Connection { .. } => "connection",
            Self::Timeout { .. } | Self::Status { status: 408 | 504, .. } => "timeout",
            Self::Status { status: 429, .. } => "rate_limited",
            Self::Status { status: 401..=403, .. } => "refused_key",
            Self::Status { status: 400..=499, .. } => "rejected",
            Self::Status { .. } => "server_error",
            Self::Malformed { .. } => "malformed",
        }
    }
}

/// The way out to every provider.
#[derive(Clone)]
pub struct Gateway {
    client: reqwest::Client,
    access: BTreeMap<String, ProviderAccess>,
    world: SimulatedWorld,
    timeout: Duration,
}

impl Gateway {
    /// A gateway to these providers, by id; `timeout` bounds a whole answer.
    ///
    /// # Errors
    /// The TLS roots or the resolver can't be set up.
    pub fn new(
        access: BTreeMap<String, ProviderAccess>,
        world: SimulatedWorld,
        timeout: Duration,
    ) -> Result<Self, reqwest::Error> {
        // Any second install is a no-op: the provider is process-wide.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .tcp_nodelay(true)
            .connect_timeout(Duration::from_secs(10))
            .pool_idle_timeout(Duration::from_secs(60))
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("satisfice/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client, access, world, timeout })
    }

    /// Whether the provider can be called.
    #[must_use]
    pub fn reaches(&self, provider: &str) -> bool {
        self.access.contains_key(provider)
    }

    /// Forwards to the model's provider, once.
    pub async fn chat(&self, model: &ModelEntry, dialect: Dialect, call: ChatCall) -> Forwarded {
        let (provider, deadline) = (&model.provider, call.deadline);
        let reply = match dialect {
            Dialect::Simulated => in_time(provider, deadline, self.world.chat(model, call)).await,
            // Anthropic answers chat completions under the same address, until its own dialect is spoken here.
            Dialect::OpenAi | Dialect::Anthropic => {
                let Some(access) = self.access.get(provider) else {
                    return Forwarded { attempts: 0, reply: Err(GatewayError::NoAccess(provider.clone())) };
                };
                let answer = openai::chat(&self.client, access, model, call, self.timeout);
                in_time(provider, deadline, answer).await
            }
            Dialect::Bedrock => {
                return Forwarded { attempts: 0, reply: Err(GatewayError::NoAccess(provider.clone())) };
            }
        };
        Forwarded { attempts: 1, reply }
    }
}

/// The answer, if it comes before the deadline.
async fn in_time(
    provider: &str,
    deadline: Option<Instant>,
    answer: impl Future<Output = Result<ChatReply, GatewayError>>,
) -> Result<ChatReply, GatewayError> {
    let Some(deadline) = deadline else { return answer.await };
    let started = Instant::now();
    tokio::time::timeout_at(deadline.into(), answer).await.unwrap_or_else(|_| {
        let after_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Err(GatewayError::Timeout { provider: provider.to_owned(), after_ms })
    })
}

/// The name that callers know a model by goes into every answer, so that decision, header and body agree.
fn name_model(body: &mut Value, model: &ModelId) {
    if let Some(object) = body.as_object_mut() {
        object.insert("model".to_owned(), Value::from(model.as_str()));
    }
}

#[cfg(test)]
mod tests;
