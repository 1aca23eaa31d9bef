//! Reads a request's body: any content type, not compressed, within the limit, UTF-8, one JSON object.

use super::{App, error::ApiError, wire::Object};
use crate::domain::nearest;
use axum::{
    extract::{FromRequest, Request},
    http::{HeaderMap, StatusCode, header},
};
use futures::StreamExt;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, error::Category};
use serde_path_to_error::{Path, Segment};

/// The text of a body, not parsed yet.
#[derive(Debug)]
pub(super) struct Body(String);

impl FromRequest<App> for Body {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        Self::receive(request, app.limits.max_body_bytes).await
    }
}

impl Body {
    /// A body that has been received.
    #[cfg(test)]
    pub(super) fn of(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Reads the body, at most `limit` bytes.
    pub(super) async fn receive(request: Request, limit: usize) -> Result<Self, ApiError> {
        refuse_compressed(request.headers())?;
        let text = String::from_utf8(read(request, limit).await?).map_err(|e| {
            let at = e.utf8_error().valid_up_to();
            ApiError::bad_request("invalid_utf8", format!("the body is not UTF-8: byte {at} does not belong there"))
        })?;
        Ok(Self(text))
    }

    /// Reads the body as a `T`; may be asked for several views of the same text.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        parse(&self.0)
    }

    /// The body as it is. Paths are for errors and cost time, so a wrong body is read a second time.
    pub(super) fn object(&self) -> Result<Map<String, Value>, ApiError> {
        serde_json::from_str(&self.0).or_else(|_| parse(&self.0))
    }
}

fn refuse_compressed(headers: &HeaderMap) -> Result<(), ApiError> {
    let encodings = headers.get_all(header::CONTENT_ENCODING);
    let plain = |value: &[u8]| value.trim_ascii().is_empty() || value.trim_ascii().eq_ignore_ascii_case(b"identity");
    if encodings.iter().all(|value| plain(value.as_bytes())) {
        return Ok(());
    }
    let message = "compressed bodies are not accepted; send the body without content-encoding";
    let error = ApiError::bad_request("unsupported_content_encoding", message).at("content-encoding");
    Err(error.with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE))
}

async fn read(request: Request, limit: usize) -> Result<Vec<u8>, ApiError> {
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(too_large(limit));
    }
    let mut bytes = Vec::with_capacity(announced.unwrap_or(0));
    let mut chunks = request.into_body().into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|e| ApiError::bad_request("incomplete_body", format!("the body broke off: {e}")))?;
        if bytes.len() + chunk.len() > limit {
            return Err(too_large(limit));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn too_large(limit: usize) -> ApiError {
    ApiError::bad_request("body_too_large", format!("the body is larger than {limit} bytes"))
        .with_status(StatusCode::PAYLOAD_TOO_LARGE)
}

/// Reads one JSON object.
///
/// # Errors
/// 400 with the line and column in the message and the JSON path in `param`.
pub(super) fn parse<T: DeserializeOwned>(text: &str) -> Result<T, ApiError> {
    if text.trim_ascii().is_empty() {
        return Err(ApiError::bad_request("invalid_json", "the body is empty; it must be a JSON object"));
    }
    let mut json = serde_json::Deserializer::from_str(text);
    let Object(value) = serde_path_to_error::deserialize(&mut json).map_err(|e| fault(&path(e.path()), e.inner()))?;
    json.end().map_err(|e| fault("", &e))?;
    Ok(value)
}

/// Looks at one JSON object that was parsed before.
///
/// # Errors
/// 400 with the path within the object in `param`.
pub(super) fn view<'a, T: Deserialize<'a>>(object: &'a Map<String, Value>) -> Result<T, ApiError> {
    let with_path = |_| serde_path_to_error::deserialize(object).map_err(|e| fault(&path(e.path()), e.inner()));
    T::deserialize(object).or_else(with_path)
}

/// Reads one JSON object that was parsed before.
///
/// # Errors
/// 400 with the path within the value in `param`.
pub(super) fn parse_value<T: DeserializeOwned>(value: Value) -> Result<T, ApiError> {
    let Object(value) = serde_path_to_error::deserialize(value).map_err(|e| fault(&path(e.path()), e.inner()))?;
    Ok(value)
}

fn path(path: &Path) -> String {
    let mut text = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => text.push_str(&format!("[{index}]")),
            Segment::Map { key } => join(&mut text, key),
            Segment::Enum { variant } => join(&mut text, variant),
            Segment::Unknown => {}
        }
    }
    text
}

fn join(path: &mut String, key: &str) {
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(key);
}

fn fault(path: &str, error: &serde_json::Error) -> ApiError {
    let text = error.to_string();
    let code = match error.classify() {
        Category::Data if text.starts_with("missing field") => "missing_field",
        Category::Data if text.starts_with("unknown field") => "unknown_field",
        Category::Data => "invalid_value",
        Category::Syntax | Category::Eof | Category::Io => "invalid_json",
    };
    let mut param = path.to_owned();
    if let ("missing_field" | "unknown_field", Some(name)) = (code, quoted(&text).next())
        && param.rsplit('.').next() != Some(name)
    {
        join(&mut param, name);
    }
    let hint = suggestion(&text).map_or(String::new(), |name| format!("; did you mean `{name}`?"));
    if param.is_empty() {
        return ApiError::bad_request(code, format!("{text}{hint}"));
    }
    ApiError::bad_request(code, format!("{param}: {text}{hint}")).at(param)
}

/// The words between backticks: how serde quotes names.
fn quoted(message: &str) -> impl Iterator<Item = &str> {
    message.split('`').skip(1).step_by(2)
}

/// The expected name nearest to an unknown one, if it is near enough to be a slip of the finger.
fn suggestion(message: &str) -> Option<String> {
    if !message.starts_with("unknown ") {
        return None;
    }
    let mut names = quoted(message);
    let unknown = names.next()?;
    nearest(unknown, names)
}
