//! Parts of messages as content blocks.

use super::{Inexpressible, Object, given, id::portable};
use serde::de::IgnoredAny;
use serde_json::{Value, json};

/// A piece of a turn.
pub(super) enum Block<'a> {
    /// Text that is not blank: Anthropic takes no other.
    Text(&'a str),
    /// What stands before it is worth keeping in Anthropic's cache: a part's `cache_control`, as it was given.
    Mark(&'a Object),
    /// A picture.
    Image(Image<'a>),
    /// A PDF in base64, and its name.
    Document { base64: &'a str, title: Option<&'a str> },
    /// A tool called.
    Call(Call<'a>),
    /// What a tool gave: the call that it answers, and content that may be nothing.
    Result { id: &'a str, content: Vec<Block<'a>> },
}

/// Which parts may be in a message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Parts {
    /// Texts.
    Texts,
    /// Texts, pictures and files.
    All,
}

/// A picture.
pub(super) enum Image<'a> {
    /// Where it is.
    Url(&'a str),
    /// What it is.
    Inline { media_type: &'static str, base64: &'a str },
}

/// A tool called by the assistant.
pub(super) struct Call<'a> {
    id: &'a str,
    name: &'a str,
    arguments: &'a str,
    /// Message and place in it, for the path in an error.
    at: (usize, usize),
}

/// Blocks as Anthropic writes them, each with the mark that follows it.
pub(super) fn told<'b, 'a: 'b>(blocks: impl IntoIterator<Item = &'b Block<'a>>) -> Result<Value, Inexpressible> {
    let mut told: Vec<Value> = Vec::new();
    for block in blocks {
        match (block, told.last_mut()) {
            (Block::Mark(control), Some(marked)) => marked["cache_control"] = json!(control),
            (Block::Mark(_), None) => {}
            _ => told.push(block.json()?),
        }
    }
    Ok(Value::from(told))
}

/// How many marks there are, those in results included.
pub(super) fn marks(blocks: &[Block<'_>]) -> usize {
    let of = |block: &Block<'_>| match block {
        Block::Mark(_) => 1,
        Block::Result { content, .. } => marks(content),
        _ => 0,
    };
    blocks.iter().map(of).sum()
}

/// Takes out so many marks from the beginning on, as far as there are.
pub(super) fn forget_marks(blocks: &mut Vec<Block<'_>>, excess: &mut usize) {
    blocks.retain_mut(|block| match block {
        Block::Mark(_) if *excess > 0 => {
            *excess -= 1;
            false
        }
        Block::Result { content, .. } => {
            forget_marks(content, excess);
            true
        }
        _ => true,
    });
}

/// The blocks of a message's `content`.
pub(super) fn blocks(message: &Object, at: usize, allowed: Parts) -> Result<Vec<Block<'_>>, Inexpressible> {
    match given(message, "content") {
        None => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(Block::of_text(text).into_iter().collect()),
        Some(Value::Array(parts)) => {
            let mut blocks = Vec::with_capacity(parts.len());
            for (index, part) in parts.iter().enumerate() {
                let block = Block::of_part(part, allowed, || format!("messages[{at}].content[{index}]"))?;
                let mark = part["cache_control"].as_object().filter(|_| block.is_some());
                blocks.extend(block.into_iter().chain(mark.map(Block::Mark)));
            }
            Ok(blocks)
        }
        Some(_) => Err(Inexpressible::new(format!("messages[{at}].content"), "must be text or an array of parts")),
    }
}

impl<'a> Block<'a> {
    /// A text, unless it is blank.
    pub(super) fn of_text(text: &'a str) -> Option<Self> {
        (!text.trim().is_empty()).then_some(Self::Text(text))
    }

    fn of_part(part: &'a Value, allowed: Parts, path: impl Fn() -> String) -> Result<Option<Self>, Inexpressible> {
        let kind = part["type"].as_str().unwrap_or_default();
        match (kind, allowed) {
            ("text" | "refusal", _) => match part[kind].as_str() {
                Some(text) => Ok(Self::of_text(text)),
                None => Err(Inexpressible::new(format!("{}.{kind}", path()), "must be text")),
            },
            ("image_url", Parts::All) => {
                let problem = |problem| Inexpressible::new(format!("{}.image_url.url", path()), problem);
                Image::of(&part["image_url"]["url"]).map(|image| Some(Self::Image(image))).map_err(problem)
            }
            ("file", Parts::All) => {
                let problem = |problem| Inexpressible::new(format!("{}.file.file_data", path()), problem);
                Self::document(&part["file"]).map(Some).map_err(problem)
            }
            _ => Err(Inexpressible::new(format!("{}.type", path()), "Anthropic takes no such part here")),
        }
    }

