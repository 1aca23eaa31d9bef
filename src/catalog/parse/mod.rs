//! From TOML to providers and models, collecting every fault on the way.

mod kinds;

use super::{
    Benchmark, CatalogFaults, Dialect, Latency, LongContext, ModelEntry, ModelKind, Price, Provider, Rate,
    SimulatedBehaviour, Tier,
    faults::Faults,
    reader::{Kind, Section},
};
use crate::domain::{DataHandling, ModelId, TaskType};
use kinds::{
    BENCHMARK, CAPABILITIES, DATA_POLICY, DATE, DIALECT, FLAG, KEY_HEADER, LOGIT, MODEL_ID, MODEL_KIND, NAME, NAMES,
    POSITIVE, RATE, REGION, SHARE, TEXT, TIER, TOKENS, URL, VERBOSITY,
};
use std::collections::HashSet;
use toml::de::DeTable;

type Entries = (Vec<Provider>, Vec<ModelEntry>);

/// Reads a text whose models may also refer to the providers `known` already.
pub(super) fn read(toml: &str, origin: &str, known: &[Provider]) -> Result<Entries, CatalogFaults> {
    let mut faults = Faults::new(origin, toml);
    let (document, errors) = DeTable::parse_recoverable(toml);
    for error in errors {
        let at = error.span().map_or(0, |span| span.start);
        faults.add(at, "", error.message().to_owned(), "mend the TOML syntax");
    }
    // What is read past an error of syntax would only be reported as missing.
    let mut faults = faults.none_or(Faults::new(origin, toml))?;
    let mut top = Section::new(String::new(), 0, document.get_ref());
    let providers = providers(&mut top, &mut faults);
    let dialects: Vec<_> = providers.iter().chain(known).map(|p| (p.id.as_str(), p.dialect)).collect();
    let models = models(&mut top, &mut faults, &dialects);
    top.finish(&mut faults);
    faults.none_or((providers, models))
}

fn providers(top: &mut Section<'_, '_>, faults: &mut Faults<'_>) -> Vec<Provider> {
    let mut seen = HashSet::new();
    let sections = top.tables(faults, "providers");
    sections
        .into_iter()
        .filter_map(|section| {
            let (at, key) = (section.place_of("id"), section.key("id"));
            let read = provider(section, faults)?;
            if !seen.insert(read.id.clone()) {
                faults.add(at, key, format!("{:?} is there twice", read.id), "remove one of the two");
            }
            Some(read)
        })
        .collect()
}

fn provider(mut section: Section<'_, '_>, faults: &mut Faults<'_>) -> Option<Provider> {
    let id = section.required(faults, "id", &TEXT);
    let name = section.required(faults, "name", &TEXT);
    let dialect = section.optional(faults, "dialect", &DIALECT).unwrap_or(Dialect::OpenAi);
    let base_url = base_url(&mut section, faults, dialect);
    let base_url_env = addressed(&mut section, faults, dialect, "base_url_env", &NAME);
    let auth = addressed(&mut section, faults, dialect, "auth", &KEY_HEADER);
    let key_env = section.optional(faults, "key_env", &NAMES).unwrap_or_default();
    let region = section.optional(faults, "region", &REGION);
    let policy = section.optional(faults, "data_policy", &DATA_POLICY);
    let docs = section.optional(faults, "docs", &URL);
    section.finish(faults);
    let auth = auth.unwrap_or_else(|| dialect.key_header());
    let handling = DataHandling { region, policy };
    Some(Provider { id: id?, name: name?, base_url: base_url?, base_url_env, key_env, dialect, auth, handling, docs })
}

/// A key that means something only for servers that anybody can run.
fn addressed<T>(
    section: &mut Section<'_, '_>,
    faults: &mut Faults<'_>,
    dialect: Dialect,
    key: &'static str,
    kind: &Kind<T>,
) -> Option<T> {
    if dialect.is_addressed() { section.optional(faults, key, kind) } else { None }
}

