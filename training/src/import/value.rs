//! Texts and numbers out of cells, however a format writes them.

use serde_json::Value;
use std::borrow::Cow;

/// How formats write a value that is missing.
const MISSING: [&str; 5] = ["", "null", "none", "na", "n/a"];
/// Largest count of tokens: the table's columns hold 32 bits.
const MOST_TOKENS: f64 = i32::MAX as f64;

/// The text of a cell, numbers as they are written; `None` where there is none.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
    .filter(|text| !text.trim().is_empty())
}

/// A number; true is 1, false 0. NaN and infinities are passed on.
///
/// # Errors
/// The cell holds something else; the problem is told.
pub(super) fn number(value: &Value) -> Result<Option<f64>, String> {
    match value {
        Value::Null => Ok(None),
        Value::Bool(flag) => Ok(Some(f64::from(u8::from(*flag)))),
        Value::Number(number) => Ok(number.as_f64()),
        Value::String(text) => parsed(text.trim()),
        Value::Array(_) | Value::Object(_) => Err("a list or an object is not a number".to_owned()),
    }
}

fn parsed(text: &str) -> Result<Option<f64>, String> {
    match text.to_ascii_lowercase().as_str() {
        lower if MISSING.contains(&lower) => Ok(None),
        "true" => Ok(Some(1.0)),
        "false" => Ok(Some(0.0)),
        lower => lower.parse().map(Some).map_err(|_| format!("`{}` is not a number", shortened(text))),
    }
}

/// An amount of money in USD; NaN is how some programs write a missing number.
///
/// # Errors
/// It is negative, infinite or no number.
pub(super) fn cost(value: &Value) -> Result<Option<f64>, String> {
    match number(value)?.filter(|v| !v.is_nan()) {
        Some(v) if !(v >= 0.0 && v.is_finite()) => Err(format!("{v} is no cost")),
        amount => Ok(amount),
    }
}

/// A count of tokens; NaN is how some programs write a missing number.
///
/// # Errors
/// It is no whole number between 0 and 2³¹ − 1.
pub(super) fn tokens(value: &Value) -> Result<Option<f64>, String> {
    match number(value)?.filter(|v| !v.is_nan()) {
        Some(v) if !((0.0..=MOST_TOKENS).contains(&v) && v.fract() == 0.0) => Err(format!("{v} is no count of tokens")),
        count => Ok(count),
    }
}

/// Whether a cell could be a score.
pub(super) fn is_numeric(value: &Value) -> bool {
    matches!(number(value), Ok(Some(_)))
}

/// The value of a text that is JSON itself, as databases export such columns; any other value as it is.
pub(super) fn unfolded(value: &Value) -> Cow<'_, Value> {
    let folded = value.as_str().filter(|text| text.trim_start().starts_with(['{', '[']));
    match folded.and_then(|text| serde_json::from_str(text).ok()) {
        Some(inner) => Cow::Owned(inner),
        None => Cow::Borrowed(value),
    }
}

/// Enough of a text to find it again.
pub(super) fn shortened(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(40) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}
