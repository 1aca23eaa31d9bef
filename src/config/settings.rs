//! Every setting: a table in the form of structs. A line's comment is its documentation everywhere.

use super::{
    declare::{DefaultValue, Section, Setting, section},
    finding::Place,
    gateway::{CacheSettings, GatewaySettings},
    types::{BaseUrl, CacheMode, Switch, VariableName},
    values::{ANY, range},
};
use crate::{
    access::{ModelLimits, RequireKey, Rules, TenantLimits},
    catalog::{Dialect, KeyHeader},
    domain::{DataPolicy, DecisionMode, Quality, RateLimits, Region, Scope, Tenant, Usd},
    encoder::EncoderMode,
    policy::LearningRates,
    store::Durability,
    telemetry::LogFormat,
};
use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf};

/// The name of `[routing]` among the policies.
pub(crate) const DEFAULT_POLICY: &str = "default";

pub(super) const fn is(default: &'static str) -> DefaultValue {
    DefaultValue::Is(default)
}

pub(super) const fn unset(example: &'static str) -> DefaultValue {
    DefaultValue::Unset { example }
}

section! {
    /// Keys outside any section.
    pub(super) ServiceSettings {
        /// Address and port to listen on.
        listen: SocketAddr = is("127.0.0.1:8080"), ANY;
        /// Folder of the log, the snapshots and the learned state; unset, the platform's folder for data.
        data_dir: Option<PathBuf> = unset("/var/lib/satisfice"), ANY;
        /// How log lines look.
        log_format: LogFormat = is("text"), ANY;
    }
}

section! {
    /// The prompt encoder.
    pub EncoderSettings {
        /// int8: fast; f32: exact, several times slower.
        mode: EncoderMode = is("int8"), ANY;
        /// Threads that encode; 0 takes one for each core.
        threads: usize = is("0"), range(0.0, 1024.0);
        /// Prompts that may wait; beyond that requests are turned away.
        queue: usize = is("256"), range(1.0, 1e6);
        /// Prompts encoded together at most.
        max_batch: usize = is("32"), range(1.0, 1024.0);
        /// MiB of encodings kept in memory for texts that come again; 0 keeps none.
        cache_mib: usize = is("32"), range(0.0, 65536.0);
        /// Tokens of a prompt that the encoder sees at most.
        window_tokens: usize = is("256"), range(16.0, 256.0);
        /// Folder of encoder files; unset, the cache folder.
        ["MODELS_DIR"] models_dir: Option<PathBuf> = unset("/opt/satisfice/models"), ANY;
        /// Folder of classifiers that `satisfice-train promote` installs; unset, `classifier` in the data folder.
        ["CLASSIFIER_DIR"] classifier_dir: Option<PathBuf> = unset("/var/lib/satisfice/classifier"), ANY;
        /// Never download model files.
        ["OFFLINE"] offline: bool = is("false"), ANY;
    }
}

section! {
    /// A policy: the rule by which models are chosen, and whose experience it uses.
    pub PolicySettings {
        /// Quality that is good enough.
        ["QUALITY_TARGET"] quality_target: Quality = is("0.8"), range(0.0, 1.0);
        /// floor: each request meets the target; average: their mean does; budget: best quality within budget_usd.
        ["MODE"] mode: DecisionMode = is("floor"), ANY;
        /// Mean cost of a request in USD; mode budget needs it.
        ["BUDGET_USD"] budget_usd: Option<Usd> = unset("0.002"), range(0.0, f64::INFINITY);
        /// Caution: predictions are judged at mean minus kappa standard deviations.
        ["KAPPA"] kappa: f64 = is("0.5"), range(0.0, 5.0);
        /// Share of requests that may try another model to learn about it.
        ["EXPLORATION"] exploration: f64 = is("0.01"), range(0.0, 0.5);
        /// Seed of the exploration draws.
        ["SEED"] seed: u64 = is("0"), ANY;
        /// Exploration never picks a model more than this many times as dear as the best choice.
        ["MAX_EXPLORATION_COST_RATIO"] max_exploration_cost_ratio: f64 = is("5.0"), range(1.0, 1e6);
        /// Models that may be chosen.
        ["ALLOW"] allow: Vec<String> = is("*"), ANY;
        /// Models that may not, even if allowed.
        ["DENY"] deny: Vec<String> = is(""), ANY;
        /// Where requests may be processed, as `region` of their providers says; empty, anywhere.
        ["REGIONS"] regions: Vec<Region> = is(""), ANY;
        /// What providers may do with requests, as their `data_policy` says: this or a stricter one; unset, anything.
        ["DATA_POLICY"] data_policy: Option<DataPolicy> = unset("no_training"), ANY;
        /// Whose experience it learns from and adds to; policies of one scope share it.
        scope: Scope = is("default"), ANY;
        /// Which answers are given again to requests that don't say; unset, `mode` of `[cache]`.
        cache: Option<CacheMode> = unset("exact"), ANY;
        /// The most that a request may ask of the cache; unset, `at_most` of `[cache]`.
        cache_at_most: Option<CacheMode> = unset("exact"), ANY;
        /// Whether answers are given again to requests that ask for sampling and don't say; unset, `sampled` of `[cache]`.
        cache_sampled: Option<bool> = unset("true"), ANY;
    }
}

