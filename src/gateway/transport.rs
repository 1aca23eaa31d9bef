//! HTTP to providers: time limits, sizes, and words for what goes wrong, without addresses or credentials.

use super::{GatewayError, ProviderAccess, address::Address};
use futures::StreamExt;
use reqwest::{
    Response, Url,
    header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER},
};
use serde_json::Value;
use std::time::{Duration, Instant, SystemTime};
use tokio::time::timeout_at;

/// Bytes of a whole answer that are accepted.
const MAX_BODY_BYTES: usize = 64 << 20;
/// Bytes of an error's body that are read.
const MAX_ERROR_BYTES: usize = 1 << 20;
/// Characters of an upstream's error message that are passed on.
const MAX_MESSAGE: usize = 300;
/// What is said where no connection can be made.
pub(super) const UNREACHABLE: &str = "can't connect";
/// What is said where a connection breaks when the answer has begun.
pub(super) const BROKEN: &str = "the connection broke while answering";
/// What is said where an error comes without a word in JSON: it is often not the provider's but of something before it.
pub(super) const WORDLESS: &str = "no JSON came with it";
/// How much time is left, for a Satisfice behind this one.
const TIMEOUT_MS: HeaderName = HeaderName::from_static("x-satisfice-timeout-ms");
const RETRY_AFTER_MS: HeaderName = HeaderName::from_static("retry-after-ms");

/// Time limits within a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Patience {
    /// From sending the request to the first content of a stream.
    pub(super) first_token: Duration,
    /// From sending the request to the head of an answer that comes whole.
    pub(super) whole: Duration,
    /// Between two pieces of an answer.
    pub(super) idle: Duration,
    /// For all of an answer that comes whole. A stream may flow for as long as it flows.
    pub(super) total: Duration,
}

/// A provider that is being called.
#[derive(Clone, Copy)]
pub(super) struct Upstream<'a> {
    pub(super) client: &'a reqwest::Client,
    pub(super) provider: &'a str,
    pub(super) access: &'a ProviderAccess,
    pub(super) address: &'a Address,
    /// Number of the key to show.
    pub(super) key: usize,
    pub(super) patience: Patience,
    /// When the caller no longer waits.
    pub(super) deadline: Option<Instant>,
}

/// What to send.
pub(super) struct Post {
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Upstream<'_> {
    /// The URL of a path below the provider's base URL.
    ///
    /// # Errors
    /// It has none.
    pub(super) fn url(&self, path: &str) -> Result<Url, GatewayError> {
        self.address.url(path).ok_or_else(|| GatewayError::NoAccess(self.provider.to_owned()))
    }

    /// Posts JSON and returns when a good status is known.
    ///
    /// # Errors
    /// Whatever else happens until then.
    pub(super) async fn post(&self, post: Post, stream: bool) -> Result<Response, GatewayError> {
        let mut request = self.client.post(post.url).body(post.body);
        if !stream {
            request = request.timeout(self.patience.total);
        }
        request = request.header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(deadline) = self.deadline {
            let left = deadline.saturating_duration_since(Instant::now());
            request = request.header(TIMEOUT_MS, millis(left));
        }
        if !post.headers.contains_key(ACCEPT) {
            request = request.header(ACCEPT, HeaderValue::from_static("*/*"));
        }
        let answer = request.headers(post.headers).send();
        let response = self.in_time(self.until_head(stream), answer).await?.map_err(|e| self.transport(&e))?;
        if response.status().is_success() { Ok(response) } else { Err(Box::pin(self.refused(response)).await) }
    }

    /// How long to wait for the head of an answer.
    const fn until_head(&self, stream: bool) -> Duration {
        if stream { self.patience.first_token } else { self.patience.whole }
    }

    /// A whole JSON answer.
    ///
    /// # Errors
    /// It breaks off, is too slow or too large, or is no JSON.
    pub(super) async fn json(&self, response: Response) -> Result<Value, GatewayError> {
        let bytes = self.bytes(response).await?;
        serde_json::from_slice(&bytes).map_err(|e| self.malformed(&e.to_string()))
    }

