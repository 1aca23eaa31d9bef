//! Bodies of the route that embeds.

use super::{super::error::ApiError, count};
use serde::Deserialize;
use serde_json::Value;
use std::num::NonZeroU32;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{Array, ArrayBuilder, ObjectBuilder, OneOfBuilder, RefOr, Schema, Type},
};

/// The largest id of a token that is passed on.
const MAX_TOKEN: u32 = i32::MAX as u32;

/// Texts to turn into vectors: OpenAI's embeddings. Fields that are not listed are passed on to the provider.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
pub(crate) struct EmbeddingsBody {
    /// A model that embeds. There is nothing to route: vectors of one model mean nothing to another.
    #[schema(example = "openai/text-embedding-3-small")]
    pub(crate) model: String,
    /// A text, texts, or the same as tokens; how many and how long, the provider says.
    #[schema(value_type = EmbeddingsInput)]
    input: Value,
    /// How vectors are written; `float` unless given.
    #[serde(default)]
    encoding_format: Option<EncodingFormat>,
    /// Numbers in a vector, for models that let you choose.
    #[serde(default, deserialize_with = "count::positive")]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 4_294_967_295_u32)]
    dimensions: Option<NonZeroU32>,
    /// Your name for whoever asks.
    #[serde(default)]
    user: Option<String>,
}

/// How vectors are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EncodingFormat {
    /// As arrays of numbers.
    Float,
    /// As little-endian 32-bit floats in base64.
    Base64,
}

/// The schema of `input`.
struct EmbeddingsInput;

impl PartialSchema for EmbeddingsInput {
    fn schema() -> RefOr<Schema> {
        let text = || ObjectBuilder::new().schema_type(Type::String).min_length(Some(1));
        let forms = OneOfBuilder::new().item(text()).item(list(text())).item(list(token())).item(list(list(token())));
        let example = serde_json::json!(["The quick brown fox", "jumps over the lazy dog"]);
        forms.description(Some("A text, texts, the tokens of a text, or those of texts.")).examples([example]).into()
    }
}

impl ToSchema for EmbeddingsInput {}

fn list(items: impl Into<RefOr<Schema>>) -> Array {
    ArrayBuilder::new().items(items.into()).min_items(Some(1)).build()
}

fn token() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)).maximum(Some(MAX_TOKEN))
}

impl EmbeddingsBody {
    /// Checks what the types can't.
    ///
    /// # Errors
    /// 400 that names the field.
    pub(crate) fn check(&self) -> Result<(), ApiError> {
        match &self.input {
            Value::Array(items) if matches!(items.first(), Some(Value::String(_))) => each(items, "input", text),
            Value::Array(items) if matches!(items.first(), Some(Value::Array(_))) => each(items, "input", tokens),
            Value::Array(_) => tokens(&self.input, "input"),
            input => text(input, "input"),
        }
    }
}

fn text(value: &Value, path: &str) -> Result<(), ApiError> {
    match value {
        Value::String(text) if text.is_empty() => Err(refused(path, "is empty")),
        Value::String(_) => Ok(()),
        _ => Err(refused(path, "must be a text, texts, or tokens, all of a kind")),
    }
}

fn tokens(value: &Value, path: &str) -> Result<(), ApiError> {
    match value {
        Value::Array(items) => each(items, path, token_id),
        _ => Err(refused(path, "must be an array of tokens like the one before it")),
    }
}

fn token_id(value: &Value, path: &str) -> Result<(), ApiError> {
    let id = value.as_f64().filter(|id| id.fract() == 0.0 && (0.0..=f64::from(MAX_TOKEN)).contains(id));
    id.map(|_| ()).ok_or_else(|| refused(path, "must be the id of a token, a whole number"))
}

fn each(items: &[Value], path: &str, check: fn(&Value, &str) -> Result<(), ApiError>) -> Result<(), ApiError> {
    if items.is_empty() {
        return Err(refused(path, "is empty"));
    }
    items.iter().enumerate().try_for_each(|(at, item)| check(item, &format!("{path}[{at}]")))
}

fn refused(path: &str, problem: &str) -> ApiError {
    ApiError::invalid(path, format!("{path}: {problem}"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

    use super::{super::super::body::parse, *};
    use serde_json::json;

    fn check(fields: Value) -> Result<(), ApiError> {
        let mut body = json!({"model": "e", "input": "a"});
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        parse::<EmbeddingsBody>(&body.to_string())?.check()
    }

    #[test]
    fn texts_and_tokens_alone_or_many_are_taken() {
        for input in [json!("a"), json!(["a", "b"]), json!([1, 2.0]), json!([[1], [2, 3]])] {
            assert!(check(json!({"input": input})).is_ok(), "{input}");
        }
        let all = json!({"encoding_format": "base64", "dimensions": 8.0, "user": "u", "other": {"a": 1}});
        assert!(check(all).is_ok());
    }

    #[test]
    fn anything_else_is_refused_with_its_place() {
        let cases = [
            (json!({"model": null}), "model"),
            (json!({"input": null}), "input"),
            (json!({"input": ""}), "input"),
            (json!({"input": 7}), "input"),
            (json!({"input": {}}), "input"),
            (json!({"input": []}), "input"),
            (json!({"input": [""]}), "input[0]"),
            (json!({"input": ["a", 1]}), "input[1]"),
            (json!({"input": [1, "a"]}), "input[1]"),
            (json!({"input": [1, -1]}), "input[1]"),
            (json!({"input": [1.5]}), "input[0]"),
            (json!({"input": [null]}), "input[0]"),
            (json!({"input": [[1], []]}), "input[1]"),
            (json!({"input": [[1], 2]}), "input[1]"),
            (json!({"input": [[1], ["a"]]}), "input[1][0]"),
            (json!({"encoding_format": "int8"}), "encoding_format"),
            (json!({"dimensions": 0}), "dimensions"),
            (json!({"user": 1}), "user"),
        ];
        for (fields, param) in cases {
            assert_eq!(check(fields.clone()).unwrap_err().param(), Some(param), "{fields}");
        }
    }
}
