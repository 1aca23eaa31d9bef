//! One binary, a file per behaviour.

mod access;
mod classifier;
mod encoder;
mod http_chat;
mod http_edge;
mod http_feedback;
mod http_route;
mod imports;
mod kill;
mod support;
