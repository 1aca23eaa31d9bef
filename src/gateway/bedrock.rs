//! Amazon Bedrock: where a call goes, how it proves who sends it, and the frames that come back.
//!
//! Nothing here touches the network. A call is signed for one moment and lapses minutes later, so each attempt signs anew.

mod access;
mod converse;
mod frames;

pub use access::{AwsAccess, BedrockAccess};
pub(super) use converse::chat;
use frames::FrameReader;

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use std::{fmt::Display, time::SystemTime};

/// The name that Bedrock's signatures are for; not the one in its host names.
const SERVICE: &str = "bedrock";
const JSON: &str = "application/json";
const EVENT_STREAM: &str = "application/vnd.amazon.eventstream";
/// What AWS encodes in a segment of a path: all but RFC 3986's unreserved characters.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A call to send.
#[derive(Clone, Copy)]
pub(super) struct BedrockCall<'a> {
    /// Where to send it instead of the region's public endpoint: a VPC endpoint, a test. Host in lower case.
    pub(super) base_url: Option<&'a str>,
    /// Bedrock's id of a model or inference profile, or an ARN.
    pub(super) model: &'a str,
    /// Whether the answer should come as events.
    pub(super) stream: bool,
    /// The body, to the byte as it will be sent.
    pub(super) body: &'a [u8],
}

/// A call with its proof, to be sent with POST and the body that it was made for.
#[derive(Debug)]
pub(super) struct SignedCall {
    /// The whole URL.
    pub(super) url: String,
    /// All headers but `host` and `content-length`. Values that are secret are marked so.
    pub(super) headers: HeaderMap,
}

/// Why a call can't be sent at all: the configuration is wrong, and trying again is no use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unsendable {
    /// The region is not a region's name.
    #[error("{0:?} is not an AWS region")]
    Region(String),
    /// The model's name can't be a part of a URL.
    #[error("{0:?} is not a model of Bedrock's")]
    Model(String),
    /// The base URL is not one.
    #[error("{0:?} is not a base URL: http or https, a host in lower case, a path")]
    BaseUrl(String),
    /// The keys are empty or hold characters that no key has.
    #[error("the credentials are empty or hold characters that no key has")]
    Credentials,
    /// The signer refused, without saying anything secret.
    #[error("can't sign: {0}")]
    Signing(String),
}

/// Addresses a call and proves who sends it, as of `now`.
///
/// # Errors
/// The configuration is wrong; see [`Unsendable`].
pub(super) fn signed(
    access: &BedrockAccess,
    call: &BedrockCall<'_>,
    now: SystemTime,
) -> Result<SignedCall, Unsendable> {
    // The signer panics where a header can't be written.
    if !access.is_plausible() {
        return Err(Unsendable::Credentials);
    }
    let url = url(access.region(), call)?;
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    headers.insert(ACCEPT, HeaderValue::from_static(if call.stream { EVENT_STREAM } else { JSON }));
    match access {
        BedrockAccess::ApiKey { key, .. } => {
            headers.insert(AUTHORIZATION, secret(&format!("Bearer {key}"))?);
        }
        BedrockAccess::Keys(keys) => {
            let proof = signature(keys, SERVICE, &url, &[(CONTENT_TYPE.as_str(), JSON)], call.body, now)?;
            headers.extend(proof);
        }
    }
    Ok(SignedCall { url, headers })
}

fn url(region: &str, call: &BedrockCall<'_>) -> Result<String, Unsendable> {
    let is_label = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if region.is_empty() || !region.chars().all(is_label) {
        return Err(Unsendable::Region(region.to_owned()));
    }
    // A segment of dots alone would climb out of the path.
    if call.model.chars().all(|c| c == '.') {
        return Err(Unsendable::Model(call.model.to_owned()));
    }
    let base = match call.base_url {
        Some(base) if is_base(base) => base.trim_end_matches('/').to_owned(),
        Some(base) => return Err(Unsendable::BaseUrl(base.to_owned())),
        None => format!("https://bedrock-runtime.{region}.amazonaws.com"),
    };
    let action = if call.stream { "converse-stream" } else { "converse" };
    Ok(format!("{base}/model/{}/{action}", utf8_percent_encode(call.model, SEGMENT)))
}

/// The signer needs a host and signs it as it is written, while clients send it in lower case.
fn is_base(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or_default();
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let of_host = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.:[]".contains(c);
    host.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[')
        && host.chars().all(of_host)
        && path.chars().all(|c| c.is_ascii_alphanumeric() || "/-._~%".contains(c))
}

/// The headers that sign a POST: date, session token, authorization.
fn signature(
    access: &AwsAccess,
    service: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: &[u8],
    now: SystemTime,
) -> Result<HeaderMap, Unsendable> {
    let AwsAccess { region, access_key_id, secret_access_key, session_token } = access;
    let identity = Credentials::new(access_key_id, secret_access_key, session_token.clone(), None, "settings").into();
    let signing = |e: &dyn Display| Unsendable::Signing(e.to_string());
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(service)
        .time(now)
        .settings(SigningSettings::default())
        .build()
        .map_err(|e| signing(&e))?
        .into();
    let request = SignableRequest::new("POST", url, headers.iter().copied(), SignableBody::Bytes(body));
    let instructions = request.and_then(|request| sign(request, &params)).map_err(|e| signing(&e))?;
    let (added, _) = instructions.into_parts().0.into_parts();
    added.iter().map(|h| Ok((HeaderName::from_static(h.name()), secret(h.value())?))).collect()
}

/// A header's value that is not shown by `Debug` and not kept by HTTP/2's compression.
fn secret(value: &str) -> Result<HeaderValue, Unsendable> {
    let mut value = HeaderValue::from_str(value).map_err(|_| Unsendable::Credentials)?;
    value.set_sensitive(true);
    Ok(value)
}

/// The HTTP status that an exception within a stream would have had as an answer of its own.
pub(super) fn status(exception: &str) -> u16 {
    match exception {
        "validationException" => 400,
        "accessDeniedException" => 403,
        "resourceNotFoundException" => 404,
        "modelTimeoutException" => 408,
        "modelStreamErrorException" | "modelErrorException" => 424,
        "throttlingException" | "modelNotReadyException" => 429,
        "serviceUnavailableException" => 503,
        _ => 500,
    }
}

#[cfg(test)]
mod tests;