    /// Reads `data:application/pdf;base64,…`, or base64 alone that begins as PDF does.
    fn document(file: &'a Value) -> Result<Self, &'static str> {
        let data =
            file["file_data"].as_str().ok_or("no file is stored at Anthropic: send the file itself, in base64")?;
        let base64 = match data_url(data) {
            Some((media_type, base64)) if media_type.eq_ignore_ascii_case("application/pdf") => base64,
            None if data.starts_with("JVBERi") => data,
            _ => return Err("Anthropic takes PDF in base64"),
        };
        Ok(Self::Document { base64, title: file["filename"].as_str().filter(|name| !name.is_empty()) })
    }

    /// The block as Anthropic writes it; a mark is none.
    fn json(&self) -> Result<Value, Inexpressible> {
        Ok(match self {
            Self::Text(text) => json!({"type": "text", "text": text}),
            Self::Mark(_) => Value::Null,
            Self::Image(image) => json!({"type": "image", "source": image.source()}),
            Self::Document { base64, title } => {
                let source = json!({"type": "base64", "media_type": "application/pdf", "data": base64});
                let mut document = json!({"type": "document", "source": source});
                if let Some(title) = title {
                    document["title"] = Value::from(*title);
                }
                document
            }
            Self::Call(call) => {
                json!({"type": "tool_use", "id": portable(call.id), "name": call.name, "input": call.input()?})
            }
            Self::Result { id, content } => {
                let mut result = json!({"type": "tool_result", "tool_use_id": portable(id)});
                match content.as_slice() {
                    [] => {}
                    [Self::Text(text)] => result["content"] = Value::from(*text),
                    blocks => result["content"] = told(blocks)?,
                }
                result
            }
        })
    }
}

impl<'a> Image<'a> {
    /// Reads a URL or `data:image/png;base64,…`; the data itself is Anthropic's to check.
    fn of(url: &'a Value) -> Result<Self, &'static str> {
        let url = url.as_str().ok_or("must be text")?;
        let Some((media_type, base64)) = data_url(url) else {
            let scheme = url.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
            return match scheme.as_deref() {
                Some("https" | "http") => Ok(Self::Url(url)),
                _ => Err("Anthropic takes web addresses and data URLs in base64"),
            };
        };
        let media_type = match media_type.to_ascii_lowercase().as_str() {
            "image/png" => "image/png",
            "image/jpeg" | "image/jpg" => "image/jpeg",
            "image/gif" => "image/gif",
            "image/webp" => "image/webp",
            _ => return Err("Anthropic takes PNG, JPEG, GIF and WebP"),
        };
        Ok(Self::Inline { media_type, base64 })
    }

    fn source(&self) -> Value {
        match self {
            Self::Url(url) => json!({"type": "url", "url": url}),
            Self::Inline { media_type, base64 } => json!({"type": "base64", "media_type": media_type, "data": base64}),
        }
    }
}

/// Type and data of a data URL in base64.
fn data_url(url: &str) -> Option<(&str, &str)> {
    let (media, base64) = url.strip_prefix("data:")?.split_once(',').filter(|(_, base64)| !base64.is_empty())?;
    let media = media.strip_suffix(";base64")?;
    Some((media.split(';').next().unwrap_or_default(), base64))
}

impl<'a> Call<'a> {
    /// Reads `messages[at].tool_calls[index]`.
    pub(super) fn of(call: &'a Value, at: usize, index: usize) -> Result<Self, Inexpressible> {
        let path = |field: &str| format!("messages[{at}].tool_calls[{index}].{field}");
        if !(call["type"].is_null() || call["type"] == "function") {
            return Err(Inexpressible::new(path("type"), "Anthropic takes functions only"));
        }
        let Some(id) = call["id"].as_str().filter(|id| !id.is_empty()) else {
            return Err(Inexpressible::new(path("id"), "must be given"));
        };
        let function = &call["function"];
        let Some(name) = function["name"].as_str() else {
            return Err(Inexpressible::new(path("function.name"), "must be text"));
        };
        let arguments = function["arguments"].as_str().unwrap_or("{}");
        let call = Self { id, name, arguments, at: (at, index) };
        if call.is_plausible() { Ok(call) } else { Err(call.unreadable()) }
    }

    /// Whether the arguments have an object's syntax. No arguments at all are an empty object: models say it so.
    fn is_plausible(&self) -> bool {
        let arguments = self.arguments.trim_start();
        arguments.is_empty() || (arguments.starts_with('{') && serde_json::from_str::<IgnoredAny>(arguments).is_ok())
    }

    fn input(&self) -> Result<Object, Inexpressible> {
        if self.arguments.trim_start().is_empty() {
            return Ok(Object::new());
        }
        serde_json::from_str(self.arguments).map_err(|_| self.unreadable())
    }

    fn unreadable(&self) -> Inexpressible {
        let (at, index) = self.at;
        let field = format!("messages[{at}].tool_calls[{index}].function.arguments");
        Inexpressible::new(field, "Anthropic takes a JSON object")
    }
}
