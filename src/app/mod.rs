//! Wiring: from files and environment to a running service and back down again. Only this module names concrete adapters.
//!
//! [`Setup`] is what the operator asked for, checked; [`Engine`] is everything that decides; [`Service`] is an engine that
//! listens. [`serve()`] is the whole life of the process.

mod engine;
mod greeting;
mod serve;
mod service;
mod setup;

pub use engine::{Engine, gateway, model_folder};
pub use greeting::Greeting;
pub use serve::serve;
pub use service::{Service, bind, limits};
pub use setup::{ADMIN_KEY, Invocation, STORE_FILE, Setup, SetupError};

#[cfg(test)]
mod tests;
