//! Content blocks as parts of chat's messages. `cache_control` is a hint and is left out everywhere.

use super::{Inexpressible, Object, document, required, section};
use serde_json::{Value, json};

/// A content block.
pub(super) enum Block<'a> {
    /// A text, be it alone or in a block.
    Text(&'a str),
    /// A block of another kind.
    Other {
        /// Its type.
        kind: &'a str,
        /// All of its fields.
        fields: &'a Object,
    },
}

/// The blocks of some content, each with its path.
pub(super) fn blocks<'a>(content: Option<&'a Value>, path: &str) -> Result<Vec<(Block<'a>, String)>, Inexpressible> {
    match content {
        Some(Value::String(text)) => Ok(vec![(Block::Text(text), path.to_owned())]),
        Some(Value::Array(blocks)) => blocks
            .iter()
            .enumerate()
            .map(|(index, block)| {
                let path = format!("{path}[{index}]");
                Ok((Block::of(block, &path)?, path))
            })
            .collect(),
        _ => Err(Inexpressible::new(path, "must be text or an array of content blocks")),
    }
}

impl<'a> Block<'a> {
    fn of(block: &'a Value, path: &str) -> Result<Self, Inexpressible> {
        let Value::Object(fields) = block else {
            return Err(Inexpressible::new(path, "must be an object"));
        };
        match required(fields, "type", || format!("{path}.type"))? {
            "text" => Ok(Self::Text(required(fields, "text", || format!("{path}.text"))?)),
            kind => Ok(Self::Other { kind, fields }),
        }
    }

    /// Refuses a block that has no place where it stands.
    pub(super) fn misplaced(kind: &str, path: &str) -> Inexpressible {
        Inexpressible::new(format!("{path}.type"), format!("`{kind}` can't be told here"))
    }
}

/// Content that may be nothing but texts.
pub(super) fn texts(content: Option<&Value>, path: &str) -> Result<Vec<Value>, Inexpressible> {
    let mut texts = Vec::new();
    for (block, path) in blocks(content, path)? {
        match block {
            Block::Text(text) => texts.extend(text_part(text)),
            Block::Other { kind, .. } => return Err(Block::misplaced(kind, &path)),
        }
    }
    Ok(texts)
}

/// The parts that a block of a user or a tool amounts to; an empty text amounts to none.
pub(super) fn parts(block: &Block<'_>, path: &str) -> Result<Vec<Value>, Inexpressible> {
    match *block {
        Block::Text(text) => Ok(text_part(text).into_iter().collect()),
        Block::Other { kind: "image", fields } => Ok(vec![image(fields, path)?]),
        Block::Other { kind: "document", fields } => document::parts(fields, path),
        Block::Other { kind: "search_result", fields } => document::search_result(fields, path),
        Block::Other { kind, .. } => Err(Block::misplaced(kind, path)),
    }
}

/// A part with this text, unless it is empty.
pub(super) fn text_part(text: &str) -> Option<Value> {
    (!text.is_empty()).then(|| json!({"type": "text", "text": text}))
}

/// Parts as content. A single text stays a text, because some providers take nothing else.
pub(super) fn simple(mut parts: Vec<Value>) -> Value {
    match parts.as_mut_slice() {
        [] => Value::from(""),
        [part] if part["type"] == "text" => part["text"].take(),
        _ => Value::from(parts),
    }
}

/// The source of a picture or document, and its type.
pub(super) fn source<'a>(block: &'a Object, path: &str) -> Result<(&'a Object, &'a str), Inexpressible> {
    let Some(source) = section(block, "source", || format!("{path}.source"))? else {
        return Err(Inexpressible::new(format!("{path}.source"), "must be given"));
    };
    match required(source, "type", || format!("{path}.source.type"))? {
        "file" => {
            let problem = "no file is stored here: send a URL or the thing itself, in base64";
            Err(Inexpressible::new(format!("{path}.source.type"), problem))
        }
        kind => Ok((source, kind)),
    }
}

fn image(block: &Object, path: &str) -> Result<Value, Inexpressible> {
    let (source, kind) = source(block, path)?;
    let field = |field: &str| required(source, field, || format!("{path}.source.{field}"));
    let url = match kind {
        "url" => field("url")?.to_owned(),
        "base64" => format!("data:{};base64,{}", field("media_type")?, field("data")?),
        _ => return Err(Inexpressible::new(format!("{path}.source.type"), "must be url or base64")),
    };
    Ok(json!({"type": "image_url", "image_url": {"url": url}}))
}
