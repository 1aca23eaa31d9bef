//! A chat request as a Messages body.

use super::{
    Inexpressible, Object, conversation::Conversation, format::Format, given, refusals, sampling::Sampling,
    tools::Tools,
};
use serde_json::Value;

/// A chat request that was found expressible; everything in it is borrowed.
struct Asked<'a> {
    /// The same in both dialects.
    shared: [(&'static str, Option<&'a Value>); 2],
    conversation: Conversation<'a>,
    sampling: Sampling<'a>,
    tools: Option<Tools<'a>>,
    format: Format<'a>,
}

impl<'a> Asked<'a> {
    fn of(chat: &'a Object) -> Result<Self, Inexpressible> {
        refusals::refuse(chat)?;
        Ok(Self {
            shared: ["model", "stream"].map(|field| (field, given(chat, field))),
            sampling: Sampling::of(chat)?,
            format: Format::of(chat)?,
            tools: Tools::of(chat)?,
            conversation: Conversation::of(chat)?,
        })
    }

    fn body(&self, default_max_tokens: u32) -> Result<Object, Inexpressible> {
        let mut body = Object::new();
        body.insert("messages".to_owned(), self.conversation.messages()?);
        let shared = self.shared.iter().map(|(field, value)| (*field, value.cloned()));
        let forced = self.tools.as_ref().is_some_and(Tools::are_forced);
        let fields = shared
            .chain([("system", self.conversation.system()?)])
            .chain(self.tools.iter().flat_map(Tools::fields))
            .chain(self.format.fields(!forced && !self.sampling.is_given()))
            .chain(self.sampling.fields(default_max_tokens));
        body.extend(fields.filter_map(|(field, value)| Some((field.to_owned(), value?))));
        Ok(body)
    }
}

/// The body of a Messages request for a chat request, with the same `model` and `stream`. `default_max_tokens` bounds the
/// answer where the request doesn't: Anthropic wants a bound.
///
/// The body says what was asked in the API's terms. Some models take less than that (the newest no sampling, no forced tool and
/// no assistant's words at the end, older ones no effort and no schema) and answer with status 400.
///
/// # Errors
/// The first wish that the Messages API has no words for; another provider may understand it.
pub fn request(chat: &Object, default_max_tokens: u32) -> Result<Object, Inexpressible> {
    Asked::of(chat)?.body(default_max_tokens)
}

/// What [`request`] would refuse, found without copying. One fault is seen by `request` alone: arguments of a tool call that
/// are JSON by their syntax and yet can't be read, such as ones nested deeper than 127 levels.
#[must_use]
pub fn inexpressible(chat: &Object) -> Option<Inexpressible> {
    Asked::of(chat).err()
}
