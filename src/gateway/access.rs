//! How to reach a provider, and how to prove who calls.

use super::bedrock::BedrockAccess;
use crate::catalog::KeyHeader;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

const API_KEY: HeaderName = HeaderName::from_static("api-key");
const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// How to reach a provider.
#[derive(Clone)]
pub struct ProviderAccess {
    /// Base URL up to and including the version, e.g. `https://api.openai.com/v1`; for Bedrock empty for the region's public
    /// endpoint; unused by the simulated provider.
    pub base_url: String,
    /// Keys, which take turns; none for servers that want none.
    pub keys: ProviderKeys,
}

/// Keys of a provider, by the way they are shown.
#[derive(Clone)]
pub enum ProviderKeys {
    /// In one of the usual headers.
    Header(KeyHeader, Vec<String>),
    /// Amazon's signature or bearer token.
    Bedrock(Vec<BedrockAccess>),
}

impl ProviderKeys {
    /// How many there are.
    pub(super) fn count(&self) -> usize {
        match self {
            Self::Header(_, keys) => keys.len(),
            Self::Bedrock(keys) => keys.len(),
        }
    }

    /// What must not show in a message that is passed on.
    pub(super) fn secrets(&self) -> Vec<&str> {
        match self {
            Self::Header(_, keys) => keys.iter().map(String::as_str).filter(|key| !key.is_empty()).collect(),
            Self::Bedrock(keys) => keys.iter().flat_map(BedrockAccess::secrets).collect(),
        }
    }

    /// The header that shows a key; nothing where no key is wanted. A key that no header can carry is shown as none, and the
    /// provider's refusal says so.
    pub(super) fn headers(&self, key: usize) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let Self::Header(header, keys) = self else { return headers };
        let Some(key) = keys.get(key) else { return headers };
        let (name, text) = match header {
            KeyHeader::Bearer => (AUTHORIZATION, format!("Bearer {key}")),
            KeyHeader::ApiKey => (API_KEY, key.clone()),
            KeyHeader::XApiKey => (X_API_KEY, key.clone()),
        };
        if let Ok(mut value) = HeaderValue::from_str(&text) {
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        headers
    }
}
