//! Why there is no answer.

use super::transport::{BROKEN, UNREACHABLE};
use std::time::Duration;

/// Why an upstream gave no answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum GatewayError {
    /// The model's provider is not configured.
    #[error("provider {0:?} is not configured")]
    NoAccess(String),
    /// Nobody was called: the provider is left alone for now.
    #[error("{provider} is left alone for now: {problem}")]
    Unavailable {
        /// Which provider.
        provider: String,
        /// Why.
        problem: &'static str,
        /// When it is worth asking again.
        retry_after: Duration,
    },
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
    /// The request can't be said in the provider's dialect.
    #[error("{field}: {problem}")]
    Inexpressible {
        /// The field of the request.
        field: String,
        /// What can't be said, and what to do instead.
        problem: String,
    },
}

impl GatewayError {
    /// The kind of failure in a word, for metrics and the log.
    #[must_use]
    pub const fn class(&self) -> &'static str {
        match self {
            Self::NoAccess(_) => "not_configured",
            Self::Unavailable { .. } => "unavailable",
            Self::Connection { .. } => "connection",
            Self::Timeout { .. } | Self::Status { status: 408 | 504, .. } => "timeout",
            Self::Status { status: 429, .. } => "rate_limited",
            Self::Status { status: 401..=403, .. } => "refused_key",
            Self::Status { status: 400..=499, .. } | Self::Inexpressible { .. } => "rejected",
            Self::Status { .. } => "server_error",
            Self::Malformed { .. } => "malformed",
        }
    }

    /// Whether no connection could be made at all.
    pub(super) fn is_unreachable(&self) -> bool {
        matches!(self, Self::Connection { problem, .. } if problem == UNREACHABLE)
    }

    /// Whether a provider was called at all.
    pub(super) const fn was_sent(&self) -> bool {
        !matches!(self, Self::NoAccess(_) | Self::Unavailable { .. } | Self::Inexpressible { .. })
    }

    /// Whether the provider or its connection failed, in time for another one to be asked.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        matches!(self.class(), "connection" | "server_error" | "malformed")
    }

    /// Whether the provider may bill the call although nobody has its answer: it was at work on one, or told it in a way that
    /// can't be read.
    pub(super) fn may_be_billed(&self) -> bool {
        match self {
            Self::Timeout { .. } | Self::Malformed { .. } => true,
            Self::Connection { problem, .. } => problem == BROKEN,
            _ => false,
        }
    }

    /// The provider that it is about, if it is about one.
    #[must_use]
    pub fn provider(&self) -> Option<&str> {
        match self {
            Self::NoAccess(provider)
            | Self::Unavailable { provider, .. }
            | Self::Connection { provider, .. }
            | Self::Timeout { provider, .. }
            | Self::Status { provider, .. }
            | Self::Malformed { provider, .. } => Some(provider),
            Self::Inexpressible { .. } => None,
        }
    }

    /// How long to wait before anything else can come of it.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unavailable { retry_after, .. } => Some(*retry_after),
            Self::Status { retry_after, .. } => retry_after.map(Duration::from_secs),
            _ => None,
        }
    }

    /// The one error to tell of many, in the order in which they came: a failure rather than a limit; among limits the one
    /// that ends first, and of two equals the last.
    pub(super) fn of_many(errors: Vec<Self>) -> Option<Self> {
        let is_limit = |error: &Self| matches!(error, Self::Unavailable { .. } | Self::Status { status: 429, .. });
        let soonest = errors.iter().filter_map(Self::retry_after).min();
        let failure = errors.iter().rev().find(|error| !is_limit(error)).cloned();
        let limited = errors.iter().rev().find(|error| matches!(error, Self::Status { status: 429, .. })).cloned();
        failure.or_else(|| limited.or_else(|| errors.last().cloned()).map(|error| error.waiting(soonest)))
    }

    fn waiting(self, soonest: Option<Duration>) -> Self {
        match (self, soonest) {
            (Self::Status { provider, status, message, .. }, Some(wait)) => {
                Self::Status { provider, status, message, retry_after: Some(wait.as_secs()) }
            }
            (Self::Unavailable { provider, problem, .. }, Some(retry_after)) => {
                Self::Unavailable { provider, problem, retry_after }
            }
            (error, _) => error,
        }
    }
}