section! {
    /// Learning from feedback.
    #[derive(Copy)]
    pub LearningSettings {
        /// Learn online; off, the posterior stays as it is and feedback is only stored.
        enabled: bool = is("true"), ANY;
        /// Weight that old evidence keeps at each feedback; 1 never forgets.
        forgetting: f64 = is("0.9995"), range(0.9, 1.0);
        /// Feedbacks between two snapshots of the posterior.
        snapshot_every: u64 = is("500"), range(1.0, 1e9);
        /// Strength of the offline prediction against feedback; 20 is neutral.
        prior_strength: f64 = is("20"), range(0.1, 1e6);
    }
}

section! {
    /// The log of decisions, outcomes and feedback.
    #[derive(Copy)]
    pub StoreSettings {
        /// What survives a power cut. full: all that was acknowledged; feedback: feedback and keys, and the decisions that they are about; process: what the system had written by then. The end of the process alone loses nothing with any of them.
        durability: Durability = is("feedback"), ANY;
        /// Records that may wait to be committed; beyond that requests are turned away.
        queue: usize = is("8192"), range(1.0, 1e7);
    }
}

section! {
    /// Limits on requests.
    #[derive(Copy)]
    pub LimitSettings {
        /// Size of a request body in bytes.
        max_body_bytes: usize = is("10485760"), range(1024.0, 1_073_741_824.0);
        /// Time for a request until its answer begins, milliseconds: until it is there, or until the first content of a stream.
        request_timeout_ms: u64 = is("600000"), range(1.0, 86_400_000.0);
        /// Requests served at the same time; beyond that they are turned away.
        max_concurrent: usize = is("1024"), range(1.0, 1e6);
    }
}

section! {
    /// Who may call.
    #[derive(Copy)]
    pub AccessSettings {
        /// auto: callers must show an API key as soon as one was ever made or SATISFICE_ADMIN_KEY is set; always: also before.
        require_key: RequireKey = is("auto"), ANY;
    }
}

section! {
    /// What all keys of a tenant may do together.
    #[derive(Copy)]
    pub TenantSettings {
        /// Requests in any 60 seconds.
        requests_per_minute: Option<u64> = unset("600"), range(1.0, 1e9);
        /// Tokens in any 60 seconds, input and output together.
        tokens_per_minute: Option<u64> = unset("1000000"), range(1.0, 1e12);
        /// Requests at the same time.
        max_concurrent: Option<u64> = unset("32"), range(1.0, 1e6);
        /// US dollars in a calendar month (UTC).
        budget_usd_per_month: Option<Usd> = unset("500"), range(0.0, f64::INFINITY);
    }
}

section! {
    /// What a policy may serve, for all callers together.
    #[derive(Copy)]
    pub PolicyLimitSettings {
        /// Requests in any 60 seconds.
        requests_per_minute: Option<u64> = unset("600"), range(1.0, 1e9);
        /// Tokens in any 60 seconds, input and output together.
        tokens_per_minute: Option<u64> = unset("1000000"), range(1.0, 1e12);
        /// Requests at the same time.
        max_concurrent: Option<u64> = unset("32"), range(1.0, 1e6);
    }
}

section! {
    /// What a group of models may serve, for all callers together.
    pub ModelLimitSettings {
        /// Which models share the limits.
        models: Vec<String> = is("*"), ANY;
        /// Calls in any 60 seconds.
        requests_per_minute: Option<u64> = unset("600"), range(1.0, 1e9);
        /// Tokens in any 60 seconds, input and output together.
        tokens_per_minute: Option<u64> = unset("1000000"), range(1.0, 1e12);
        /// Calls at the same time.
        max_concurrent: Option<u64> = unset("32"), range(1.0, 1e6);
    }
}