/// The address, empty where there need not be one.
fn base_url(section: &mut Section<'_, '_>, faults: &mut Faults<'_>, dialect: Dialect) -> Option<String> {
    match dialect {
        Dialect::OpenAi | Dialect::Anthropic if !section.has("base_url_env") => {
            section.required(faults, "base_url", &URL)
        }
        Dialect::OpenAi | Dialect::Anthropic | Dialect::Bedrock => {
            Some(section.optional(faults, "base_url", &URL).unwrap_or_default())
        }
        Dialect::Simulated => Some(String::new()),
    }
}

fn models(top: &mut Section<'_, '_>, faults: &mut Faults<'_>, providers: &[(&str, Dialect)]) -> Vec<ModelEntry> {
    let mut seen = HashSet::new();
    let sections = top.tables(faults, "models");
    sections
        .into_iter()
        .filter_map(|section| {
            let (at, key) = (section.place_of("id"), section.key("id"));
            let read = model(section, faults, providers)?;
            if !seen.insert(read.id.clone()) {
                faults.add(at, key, format!("{:?} is there twice", read.id.as_str()), "remove one of the two");
            }
            Some(read)
        })
        .collect()
}

fn model(mut section: Section<'_, '_>, faults: &mut Faults<'_>, providers: &[(&str, Dialect)]) -> Option<ModelEntry> {
    let id = section.required(faults, "id", &MODEL_ID);
    let kind = section.optional(faults, "kind", &MODEL_KIND).unwrap_or_default();
    let provider = provider_of(&mut section, faults, kind, providers);
    let upstream_name = section.required(faults, "upstream_name", &TEXT);
    let context_window = section.required(faults, "context_window", &TOKENS);
    let max_output_tokens = of_chat(&mut section, faults, kind, "max_output_tokens", &TOKENS, 0);
    let tier = of_chat(&mut section, faults, kind, "tier", &TIER, Tier::Nano);
    let capabilities = section.optional(faults, "capabilities", &CAPABILITIES).unwrap_or_default();
    let verbosity = section.optional(faults, "verbosity", &VERBOSITY).unwrap_or(1.0);
    let released = section.optional(faults, "released", &DATE);
    let deprecated = section.optional(faults, "deprecated", &FLAG).unwrap_or(false);
    let price = section.table(faults, "price").and_then(|price| self::price(price, faults, kind));
    let benchmarks = section.tables(faults, "benchmarks");
    let benchmarks = benchmarks.into_iter().filter_map(|figure| benchmark(figure, faults)).collect();
    let stated = section.table(faults, "latency").and_then(|latency| self::latency(latency, faults));
    let simulated = section.table(faults, "simulated").and_then(|truth| self::simulated(truth, faults));
    section.finish(faults);
    let tier = tier?;
    Some(ModelEntry {
        id: ModelId::new(id?),
        provider: provider?,
        upstream_name: upstream_name?,
        kind,
        price,
        context_window: context_window?,
        max_output_tokens: max_output_tokens?,
        capabilities,
        tier,
        benchmarks,
        latency: stated.unwrap_or_else(|| tier.latency()),
        verbosity,
        released,
        deprecated,
        simulated,
    })
}

/// A key that says how a model chats: one that does not chat may leave it out.
fn of_chat<T>(
    section: &mut Section<'_, '_>,
    faults: &mut Faults<'_>,
    model: ModelKind,
    key: &'static str,
    kind: &Kind<T>,
    otherwise: T,
) -> Option<T> {
    match model {
        ModelKind::Chat => section.required(faults, key, kind),
        ModelKind::Embedding => Some(section.optional(faults, key, kind).unwrap_or(otherwise)),
    }
}

