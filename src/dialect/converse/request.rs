//! A chat request as a Converse body.

use super::{
    Inexpressible, Object, conversation::Conversation, format::Format, refusals, sampling::Sampling, tools::Tools,
};

/// A chat request that was found expressible; everything in it is borrowed.
struct Asked<'a> {
    conversation: Conversation<'a>,
    sampling: Sampling<'a>,
    tools: Option<Tools<'a>>,
    format: Format<'a>,
}

impl<'a> Asked<'a> {
    fn of(chat: &'a Object) -> Result<Self, Inexpressible> {
        refusals::check(chat)?;
        let sampling = Sampling::of(chat)?;
        let format = Format::of(chat)?;
        let conversation = Conversation::of(chat)?;
        let tools = Tools::of(chat, conversation.uses_tools())?;
        Ok(Self { conversation, sampling, tools, format })
    }

    fn body(&self, default_max_tokens: u32) -> Result<Object, Inexpressible> {
        let mut body = Object::new();
        body.insert("messages".to_owned(), self.conversation.messages()?);
        body.insert("inferenceConfig".to_owned(), self.sampling.json(default_max_tokens));
        let optional = [
            ("system", self.conversation.system()),
            ("toolConfig", self.tools.as_ref().map(Tools::json)),
            ("outputConfig", self.format.json()),
        ];
        body.extend(optional.into_iter().filter_map(|(field, value)| Some((field.to_owned(), value?))));
        Ok(body)
    }
}

/// The body of `Converse` or `ConverseStream` for a chat request; the model and whether to stream go into the URL.
/// `default_max_tokens` bounds the answer where the request doesn't: without a bound Bedrock reserves the model's longest
/// answer from the account's quota.
///
/// # Errors
/// The first wish that Converse has no words for; another model may understand it.
pub fn request(chat: &Object, default_max_tokens: u32) -> Result<Object, Inexpressible> {
    Asked::of(chat)?.body(default_max_tokens)
}

/// What [`request`] would refuse, found without copying. One fault is seen by `request` alone: arguments of a tool call that
/// are JSON by their syntax and yet can't be read, such as ones nested deeper than 127 levels.
#[must_use]
pub fn inexpressible(chat: &Object) -> Option<Inexpressible> {
    Asked::of(chat).err()
}
