//! `satisfice catalog import`: public price lists in the catalogue's form.

use super::{
    Verdict,
    args::{ImportArgs, ListFormat},
    output,
};
use crate::catalog::{
    import::{self, Import, ImportOptions, LITELLM_PROVIDERS, MODELS_DEV_PROVIDERS, SkipReason},
    models_to_toml,
};
use anyhow::{Context, bail};
use jiff::Zoned;
use std::{collections::BTreeMap, fmt::Write, fs, path::Path};

/// Runs the command.
pub(super) fn run(args: &ImportArgs) -> anyhow::Result<Verdict> {
    let json = if args.file == Path::new("-") {
        output::stdin()?
    } else {
        fs::read_to_string(&args.file).with_context(|| format!("can't read {}", args.file.display()))?
    };
    let toml = convert(args, &json)?;
    match &args.out {
        Some(path) => fs::write(path, toml).with_context(|| format!("can't write {}", path.display()))?,
        None => output::print(&toml)?,
    }
    Ok(Verdict::Good)
}

fn convert(args: &ImportArgs, json: &str) -> anyhow::Result<String> {
    let (defaults, source, read): (_, _, fn(&str, &ImportOptions<'_>) -> _) = match args.format {
        ListFormat::Litellm => (LITELLM_PROVIDERS, "LiteLLM model_prices_and_context_window.json", import::litellm),
        ListFormat::ModelsDev => (MODELS_DEV_PROVIDERS, "models.dev api.json", import::models_dev),
    };
    let source = args.source.as_deref().unwrap_or(source);
    let as_of = args.as_of.unwrap_or_else(|| Zoned::now().date());
    let providers = providers(&args.providers, defaults)?;
    let import = read(json, &ImportOptions { source, as_of, providers: &providers })?;
    output::note(&summary(&import));
    let header = format!(
        "# Imported from {source} as of {as_of}. Tier, verbosity and latency are guesses: edit them.\n\
         # To use it, name this file in the configuration: [catalog] file = \"…\"\n\n"
    );
    Ok(header + &models_to_toml(&import.models))
}

/// The providers to take: `wanted` names them as the list or as the catalogue does, or maps them; all when empty.
pub(super) fn providers<'a>(
    wanted: &'a [String],
    defaults: &'static [(&'static str, &'static str)],
) -> anyhow::Result<Vec<(&'a str, &'a str)>> {
    if wanted.is_empty() {
        return Ok(defaults.to_vec());
    }
    let mut chosen = Vec::new();
    for name in wanted {
        if let Some(pair) = name.split_once('=') {
            chosen.push(pair);
            continue;
        }
        let known = defaults.iter().filter(|(theirs, ours)| name == theirs || name == ours);
        let before = chosen.len();
        chosen.extend(known);
        if chosen.len() == before {
            let names: Vec<&str> = defaults.iter().map(|(theirs, _)| *theirs).collect();
            bail!("no provider {name} is known; give LIST=OURS, or one of {}", names.join(", "));
        }
    }
    Ok(chosen)
}

/// How many were taken, and how many left out for which reason.
pub(super) fn summary(import: &Import) -> String {
    let unpriced = import.models.iter().filter(|model| model.price.is_none()).count();
    let mut text = format!("{} models, {unpriced} of them without a price; left out:", import.models.len());
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for skipped in &import.skipped {
        *reasons.entry(words(&skipped.reason)).or_default() += 1;
    }
    for (reason, count) in reasons {
        // Writing to a string can't fail.
        let _ = write!(text, "\n  {count:>5}  {reason}");
    }
    text
}

const fn words(reason: &SkipReason) -> &'static str {
    match reason {
        SkipReason::Sample => "documents the format",
        SkipReason::NotChat(_) => "not for chat",
        SkipReason::Provider(_) => "of providers that were not asked for",
        SkipReason::NoLimits => "without token limits",
        SkipReason::Duplicate(_) => "with an id that another entry has already",
        SkipReason::Malformed => "not an object",
    }
}
