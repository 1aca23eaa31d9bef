//! Parts of messages as content blocks.

use super::{Inexpressible, Object, given};
use serde::de::IgnoredAny;
use serde_json::{Value, json};

/// Longest id of a tool call.
const MAX_CALL_ID: usize = 64;

/// A piece of a turn.
pub(super) enum Block<'a> {
    /// Text that is not blank: Bedrock takes no other.
    Text(&'a str),
    /// A picture.
    Image(Image<'a>),
    /// A tool called.
    Call(Call<'a>),
    /// What a tool gave.
    Result {
        /// The call that it answers.
        id: &'a str,
        /// Texts and pictures; may be none.
        content: Vec<Block<'a>>,
    },
}

/// Whether pictures may be among the parts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Images {
    /// They may.
    Allowed,
    /// They may not.
    Refused,
}

/// A picture in base64.
pub(super) struct Image<'a> {
    format: &'static str,
    base64: &'a str,
}

/// A tool called by the assistant.
pub(super) struct Call<'a> {
    id: &'a str,
    name: &'a str,
    arguments: &'a str,
    /// Message and place in it, for the path in an error.
    at: (usize, usize),
}

/// The blocks of a message's `content`.
pub(super) fn blocks(message: &Object, at: usize, images: Images) -> Result<Vec<Block<'_>>, Inexpressible> {
    match given(message, "content") {
        None => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(Block::of_text(text).into_iter().collect()),
        Some(Value::Array(parts)) => {
            let read = |(index, part)| Block::of_part(part, images, || format!("messages[{at}].content[{index}]"));
            parts.iter().enumerate().filter_map(|part| read(part).transpose()).collect()
        }
        Some(_) => Err(Inexpressible::new(format!("messages[{at}].content"), "must be text or an array of parts")),
    }
}

impl<'a> Block<'a> {
    /// A text, unless it is blank.
    pub(super) fn of_text(text: &'a str) -> Option<Self> {
        (!text.trim().is_empty()).then_some(Self::Text(text))
    }

    fn of_part(part: &'a Value, images: Images, path: impl Fn() -> String) -> Result<Option<Self>, Inexpressible> {
        let kind = part["type"].as_str().unwrap_or_default();
        match kind {
            "text" | "refusal" => match part[kind].as_str() {
                Some(text) => Ok(Self::of_text(text)),
                None => Err(Inexpressible::new(format!("{}.{kind}", path()), "must be text")),
            },
            "image_url" if images == Images::Allowed => {
                let problem = |problem| Inexpressible::new(format!("{}.image_url.url", path()), problem);
                Image::of(&part["image_url"]["url"]).map(|image| Some(Self::Image(image))).map_err(problem)
            }
            _ => Err(Inexpressible::new(format!("{}.type", path()), "Bedrock takes no such part here")),
        }
    }

    /// The block as Converse writes it.
    pub(super) fn json(&self) -> Result<Value, Inexpressible> {
        Ok(match self {
            Self::Text(text) => json!({"text": text}),
            Self::Image(Image { format, base64 }) => json!({"image": {"format": format, "source": {"bytes": base64}}}),
            Self::Call(call) => json!({"toolUse": {"toolUseId": call.id, "name": call.name, "input": call.input()?}}),
            Self::Result { id, content } => {
                let content: Value = content.iter().map(Self::json).collect::<Result<_, _>>()?;
                json!({"toolResult": {"toolUseId": id, "content": content}})
            }
        })
    }
}

impl<'a> Image<'a> {
    /// Reads `data:image/png;base64,…`; the data itself is Bedrock's to check.
    fn of(url: &'a Value) -> Result<Self, &'static str> {
        let url = url.as_str().ok_or("must be text")?;
        let (media, base64) = url
            .strip_prefix("data:")
            .and_then(|rest| rest.split_once(','))
            .filter(|(media, base64)| media.ends_with(";base64") && !base64.is_empty())
            .ok_or("Bedrock takes pictures inline only: a data URL in base64")?;
        let format = match media.split(';').next().map(str::to_ascii_lowercase).as_deref() {
            Some("image/png") => "png",
            Some("image/jpeg" | "image/jpg") => "jpeg",
            Some("image/gif") => "gif",
            Some("image/webp") => "webp",
            _ => return Err("Bedrock takes PNG, JPEG, GIF and WebP"),
        };
        Ok(Self { format, base64 })
    }
}

impl<'a> Call<'a> {
    /// Reads `messages[at].tool_calls[index]`.
    pub(super) fn of(call: &'a Value, at: usize, index: usize) -> Result<Self, Inexpressible> {
        let path = |field: &str| format!("messages[{at}].tool_calls[{index}].{field}");
        if !(call["type"].is_null() || call["type"] == "function") {
            return Err(Inexpressible::new(path("type"), "Bedrock has functions only"));
        }
        let id = call["id"].as_str().unwrap_or_default();
        check_id(id, || path("id"))?;
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
        Inexpressible::new(field, "Bedrock takes a JSON object")
    }
}

/// Ids of tool calls come back in results, so they can't be rewritten here.
pub(super) fn check_id(id: &str, path: impl FnOnce() -> String) -> Result<(), Inexpressible> {
    let fits = (1..=MAX_CALL_ID).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b':' | b'-'));
    if fits { Ok(()) } else { Err(Inexpressible::new(path(), "Bedrock takes 1 to 64 letters, digits and _.:-")) }
}
