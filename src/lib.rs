//! Satisfice: a self-hosted LLM router that picks the cheapest model predicted to be good enough.
//!
//! Modules, lowest first; each imports only modules above it in this list. `tests/it/imports.rs` holds that.

pub mod domain;

pub mod catalog;

pub mod policy;

pub mod telemetry;

pub mod encoder;

pub mod classifier;

pub mod dialect;

pub mod gateway;

pub mod store;

pub mod access;

pub mod cache;

pub mod config;

pub mod router;

pub mod http;

pub mod export;

pub mod app;

pub mod cli;
