//! What happens when a provider fails: either a right answer comes from somewhere, or one clear error; and decision,
//! headers, body, log and the providers' bills agree (see [`crate::gateway_app::Story`], which checks that every time).

mod breaker;
mod crossing;
mod faults;
mod keys;
mod leaving;
mod limits;
