//! `satisfice keys`: API keys in the data folder, or in the service that uses it.

use super::{
    Verdict,
    args::{KeysCommand, KeysCreateArgs, KeysPlace, KeysRotateArgs},
    client::Client,
    output,
};
use crate::{
    access::KeyBook,
    app::{ADMIN_KEY, Service, Setup},
    config::DEFAULT_POLICY,
    domain::{Usd, covers, nearest},
    http::{self, Door},
    router::{Clock, SystemClock},
    store::{Store, StoreError},
};
use anyhow::{Context, ensure};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Runs the command.
pub(super) async fn run(command: KeysCommand) -> anyhow::Result<Verdict> {
    match command {
        KeysCommand::Create(args) => {
            let wishes = wishes(&args, Timestamp::now())?;
            let keys = Keys::open(&args.place).await?;
            let issued = keys.client.post("/admin/keys", &wishes).await;
            let names = keys.names().await;
            let verdict = show_issued(&keys.done(issued).await?, args.place.json)?;
            warn(&args, &names);
            Ok(verdict)
        }
        KeysCommand::List(args) => list(&args.place).await,
        KeysCommand::Rotate(args) => {
            let keys = Keys::open(&args.place).await?;
            let issued = keys.client.post(&path(&args.id, "/rotate")?, &rotation(&args)).await;
            show_issued(&keys.done(issued).await?, args.place.json)
        }
        KeysCommand::Revoke(args) => {
            let keys = Keys::open(&args.place).await?;
            let revoked = keys.client.delete(&path(&args.id, "")?).await;
            show_revoked(&keys.done(revoked).await?, args.place.json)
        }
    }
}

/// Whoever can change the keys: a service, or this process on the data folder.
struct Keys {
    client: Client,
    store: Option<Store>,
    /// What keys may be limited to, where this process knows it.
    names: Vec<String>,
}

impl Keys {
    async fn open(place: &KeysPlace) -> anyhow::Result<Self> {
        if let Some(server) = &place.server {
            return Ok(Self {
                client: Client::remote(server)?.with_key(admin_key(server)?),
                store: None,
                names: Vec::new(),
            });
        }
        let setup = Setup::load(&place.place.clone().invocation())?;
        match Service::open_store(&setup).await {
            Ok(store) => Self::here(&setup, store).await,
            Err(error) if matches!(error.downcast_ref(), Some(StoreError::Locked { .. })) => {
                let key = admin_key(&format!("the service that uses {}", setup.settings.data_dir.display()))?;
                let client = Client::listening_on(setup.settings.listen)?.with_key(key);
                Ok(Self { client, store: None, names: Vec::new() })
            }
            Err(error) => Err(error),
        }
    }

    async fn here(setup: &Setup, store: Store) -> anyhow::Result<Self> {
        let keys = KeyBook::load(store.clone(), setup.settings.access_rules(false), SystemClock.now()).await?;
        let client = Client::Local(http::keys_alone(Door::new(keys, None, Arc::new(SystemClock))));
        let models = setup.catalog.models().iter().map(|model| model.id.to_string());
        let policies = setup.settings.named_policies.keys().cloned();
        let names = models.chain(policies).chain([DEFAULT_POLICY.to_owned()]).collect();
        Ok(Self { client, store: Some(store), names })
    }

    /// Names of models and policies; none if they can't be had, which is no reason to make no key.
    async fn names(&self) -> Vec<String> {
        if self.store.is_some() {
            return self.names.clone();
        }
        let list: Value = self.client.get("/admin/models").await.unwrap_or_default();
        let listed = list["data"].as_array().into_iter().flatten().filter_map(|model| model["id"].as_str());
        // `auto` is the default policy to requests, and nothing to keys.
        let listed = listed.filter(|name| *name != "auto");
        let mut names: Vec<String> = listed.map(str::to_owned).collect();
        if !names.is_empty() {
            names.push(DEFAULT_POLICY.to_owned());
        }
        names
    }

    /// Closes what was opened, whatever came of it.
    async fn done<T>(self, result: anyhow::Result<T>) -> anyhow::Result<T> {
        if let Some(store) = self.store {
            store.close().await.context("closing the log")?;
        }
        result
    }
}

/// Says which limits of a new key let nothing through.
fn warn(args: &KeysCreateArgs, names: &[String]) {
    for (option, patterns) in [("--models", &args.models), ("--policies", &args.policies)] {
        for pattern in unknown(patterns, names) {
            let near = nearest(pattern, names).map(|near| format!("; did you mean {near}?")).unwrap_or_default();
            output::note(&format!("warning: {option} {pattern}: nothing has such a name{near}"));
        }
    }
}

/// The patterns that cover none of these names; none if there are no names to tell by.
fn unknown<'a>(patterns: &'a [String], names: &[String]) -> Vec<&'a str> {
    let is_unknown = |pattern: &&String| !names.is_empty() && !names.iter().any(|name| covers(pattern, name));
    patterns.iter().filter(is_unknown).map(String::as_str).collect()
}

/// The administrator's key, from the environment.
///
/// # Errors
/// It is not set; the message says what to do.
pub(super) fn admin_key(whose: &str) -> anyhow::Result<String> {
    let key = std::env::var(ADMIN_KEY).ok().filter(|key| !key.is_empty());
    key.with_context(|| format!("set {ADMIN_KEY} to the admin key of {whose}, or stop it first"))
}

