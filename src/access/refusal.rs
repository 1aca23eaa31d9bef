//! Why a caller is turned away, by what can be done about it.

use super::{LimitScope, rate::Headroom};
use crate::domain::{KeyId, ModelId, UnixMillis, Usd};
use std::{fmt, time::Duration};

/// What a minute holds only so many of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// Requests.
    Requests,
    /// Tokens, input and output together.
    Tokens,
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Requests => "requests",
            Self::Tokens => "tokens",
        })
    }
}

/// What was asked for by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// A policy.
    Policy(String),
    /// A model.
    Model(ModelId),
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Policy(name) => write!(f, "policy {name}"),
            Self::Model(model) => write!(f, "model {model}"),
        }
    }
}

/// Why a request goes no further. The sentences are for the caller and tell nobody's spending.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// The caller has to show a key: 401.
    #[error("no API key was given; send one as `Authorization: Bearer sat-...` or as `x-api-key`")]
    NoKey,
    /// No key of this service, or its secret part is wrong: 401. Does not say which.
    #[error("this API key is not known here")]
    UnknownKey,
    /// The caller needs a new key: 401.
    #[error("API key {key} has expired; ask for a new one")]
    Expired {
        /// Its public part.
        key: KeyId,
        /// Since when.
        at: UnixMillis,
    },
    /// The caller needs a new key: 401.
    #[error("API key {key} was revoked; ask for a new one")]
    Revoked {
        /// Its public part.
        key: KeyId,
        /// Since when.
        at: UnixMillis,
    },
    /// The caller should ask for something else: 403.
    #[error("API key {key} may not use {named}")]
    NotAllowed {
        /// Its public part.
        key: KeyId,
        /// What was asked for.
        named: Named,
    },
    /// The caller should send less at once, waiting does not help: 400.
    #[error("the request needs about {tokens} tokens, {scope} may use {limit} in a minute; send less, or ask for less")]
    TooLarge {
        /// Whose limit.
        scope: LimitScope,
        /// Tokens in a minute.
        limit: u64,
        /// Tokens that the request needs.
        tokens: u64,
    },
    /// The caller should come back later: 429.
    #[error("{scope} may use {limit} {quantity} in a minute; come back in {:.1} s", retry_after.as_secs_f64())]
    RateLimited {
        /// Whose limit: of several, the one that lasts longest.
        scope: LimitScope,
        /// What is limited.
        quantity: Quantity,
        /// How many in a minute.
        limit: u64,
        /// When this request fits, if nothing else comes before it.
        retry_after: Duration,
        /// For the headers. Boxed, as it would make every refusal large.
        headroom: Box<Headroom>,
    },
    /// The caller should wait for one of its requests to end: 429.
    #[error("{scope} may have {limit} requests running at once; wait until one ends")]
    TooManyConcurrent {
        /// Whose limit.
        scope: LimitScope,
        /// How many at once.
        limit: u64,
        /// For the headers.
        headroom: Box<Headroom>,
    },
    /// The caller has to wait for the next month, or for a higher budget: 429.
    #[error(
        "the monthly budget of {scope} does not cover this request; ask for a higher one, or wait for the next month"
    )]
    BudgetExhausted {
        /// Whose budget.
        scope: LimitScope,
        /// The budget.
        limit_usd: Usd,
        /// Spent this month, with what is reserved for requests that still run.
        spent_usd: Usd,
        /// When the next month begins (UTC).
        resets_at: UnixMillis,
        /// Until then.
        retry_after: Duration,
    },
}

impl Refusal {
    /// Whether it is about the model that would be called: another one may have room.
    #[must_use]
    pub const fn is_of_model(&self) -> bool {
        matches!(
            self,
            Self::TooLarge { scope: LimitScope::Models(_), .. }
                | Self::RateLimited { scope: LimitScope::Models(_), .. }
                | Self::TooManyConcurrent { scope: LimitScope::Models(_), .. }
        )
    }
}
