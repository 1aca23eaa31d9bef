//! What the operator asked for: settings, catalogue, keys, and which providers they enable.

use crate::{
    access::{AdminKey, WeakAdminKey},
    catalog::{Catalog, CatalogFaults, Dialect, Provider, providers_to_toml},
    classifier::{Shelf, shelf::SHELF},
    config::{
        self, AwsCredentials, BaseUrl, ConfigFaults, Credentials, Finding, Flags, Inputs, ProviderSettings, Secret,
        Settings, Source,
    },
    domain::DataHandling,
    encoder::ModelFolder,
    gateway::{AwsAccess, BedrockAccess, ProviderAccess, ProviderKeys},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

/// The log's file in the data folder.
pub const STORE_FILE: &str = "satisfice.db";
/// The variable that holds the administrator's key.
pub const ADMIN_KEY: &str = "SATISFICE_ADMIN_KEY";

/// How the process was called.
#[derive(Debug, Clone, Default)]
pub struct Invocation {
    /// `--config`; else `SATISFICE_CONFIG` of the environment; else no file.
    pub config: Option<PathBuf>,
    /// Flags that stand for settings.
    pub flags: Flags,
    /// The environment.
    pub environment: BTreeMap<String, String>,
}

/// Why there is nothing to start.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigFaults),
    /// The operator's catalogue is wrong.
    #[error(transparent)]
    Catalog(#[from] CatalogFaults),
    /// The administrator's key is too weak.
    #[error("SATISFICE_ADMIN_KEY: {0}")]
    AdminKey(#[from] WeakAdminKey),
    /// A file that was named can't be read.
    #[error("can't read the {what} {}: {source}", path.display())]
    File {
        /// What it is.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Checked settings with all that follows from them and from the environment.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Settings. What `[providers.NAME] models` leaves out stands in every policy's `deny`.
    pub settings: Settings,
    /// Built-in catalogue, the operator's file over it, configured providers over both.
    pub catalog: Catalog,
    /// Keys found.
    pub credentials: Credentials,
    /// Opens `/admin`; without it there is none.
    pub admin: Option<AdminKey>,
    /// Ids of the providers that may be called.
    pub enabled: BTreeSet<String>,
    /// Allowed, and probably not meant.
    pub warnings: Vec<Finding>,
    /// Where encoders are cached.
    pub models_dir: PathBuf,
}

impl Invocation {
    /// This process's environment; variables that are not Unicode are left out.
    #[must_use]
    pub fn from_process(config: Option<PathBuf>, flags: Flags) -> Self {
        let unicode = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self { config, flags, environment: std::env::vars_os().filter_map(unicode).collect() }
    }

    /// The configuration file to read, if any.
    #[must_use]
    pub fn config_file(&self) -> Option<PathBuf> {
        let named = self.environment.get("SATISFICE_CONFIG").filter(|path| !path.is_empty());
        self.config.clone().or_else(|| named.map(PathBuf::from))
    }
}

impl Setup {
    /// Reads and checks everything; starts nothing.
    ///
    /// # Errors
    /// [`SetupError`], to be shown to the operator as it is.
    pub fn load(invocation: &Invocation) -> Result<Self, SetupError> {
        let builtin = Catalog::builtin()?;
        let config::Loaded { mut settings, mut warnings } = load_settings(invocation, &builtin)?;
        let catalog = load_catalog(builtin, &settings)?;
        settings.check_providers(&ids(&catalog))?;
        let (credentials, more) = config::credentials(&invocation.environment, catalog.providers(), &settings);
        warnings.extend(more);
        let (addresses, more) = config::addresses(&invocation.environment, catalog.providers(), &credentials);
        warnings.extend(more);
        let catalog = with_addresses(catalog, &addresses)?;
        let enabled = enabled(&settings, &catalog, &credentials);
        deny_unlisted(&mut settings, &catalog);
        let models_dir = models_dir(&settings, &invocation.environment);
        let admin = admin_key(&invocation.environment)?;
        Ok(Self { settings, catalog, credentials, admin, enabled, warnings, models_dir })
    }

    /// The log's file.
    #[must_use]
    pub fn store_path(&self) -> PathBuf {
        self.settings.data_dir.join(STORE_FILE)
    }

    /// Where promoted classifiers are.
    #[must_use]
    pub fn shelf(&self) -> Shelf {
        let configured = self.settings.encoder.classifier_dir.clone();
        Shelf::new(configured.unwrap_or_else(|| self.settings.data_dir.join(SHELF)))
    }

    /// How to reach each enabled provider.
    #[must_use]
    pub fn access(&self) -> BTreeMap<String, ProviderAccess> {
        let enabled = self.catalog.providers().iter().filter(|p| self.enabled.contains(&p.id));
        let access =
            enabled.map(|p| (p.id.clone(), ProviderAccess { base_url: p.base_url.clone(), keys: self.keys(p) }));
        access.collect()
    }

    fn keys(&self, provider: &Provider) -> ProviderKeys {
        if provider.dialect == Dialect::Bedrock {
            return ProviderKeys::Bedrock(self.credentials.aws(&provider.id).iter().map(bedrock).collect());
        }
        let keys = self.credentials.keys(&provider.id).iter().map(|key| key.expose().to_owned());
        ProviderKeys::Header(provider.auth, keys.collect())
    }

    /// Whether the staging provider serves.
    #[must_use]
    pub fn is_simulated(&self) -> bool {
        self.catalog.providers().iter().any(|p| p.dialect == Dialect::Simulated && self.enabled.contains(&p.id))
    }
}

fn bedrock(credentials: &AwsCredentials) -> BedrockAccess {
    let shown = |secret: &Secret| secret.expose().to_owned();
    match credentials {
        AwsCredentials::ApiKey { region, key } => BedrockAccess::ApiKey { region: region.clone(), key: shown(key) },
        AwsCredentials::Keys { region, access_key_id, secret_access_key, session_token } => {
            BedrockAccess::Keys(AwsAccess {
                region: region.clone(),
                access_key_id: shown(access_key_id),
                secret_access_key: shown(secret_access_key),
                session_token: session_token.as_ref().map(shown),
            })
        }
    }
}

fn load_settings(invocation: &Invocation, builtin: &Catalog) -> Result<config::Loaded, SetupError> {
    let file = match invocation.config_file() {
        Some(path) => Some((read("configuration", &path)?, path.display().to_string())),
        None => None,
    };
    let data = dirs::data_dir().unwrap_or_else(|| PathBuf::from(".")).join("satisfice");
    Ok(config::load(&Inputs {
        file: file.as_ref().map(|(text, origin)| Source { text, origin }),
        environment: &invocation.environment,
        flags: &invocation.flags,
        default_data_dir: &data,
        known_providers: &ids(builtin),
    })?)
}

fn read(what: &'static str, path: &Path) -> Result<String, SetupError> {
    fs::read_to_string(path).map_err(|source| SetupError::File { what, path: path.to_owned(), source })
}

fn ids(catalog: &Catalog) -> Vec<&str> {
    catalog.providers().iter().map(|provider| provider.id.as_str()).collect()
}

/// Configured providers come first, so that the operator's file can use them, and last, so that they win.
fn load_catalog(builtin: Catalog, settings: &Settings) -> Result<Catalog, SetupError> {
    let catalog = with_configured(&builtin, settings)?;
    let Some(path) = &settings.catalog.file else { return Ok(catalog) };
    let overlaid = catalog.merge(&read("catalogue", path)?, &path.display().to_string())?;
    with_configured(&overlaid, settings)
}

/// The catalogue with what `[providers.NAME]` says of addresses, dialects and keys.
fn with_configured(catalog: &Catalog, settings: &Settings) -> Result<Catalog, SetupError> {
    let configured =
        settings.providers.iter().filter_map(|(name, given)| match (catalog.provider(name), &given.base_url) {
            (Some(known), _) if known.dialect != Dialect::Simulated => Some(configured(known.clone(), given)),
            (None, Some(_)) => Some(configured(new_provider(name), given)),
            _ => None,
        });
    Ok(catalog.merge(&providers_to_toml(&configured.collect::<Vec<_>>()), "[providers]")?)
}

fn configured(mut provider: Provider, given: &ProviderSettings) -> Provider {
    if let Some(dialect) = given.dialect.filter(|dialect| *dialect != provider.dialect) {
        (provider.dialect, provider.auth) = (dialect, dialect.key_header());
    }
    if let Some(auth) = given.auth {
        provider.auth = auth;
    }
    if let Some(url) = &given.base_url {
        // What the file says of this service wins over a variable that other programs read as well.
        (provider.base_url, provider.base_url_env) = (url.as_str().to_owned(), None);
    }
    let DataHandling { region, policy } = &mut provider.handling;
    (*region, *policy) = (given.region.clone().or(region.take()), given.data_policy.or(*policy));
    if let Some(variable) = &given.api_key_env {
        provider.key_env = vec![variable.as_str().to_owned()];
    }
    provider
}

/// The catalogue with the addresses that the environment gave.
fn with_addresses(catalog: Catalog, addresses: &BTreeMap<String, BaseUrl>) -> Result<Catalog, SetupError> {
    let addressed = addresses.iter().filter_map(|(name, url)| {
        let provider = catalog.provider(name)?.clone();
        Some(Provider { base_url: url.as_str().to_owned(), ..provider })
    });
    Ok(catalog.merge(&providers_to_toml(&addressed.collect::<Vec<_>>()), "environment")?)
}

fn new_provider(name: &str) -> Provider {
    Provider {
        id: name.to_owned(),
        name: name.to_owned(),
        base_url: String::new(),
        base_url_env: None,
        key_env: Vec::new(),
        dialect: Dialect::OpenAi,
        auth: Dialect::OpenAi.key_header(),
        handling: DataHandling::default(),
        docs: None,
    }
}

/// Who has a key and an address; servers that want no key, when the configuration names them; the staging provider, when it
/// is on.
fn enabled(settings: &Settings, catalog: &Catalog, credentials: &Credentials) -> BTreeSet<String> {
    let keyless = settings.providers.iter().filter(|(name, given)| {
        given.enabled && catalog.provider(name).is_some_and(|p| p.dialect.is_addressed() && p.key_env.is_empty())
    });
    let called = credentials.providers().chain(keyless.map(|(name, _)| name.as_str()));
    let reached = called.filter(|name| catalog.provider(name).is_some_and(Provider::has_address));
    let mut enabled: BTreeSet<String> = reached.map(str::to_owned).collect();
    if settings.simulated.is_on(!enabled.is_empty()) {
        let simulated = catalog.providers().iter().filter(|p| p.dialect == Dialect::Simulated);
        enabled.extend(simulated.map(|p| p.id.clone()));
    }
    enabled
}

/// Models that their provider's `models` does not list are denied in every policy.
fn deny_unlisted(settings: &mut Settings, catalog: &Catalog) {
    let unlisted = catalog.models().iter().filter(|model| {
        let given = settings.providers.get(&model.provider);
        given.is_some_and(|given| !given.models.iter().any(|pattern| model.id.matches(pattern)))
    });
    let unlisted: Vec<String> = unlisted.map(|model| model.id.to_string()).collect();
    settings.routing.deny.extend(unlisted.iter().cloned());
    for policy in settings.named_policies.values_mut() {
        policy.deny.extend(unlisted.iter().cloned());
    }
}

/// The administrator's key; set and empty is not set, as for settings.
fn admin_key(environment: &BTreeMap<String, String>) -> Result<Option<AdminKey>, WeakAdminKey> {
    let key = environment.get(ADMIN_KEY).filter(|key| !key.is_empty());
    key.map(|key| AdminKey::new(key)).transpose()
}

fn models_dir(settings: &Settings, environment: &BTreeMap<String, String>) -> PathBuf {
    let cache = environment.get("SATISFICE_CACHE_DIR").filter(|dir| !dir.is_empty());
    let default = || ModelFolder::default_models_dir(cache.map(String::as_str));
    settings.encoder.models_dir.clone().unwrap_or_else(default)
}