/// The body of a request for a key.
fn wishes(args: &KeysCreateArgs, now: Timestamp) -> anyhow::Result<Value> {
    let list = |patterns: &[String]| (!patterns.is_empty()).then(|| json!(patterns));
    let fields = [
        ("name", Some(json!(args.name))),
        ("tenant", Some(json!(args.tenant))),
        ("expires_at", args.expires_in_days.map(|days| expiry(days, now)).transpose()?),
        ("requests_per_minute", args.requests_per_minute.map(Value::from)),
        ("tokens_per_minute", args.tokens_per_minute.map(Value::from)),
        ("max_concurrent", args.max_concurrent.map(Value::from)),
        ("budget_usd_per_month", args.budget_usd_per_month.map(|usd| json!(Usd::get(usd)))),
        ("models", list(&args.models)),
        ("policies", list(&args.policies)),
    ];
    Ok(Value::Object(fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()))
}

fn expiry(days: u32, now: Timestamp) -> anyhow::Result<Value> {
    let at = now.checked_add(SignedDuration::from_hours(24 * i64::from(days))).context("that is too far away")?;
    Ok(json!(at.to_string()))
}

fn rotation(args: &KeysRotateArgs) -> Value {
    let grace = args.grace_seconds.map(|seconds| ("grace_seconds".to_owned(), json!(seconds)));
    Value::Object(grace.into_iter().collect::<Map<_, _>>())
}

/// People paste whole keys; what is sent must not be one.
fn path(id: &str, rest: &str) -> anyhow::Result<String> {
    let fits = crate::access::is_key_id(id);
    ensure!(fits, "give the public part alone: the twelve characters between the dashes of sat-...-...");
    Ok(format!("/admin/keys/{id}{rest}"))
}

/// A key as the service describes it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
struct KeyAnswer {
    id: String,
    name: String,
    tenant: String,
    status: String,
    expires_at: Option<String>,
    requests_per_minute: Option<u64>,
    tokens_per_minute: Option<u64>,
    max_concurrent: Option<u64>,
    budget_usd_per_month: Option<f64>,
    models: Vec<String>,
    policies: Vec<String>,
}

/// The key goes to standard output alone, so that it can be piped to where it belongs.
fn show_issued(answer: &Value, json: bool) -> anyhow::Result<Verdict> {
    if json {
        output::print_json(answer)?;
        return Ok(Verdict::Good);
    }
    let record = KeyAnswer::deserialize(answer).context("the answer can't be read")?;
    output::print(answer["key"].as_str().context("the answer holds no key")?)?;
    output::note(&format!(
        "API key {} ({}, tenant {}); its secret is shown this once and kept nowhere",
        record.id, record.name, record.tenant
    ));
    Ok(Verdict::Good)
}

fn show_revoked(answer: &Value, json: bool) -> anyhow::Result<Verdict> {
    if json {
        output::print_json(answer)?;
        return Ok(Verdict::Good);
    }
    let record = KeyAnswer::deserialize(answer).context("the answer can't be read")?;
    output::print(&format!("API key {} ({}, tenant {}) is revoked", record.id, record.name, record.tenant))?;
    Ok(Verdict::Good)
}

async fn list(place: &KeysPlace) -> anyhow::Result<Verdict> {
    let keys = Keys::open(place).await?;
    let answers = async {
        let list: Value = keys.client.get("/admin/keys").await?;
        let usage: Value = keys.client.get("/admin/usage").await?;
        Ok((list, usage))
    };
    let answers = answers.await;
    let (list, usage) = keys.done(answers).await?;
    if place.json {
        output::print_json(&json!({"keys": list["data"], "usage": usage}))?;
    } else {
        output::print(&render(&list, &usage)?)?;
    }
    Ok(Verdict::Good)
}

/// The table for people; a key that was replaced is counted with its successor, and so shows no spending.
fn render(list: &Value, usage: &Value) -> anyhow::Result<String> {
    let keys = Vec::<KeyAnswer>::deserialize(&list["data"]).context("the list can't be read")?;
    if keys.is_empty() {
        return Ok("no API keys; `satisfice keys create NAME` makes one".to_owned());
    }
    let header =
        ["id", "name", "tenant", "state", "expires", "req/min", "tok/min", "at once", "spent", "budget", "may use"];
    let rows = keys.iter().map(|key| row(key, spent(usage, &key.id)));
    Ok(output::table(&header, &[0, 1, 2, 3, 4, 10], rows))
}

fn spent(usage: &Value, id: &str) -> Option<f64> {
    let of_key = usage["keys"].as_array()?.iter().find(|of_key| of_key["id"] == id)?;
    of_key["spent_usd"].as_f64()
}

fn row(key: &KeyAnswer, spent: Option<f64>) -> Vec<String> {
    let number = |limit: Option<u64>| limit.map_or_else(String::new, |limit| limit.to_string());
    let usd = |sum: Option<f64>| sum.map_or_else(String::new, |sum| format!("${sum:.2}"));
    // The day will do.
    let expires = key.expires_at.as_deref().map_or("", |at| at.split('T').next().unwrap_or(at));
    vec![
        key.id.clone(),
        key.name.clone(),
        key.tenant.clone(),
        key.status.clone(),
        expires.to_owned(),
        number(key.requests_per_minute),
        number(key.tokens_per_minute),
        number(key.max_concurrent),
        usd(spent),
        usd(key.budget_usd_per_month),
        [key.models.as_slice(), &key.policies].concat().join(" "),
    ]
}

#[cfg(test)]
mod tests;
