//! The service in memory: a stub encoder, heads of zeros, the simulated provider without waiting, a log in memory.

use axum::{
    body::{Body, to_bytes},
    http::{HeaderMap, Method, Request, StatusCode},
};
use metrics_exporter_prometheus::PrometheusBuilder;
use satisfice::{
    access::{AdminKey, KeyBook, Rules},
    catalog::Catalog,
    classifier::{CONTEXT, Classifier, artefact::Artefact, heads::LinearHead},
    config::{Flags, Inputs, Settings, Source, load},
    domain::TaskType,
    encoder::{
        DIMENSIONS, Embedding, EncodeError, Encoder, EncoderPool, Encoding, FusedEncoder, Manifest, ModelFolder,
        PoolOptions, Tokenizer, Tokens,
    },
    gateway::{Gateway, GatewayOptions, SimulatedWorld},
    http::{Door, HttpLimits, Readiness, service},
    router::{Clock, Fleet, Parts, Router, SystemClock},
    store::Store,
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Condvar, Mutex},
    time::Duration,
};
use tower::ServiceExt;

/// Reads words, knows one.
const TOKENIZER: &str = r#"{"version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
    "normalizer": null, "pre_tokenizer": {"type": "Whitespace"}, "post_processor": null, "decoder": null,
    "model": {"type": "WordLevel", "vocab": {"[UNK]": 0}, "unk_token": "[UNK]"}}"#;

/// A simulated model that never fails, and one that always does.
const MODELS: &str = r#"
[[models]]
id = "simulated/steady"
provider = "simulated"
upstream_name = "steady"
tier = "small"
context_window = 32768
max_output_tokens = 8192
capabilities = []
verbosity = 1.0
price = { input = 1.0, output = 1.0, source = "made up", as_of = "2026-11-22" }
[models.simulated]
ability = 0.0
failure_rate = 0.0

[[models]]
id = "simulated/broken"
provider = "simulated"
upstream_name = "broken"
tier = "small"
context_window = 32768
max_output_tokens = 8192
capabilities = []
verbosity = 1.0
price = { input = 1.0, output = 1.0, source = "made up", as_of = "2026-11-22" }
[models.simulated]
ability = 0.0
failure_rate = 1.0
"#;

const CONFIG: &str = "
[routing]
exploration = 0.0
[policies.careful]
quality_target = 0.99
";

/// What an answer was.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|v| v.to_str().expect("our headers are text"))
    }

    /// Type, code and field of an error.
    #[track_caller]
    pub(crate) fn error(&self) -> (String, String, Option<String>) {
        let error = &self.json()["error"];
        assert!(error["message"].as_str().is_some_and(|m| !m.is_empty()), "{}", self.text);
        let text = |field: &str| error[field].as_str().map(str::to_owned);
        (text("type").unwrap_or_default(), text("code").unwrap_or_default(), text("param"))
    }
}

/// What a [`TestApp`] is made of.
pub(crate) struct Make {
    /// Behind one thread.
    pub(crate) encoder: Arc<StubEncoder>,
    /// Places in its queue.
    pub(crate) queue: usize,
    /// Providers that may be called.
    pub(crate) enabled: &'static [&'static str],
    /// How the simulated provider behaves.
    pub(crate) world: SimulatedWorld,
    /// Time for a request.
    pub(crate) timeout: Duration,
    /// The administrator's key; with it, callers are asked for one.
    pub(crate) admin: Option<&'static str>,
    /// Limits that are not a key's own.
    pub(crate) rules: Rules,
}

impl Default for Make {
    fn default() -> Self {
        let world = SimulatedWorld { speed: 0.0, seed: 1 };
        Self {
            encoder: Arc::default(),
            queue: 1,
            enabled: &["simulated"],
            world,
            timeout: Duration::from_secs(60),
            admin: None,
            rules: Rules::default(),
        }
    }
}

/// The service without a socket.
pub(crate) struct TestApp {
    pub(crate) router: Router,
    pub(crate) store: Store,
    pub(crate) keys: KeyBook,
    pub(crate) readiness: Readiness,
    service: axum::Router,
}

impl TestApp {
    pub(crate) async fn start() -> Self {
        Self::make(Make::default()).await
    }

