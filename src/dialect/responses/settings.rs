//! Settings that chat has under another name or in another form.

use super::{Inexpressible, Object, given, required, text};
use serde_json::{Value, json};

/// What to include to be told log probabilities.
const LOGPROBS: &str = "message.output_text.logprobs";

/// The chat request's fields for form, effort, length and log probabilities.
pub(super) fn fields(body: &Object) -> Result<Object, Inexpressible> {
    let mut fields = Object::new();
    let mut set = |field: &str, value: Option<Value>| {
        value.and_then(|value| fields.insert(field.to_owned(), value));
    };
    set("max_completion_tokens", given(body, "max_output_tokens").cloned());
    let (format, verbosity) = form(body)?;
    set("response_format", format);
    set("verbosity", verbosity);
    set("reasoning_effort", effort(body)?);
    if wants_logprobs(body)? {
        set("logprobs", Some(Value::from(true)));
        set("top_logprobs", given(body, "top_logprobs").cloned());
    }
    if body.get("stream").is_some_and(|stream| stream == true) {
        set("stream_options", Some(json!({"include_usage": true})));
    }
    Ok(fields)
}

/// An object among the settings.
fn section<'a>(body: &'a Object, field: &'static str) -> Result<Option<&'a Object>, Inexpressible> {
    match given(body, field) {
        None => Ok(None),
        Some(Value::Object(section)) => Ok(Some(section)),
        Some(_) => Err(Inexpressible::new(field, "must be an object")),
    }
}

fn form(body: &Object) -> Result<(Option<Value>, Option<Value>), Inexpressible> {
    let Some(section) = section(body, "text")? else { return Ok((None, None)) };
    let format = match given(section, "format") {
        None => None,
        Some(Value::Object(format)) => format_of(format)?,
        Some(_) => return Err(Inexpressible::new("text.format", "must be an object")),
    };
    let verbosity = text(section, "verbosity", || "text.verbosity".to_owned())?;
    Ok((format, verbosity.map(Value::from)))
}

/// Chat has the schema's fields in an object of their own.
fn format_of(format: &Object) -> Result<Option<Value>, Inexpressible> {
    match required(format, "type", || "text.format.type".to_owned())? {
        "text" => Ok(None),
        "json_object" => Ok(Some(json!({"type": "json_object"}))),
        "json_schema" => {
            required(format, "name", || "text.format.name".to_owned())?;
            if !format.get("schema").is_some_and(Value::is_object) {
                return Err(Inexpressible::new("text.format.schema", "must be an object"));
            }
            let schema = format.iter().filter(|(field, value)| *field != "type" && !value.is_null());
            let schema: Object = schema.map(|(field, value)| (field.clone(), value.clone())).collect();
            Ok(Some(json!({"type": "json_schema", "json_schema": schema})))
        }
        _ => Err(Inexpressible::new("text.format.type", "must be text, json_object or json_schema")),
    }
}

/// `summary` has no counterpart and needs none: reasoning is told where the model tells it.
fn effort(body: &Object) -> Result<Option<Value>, Inexpressible> {
    let Some(section) = section(body, "reasoning")? else { return Ok(None) };
    if given(section, "mode").is_some_and(|mode| mode != "standard") {
        return Err(Inexpressible::new("reasoning.mode", "must be standard"));
    }
    if given(section, "context").is_some_and(|context| context == "all_turns") {
        return Err(Inexpressible::new("reasoning.context", "the reasoning of earlier turns is not told again here"));
    }
    Ok(text(section, "effort", || "reasoning.effort".to_owned())?.map(Value::from))
}

/// Everything else that can be included is about tools that OpenAI runs itself, or is nothing but its store's: encrypted
/// reasoning is never given, because reasoning is not taken back either.
fn wants_logprobs(body: &Object) -> Result<bool, Inexpressible> {
    let included = match given(body, "include") {
        None => &[],
        Some(Value::Array(included)) => included.as_slice(),
        Some(_) => return Err(Inexpressible::new("include", "must be an array")),
    };
    if let Some(at) = included.iter().position(|one| !one.is_string()) {
        return Err(Inexpressible::new(format!("include[{at}]"), "must be text"));
    }
    let wants_some = given(body, "top_logprobs").is_some_and(|top| top != 0);
    Ok(wants_some || included.iter().any(|one| one == LOGPROBS))
}
