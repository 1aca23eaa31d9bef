//! A caller's body, read once: what routing looks at, the chat request that it amounts to, and the body itself where
//! providers or answers need it.

use super::{
    super::{
        body::{Body, view},
        error::ApiError,
        wire::{Asked, ChatBody, make_whole, session},
    },
    words,
};
use crate::{
    dialect::{Object, Wire, messages, responses},
    domain::SessionId,
};
use serde_json::Value;
use std::sync::Arc;

/// Fields that are for this service alone.
const OURS: [&str; 3] = ["route", "models", "provider"];

/// A request that makes sense.
#[derive(Debug)]
pub(super) struct Understood {
    /// What routing looks at.
    pub(super) asked: Asked,
    /// The chat request, without our own fields.
    pub(super) hub: Object,
    /// The caller's body, without our own fields; nothing where it is the chat request.
    pub(super) own: Option<Arc<Object>>,
    /// Whether a stream shall end with the tokens used.
    pub(super) wants_usage: bool,
}

impl Understood {
    /// Reads a body.
    ///
    /// # Errors
    /// 400 that names the field, as the caller calls it.
    pub(super) fn read(wire: Wire, body: &Body, is_policy: impl Fn(&str) -> bool) -> Result<Self, ApiError> {
        let mut own = body.object()?;
        make_whole(&mut own);
        let (mut hub, mut own) = match wire {
            Wire::Chat => (own, None),
            Wire::Messages => (messages::chat_request(&own)?, Some(own)),
            Wire::Responses => (responses::chat_request(&own)?, Some(own)),
        };
        let mut asked = asked(wire, body, &hub, is_policy)?;
        for field in OURS {
            hub.remove(field);
            own.as_mut().and_then(|own| own.remove(field));
        }
        let named = session_of(wire, own.as_mut().unwrap_or(&mut hub));
        asked.options.session_id = asked.options.session_id.or(named);
        let wants_usage = wire != Wire::Chat || wants_usage(&hub);
        Ok(Self { asked, hub, own: own.map(Arc::new), wants_usage })
    }
}

fn asked(wire: Wire, body: &Body, hub: &Object, is_policy: impl Fn(&str) -> bool) -> Result<Asked, ApiError> {
    let asked = view::<ChatBody>(hub).and_then(|body| body.into_asked(is_policy));
    asked.map_err(|error| match wire {
        // Only the text knows in which line the fault is.
        Wire::Chat => body.json::<ChatBody>().err().unwrap_or(error),
        Wire::Messages | Wire::Responses => words::of_callers(error, wire),
    })
}

/// The session that `metadata` names. It is the caller's field: what is no proper name means something else there. Anthropic
/// takes none in it, so it is taken out for Anthropic.
fn session_of(wire: Wire, body: &mut Object) -> Option<SessionId> {
    const FIELD: &str = "session_id";
    let metadata = body.get_mut("metadata")?.as_object_mut()?;
    let named = session(metadata.get(FIELD)?.as_str()?, FIELD).ok()?;
    if wire == Wire::Messages {
        metadata.remove(FIELD);
        if metadata.is_empty() {
            body.remove("metadata");
        }
    }
    Some(named)
}

fn wants_usage(chat: &Object) -> bool {
    chat.get("stream_options").and_then(|options| options.get("include_usage")) == Some(&Value::Bool(true))
}
