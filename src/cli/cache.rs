//! `satisfice cache`: the kept answers of a running service. They are in its memory alone.

use super::{
    Verdict,
    args::{CacheClearArgs, CacheCommand, ServicePlace},
    client::Client,
    keys::admin_key,
    output,
};
use crate::app::Setup;
use anyhow::Context;
use serde_json::Value;

const PATH: &str = "/admin/cache";

/// Runs the command.
pub(super) async fn run(command: CacheCommand) -> anyhow::Result<Verdict> {
    match command {
        CacheCommand::Stats { place } => {
            let stats: Value = client(&place)?.get(PATH).await?;
            show(&stats, place.json, rendered)
        }
        CacheCommand::Clear(args) => {
            let cleared: Value = client(&args.place)?.delete(&path(&args)?).await?;
            show(&cleared, args.place.json, |cleared| {
                let removed = cleared["removed"].as_u64().context("the answer can't be read")?;
                Ok(format!("{removed} kept answers were forgotten"))
            })
        }
    }
}

/// The service that is named, or the one that the settings tell of.
fn client(place: &ServicePlace) -> anyhow::Result<Client> {
    if let Some(server) = &place.server {
        return Ok(Client::remote(server)?.with_key(admin_key(server)?));
    }
    let setup = Setup::load(&place.place.clone().invocation())?;
    let listen = setup.settings.listen;
    let key = admin_key(&format!("the service on {listen}"))?;
    Ok(Client::listening_on(listen)?.with_key(key))
}

/// With the answers that are meant as a query.
fn path(args: &CacheClearArgs) -> anyhow::Result<String> {
    let named = [("tenant", &args.tenant), ("policy", &args.policy), ("model", &args.model)];
    let named: Vec<_> = named.into_iter().filter_map(|(field, name)| Some((field, name.as_ref()?))).collect();
    if named.is_empty() {
        return Ok(PATH.to_owned());
    }
    let url = reqwest::Url::parse_with_params("http://service/", named).context("a name can't be sent")?;
    Ok(format!("{PATH}?{}", url.query().unwrap_or_default()))
}

fn show(answer: &Value, json: bool, words: impl Fn(&Value) -> anyhow::Result<String>) -> anyhow::Result<Verdict> {
    if json {
        output::print_json(answer)?;
    } else {
        output::print(&words(answer)?)?;
    }
    Ok(Verdict::Good)
}

fn rendered(stats: &Value) -> anyhow::Result<String> {
    let number =
        |value: &Value, field: &str| value[field].as_u64().with_context(|| format!("the answer has no {field}"));
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let held = |part: &Value| -> anyhow::Result<String> {
        let (bytes, capacity) = (mib(number(part, "bytes")?), mib(number(part, "capacity_bytes")?));
        Ok(format!("{} answers, {bytes:.1} of {capacity:.0} MiB", number(part, "entries")?))
    };
    let (hits, stale, misses) = (number(stats, "hits")?, number(stats, "stale")?, number(stats, "misses")?);
    let looked = (hits + misses).max(1);
    Ok(format!(
        "to the same request: {}\nto similar requests: {}\neach given again for {} s\n\
         since the start: {hits} of {} requests answered from it ({:.1} %), {} of these as similar ones; \
         {stale} more with a stale answer; ${:.6} saved",
        held(&stats["exact"])?,
        held(&stats["semantic"])?,
        number(stats, "ttl_s")?,
        hits + misses,
        100.0 * hits as f64 / looked as f64,
        number(stats, "semantic_hits")?,
        stats["saved_usd"].as_f64().unwrap_or_default(),
    ))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_meant_stands_in_the_query_and_can_hold_anything() {
        let args = |tenant: Option<&str>, model: Option<&str>| CacheClearArgs {
            tenant: tenant.map(str::to_owned),
            policy: None,
            model: model.map(str::to_owned),
            place: ServicePlace::default(),
        };
        assert_eq!(path(&args(None, None)).unwrap(), "/admin/cache");
        assert_eq!(
            path(&args(Some("a&model=b"), Some("x/*"))).unwrap(),
            "/admin/cache?tenant=a%26model%3Db&model=x%2F*"
        );
    }

    #[test]
    fn people_read_what_it_is_worth() {
        let stats = json!({"exact": {"entries": 2, "bytes": 1 << 19, "capacity_bytes": 64 << 20},
                           "semantic": {"entries": 1, "bytes": 1 << 18, "capacity_bytes": 32 << 20}, "ttl_s": 3600, "hits": 1,
                           "semantic_hits": 1, "misses": 3, "stale": 0, "saved_usd": 0.0125});
        let text = rendered(&stats).unwrap();
        assert!(text.contains("same request: 2 answers, 0.5 of 64 MiB"), "{text}");
        assert!(text.contains("similar requests: 1 answers, 0.2 of 32 MiB") && text.contains("1 of these"), "{text}");
        assert!(text.contains("1 of 4 requests"), "{text}");
        assert!(text.contains("25.0 %") && text.contains("$0.012500 saved"), "{text}");
    }
}
