//! Providers: who serves models, and how they are spoken to.

use crate::domain::DataHandling;
use serde::Serialize;
use std::str::FromStr;

/// How a provider is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// OpenAI's chat completions over HTTP.
    #[serde(rename = "openai")]
    OpenAi,
    /// Anthropic's Messages over HTTP.
    Anthropic,
    /// Converse of Amazon Bedrock.
    Bedrock,
    /// The built-in staging provider; nothing leaves the process.
    Simulated,
}

impl Dialect {
    /// Every dialect.
    pub const ALL: [Self; 4] = [Self::OpenAi, Self::Anthropic, Self::Bedrock, Self::Simulated];

    /// The name used in catalogues.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::Bedrock => "bedrock",
            Self::Simulated => "simulated",
        }
    }

    /// Where a provider expects its key unless its entry says otherwise.
    #[must_use]
    pub const fn key_header(self) -> KeyHeader {
        match self {
            Self::Anthropic => KeyHeader::XApiKey,
            Self::OpenAi | Self::Bedrock | Self::Simulated => KeyHeader::Bearer,
        }
    }

    /// Whether a provider needs a base URL and a key header of its own: servers that anybody can run.
    #[must_use]
    pub const fn is_addressed(self) -> bool {
        matches!(self, Self::OpenAi | Self::Anthropic)
    }
}

impl FromStr for Dialect {
    type Err = ();
    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|dialect| dialect.as_str() == name).ok_or(())
    }
}

/// The header in which a provider expects its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyHeader {
    /// `authorization: Bearer KEY`.
    Bearer,
    /// `api-key: KEY`, as Azure has it.
    ApiKey,
    /// `x-api-key: KEY`, as Anthropic has it.
    XApiKey,
}

impl KeyHeader {
    /// Every header.
    pub const ALL: [Self; 3] = [Self::Bearer, Self::ApiKey, Self::XApiKey];

    /// The name used in catalogues.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bearer => "bearer",
            Self::ApiKey => "api-key",
            Self::XApiKey => "x-api-key",
        }
    }
}

impl FromStr for KeyHeader {
    type Err = ();
    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|header| header.as_str() == name).ok_or(())
    }
}

/// Somebody who serves models.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Provider {
    /// Its id, e.g. `openai`.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// The URL before `/chat/completions` (dialect `openai`) or `/messages` (dialect `anthropic`), without a slash at its
    /// end. Empty for the simulated dialect, for Bedrock at the public endpoint of its region, and for a provider that has
    /// an address only once the environment gives it one.
    pub base_url: String,
    /// The environment variable that holds the base URL where it differs from customer to customer.
    pub base_url_env: Option<String>,
    /// Environment variables of which any one holds the key; none for a server that wants no key. For Bedrock those of an
    /// API key: the usual variables of AWS (`AWS_ACCESS_KEY_ID` and so on) do as well.
    pub key_env: Vec<String>,
    /// How it is spoken to.
    pub dialect: Dialect,
    /// Where it expects its key. Bedrock's calls are signed instead if there is no API key.
    pub auth: KeyHeader,
    /// Where and how it handles what it is sent, as far as is known.
    pub handling: DataHandling,
    /// Its documentation.
    pub docs: Option<String>,
}

impl Provider {
    /// Whether it is known where to call it.
    #[must_use]
    pub const fn has_address(&self) -> bool {
        !self.dialect.is_addressed() || !self.base_url.is_empty()
    }

    /// What the environment must hold for it to be used, in words; empty if nothing.
    #[must_use]
    pub fn needs(&self) -> String {
        let mut keys = self.key_env.join(" or ");
        let mut address = self.base_url_env.as_deref().filter(|_| !self.has_address());
        if self.dialect == Dialect::Bedrock {
            keys.push_str(if keys.is_empty() { "AWS_ACCESS_KEY_ID" } else { " or AWS_ACCESS_KEY_ID" });
            address = Some("AWS_REGION");
        }
        match address {
            Some(address) if keys.is_empty() => address.to_owned(),
            Some(address) => format!("{keys} with {address}"),
            None => keys,
        }
    }
}
