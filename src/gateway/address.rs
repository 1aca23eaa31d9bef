//! Where a provider is, and who is there, worked out once.

use super::ProviderAccess;
use reqwest::Url;

/// OpenAI's own hosts and Azure's, or what their names end with.
const OPENAIS: [&str; 5] = [
    "api.openai.com",
    ".api.openai.com",
    ".openai.azure.com",
    ".cognitiveservices.azure.com",
    ".services.ai.azure.com",
];
/// What the names of Google's hosts end with.
const GOOGLES: [&str; 2] = ["googleapis.com", ".googleapis.com"];

/// Where a provider is.
pub(super) struct Address {
    /// `None` for providers that are not called by a base URL.
    base: Option<Url>,
    pub(super) is_openais: bool,
    pub(super) is_googles: bool,
}

impl Address {
    /// The address of a provider.
    pub(super) fn of(access: &ProviderAccess) -> Self {
        let base = Url::parse(&access.base_url).ok().filter(|url| !url.cannot_be_a_base());
        let host = base.as_ref().and_then(Url::host_str).unwrap_or_default();
        let is_among = |known: &[&str]| {
            known.iter().any(|known| host == *known || (known.starts_with('.') && host.ends_with(known)))
        };
        Self { is_openais: is_among(&OPENAIS), is_googles: is_among(&GOOGLES), base }
    }

    /// The URL of a path below the base URL.
    pub(super) fn url(&self, path: &str) -> Option<Url> {
        let base = self.base.as_ref()?;
        let mut url = base.clone();
        url.set_path(&format!("{}/{path}", base.path().trim_end_matches('/')));
        Some(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{catalog::KeyHeader, gateway::ProviderKeys};

    fn address(base_url: &str) -> Address {
        let keys = ProviderKeys::Header(KeyHeader::Bearer, Vec::new());
        Address::of(&ProviderAccess { base_url: base_url.to_owned(), keys })
    }

    #[test]
    fn paths_lie_below_the_base_url_however_it_ends() {
        for (base, expected) in [
            ("https://acme.example", "https://acme.example/chat/completions"),
            ("https://acme.example/", "https://acme.example/chat/completions"),
            ("https://acme.example/v1", "https://acme.example/v1/chat/completions"),
            ("http://127.0.0.1:8000/a%20b/v1/", "http://127.0.0.1:8000/a%20b/v1/chat/completions"),
            ("https://acme.example/v1?api-version=2", "https://acme.example/v1/chat/completions?api-version=2"),
        ] {
            assert_eq!(address(base).url("chat/completions").as_ref().map(Url::as_str), Some(expected));
        }
        for nowhere in ["", "acme", "mailto:acme@acme.example"] {
            assert_eq!(address(nowhere).url("chat/completions"), None, "{nowhere:?}");
        }
    }

    #[test]
    fn hosts_are_known_by_their_whole_names() {
        let told = |base: &str| (address(base).is_openais, address(base).is_googles);
        for openais in [
            "https://api.openai.com/v1",
            "https://eu.api.openai.com/v1",
            "https://mine.openai.azure.com/openai/v1",
            "https://mine.services.ai.azure.com/openai/v1",
        ] {
            assert_eq!(told(openais), (true, false), "{openais}");
        }
        for googles in
            ["https://generativelanguage.googleapis.com/v1beta/openai", "https://aiplatform.googleapis.com/v1"]
        {
            assert_eq!(told(googles), (false, true), "{googles}");
        }
        for other in [
            "http://127.0.0.1:11434/v1",
            "https://api.mistral.ai/v1",
            "https://api.openai.com.evil.example/v1",
            "https://evilgoogleapis.com/v1",
            "https://acme.example/googleapis.com",
        ] {
            assert_eq!(told(other), (false, false), "{other}");
        }
    }
}
