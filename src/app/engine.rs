//! Everything that decides: encoder, classifier, fleet, gateway, router, learner on top of a log.

use super::Setup;
use crate::{
    access::{AdminKey, KeyBook, Rules},
    config::{GatewaySettings, Settings},
    encoder::{EncoderPool, Manifest, ModelFolder, PoolOptions, Tokenizer},
    gateway::{Gateway, GatewayOptions, SimulatedWorld},
    router::{Clock, Fleet, Learner, Parts, Router, SystemClock},
    store::Store,
};
use anyhow::Context;
use std::{sync::Arc, thread, time::Duration};

/// A router that has resumed, with the learner that keeps it up to date.
pub struct Engine {
    /// Decides.
    pub router: Router,
    /// Not yet running; the posteriors are as the log has them.
    pub learner: Learner,
    /// The log.
    pub store: Store,
    /// Who may call.
    pub keys: KeyBook,
    /// Opens `/admin`.
    pub admin: Option<AdminKey>,
    /// Encoder's name and version.
    pub encoder_id: String,
    /// Threads that encode.
    pub encoder_threads: usize,
    /// Classifier's version.
    pub classifier_version: String,
}

impl Engine {
    /// Loads what is needed (fetching the encoder's files on the first start, with a progress bar) and resumes learning.
    ///
    /// # Errors
    /// What could not be loaded, in words for the operator.
    pub async fn start(setup: &Setup, store: Store) -> anyhow::Result<Self> {
        let rules = setup.settings.access_rules(setup.admin.is_some());
        Ok(Self { admin: setup.admin.clone(), ..Self::with_rules(setup, store, rules).await? })
    }

    /// An engine that keeps its log in memory, and that whoever holds it may use without a key.
    ///
    /// # Errors
    /// As [`Engine::start`].
    pub async fn in_memory(setup: &Setup) -> anyhow::Result<Self> {
        Self::with_rules(setup, Store::in_memory().await?, Rules::default()).await
    }

    async fn with_rules(setup: &Setup, store: Store, rules: Rules) -> anyhow::Result<Self> {
        let keys =
            KeyBook::load(store.clone(), rules, SystemClock.now()).await.context("the API keys can't be read")?;
        let encoder = start_encoder(setup).await?;
        let encoder_id = encoder.encoder_id().to_owned();
        let shelf = setup.shelf();
        let classifier = shelf.serving(&encoder_id).with_context(|| {
            format!(
                "the classifier can't be used ({}); `satisfice-train promote --rollback` brings back the previous one",
                shelf.folder().display()
            )
        })?;
        let classifier_version = classifier.version().to_owned();
        let settings = &setup.settings;
        let parts = Parts {
            encoder,
            classifier,
            fleet: Fleet::new(&setup.catalog, &setup.enabled),
            gateway: gateway(setup)?,
            store: store.clone(),
            access: keys.access().clone(),
            clock: Arc::new(SystemClock),
        };
        let router = Router::new(parts, settings);
        let mut learner = router.learner(settings);
        learner.resume().await.context("the learner can't read the log")?;
        let encoder_threads = threads(settings);
        Ok(Self { router, learner, store, keys, admin: None, encoder_id, encoder_threads, classifier_version })
    }
}

/// The folder of the encoder that this build serves.
#[must_use]
pub fn model_folder(setup: &Setup) -> ModelFolder {
    ModelFolder::new(Manifest::builtin(), &setup.models_dir)
}

/// Files, hashes and weights are read on a thread that may block.
async fn start_encoder(setup: &Setup) -> anyhow::Result<EncoderPool> {
    let (folder, settings) = (model_folder(setup), setup.settings.encoder.clone());
    let options = PoolOptions {
        threads: threads(&setup.settings),
        queue: settings.queue,
        max_batch: settings.max_batch,
        cache_bytes: settings.cache_mib << 20,
    };
    let load = move || -> anyhow::Result<EncoderPool> {
        folder.ensure(settings.offline)?;
        let encoder = settings.mode.load(&folder)?;
        let tokenizer = Tokenizer::load(&folder.file("tokenizer.json"), settings.window_tokens)?;
        Ok(EncoderPool::start(encoder, tokenizer, options)?)
    };
    tokio::task::spawn_blocking(load).await.context("loading the encoder failed")?
}

fn threads(settings: &Settings) -> usize {
    match settings.encoder.threads {
        0 => thread::available_parallelism().map_or(1, std::num::NonZero::get),
        threads => threads,
    }
}

/// The way out to the providers of `setup`.
///
/// # Errors
/// The HTTP client can't be set up.
pub fn gateway(setup: &Setup) -> anyhow::Result<Gateway> {
    let simulated = &setup.settings.simulated;
    let world = SimulatedWorld { speed: simulated.speed, seed: simulated.seed };
    let models = setup.catalog.models().iter().map(|model| (model.id.clone(), model.latency));
    let options = options(&setup.settings.gateway, setup.settings.limits.request_timeout_ms);
    Gateway::new(setup.access(), models, world, options).context("the HTTP client can't be set up")
}

fn options(settings: &GatewaySettings, total_ms: u64) -> GatewayOptions {
    let time = Duration::from_millis;
    GatewayOptions {
        retries: settings.retries,
        fallbacks: settings.fallbacks,
        max_fallback_cost_ratio: settings.max_fallback_cost_ratio,
        max_fallback_cost_usd: settings.max_fallback_cost_usd,
        connect_timeout: time(settings.connect_timeout_ms),
        first_token_timeout: time(settings.first_token_timeout_ms),
        answer_timeout: time(settings.answer_timeout_ms),
        idle_timeout: time(settings.idle_timeout_ms),
        total_timeout: time(total_ms),
        backoff: time(settings.backoff_ms),
        breaker_failures: settings.breaker_failures,
        breaker_open: time(settings.breaker_open_ms),
        hedge_after: settings.hedge_after_ms.map(time),
        hedge_max_cost_ratio: settings.hedge_max_cost_ratio,
    }
}