/// The rate limits of a section that has them.
macro_rules! rates {
    ($settings:expr) => {
        RateLimits {
            requests_per_minute: $settings.requests_per_minute,
            tokens_per_minute: $settings.tokens_per_minute,
            max_concurrent: $settings.max_concurrent,
        }
    };
}

section! {
    /// A provider of models.
    pub ProviderSettings {
        /// Use it.
        enabled: bool = is("true"), ANY;
        /// Its address; needed for a provider that the catalogue does not know.
        base_url: Option<BaseUrl> = unset("http://127.0.0.1:8000/v1"), ANY;
        /// How it is spoken to; unset, as the catalogue says, and openai for one that it does not know.
        dialect: Option<Dialect> = unset("anthropic"), ANY;
        /// Header in which it expects its key; unset, as the catalogue says or as usual for its dialect.
        auth: Option<KeyHeader> = unset("bearer"), ANY;
        /// Environment variable that holds its key, or several with commas between them; unset, the catalogue's.
        api_key_env: Option<VariableName> = unset("OPENAI_API_KEY"), ANY;
        /// Where it processes requests; unset, as the catalogue says, and unknown for most.
        region: Option<Region> = unset("eu"), ANY;
        /// What it does with requests by its terms with you: may_train, no_training or zero_retention; unset, as the catalogue says.
        data_policy: Option<DataPolicy> = unset("zero_retention"), ANY;
        /// Which of its models may be used.
        models: Vec<String> = is("*"), ANY;
    }
}

section! {
    /// The built-in stand-in provider for trying things out without keys and money.
    #[derive(Copy)]
    pub SimulatedSettings {
        /// auto: only when no provider has a key.
        ["SIMULATED"] enabled: Switch = is("auto"), ANY;
        /// How many times faster than real providers it answers.
        speed: f64 = is("1.0"), range(0.01, 1e6);
        /// Seed of its answers.
        seed: u64 = is("0"), ANY;
    }
}

section! {
    /// The model catalogue.
    pub CatalogSettings {
        /// TOML file whose models and providers are added to the built-in ones or override them.
        file: Option<PathBuf> = unset("catalog.toml"), ANY;
    }
}

impl SimulatedSettings {
    /// Whether the simulated provider serves, given whether any real provider has a key.
    #[must_use]
    pub fn is_on(&self, any_key: bool) -> bool {
        match self.enabled {
            Switch::On => true,
            Switch::Off => false,
            Switch::Auto => !any_key,
        }
    }
}

impl LearningSettings {
    /// How fast a posterior learns.
    #[must_use]
    pub const fn rates(&self) -> LearningRates {
        LearningRates { forgetting: self.forgetting, prior_strength: self.prior_strength }
    }
}

/// Checked settings. Mode `budget` comes with a `budget_usd`, `allow` is never empty, every number is in its range, no policy caches
/// more than its requests may ask for.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Address to listen on.
    pub listen: SocketAddr,
    /// Whether `listen` can be reached from other machines.
    pub exposed: bool,
    /// Folder of the log, the snapshots and the learned state.
    pub data_dir: PathBuf,
    /// How log lines look.
    pub log_format: LogFormat,
    /// `[encoder]`.
    pub encoder: EncoderSettings,
    /// `[routing]`, the policy of `model = "auto"`.
    pub routing: PolicySettings,
    /// `[policies.NAME]`; keys that one does not set are those of `[routing]`.
    pub named_policies: BTreeMap<String, PolicySettings>,
    /// `[learning]`.
    pub learning: LearningSettings,
    /// `[store]`.
    pub store: StoreSettings,
    /// `[limits]`.
    pub limits: LimitSettings,
    /// `[access]`.
    pub access: AccessSettings,
    /// `[tenants.NAME]`.
    pub tenants: BTreeMap<String, TenantSettings>,
    /// `[policy_limits.NAME]`; each names a policy.
    pub policy_limits: BTreeMap<String, PolicyLimitSettings>,
    /// `[model_limits.NAME]`.
    pub model_limits: BTreeMap<String, ModelLimitSettings>,
    /// `[providers.NAME]`.
    pub providers: BTreeMap<String, ProviderSettings>,
    /// `[simulated]`.
    pub simulated: SimulatedSettings,
    /// `[catalog]`.
    pub catalog: CatalogSettings,
    /// `[gateway]`.
    pub gateway: GatewaySettings,
    /// `[cache]`.
    pub cache: CacheSettings,
    /// Where each of `providers` was declared.
    pub(super) provider_places: BTreeMap<String, Place>,
}

