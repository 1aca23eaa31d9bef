//! The service in memory with providers on real sockets: `alpha` and `beta` speak OpenAI's dialect, `gamma` Anthropic's.
//!
//! Each has one model, [`ALPHA`], [`BETA`] and [`GAMMA`], and each costs five times what the one before does. With the target at
//! 0 that is the order in which `auto` tries them, and no failure rate is so high that it changes the order: a model's
//! expected cost is multiplied by 4 at most.

mod clock;
mod story;
mod told;

pub(crate) use clock::ShiftedClock;
pub(crate) use story::{Story, ends};
pub(crate) use told::{Ending, Told, Wire};

use crate::{
    support::{Answer, StubEncoder, classifier, real_encoder, request, tokenizer},
    upstream::{Bill, Fault, Script, Upstream},
};
use axum::{
    body::{Body, to_bytes},
    http::{Method, Response, request::Builder},
};
use metrics_exporter_prometheus::PrometheusBuilder;
use satisfice::{
    access::{AdminKey, KeyBook, Rules},
    app::{self, Invocation, Setup},
    encoder::{Encoder, EncoderPool, PoolOptions},
    http::{Door, HttpLimits, Readiness, service},
    router::{Clock, Fleet, Parts, Router, SystemClock},
    store::Store,
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{net::TcpListener, task::JoinHandle};
use tower::ServiceExt;

/// Opens `/admin`.
pub(crate) const ADMIN_KEY: &str = "9f86d081884c7d659a2feaa0c55ad015";

/// The cheapest model.
pub(crate) const ALPHA: &str = "alpha/cheap";
/// Five times as dear.
pub(crate) const BETA: &str = "beta/mid";
/// Twenty-five times as dear, behind the other dialect.
pub(crate) const GAMMA: &str = "gamma/dear";

/// For [`GatewayMake::models`]: a model that embeds, at alpha. A million tokens cost 100 dollars.
pub(crate) const EMBEDDER: &str = r#"
[[models]]
id = "alpha/embedder"
provider = "alpha"
kind = "embedding"
upstream_name = "alpha-embedder-2026"
context_window = 8192
price = { input = 100.0, source = "made up", as_of = "2026-11-22" }
"#;

/// `[gateway]` of every test: nothing waits, nothing is capped, no breaker opens. Time limits are far above what an answer
/// takes on however busy a machine.
const GATEWAY: [(&str, &str); 9] = [
    ("retries", "1"),
    ("fallbacks", "3"),
    ("max_fallback_cost_ratio", "1000.0"),
    ("backoff_ms", "0"),
    ("connect_timeout_ms", "10000"),
    ("first_token_timeout_ms", "15000"),
    ("answer_timeout_ms", "15000"),
    ("idle_timeout_ms", "15000"),
    ("breaker_failures", "0"),
];

/// Time limits for tests that wait for them.
const IMPATIENT: [(&str, &str); 3] =
    [("first_token_timeout_ms", "1000"), ("answer_timeout_ms", "1000"), ("idle_timeout_ms", "1000")];

/// A provider with one model.
pub(crate) struct Provider {
    name: &'static str,
    model: &'static str,
    dialect: &'static str,
    /// How many times as dear as [`ALPHA`].
    dearness: f64,
    pub(crate) script: Script,
    pub(crate) keys: Vec<&'static str>,
}

impl Provider {
    /// One that never fails, with one key. Speaks OpenAI's dialect.
    pub(crate) fn new(name: &'static str, model: &'static str, dearness: f64) -> Self {
        Self { name, model, dialect: "openai", dearness, script: Script::ok(), keys: vec!["sek-only"] }
    }

    /// Its variable in the environment.
    fn variable(&self) -> String {
        format!("{}_API_KEY", self.name.to_uppercase())
    }
}

/// What a [`GatewayApp`] is made of.
pub(crate) struct GatewayMake {
    pub(crate) providers: Vec<Provider>,
    /// Keys of `[gateway]` that differ from [`GATEWAY`].
    pub(crate) gateway: Vec<(&'static str, &'static str)>,
    /// Further lines of `[routing]`.
    pub(crate) routing: &'static str,
    /// Further models, as the catalogue has them.
    pub(crate) models: &'static str,
    /// Further sections of the configuration.
    pub(crate) sections: &'static str,
    /// Time for a request.
    pub(crate) timeout: Duration,
    /// Whether callers must show [`GatewayApp::key`].
    pub(crate) locked: bool,
    /// Whether it reads with the real encoder.
    pub(crate) reads: bool,
    /// The log, instead of one in memory.
    pub(crate) store: Option<Store>,
}

impl Default for GatewayMake {
    fn default() -> Self {
        let gamma = Provider { dialect: "anthropic", ..Provider::new("gamma", GAMMA, 25.0) };
        let providers = vec![Provider::new("alpha", ALPHA, 1.0), Provider::new("beta", BETA, 5.0), gamma];
        Self {
            providers,
            gateway: Vec::new(),
            routing: "",
            models: "",
            sections: "",
            timeout: Duration::from_secs(60),
            locked: false,
            reads: false,
            store: None,
        }
    }
}

impl GatewayMake {
    /// With these scripts for alpha, beta and gamma.
    pub(crate) fn scripts(scripts: [Script; 3]) -> Self {
        let mut make = Self::default();
        for (provider, script) in make.providers.iter_mut().zip(scripts) {
            provider.script = script;
        }
        make
    }

    /// With one script for all of them.
    pub(crate) fn all(script: Script) -> Self {
        Self::scripts([script.clone(), script.clone(), script])
    }

    /// With other settings of `[gateway]`.
    pub(crate) fn with(mut self, settings: &[(&'static str, &'static str)]) -> Self {
        self.gateway.extend(settings);
        self
    }

    /// Waiting no longer than a test should, where this fault is one that is waited for.
    pub(crate) fn waiting_for(self, fault: &Fault) -> Self {
        if fault.hangs() { self.with(&IMPATIENT) } else { self }
    }

    /// Files and environment as an operator would write them.
    fn config(&self, catalog: &str) -> String {
        let gateway: BTreeMap<_, _> = GATEWAY.into_iter().chain(self.gateway.iter().copied()).collect();
        let gateway: String = gateway.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
        let timeout = self.timeout.as_millis();
        format!(
            "[limits]\nrequest_timeout_ms = {timeout}\n[routing]\nexploration = 0.0\nquality_target = 0.0\nkappa = 0.0\n{}[catalog]\nfile = {catalog:?}\n[gateway]\n{gateway}{}",
            self.routing, self.sections
        )
    }

    /// Keys stand in one variable, with commas between them.
    fn environment(&self) -> BTreeMap<String, String> {
        self.providers.iter().map(|provider| (provider.variable(), provider.keys.join(","))).collect()
    }

    fn catalog(&self, upstreams: &BTreeMap<&'static str, Upstream>) -> String {
        let entries = self.providers.iter().map(|provider| entry(provider, &upstreams[provider.name].url()));
        entries.chain([self.models.to_owned()]).collect()
    }
}

fn entry(provider: &Provider, url: &str) -> String {
    let Provider { name, model, dialect, dearness, .. } = provider;
    let [input, cached, write, output] = rates(*dearness);
    format!(
        r#"
[[providers]]
id = "{name}"
name = "{name}"
base_url = "{url}"
key_env = ["{variable}"]
dialect = "{dialect}"

[[models]]
id = "{model}"
provider = "{name}"
upstream_name = "{upstream_name}"
tier = "small"
context_window = 200000
max_output_tokens = 8192
capabilities = ["tools", "vision", "json_schema"]
price = {{ input = {input:?}, cached_input = {cached:?}, cache_write = {write:?}, output = {output:?}, source = "made up", as_of = "2026-11-22" }}
"#,
        variable = provider.variable(),
        upstream_name = upstream_name(model),
    )
}

/// USD per million tokens of input, of input from the cache and to it, and of output.
fn rates(dearness: f64) -> [f64; 4] {
    [dearness, dearness / 2.0, 1.25 * dearness, 4.0 * dearness]
}

/// What a provider calls its model.
pub(crate) fn upstream_name(model: &str) -> String {
    format!("{}-2026", model.replace('/', "-"))
}

/// A service and what tests look at of it.
struct Assembled {
    service: axum::Router,
    key: String,
    store: Store,
    keys: KeyBook,
    clock: Arc<ShiftedClock>,
}

/// The only place that knows what a service is made of.
async fn assemble(setup: &Setup, make: &GatewayMake) -> Assembled {
    let settings = &setup.settings;
    let clock = Arc::<ShiftedClock>::default();
    let store = match &make.store {
        Some(store) => store.clone(),
        None => Store::in_memory().await.expect("memory"),
    };
    let keys = KeyBook::load(store.clone(), settings.access_rules(false), clock.now()).await.expect("no keys");
    let options = PoolOptions { threads: 1, queue: 256, max_batch: 32, cache_bytes: 0 };
    let (encoder, tokenizer): (Arc<dyn Encoder>, _) =
        if make.reads { real_encoder() } else { (Arc::<StubEncoder>::default(), tokenizer()) };
    let parts = Parts {
        encoder: EncoderPool::start(encoder, tokenizer, options).expect("a thread"),
        classifier: classifier(),
        fleet: Fleet::new(&setup.catalog, &setup.enabled),
        gateway: app::gateway(setup).expect("a client"),
        store: store.clone(),
        access: keys.access().clone(),
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
    };
    let router = Router::new(parts, settings);
    let mut key = String::new();
    if make.locked {
        let new = satisfice::access::NewKey { name: "tests".to_owned(), tenant: "tests".into(), ..Default::default() };
        key = keys
            .create(new, &[7; satisfice::access::KEY_BYTES], clock.now())
            .await
            .expect("a key")
            .key
            .expose()
            .to_owned();
    }
    let limits = HttpLimits { max_body_bytes: 1 << 20, max_concurrent: 256, request_timeout: make.timeout };
    let metrics = PrometheusBuilder::new().build_recorder().handle();
    let door = Door::new(keys.clone(), AdminKey::new(ADMIN_KEY).ok(), Arc::clone(&clock) as Arc<dyn Clock>);
    let service = service(router, door, limits, Readiness::default(), metrics);
    Assembled { service, key, store, keys, clock }
}

/// The service with its providers.
pub(crate) struct GatewayApp {
    upstreams: BTreeMap<&'static str, Upstream>,
    /// By the providers' names for their models.
    dearness: BTreeMap<String, f64>,
    service: axum::Router,
    /// What callers show if the service is locked.
    pub(crate) key: String,
    pub(crate) store: Store,
    pub(crate) keys: KeyBook,
    pub(crate) clock: Arc<ShiftedClock>,
    server: Option<JoinHandle<()>>,
}

impl GatewayApp {
    pub(crate) async fn make(make: GatewayMake) -> Self {
        let mut upstreams = BTreeMap::new();
        for provider in &make.providers {
            upstreams.insert(provider.name, Upstream::start(provider.name, provider.script.clone()).await);
        }
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (config, catalog) = (folder.path().join("satisfice.toml"), folder.path().join("catalog.toml"));
        std::fs::write(&catalog, make.catalog(&upstreams)).expect("a file");
        std::fs::write(&config, make.config(catalog.to_str().expect("a text"))).expect("a file");
        let environment = make.environment();
        let setup = Setup::load(&Invocation { config: Some(config), environment, ..Invocation::default() });
        let setup = setup.unwrap_or_else(|e| panic!("{e}"));
        let Assembled { service, key, store, keys, clock } = assemble(&setup, &make).await;
        let dearness = make.providers.iter().map(|p| (upstream_name(p.model), p.dearness)).collect();
        Self { upstreams, dearness, service, key, store, keys, clock, server: None }
    }

    /// Alpha, beta and gamma follow these scripts.
    pub(crate) async fn start(scripts: [Script; 3]) -> Self {
        Self::make(GatewayMake::scripts(scripts)).await
    }

    /// All of them follow this script.
    pub(crate) async fn all(script: Script) -> Self {
        Self::make(GatewayMake::all(script)).await
    }

    pub(crate) fn upstream(&self, name: &str) -> &Upstream {
        &self.upstreams[name]
    }

    pub(crate) fn alpha(&self) -> &Upstream {
        self.upstream("alpha")
    }

    pub(crate) fn beta(&self) -> &Upstream {
        self.upstream("beta")
    }

    pub(crate) fn gamma(&self) -> &Upstream {
        self.upstream("gamma")
    }

    /// Takes a provider off the network.
    pub(crate) async fn stop(&mut self, name: &str) {
        self.upstreams.get_mut(name).expect("a provider").stop().await;
    }

    /// Calls that arrived at the providers so far.
    pub(crate) fn calls(&self) -> usize {
        self.upstreams.values().map(Upstream::count).sum()
    }

    /// All bills so far, by completion.
    pub(crate) fn bills(&self) -> BTreeMap<String, Bill> {
        self.upstreams.values().flat_map(Upstream::bills).collect()
    }

    /// What a bill comes to, USD.
    pub(crate) fn cost(&self, bill: &Bill) -> f64 {
        let tokens = bill.tokens;
        let fresh = tokens.input - tokens.cached - tokens.written;
        let billed = [fresh, tokens.cached, tokens.written, tokens.output].map(f64::from);
        let rates = rates(self.dearness[&bill.model]);
        billed.iter().zip(rates).map(|(tokens, rate)| tokens * rate).sum::<f64>() / 1e6
    }

    /// Sends a request; the body of the answer comes as it comes.
    pub(crate) async fn open(&self, path: &str, id: &str, body: &Value) -> Response<Body> {
        let builder = request(Method::POST, path).header("content-type", "application/json").header("x-request-id", id);
        let request = self.shown(builder).body(Body::from(body.to_string())).expect("a request");
        self.service.clone().oneshot(request).await.expect("infallible")
    }

    /// With the key, where one is wanted.
    fn shown(&self, builder: Builder) -> Builder {
        if self.key.is_empty() { builder } else { builder.header("x-api-key", &self.key) }
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        whole(self.open(path, "a-test", body).await).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        let request = self.shown(request(Method::GET, path)).body(Body::empty()).expect("a request");
        whole(self.service.clone().oneshot(request).await.expect("infallible")).await
    }

    /// Sends a request with these headers and no others.
    pub(crate) async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let builder =
            headers.iter().fold(request(method, path), |builder, (name, value)| builder.header(*name, *value));
        let request = builder.body(Body::from(body.to_string())).expect("a request");
        whole(self.service.clone().oneshot(request).await.expect("infallible")).await
    }

    /// Posts these bytes as they are.
    pub(crate) async fn send_raw(&self, path: &str, body: Body) -> Answer {
        let request = self.shown(request(Method::POST, path)).body(body).expect("a request");
        whole(self.service.clone().oneshot(request).await.expect("infallible")).await
    }

    /// The decision of this id with what came of it.
    pub(crate) async fn record(&self, decision: &str) -> Value {
        self.get(&format!("/v1/decisions/{decision}")).await.json()
    }

    /// How a model does, as it is listed.
    pub(crate) async fn health(&self, model: &str) -> Value {
        let list = self.get("/v1/models").await.json();
        let listed = list["data"].as_array().into_iter().flatten().find(|listed| listed["id"] == model);
        listed.unwrap_or_else(|| panic!("{model} is not listed"))["health"].clone()
    }

    /// What the first tenant has spent this month, and what is put aside for it; of this service, and of one that would start
    /// now with its log.
    pub(crate) async fn spent(&self) -> [(f64, f64); 2] {
        let now = SystemClock.now();
        let next = KeyBook::load(self.store.clone(), Rules::default(), now).await.expect("the log reads");
        [&self.keys, &next].map(|keys| {
            let account = keys.access().usage(now).tenants.first().map(|tenant| tenant.account);
            account.map_or((0.0, 0.0), |account| (account.spent.get(), account.reserved.get()))
        })
    }

    /// Asks something in a dialect, with further fields, and checks that all tell the same story.
    pub(crate) async fn ask(&self, wire: Wire, stream: bool, fields: Value) -> Story {
        let before = (self.calls(), self.bills());
        let answer = self.post(wire.path(), &wire.body(stream, fields)).await;
        Story::check(self, wire, stream, answer, before).await
    }

    /// Answers on a real socket too, from now on.
    pub(crate) async fn listen(&mut self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let service = self.service.clone();
        let server = async move { axum::serve(listener, service).await.expect("it serves") };
        self.server = Some(tokio::spawn(server));
        address
    }
}

impl Drop for GatewayApp {
    fn drop(&mut self) {
        if let Some(server) = &self.server {
            server.abort();
        }
    }
}

/// All of an answer.
pub(crate) async fn whole(response: Response<Body>) -> Answer {
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, 1 << 27).await.expect("a body that ends");
    let text = String::from_utf8(bytes.to_vec()).expect("text");
    Answer { status: parts.status, headers: parts.headers, text }
}

/// Fields that leave nothing but these models.
pub(crate) fn only(models: &[&str]) -> Value {
    json!({"route": {"models": models}})
}
