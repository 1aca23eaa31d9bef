//! Settings that chat has under another name or in another form.

use super::{Inexpressible, Object, array, given, required, section, text, token_limit};
use serde_json::{Value, json};

/// What chat calls the form of an answer: it needs a name, and the Messages API has none.
const FORMAT_NAME: &str = "answer";
/// OpenAI refuses a `user` with more characters. Some clients send more.
const MAX_USER: usize = 64;
/// The largest budgets of tokens for thinking that are a low and a medium effort. No two dialects agree on this; a budget
/// bounds thinking where an effort only suggests how much.
const LOW_BUDGET: u64 = 4096;
const MEDIUM_BUDGET: u64 = 16384;

/// The chat request's fields for length, stops, form, effort and user.
pub(super) fn fields(body: &Object) -> Result<Object, Inexpressible> {
    let mut fields = Object::new();
    let mut set = |field: &str, value: Option<Value>| {
        value.and_then(|value| fields.insert(field.to_owned(), value));
    };
    let Some(limit) = token_limit(body, "max_tokens")? else {
        return Err(Inexpressible::new("max_tokens", "must be given"));
    };
    set("max_completion_tokens", Some(Value::from(limit)));
    set("stop", stop(body)?);
    let config = section(body, "output_config", || "output_config".to_owned())?;
    set("response_format", format(body, config)?);
    set("reasoning_effort", effort(body, config)?);
    set("user", user(body)?);
    if body.get("stream").is_some_and(|stream| stream == true) {
        set("stream_options", Some(json!({"include_usage": true})));
    }
    Ok(fields)
}

fn stop(body: &Object) -> Result<Option<Value>, Inexpressible> {
    let sequences = array(body, "stop_sequences", || "stop_sequences".to_owned())?;
    if let Some(at) = sequences.iter().position(|sequence| !sequence.is_string()) {
        return Err(Inexpressible::new(format!("stop_sequences[{at}]"), "must be text"));
    }
    Ok((!sequences.is_empty()).then(|| Value::from(sequences)))
}

fn format(body: &Object, config: Option<&Object>) -> Result<Option<Value>, Inexpressible> {
    let newer = config.map(|config| section(config, "format", || "output_config.format".to_owned())).transpose()?;
    let older = || section(body, "output_format", || "output_format".to_owned());
    let (format, path) = match newer.flatten() {
        Some(format) => (format, "output_config.format"),
        None => match older()? {
            Some(format) => (format, "output_format"),
            None => return Ok(None),
        },
    };
    if required(format, "type", || format!("{path}.type"))? != "json_schema" {
        return Err(Inexpressible::new(format!("{path}.type"), "must be json_schema"));
    }
    let Some(schema) = section(format, "schema", || format!("{path}.schema"))? else {
        return Err(Inexpressible::new(format!("{path}.schema"), "must be given"));
    };
    // Anthropic keeps to the schema; so does chat if it is strict.
    let named = json!({"name": FORMAT_NAME, "schema": schema, "strict": true});
    Ok(Some(json!({"type": "json_schema", "json_schema": named})))
}

/// The effort, or the budget as one. To think as much as the model likes (`adaptive`) asks for nothing. Not to think can't be
/// asked of most models: those that think at will do, and the others refuse the question.
fn effort(body: &Object, config: Option<&Object>) -> Result<Option<Value>, Inexpressible> {
    let effort = config.map(|config| text(config, "effort", || "output_config.effort".to_owned())).transpose()?;
    if let Some(effort) = effort.flatten() {
        return Ok(Some(Value::from(effort)));
    }
    let Some(thinking) = section(body, "thinking", || "thinking".to_owned())? else { return Ok(None) };
    match required(thinking, "type", || "thinking.type".to_owned())? {
        "enabled" => {}
        "adaptive" | "disabled" | "between_tools" => return Ok(None),
        _ => return Err(Inexpressible::new("thinking.type", "must be enabled, adaptive, between_tools or disabled")),
    }
    match given(thinking, "budget_tokens").and_then(Value::as_u64) {
        Some(..=LOW_BUDGET) => Ok(Some(Value::from("low"))),
        Some(..=MEDIUM_BUDGET) => Ok(Some(Value::from("medium"))),
        Some(_) => Ok(Some(Value::from("high"))),
        None => Err(Inexpressible::new("thinking.budget_tokens", "must be a whole number")),
    }
}

/// A hint against abuse: one that others would refuse is left out.
fn user(body: &Object) -> Result<Option<Value>, Inexpressible> {
    let metadata = section(body, "metadata", || "metadata".to_owned())?;
    let user = metadata.map(|metadata| text(metadata, "user_id", || "metadata.user_id".to_owned())).transpose()?;
    Ok(user.flatten().filter(|user| user.chars().count() <= MAX_USER).map(Value::from))
}