impl Settings {
    /// Every policy by name; `[routing]` is `default`.
    #[must_use]
    pub fn policies(&self) -> BTreeMap<String, PolicySettings> {
        let default = (DEFAULT_POLICY.to_owned(), self.routing.clone());
        self.named_policies.clone().into_iter().chain([default]).collect()
    }

    /// Who may call; `has_admin` says whether there is an admin key.
    #[must_use]
    pub fn access_rules(&self, has_admin: bool) -> Rules {
        let tenant = |(name, given): (&String, &TenantSettings)| {
            let budget_usd_per_month = given.budget_usd_per_month;
            (Tenant::from(name.as_str()), TenantLimits { rates: rates!(given), budget_usd_per_month })
        };
        let group = |(name, given): (&String, &ModelLimitSettings)| ModelLimits {
            name: name.clone(),
            models: given.models.clone(),
            rates: rates!(given),
        };
        Rules {
            require_key: self.access.require_key,
            has_admin,
            tenants: self.tenants.iter().map(tenant).collect(),
            policies: self.policy_limits.iter().map(|(name, given)| (name.clone(), rates!(given))).collect(),
            models: self.model_limits.iter().map(group).collect(),
        }
    }
}

/// One section of the file.
pub(super) struct SectionInfo {
    /// Its name; empty for the keys outside any section.
    pub(super) path: &'static str,
    /// Whether it holds named sections (`[policies.NAME]`) instead of keys.
    pub(super) named: bool,
    /// What it is about.
    pub(super) doc: &'static str,
    settings: &'static [Setting],
}

impl SectionInfo {
    /// Its keys.
    pub(super) fn settings(&self) -> impl Iterator<Item = &'static Setting> {
        self.settings.iter()
    }

    /// The key of this name.
    pub(super) fn setting(&self, key: &str) -> Option<&'static Setting> {
        self.settings().find(|setting| setting.key == key)
    }
}

const fn section_of(path: &'static str, doc: &'static str, settings: &'static [Setting]) -> SectionInfo {
    SectionInfo { path, named: false, doc, settings }
}

const fn named(path: &'static str, doc: &'static str, settings: &'static [Setting]) -> SectionInfo {
    SectionInfo { path, named: true, doc, settings }
}

/// Every section, in the order of the example file.
pub(super) static SECTIONS: [SectionInfo; 16] = [
    section_of("", "The service.", ServiceSettings::SETTINGS),
    section_of("encoder", "The prompt encoder.", EncoderSettings::SETTINGS),
    section_of("routing", "How models are chosen for `model = \"auto\"`.", PolicySettings::SETTINGS),
    section_of("learning", "Learning from feedback.", LearningSettings::SETTINGS),
    section_of("store", "The log of decisions, outcomes and feedback.", StoreSettings::SETTINGS),
    section_of("limits", "Limits on requests.", LimitSettings::SETTINGS),
    section_of("access", "Who may call.", AccessSettings::SETTINGS),
    section_of("simulated", "A stand-in provider for trying things out without keys.", SimulatedSettings::SETTINGS),
    section_of("catalog", "The model catalogue.", CatalogSettings::SETTINGS),
    section_of("gateway", "What follows when a provider fails or is slow.", GatewaySettings::SETTINGS),
    section_of(
        "cache",
        "Answers that are kept and given again. Not in force yet: this release keeps none.",
        CacheSettings::SETTINGS,
    ),
    named(
        "policies",
        "Rules that requests name as their model; keys left out are those of [routing].",
        PolicySettings::SETTINGS,
    ),
    named("providers", "Providers: the catalogue's by name, or your own.", ProviderSettings::SETTINGS),
    named("tenants", "What all keys of a tenant may do together.", TenantSettings::SETTINGS),
    named(
        "policy_limits",
        "What a policy, or `default`, may serve, for all callers together.",
        PolicyLimitSettings::SETTINGS,
    ),
    named("model_limits", "What a group of models may serve, for all callers together.", ModelLimitSettings::SETTINGS),
];

/// The section of this name.
pub(super) fn section_named(path: &str) -> Option<&'static SectionInfo> {
    SECTIONS.iter().find(|section| section.path == path)
}
