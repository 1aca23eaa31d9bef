//! Messages of a conversation, as far as routing looks at them. What is not looked at passes through unharmed.

use super::{super::error::ApiError, Object};
use crate::domain::{self, Prompt, Turn};
use serde::{
    Deserialize, Deserializer,
    de::{Error, SeqAccess, Visitor},
};
use std::{borrow::Cow, fmt};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Ref, RefOr, Schema, Type},
};

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    /// Instructions of the application.
    System,
    /// The same under its newer name.
    Developer,
    /// The person.
    User,
    /// A model.
    Assistant,
    /// The result of a tool.
    Tool,
    /// The same under its older name.
    Function,
}

impl From<Role> for domain::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::System | Role::Developer => Self::System,
            Role::User => Self::User,
            Role::Assistant => Self::Assistant,
            Role::Tool | Role::Function => Self::Tool,
        }
    }
}

/// One message; other fields of OpenAI's are passed on.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
pub(crate) struct Message {
    /// Who speaks.
    pub(super) role: Role,
    /// Text, or an array of parts (`text`, `image_url` and others).
    #[serde(default)]
    #[schema(value_type = Option<ContentSchema>)]
    pub(super) content: Content,
}

/// Text, or parts in order.
#[derive(ToSchema)]
#[schema(as = Content, example = "What is the capital of France?")]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is used; `Content` reads the same with exact paths in errors")]
pub(crate) enum ContentSchema {
    /// Text.
    Text(String),
    /// Parts.
    Parts(Vec<PartSchema>),
}

/// A part of a message.
#[derive(ToSchema)]
#[schema(as = Part)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is used; `Part` reads the same with exact paths in errors")]
pub(crate) enum PartSchema {
    /// A text.
    Text(TextPart),
    /// An image or anything else.
    Other(OtherPart),
}

/// A part that is text.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct TextPart {
    /// That it is text.
    r#type: TextKind,
    /// The text.
    text: String,
}

/// What texts are called; the latter two in the Responses API.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) enum TextKind {
    /// In chat completions.
    Text,
    /// Given to a model.
    InputText,
    /// Given by one.
    OutputText,
}

/// A part that is not text; all of its fields are passed on.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct OtherPart {
    /// `image_url`, `input_audio`, `file`, …
    #[schema(pattern = "^(?!(text|input_text|output_text)$)", example = "image_url")]
    r#type: String,
    /// A caption or the like.
    text: Option<String>,
}

/// A part of a message.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Part {
    r#type: String,
    #[serde(default)]
    text: Option<String>,
}

/// Content reduced to what routing needs: the text of all parts joined by newlines, and what else is among them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Content {
    text: String,
    images: bool,
    /// Anything that is not text, images among it.
    attached: bool,
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContentVisitor)
    }
}

struct ContentVisitor;

impl<'de> Visitor<'de> for ContentVisitor {
    type Value = Content;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or an array of parts")
    }

    fn visit_unit<E: Error>(self) -> Result<Content, E> {
        Ok(Content::default())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Content, E> {
        self.visit_string(text.to_owned())
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Content, E> {
        Ok(Content { text, ..Content::default() })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Content, A::Error> {
        let mut content = Content::default();
        while let Some(Object(part)) = parts.next_element::<Object<CheckedPart>>()? {
            content.add(part.0);
        }
        Ok(content)
    }
}

/// A part that has its text if it is a text part.
struct CheckedPart(Part);

impl<'de> Deserialize<'de> for CheckedPart {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let part = Part::deserialize(deserializer)?;
        if part.text.is_none() && part.is_text() {
            return Err(Error::missing_field("text"));
        }
        Ok(Self(part))
    }
}

impl Part {
    fn is_text(&self) -> bool {
        matches!(self.r#type.as_str(), "text" | "input_text" | "output_text")
    }
}

impl Content {
    fn add(&mut self, part: Part) {
        self.attached |= !part.is_text();
        self.images |= matches!(part.r#type.as_str(), "image_url" | "input_image" | "image");
        if let Some(text) = part.text {
            if !self.text.is_empty() {
                self.text.push('\n');
            }
            self.text.push_str(&text);
        }
    }

    fn is_empty(&self) -> bool {
        !self.attached && self.text.trim().is_empty()
    }
}

/// `input` of a routing request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Input {
    /// One user message.
    Text(String),
    /// A conversation.
    Messages(Vec<Object<Message>>),
}

/// The schema of [`Input`].
pub(crate) struct InputSchema;

impl PartialSchema for InputSchema {
    fn schema() -> RefOr<Schema> {
        let text =
            ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).description(Some("One user message."));
        let messages = Ref::from_schema_name(Message::name());
        let messages = ArrayBuilder::new().items(messages).min_items(Some(1)).description(Some("A conversation."));
        let input = OneOfBuilder::new().item(text).item(messages);
        input.description(Some("One user message as text, or a conversation.")).into()
    }
}

impl ToSchema for InputSchema {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Input")
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((Message::name().into_owned(), Message::schema()));
        Message::schemas(schemas);
    }
}

impl<'de> Deserialize<'de> for Input {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(InputVisitor)
    }
}

struct InputVisitor;

impl<'de> Visitor<'de> for InputVisitor {
    type Value = Input;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or an array of messages")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Input, E> {
        Ok(Input::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Input, A::Error> {
        let mut messages = Vec::new();
        while let Some(message) = items.next_element()? {
            messages.push(message);
        }
        Ok(Input::Messages(messages))
    }
}

impl Input {
    /// The prompt that routing sees.
    ///
    /// # Errors
    /// 400 when nothing is asked, see [`prompt`].
    pub(super) fn into_prompt(self) -> Result<Prompt, ApiError> {
        match self {
            Self::Messages(messages) => prompt(messages, "input"),
            Self::Text(text) if text.trim().is_empty() => Err(ApiError::invalid("input", "input is empty")),
            Self::Text(text) => Ok(Prompt::user(text)),
        }
    }
}

/// Turns messages into the prompt that routing sees; `field` names where they stood.
///
/// # Errors
/// 400 when there is no message, no user's among them, or a user's says nothing.
pub(super) fn prompt(messages: Vec<Object<Message>>, field: &str) -> Result<Prompt, ApiError> {
    if messages.is_empty() {
        return Err(ApiError::invalid(field, format!("{field} is empty; at least one message is needed")));
    }
    if !messages.iter().any(|Object(m)| m.role == Role::User) {
        let message = format!("{field} has no message of the role `user`; there is nothing to answer");
        return Err(ApiError::invalid(field, message));
    }
    let silent = messages.iter().position(|Object(m)| m.role == Role::User && m.content.is_empty());
    if let Some(i) = silent {
        let at = format!("{field}[{i}].content");
        return Err(ApiError::invalid(
            at.clone(),
            format!("{at}: a user's message has neither text nor anything else"),
        ));
    }
    let mut prompt = Prompt::default();
    prompt.requirements.vision = messages.iter().any(|Object(m)| m.content.images);
    prompt.turns = messages.into_iter().map(|Object(m)| Turn { role: m.role.into(), text: m.content.text }).collect();
    Ok(prompt)
}
