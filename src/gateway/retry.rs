//! What a failed call means: what to try next, and whom to blame.
//!
//! A failure has one [`Cause`]; everything else follows from that. Statuses say most of it. Where providers answer different
//! things with the same status, [`phrases`] tells them apart by the provider's words.

mod phrases;

use super::GatewayError;
use std::time::Duration;

/// What is worth trying after a failure. Each step includes those after it, once it is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// The same call again after a pause, as often as the setting allows.
    SameKey,
    /// The same model with another key of its provider.
    OtherKey,
    /// Another model.
    OtherModel,
    /// Nothing: it would fail everywhere, or the caller already has part of the answer.
    GiveUp,
}

/// Why a call failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// The provider is unwell, or its connection: 408, 424, 5xx, no connection, no answer in time, an unreadable one.
    Provider,
    /// Two requests got in each other's way: 409.
    Conflict,
    /// Too many requests with this key for this model: 429.
    Limit,
    /// The key is not accepted, or its account is empty: 401, 402, 403, and 429 that says so.
    Key,
    /// The key is fine, but not for this model.
    Access,
    /// The provider does not have this model, or not at this address: 404, 405, 410, 501, redirections.
    Model,
    /// This request is not for this model: too long, declined by a content filter, with a parameter it lacks.
    Fit,
    /// The request is wrong for any model: other 4xx.
    Request,
}

/// What a failure says about the key that was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyFault {
    /// It made too many requests of this model.
    RateLimited {
        /// The rest that the provider asks for.
        retry_after: Option<Duration>,
    },
    /// It is not accepted, or can't pay.
    Refused,
}

/// What to try after this failure. Once the caller has the first byte of an answer it is too late for anything.
pub(super) fn next(error: &GatewayError, before_first_byte: bool) -> Next {
    if !before_first_byte {
        return Next::GiveUp;
    }
    match cause(error) {
        // It had all the time that there is for one model.
        Cause::Provider if matches!(error, GatewayError::Timeout { .. }) => Next::OtherModel,
        Cause::Provider | Cause::Conflict => Next::SameKey,
        Cause::Limit | Cause::Key | Cause::Access => Next::OtherKey,
        Cause::Model | Cause::Fit => Next::OtherModel,
        Cause::Request => Next::GiveUp,
    }
}

/// Whether the provider failed, rather than the request, the key or a limit. A timeout counts, so don't ask when it was the
/// caller's own deadline that ran out.
pub(super) fn counts_against_breaker(error: &GatewayError) -> bool {
    cause(error) == Cause::Provider
}

/// Whether the key should rest. Never because of what one request says or wants: else one client could put every key to rest.
pub(super) fn key_fault(error: &GatewayError) -> Option<KeyFault> {
    match cause(error) {
        Cause::Limit => Some(KeyFault::RateLimited { retry_after: retry_after(error) }),
        Cause::Key => Some(KeyFault::Refused),
        _ => None,
    }
}

/// How long the provider asks to be left alone.
pub(super) fn retry_after(error: &GatewayError) -> Option<Duration> {
    match error {
        GatewayError::Status { retry_after, .. } => retry_after.map(Duration::from_secs),
        _ => None,
    }
}

fn cause(error: &GatewayError) -> Cause {
    match error {
        // What one provider can't be told another one perhaps can.
        GatewayError::NoAccess(_) | GatewayError::Unavailable { .. } => Cause::Model,
        GatewayError::Inexpressible { .. } => Cause::Fit,
        GatewayError::Connection { .. } | GatewayError::Timeout { .. } | GatewayError::Malformed { .. } => {
            Cause::Provider
        }
        GatewayError::Status { status, message, .. } => {
            phrases::cause(*status, message).unwrap_or_else(|| cause_of_status(*status))
        }
    }
}

/// The official SDKs try 408, 409, 429 and 5xx again; 424 is Bedrock's failure inside a model.
fn cause_of_status(status: u16) -> Cause {
    match status {
        409 => Cause::Conflict,
        429 => Cause::Limit,
        401..=403 => Cause::Key,
        300..=399 | 404 | 405 | 410 | 501 => Cause::Model,
        408 | 424 => Cause::Provider,
        400..=499 => Cause::Request,
        _ => Cause::Provider,
    }
}

#[cfg(test)]
mod tests;