    pub(crate) async fn make(make: Make) -> Self {
        let Make { encoder, queue, enabled, world, timeout, admin, rules } = make;
        let settings = settings();
        let catalog = Catalog::builtin().and_then(|c| c.merge(MODELS, "test")).expect("a good catalogue");
        let options = PoolOptions { threads: 1, queue, max_batch: 1, cache_bytes: 0 };
        let store = Store::in_memory().await.expect("memory");
        let rules = Rules { has_admin: admin.is_some(), ..rules };
        let keys = KeyBook::load(store.clone(), rules, SystemClock.now()).await.expect("an empty log");
        let parts = Parts {
            encoder: EncoderPool::start(encoder, tokenizer(), options).expect("a thread"),
            classifier: classifier(),
            fleet: Fleet::new(&catalog, &enabled.iter().map(|id| (*id).to_owned()).collect()),
            gateway: Gateway::new(BTreeMap::new(), [], world, GatewayOptions::default()).expect("a client"),
            store: store.clone(),
            access: keys.access().clone(),
            clock: Arc::new(SystemClock),
        };
        let router = Router::new(parts, &settings);
        let readiness = Readiness::default();
        let limits = HttpLimits { max_body_bytes: 100_000, max_concurrent: 64, request_timeout: timeout };
        let metrics = PrometheusBuilder::new().build_recorder().handle();
        let admin = admin.map(|key| AdminKey::new(key).expect("a strong key"));
        let door = Door::new(keys.clone(), admin, Arc::new(SystemClock));
        let service = service(router.clone(), door, limits, readiness.clone(), metrics);
        Self { router, store, keys, readiness, service }
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.service.clone().oneshot(request).await.expect("infallible");
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 1 << 24).await.expect("a body that ends");
        let text = String::from_utf8(bytes.to_vec()).expect("text");
        Answer { status: parts.status, headers: parts.headers, text }
    }

    /// The same with a key.
    pub(crate) async fn send_as(&self, key: &str, method: Method, path: &str, body: &Value) -> Answer {
        let builder = request(method, path).header("authorization", format!("Bearer {key}"));
        self.send(builder.body(Body::from(body.to_string())).expect("a request")).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(request(Method::GET, path).body(Body::empty()).expect("a request")).await
    }

    /// Posts as `curl -d` does without a header of its own.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        let builder = request(Method::POST, path).header("content-type", "application/x-www-form-urlencoded");
        self.send(builder.body(Body::from(body.to_string())).expect("a request")).await
    }
}

pub(crate) fn request(method: Method, path: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(path)
}

pub(crate) fn settings() -> Settings {
    let inputs = Inputs {
        file: Some(Source { text: CONFIG, origin: "test" }),
        environment: &BTreeMap::new(),
        flags: &Flags::default(),
        default_data_dir: Path::new("unused"),
        known_providers: &[],
    };
    load(&inputs).expect("good settings").settings
}

pub(crate) fn tokenizer() -> Tokenizer {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("tokenizer.json");
    std::fs::write(&file, TOKENIZER).expect("a file");
    Tokenizer::load(&file, 64).expect("a tokenizer")
}

pub(crate) fn classifier() -> Classifier {
    let artefact = Artefact {
        encoder: "stub/1".to_owned(),
        labels: vec![TaskType::Coding, TaskType::Writing],
        label_map: TaskType::ALL.iter().map(|&t| (t, TaskType::Writing)).collect(),
        temperature: 1.0,
        task: LinearHead::zeros(2),
        difficulty: LinearHead::zeros(1),
        output_tokens: LinearHead { bias: vec![5.0], ..LinearHead::zeros(1) },
        context_mean: vec![0.0; DIMENSIONS],
        context_directions: vec![0.01; CONTEXT * DIMENSIONS],
        provenance: BTreeMap::new(),
    };
    Classifier::new(artefact, "0123456789ab")
}

/// Gives every text the same encoding; can be stopped to fill the queue.
#[derive(Default)]
pub(crate) struct StubEncoder {
    state: Mutex<Gate>,
    changed: Condvar,
}

#[derive(Default)]
struct Gate {
    closed: bool,
    entered: usize,
}

impl StubEncoder {
    /// Lets nobody through from now on, or everybody again.
    pub(crate) fn set_closed(&self, closed: bool) {
        self.state.lock().expect("no panics").closed = closed;
        self.changed.notify_all();
    }

    /// Batches begun.
    pub(crate) fn entered(&self) -> usize {
        self.state.lock().expect("no panics").entered
    }
}

impl Encoder for StubEncoder {
    fn id(&self) -> &str {
        "stub/1"
    }

    fn encode(&self, rows: &[Tokens]) -> Result<Vec<Encoding>, EncodeError> {
        let mut gate = self.state.lock().expect("no panics");
        gate.entered += 1;
        drop(self.changed.wait_while(gate, |gate| gate.closed).expect("no panics"));
        let embedding = Embedding::normalised(Box::new([1.0; DIMENSIONS]));
        Ok(rows.iter().map(|_| Encoding { embedding: embedding.clone(), trunk: embedding.clone() }).collect())
    }
}

/// The encoder's files, fetched once if the cache lacks them.
pub(crate) fn real_folder() -> ModelFolder {
    let cache = std::env::var("SATISFICE_CACHE_DIR").ok();
    let folder = ModelFolder::new(Manifest::builtin(), &ModelFolder::default_models_dir(cache.as_deref()));
    folder.ensure(false).expect("the encoder can be fetched: see the message");
    folder
}

/// The encoder that is served by default, and its tokenizer with the default window.
pub(crate) fn real_encoder() -> (Arc<dyn Encoder>, Tokenizer) {
    static LOADED: std::sync::OnceLock<(Arc<dyn Encoder>, Tokenizer)> = std::sync::OnceLock::new();
    let (encoder, tokenizer) = LOADED.get_or_init(|| {
        let folder = real_folder();
        let encoder = FusedEncoder::load(&folder).expect("verified files load");
        let tokenizer = Tokenizer::load(&folder.file("tokenizer.json"), 256).expect("a verified file loads");
        (Arc::new(encoder), tokenizer)
    });
    (Arc::clone(encoder), tokenizer.clone())
}
