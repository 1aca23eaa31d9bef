//! Shapes of requests and answers. They read and render; what they mean is the router's.

mod cache;
mod count;
mod decision;
mod embeddings;
mod events;
mod feedback;
mod keys;
mod message;
mod messages;
mod models;
mod names;
mod object;
mod openrouter;
mod record;
mod request;
mod responses;
mod size;
mod wishes;

pub(crate) use cache::{CacheBody, CacheQuery, ClearedBody};
pub(crate) use count::make_whole;
pub(crate) use decision::DecisionBody;
pub(crate) use embeddings::EmbeddingsBody;
pub(crate) use events::EventStream;
pub(crate) use feedback::{
    BatchBody, BatchReceipt, BatchResult, FeedbackBody, FeedbackSchema, MAX_BATCH, MAX_KEY, ReceiptBody,
};
pub(crate) use keys::{IssuedKeyBody, KeyBody, KeyList, NewKeyBody, RotationBody, UsageBody};
pub(crate) use messages::{CountBody, MessagesBody, TokenCount};
pub(crate) use models::{ModelBody, ModelList};
pub(crate) use object::Object;
pub(crate) use record::DecisionRecordBody;
pub(crate) use request::{Asked, ChatBody, RouteBody};
pub(crate) use responses::ResponsesBody;
pub(crate) use wishes::session;

#[cfg(test)]
mod tests;
