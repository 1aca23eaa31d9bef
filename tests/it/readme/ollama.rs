//! A small server that plays Ollama: `POST /v1/chat/completions` as Ollama answers it, and nothing else.

use axum::{Json, Router, routing::post};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::{net::TcpListener, task::JoinHandle};

/// What it says to everything.
pub(super) const ANSWER: &str = "Because of Rayleigh scattering.";

/// The server, for as long as this lives.
pub(super) struct Ollama {
    /// Host and port.
    pub(super) address: String,
    asked_for: Arc<Mutex<Vec<String>>>,
    server: JoinHandle<()>,
}

impl Ollama {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = format!("localhost:{}", listener.local_addr().expect("an address").port());
        let asked_for = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked_for);
        let answer = move |Json(body): Json<Value>| async move {
            assert!(body["messages"].is_array(), "{body}");
            seen.lock().expect("no panics").push(body["model"].as_str().unwrap_or_default().to_owned());
            Json(json!({
                "id": "chatcmpl-817", "object": "chat.completion", "created": 1_763_000_000, "model": body["model"],
                "system_fingerprint": "fp_ollama",
                "choices": [{"index": 0, "message": {"role": "assistant", "content": ANSWER}, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 13, "completion_tokens": 7, "total_tokens": 20},
            }))
        };
        let routes = Router::new().route("/v1/chat/completions", post(answer));
        let server = tokio::spawn(async move { axum::serve(listener, routes).await.expect("it serves") });
        Self { address, asked_for, server }
    }

    /// The models of all requests so far.
    pub(super) fn asked_for(&self) -> Vec<String> {
        self.asked_for.lock().expect("no panics").clone()
    }
}

impl Drop for Ollama {
    fn drop(&mut self) {
        self.server.abort();
    }
}
