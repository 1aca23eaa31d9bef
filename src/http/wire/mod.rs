//! Shapes of requests and answers. They read and render; what they mean is the router's.

mod decision;
mod feedback;
mod keys;
mod message;
mod models;
mod names;
mod object;
mod record;
mod request;
mod wishes;

pub(crate) use decision::DecisionBody;
pub(crate) use feedback::{BatchBody, BatchReceipt, BatchResult, FeedbackBody, MAX_BATCH, MAX_KEY, ReceiptBody};
pub(crate) use keys::{IssuedKeyBody, KeyBody, KeyList, NewKeyBody, RotationBody, UsageBody};
pub(crate) use models::{ModelBody, ModelList};
pub(crate) use object::Object;
pub(crate) use record::DecisionRecordBody;
pub(crate) use request::{Asked, ChatBody, RouteBody};

#[cfg(test)]
mod tests;
