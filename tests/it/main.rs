//! One binary, a file per behaviour.

mod access;
mod bills;
mod caching;
mod classifier;
mod data_handling;
mod dialects;
mod embeddings;
mod encoder;
mod failover;
mod faults_mix;
mod full_log;
mod gateway_app;
mod http_chat;
mod http_edge;
mod http_feedback;
mod http_route;
mod imports;
mod kill;
mod named;
mod readme;
mod sdk;
mod sessions;
mod support;
mod upstream;