    /// All of an answer.
    ///
    /// # Errors
    /// It breaks off, is too slow or too large.
    pub(super) async fn bytes(&self, response: Response) -> Result<Vec<u8>, GatewayError> {
        self.read(response, MAX_BODY_BYTES).await
    }

    async fn read(&self, response: Response, limit: usize) -> Result<Vec<u8>, GatewayError> {
        let mut chunks = response.bytes_stream();
        let mut bytes = Vec::new();
        while let Some(chunk) = self.in_time(self.patience.idle, chunks.next()).await? {
            bytes.extend_from_slice(&chunk.map_err(|e| self.transport(&e))?);
            if bytes.len() > limit {
                return Err(self.malformed(&format!("an answer larger than {} MiB", limit >> 20)));
            }
        }
        Ok(bytes)
    }

    /// What comes of something that takes as long as it takes, if it comes before the deadline.
    pub(super) async fn before_the_deadline<T>(
        &self,
        coming: impl Future<Output = Result<T, GatewayError>>,
    ) -> Result<T, GatewayError> {
        self.in_time(self.patience.total, coming).await?
    }

    /// What comes of something, if it comes in time and before the deadline.
    async fn in_time<T>(&self, within: Duration, coming: impl Future<Output = T>) -> Result<T, GatewayError> {
        let begun = Instant::now();
        let limit = begun + within;
        let until = self.deadline.map_or(limit, |deadline| deadline.min(limit));
        timeout_at(until.into(), coming).await.map_err(|_| timeout(self.provider, begun.elapsed()))
    }

    /// Why there was no answer.
    fn transport(&self, error: &reqwest::Error) -> GatewayError {
        transport(self.provider, error, self.patience.total)
    }

    /// An answer that is not what the dialect says.
    pub(super) fn malformed(&self, problem: &str) -> GatewayError {
        malformed(self.provider, problem)
    }

    /// An error that was told with a good status, or with a bad one.
    pub(super) fn failed(&self, status: u16, error: &Value, retry_after: Option<u64>) -> GatewayError {
        failed(self.provider, &self.access.keys.secrets(), status, error, retry_after)
    }

    async fn refused(&self, response: Response) -> GatewayError {
        let status = response.status().as_u16();
        let retry_after = retry_after(response.headers());
        let body = self.read(response, MAX_ERROR_BYTES).await.unwrap_or_default();
        let error = serde_json::from_slice(&body).unwrap_or_else(|_| Value::from(WORDLESS));
        self.failed(status, &error, retry_after)
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Nothing came for so long.
pub(super) fn timeout(provider: &str, after: Duration) -> GatewayError {
    GatewayError::Timeout { provider: provider.to_owned(), after_ms: millis(after) }
}

/// Why a connection gave no answer, or no more of it.
pub(super) fn transport(provider: &str, error: &reqwest::Error, total: Duration) -> GatewayError {
    let problem = match () {
        () if error.is_connect() => UNREACHABLE,
        () if error.is_timeout() => return timeout(provider, total),
        () if error.is_body() || error.is_decode() => BROKEN,
        () => "the request failed",
    };
    GatewayError::Connection { provider: provider.to_owned(), problem: problem.to_owned() }
}

/// An answer that is not what the dialect says.
pub(super) fn malformed(provider: &str, problem: &str) -> GatewayError {
    GatewayError::Malformed { provider: provider.to_owned(), problem: problem.chars().take(MAX_MESSAGE).collect() }
}

/// An error that the provider told of.
pub(super) fn failed(
    provider: &str,
    secrets: &[&str],
    status: u16,
    error: &Value,
    retry_after: Option<u64>,
) -> GatewayError {
    // First what is secret, then what is too much: half a key is a secret too.
    let message = without(secrets, &words(error)).chars().take(MAX_MESSAGE).collect();
    GatewayError::Status { provider: provider.to_owned(), status, message, retry_after }
}

/// The status that an error would have had, had it not been told with a good one: some providers put it into `code`.
pub(super) fn stated_status(error: &Value) -> u16 {
    let code = error.get("code").and_then(|code| code.as_u64().or_else(|| code.as_str()?.parse().ok()));
    code.and_then(|code| u16::try_from(code).ok()).filter(|code| (400..600).contains(code)).unwrap_or(502)
}

/// The message of an error's body with the provider's code for it, which says more than words do.
fn words(body: &Value) -> String {
    // Google puts a list around it.
    let body = body.as_array().and_then(|list| list.first()).unwrap_or(body);
    let error = body.get("error").filter(|error| !error.is_null()).unwrap_or(body);
    let text = |field: &str| error.get(field).and_then(Value::as_str).filter(|text| !text.is_empty());
    // Amazon writes it with a capital now and then.
    let said = text("message").or_else(|| text("Message")).or_else(|| error.as_str()).map(str::to_owned);
    // Mistral's validation says it in an object.
    let details = || Some(error.get("message").or_else(|| error.get("detail")).filter(|m| !m.is_null())?.to_string());
    let mut message = said.or_else(details).unwrap_or_else(|| "no message".to_owned());
    if let Some(code) = text("code").filter(|code| !message.contains(code)) {
        message.push_str(&format!(" ({code})"));
    }
    message
}

/// The text with nothing secret in it: some providers quote the key that they refuse.
pub(super) fn without(secrets: &[&str], text: &str) -> String {
    secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret, "[key]"))
}

