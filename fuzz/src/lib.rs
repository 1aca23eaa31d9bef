//! What is fuzzed: everything that reads bytes of callers or providers. Each target takes any bytes and must not panic; the laws
//! that it holds besides stand at the target.
//!
//! The service's files are taken as they are instead of depending on the whole of it: a fuzzer is then built in a minute.

#[path = "../../src/dialect/mod.rs"]
pub mod dialect;

mod gateway;
mod json;
mod talk;

pub use gateway::{frames, sse};
pub use talk::{answers, events, requests};
