//! Who we are to AWS, and where.

use std::fmt;

/// Keys of an AWS identity, and the region to call. Never printed: `Debug` shows the region alone.
#[derive(Clone)]
pub struct AwsAccess {
    /// Such as `eu-central-1`.
    pub region: String,
    /// `AWS_ACCESS_KEY_ID`.
    pub access_key_id: String,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub secret_access_key: String,
    /// `AWS_SESSION_TOKEN`, of keys that expire.
    pub session_token: Option<String>,
}

impl fmt::Debug for AwsAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsAccess").field("region", &self.region).finish_non_exhaustive()
    }
}

/// How Bedrock knows us.
#[derive(Clone)]
pub enum BedrockAccess {
    /// Each call is signed with these keys (Signature Version 4).
    Keys(AwsAccess),
    /// A Bedrock API key is sent along as it is.
    ApiKey {
        /// Such as `eu-central-1`.
        region: String,
        /// `AWS_BEARER_TOKEN_BEDROCK`.
        key: String,
    },
}

impl fmt::Debug for BedrockAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keys(keys) => keys.fmt(f),
            Self::ApiKey { region, .. } => f.debug_struct("ApiKey").field("region", region).finish_non_exhaustive(),
        }
    }
}

impl BedrockAccess {
    /// The region to call.
    #[must_use]
    pub fn region(&self) -> &str {
        match self {
            Self::Keys(keys) => &keys.region,
            Self::ApiKey { region, .. } => region,
        }
    }

    /// What must not show in a message that is passed on. AWS quotes the session token when a signature is wrong.
    pub(in crate::gateway) fn secrets(&self) -> Vec<&str> {
        match self {
            Self::Keys(AwsAccess { access_key_id, secret_access_key, session_token, .. }) => {
                [access_key_id, secret_access_key].into_iter().chain(session_token).map(String::as_str).collect()
            }
            Self::ApiKey { key, .. } => vec![key],
        }
    }

    /// Whether the keys can be sent in headers, as far as one can see.
    pub(super) fn is_plausible(&self) -> bool {
        let is_plausible = |secret: &&str| !secret.is_empty() && secret.bytes().all(|byte| byte.is_ascii_graphic());
        self.secrets().iter().all(is_plausible)
    }
}
