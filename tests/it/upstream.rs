//! A provider on a real socket of the loopback: OpenAI's chat completions and embeddings, Anthropic's Messages, whole and
//! streamed, with every way of going wrong that a [`Script`] can ask for.
//!
//! It takes what a real provider takes and refuses what one refuses, counts what it is asked, and keeps a bill of what it
//! answered.

mod act;
mod answer;
mod asked;
mod http;
mod said;
mod script;
mod serve;
#[cfg(test)]
mod tests;

pub(crate) use asked::Speech;
pub(crate) use said::Tokens;
pub(crate) use script::{Dice, Fault, Script};

use serde_json::Value;
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle, time::timeout};

/// How long [`Upstream::until`] waits: longer than any test should need.
const PATIENCE: Duration = Duration::from_secs(20);

/// A request that came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// `None` for a path that no dialect has.
    pub(crate) speech: Option<Speech>,
    /// Bearer token or `x-api-key`.
    pub(crate) key: Option<String>,
    /// Names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Value,
    /// What it met.
    pub(crate) fault: Fault,
    pub(crate) end: End,
}

impl Seen {
    pub(crate) fn model(&self) -> &str {
        self.body["model"].as_str().unwrap_or_default()
    }
}

/// How answering ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Not yet.
    Open,
    /// As the script wanted.
    Done,
    /// The caller hung up before.
    Abandoned,
}

/// What an answer costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bill {
    /// The completion.
    pub(crate) id: String,
    /// By the provider's name for it.
    pub(crate) model: String,
    pub(crate) key: Option<String>,
    pub(crate) tokens: Tokens,
    /// What the request met.
    pub(crate) fault: Fault,
    /// Whether all of the answer was sent, usage included. What was begun is billed too, but nobody can know how much.
    pub(crate) delivered: bool,
}

/// A provider. Dropped, it is gone with all its connections.
pub(crate) struct Upstream {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

struct Shared {
    name: String,
    state: Mutex<State>,
    changed: watch::Sender<()>,
}

struct State {
    script: Script,
    requests: Vec<Seen>,
    bills: BTreeMap<String, Bill>,
}

impl Upstream {
    /// Listens on a free port; `name` is in every id and text.
    pub(crate) async fn start(name: &str, script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let state = State { script, requests: Vec::new(), bills: BTreeMap::new() };
        let shared = Shared { name: name.to_owned(), state: Mutex::new(state), changed: watch::Sender::new(()) };
        let shared = Arc::new(shared);
        let server = tokio::spawn(serve::serve(listener, Arc::clone(&shared)));
        Self { address, shared, server }
    }

    /// The base URL up to and including the version.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Every request that came, in order.
    pub(crate) fn requests(&self) -> Vec<Seen> {
        self.shared.lock().requests.clone()
    }

    /// How many came.
    pub(crate) fn count(&self) -> usize {
        self.shared.lock().requests.len()
    }

    /// The keys that were shown, in order.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.shared.lock().requests.iter().map(|seen| seen.key.clone().unwrap_or_default()).collect()
    }

    /// The bill of every answer that was begun, by completion id.
    pub(crate) fn bills(&self) -> BTreeMap<String, Bill> {
        self.shared.lock().bills.clone()
    }

    /// The bill of one answer.
    pub(crate) fn bill(&self, id: &str) -> Option<Bill> {
        self.shared.lock().bills.get(id).cloned()
    }

    /// Waits until the requests look like this.
    ///
    /// # Panics
    /// When they don't for [`PATIENCE`].
    pub(crate) async fn until(&self, what: &str, holds: impl Fn(&[Seen]) -> bool) {
        let mut changes = self.shared.changed.subscribe();
        let wait = async {
            while !holds(&self.shared.lock().requests) {
                changes.changed().await.expect("the provider lives");
            }
        };
        let waited = timeout(PATIENCE, wait).await;
        assert!(waited.is_ok(), "{}: never {what}: {:?}", self.shared.name, self.requests());
    }

    /// Hangs up on everybody; from now on nobody can connect.
    pub(crate) async fn stop(&mut self) {
        self.server.abort();
        // An error says that it was aborted, as it should.
        let _ = (&mut self.server).await;
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics with it")
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.send_replace(());
    }
}
