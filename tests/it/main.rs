//! One binary, a file per behaviour.

mod http_chat;
mod http_edge;
mod http_feedback;
mod http_route;
mod support;
