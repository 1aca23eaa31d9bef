//! Identifiers.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr, sync::Arc};
use uuid::Uuid;

/// An identifier that can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is not {expected}")]
pub struct InvalidId {
    /// What was given.
    pub value: String,
    /// What it should have been.
    pub expected: &'static str,
}

/// Identifies one decision; a UUIDv7, so ids sort by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DecisionId(Uuid);

impl DecisionId {
    /// Wraps a UUID that the caller made (the clock is the caller's).
    #[must_use]
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The UUID.
    #[must_use]
    pub const fn uuid(self) -> Uuid {
        self.0
    }

    /// The id as a 128-bit number: the counter that keys this decision's random draw.
    #[must_use]
    pub const fn as_u128(self) -> u128 {
        self.0.as_u128()
    }
}

impl fmt::Display for DecisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for DecisionId {
    type Err = InvalidId;
    fn from_str(s: &str) -> Result<Self, InvalidId> {
        Uuid::parse_str(s)
            .map(Self)
            .map_err(|_| InvalidId { value: s.chars().take(64).collect(), expected: "a decision id (a UUID)" })
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Wraps a name.
            #[must_use]
            pub fn new(name: impl Into<Arc<str>>) -> Self {
                Self(name.into())
            }

            /// The name.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The name, without a copy of it.
            #[must_use]
            pub fn shared(&self) -> Arc<str> {
                Arc::clone(&self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(name: &str) -> Self {
                Self::new(name)
            }
        }
    };
}

name!(
    /// A model as callers name it: `vendor/model`, e.g. `openai/gpt-5-mini`. It is the bandit's arm.
    ModelId
);
name!(
    /// Identifies one HTTP request: echoed from `x-request-id` or made.
    RequestId
);
name!(
    /// A conversation as its caller names it.
    SessionId
);
name!(
    /// What a posterior is kept for: `default`, or a policy, tenant or experiment that named its own.
    Scope
);

name!(
    /// The public part of an API key, twelve lower-case letters and digits: it names the key in logs and is no secret.
    KeyId
);
name!(
    /// Whoever pays for a group of keys.
    Tenant
);

impl Default for Tenant {
    fn default() -> Self {
        Self::new("default")
    }
}

impl Default for Scope {
    fn default() -> Self {
        Self::new("default")
    }
}

impl ModelId {
    /// Whether a pattern such as `anthropic/*`, `*-mini` or an exact name covers this model.
    #[must_use]
    pub fn matches(&self, pattern: &str) -> bool {
        covers(pattern, &self.0)
    }
}

/// Whether a pattern such as `anthropic/*`, `*-mini` or an exact name covers a name.
#[must_use]
pub fn covers(pattern: &str, name: &str) -> bool {
    glob(pattern.as_bytes(), name.as_bytes())
}

/// `*` stands for any run of characters; linear in the length of both.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t, mut star, mut mark) = (0, 0, None, 0);
    while t < text.len() {
        if p < pattern.len() && pattern[p] == b'*' {
            star = Some(p);
            mark = t;
            p += 1;
        } else if p < pattern.len() && pattern[p] == text[t] {
            p += 1;
            t += 1;
        } else if let Some(s) = star {
            p = s + 1;
            mark += 1;
            t = mark;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|&c| c == b'*')
}