/// How long the provider asks to be left alone, seconds: as a number, in milliseconds, or as a date.
fn retry_after(headers: &HeaderMap) -> Option<u64> {
    let text = |name| headers.get(name)?.to_str().ok().map(str::trim);
    let of_ms = || Some(text(RETRY_AFTER_MS)?.parse::<f64>().ok().filter(|ms| *ms >= 0.0)? / 1e3);
    let of_date = |date: &str| {
        let until = httpdate::parse_http_date(date).ok()?;
        Some(until.duration_since(SystemTime::now()).unwrap_or_default().as_secs_f64())
    };
    let of_text = |text: &str| text.parse::<f64>().ok().filter(|s| *s >= 0.0).or_else(|| of_date(text));
    let seconds = of_ms().or_else(|| text(RETRY_AFTER).and_then(of_text))?;
    // The cast saturates.
    Some(seconds.ceil() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_retry_after_is_understood_in_all_its_forms() {
        let of = |name: &'static str, value: &str| {
            retry_after(&HeaderMap::from_iter([(HeaderName::from_static(name), value.parse().expect("a value"))]))
        };
        assert_eq!(of("retry-after", "7"), Some(7));
        assert_eq!(of("retry-after", "0.2"), Some(1));
        assert_eq!(of("retry-after-ms", "1500"), Some(2));
        assert_eq!(of("retry-after", "Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert!(of("retry-after", "Fri, 31 Dec 9999 23:59:59 GMT").is_some_and(|seconds| seconds > 1_000_000));
        for nonsense in ["soon", "-1", "NaN"] {
            assert_eq!(of("retry-after", nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn an_errors_words_come_with_the_code_and_without_the_key() {
        let body = json!({"error": {"message": "too long for sek-1", "code": "context_length_exceeded"}});
        assert_eq!(without(&["sek-1"], &words(&body)), "too long for [key] (context_length_exceeded)");
        assert_eq!(words(&json!({"message": "as Amazon has it"})), "as Amazon has it");
        assert_eq!(words(&json!({"error": "as Ollama has it"})), "as Ollama has it");
        assert_eq!(words(&json!([{"error": {"code": 400, "message": "as Google has it"}}])), "as Google has it");
        let detail = json!({"object": "error", "message": {"detail": [{"type": "extra_forbidden"}]}, "code": null});
        assert!(words(&detail).contains("extra_forbidden"), "as Mistral has it: {}", words(&detail));
        assert_eq!(words(&json!([])), "no message");
    }

    #[test]
    fn no_part_of_a_key_is_left_where_a_message_is_cut() {
        let message = format!("{}sek-0123456789abcdef is no key", "x".repeat(MAX_MESSAGE - 8));
        let error = failed("openai", &["sek-0123456789abcdef"], 401, &json!({"error": {"message": message}}), None);
        assert!(!error.to_string().contains("sek-"), "{error}");
    }
}