/// The provider's id, if it is known and fits: the simulated dialect and a `simulated` table belong together, and not every
/// dialect has words for embeddings.
fn provider_of(
    section: &mut Section<'_, '_>,
    faults: &mut Faults<'_>,
    kind: ModelKind,
    providers: &[(&str, Dialect)],
) -> Option<String> {
    let (at, simulated) = (section.place_of("provider"), section.has("simulated"));
    let name = section.required(faults, "provider", &TEXT)?;
    let key = section.key("provider");
    let Some((_, dialect)) = providers.iter().find(|(id, _)| *id == name) else {
        let known: Vec<_> = providers.iter().map(|(id, _)| *id).collect();
        let remedy = format!("add it under [[providers]], or use one of {}", known.join(", "));
        faults.add(at, key, format!("provider {name:?} is unknown"), remedy);
        return None;
    };
    match (dialect, simulated) {
        (Dialect::Simulated, false) => {
            faults.add(at, key, format!("{name:?} serves simulated models only"), "add a [models.simulated] table");
        }
        (Dialect::OpenAi | Dialect::Anthropic | Dialect::Bedrock, true) => {
            faults.add(at, key, format!("{name:?} serves real models only"), "remove the [models.simulated] table");
        }
        (Dialect::Anthropic | Dialect::Bedrock, false) if kind == ModelKind::Embedding => {
            let problem = format!("{name:?} speaks the dialect {}, which has no embeddings", dialect.as_str());
            faults.add(at, key, problem, "name a provider of the dialect openai");
        }
        _ => {}
    }
    Some(name)
}

fn price(mut section: Section<'_, '_>, faults: &mut Faults<'_>, kind: ModelKind) -> Option<Price> {
    let input = section.required(faults, "input", &RATE);
    let output = of_chat(&mut section, faults, kind, "output", &RATE, Rate::FREE);
    let cached_input = section.optional(faults, "cached_input", &RATE);
    let cache_write = section.optional(faults, "cache_write", &RATE);
    let source = section.required(faults, "source", &TEXT);
    let as_of = section.required(faults, "as_of", &DATE);
    let long_context = section.table(faults, "long_context").and_then(|long| long_context(long, faults));
    section.finish(faults);
    let (input, output, source, as_of) = (input?, output?, source?, as_of?);
    Some(Price { input, output, cached_input, cache_write, long_context, source, as_of })
}

fn long_context(mut section: Section<'_, '_>, faults: &mut Faults<'_>) -> Option<LongContext> {
    let above_tokens = section.required(faults, "above_tokens", &TOKENS);
    let input = section.required(faults, "input", &RATE);
    let output = section.required(faults, "output", &RATE);
    section.finish(faults);
    Some(LongContext { above_tokens: above_tokens?, input: input?, output: output? })
}

fn benchmark(mut section: Section<'_, '_>, faults: &mut Faults<'_>) -> Option<Benchmark> {
    let name = section.required(faults, "name", &BENCHMARK);
    let score = section.required(faults, "score", &SHARE);
    let source = section.required(faults, "source", &TEXT);
    let as_of = section.required(faults, "as_of", &DATE);
    section.finish(faults);
    Some(Benchmark { name: name?, score: score?, source: source?, as_of: as_of? })
}

fn latency(mut section: Section<'_, '_>, faults: &mut Faults<'_>) -> Option<Latency> {
    let first_token_ms = section.required(faults, "first_token_ms", &POSITIVE);
    let tokens_per_second = section.required(faults, "tokens_per_second", &POSITIVE);
    section.finish(faults);
    Some(Latency { first_token_ms: first_token_ms?, tokens_per_second: tokens_per_second? })
}

fn simulated(mut section: Section<'_, '_>, faults: &mut Faults<'_>) -> Option<SimulatedBehaviour> {
    let ability = section.required(faults, "ability", &LOGIT);
    let failure_rate = section.required(faults, "failure_rate", &SHARE);
    let tasks = section.table(faults, "task_ability");
    let task_ability = tasks.map(|tasks| tasks.entries(faults, |name| name.parse::<TaskType>().ok(), &LOGIT));
    section.finish(faults);
    Some(SimulatedBehaviour {
        ability: ability?,
        task_ability: task_ability.unwrap_or_default(),
        failure_rate: failure_rate?,
    })
}
