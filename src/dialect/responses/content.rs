//! Parts of messages and of what functions gave.

use super::{Inexpressible, Object, given, required, text};
use serde_json::{Value, json};

/// Who speaks, and so what may be said.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Speaker {
    /// Texts.
    System,
    /// Texts, pictures, files and sound.
    User,
    /// Texts and refusals.
    Assistant,
    /// Texts, pictures and files.
    Function,
}

/// Content as chat has it. A single text stays a text, because some providers take nothing else.
pub(super) fn content(value: Option<&Value>, speaker: Speaker, path: &str) -> Result<Value, Inexpressible> {
    let parts = match value {
        Some(text @ Value::String(_)) => return Ok(text.clone()),
        Some(Value::Array(parts)) => parts.iter().enumerate(),
        _ => return Err(Inexpressible::new(path, "must be text or an array of parts")),
    };
    let mut parts = parts
        .map(|(index, part)| part_of(part, speaker, |field| format!("{path}[{index}]{field}")))
        .collect::<Result<Vec<_>, _>>()?;
    match parts.as_mut_slice() {
        [] => Ok(Value::from("")),
        [Value::Object(part)] if part.len() == 2 && part["type"] == "text" => Ok(part["text"].take()),
        _ => Ok(Value::from(parts)),
    }
}

fn part_of(part: &Value, speaker: Speaker, path: impl Fn(&str) -> String) -> Result<Value, Inexpressible> {
    use Speaker::{Assistant, Function, User};
    let Value::Object(given_part) = part else {
        return Err(Inexpressible::new(path(""), "must be an object"));
    };
    let mut part = match (required(given_part, "type", || path(".type"))?, speaker) {
        ("input_text" | "output_text", _) => {
            json!({"type": "text", "text": required(given_part, "text", || path(".text"))?})
        }
        ("refusal", Assistant) => {
            json!({"type": "refusal", "refusal": required(given_part, "refusal", || path(".refusal"))?})
        }
        ("input_image", User | Function) => image(given_part, &path)?,
        ("input_file", User | Function) => file(given_part, &path)?,
        ("input_audio", User) => json!({"type": "input_audio", "input_audio": given_part.get("input_audio")}),
        (kind, _) => return Err(Inexpressible::new(path(".type"), format!("`{kind}` can't be told here"))),
    };
    if let Some(breakpoint) = given(given_part, "prompt_cache_breakpoint") {
        part["prompt_cache_breakpoint"] = breakpoint.clone();
    }
    Ok(part)
}

fn image(part: &Object, path: impl Fn(&str) -> String) -> Result<Value, Inexpressible> {
    let Some(url) = text(part, "image_url", || path(".image_url"))? else {
        let problem = "no file is stored here: send a URL or the picture itself, as a data URL, in `image_url`";
        return Err(Inexpressible::new(path(".file_id"), problem));
    };
    let mut image = json!({"url": url});
    // The default need not be said.
    if let Some(detail) = text(part, "detail", || path(".detail"))?.filter(|detail| *detail != "auto") {
        image["detail"] = Value::from(detail);
    }
    Ok(json!({"type": "image_url", "image_url": image}))
}

/// `detail` says how finely to draw the file and has no counterpart.
fn file(part: &Object, path: impl Fn(&str) -> String) -> Result<Value, Inexpressible> {
    if given(part, "file_url").is_some() {
        let problem = "files are not fetched here: send the file itself, in base64, in `file_data`";
        return Err(Inexpressible::new(path(".file_url"), problem));
    }
    let mut file = Object::new();
    for field in ["file_data", "file_id", "filename"] {
        if let Some(value) = text(part, field, || path(&format!(".{field}")))? {
            file.insert(field.to_owned(), Value::from(value));
        }
    }
    if !file.contains_key("file_data") && !file.contains_key("file_id") {
        return Err(Inexpressible::new(path(".file_data"), "must be given"));
    }
    Ok(json!({"type": "file", "file": file}))
}
