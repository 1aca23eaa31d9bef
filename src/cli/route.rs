//! `satisfice route`: one decision as a table.

use super::{
    Verdict,
    answer::{CandidateAnswer, PredictedAnswer, RouteAnswer},
    args::{Mode, RouteArgs, Wishes},
    client::Client,
    output,
};
use crate::{
    app::{self, Engine, Setup},
    domain::{Quality, Usd},
    http::{self, Door, Readiness},
    router::SystemClock,
    telemetry,
};
use anyhow::ensure;
use serde_json::{Map, Value, json};
use std::{fmt::Write, sync::Arc};

/// Runs the command.
pub(super) async fn run(args: RouteArgs) -> anyhow::Result<Verdict> {
    let text = if args.text == "-" { output::stdin()? } else { args.text.clone() };
    ensure!(!text.trim().is_empty(), "the prompt is empty");
    let client = client(&args).await?;
    let body = json!({
        "model": args.policy.as_deref().unwrap_or("auto"),
        "messages": [{"role": "user", "content": text}],
        "route": args.wishes.to_json(),
    });
    let answer: Value = client.post("/v1/route", &body).await?;
    if args.json {
        output::print_json(&answer)?;
    } else {
        output::print(&render(&serde_json::from_value(answer)?))?;
    }
    Ok(Verdict::Good)
}

/// The service that was named; else the one that the settings describe, if it runs; else one in this process.
async fn client(args: &RouteArgs) -> anyhow::Result<Client> {
    if let Some(server) = &args.server {
        return Client::remote(server);
    }
    let setup = Setup::load(&args.place.clone().invocation())?;
    let running = Client::listening_on(setup.settings.listen)?;
    if running.is_alive().await {
        return Ok(running);
    }
    output::note(&format!(
        "no service answers on {}: deciding in this process, without what it learned",
        setup.settings.listen
    ));
    in_process(&setup).await
}

async fn in_process(setup: &Setup) -> anyhow::Result<Client> {
    let engine = Engine::in_memory(setup).await?;
    let limits = app::limits(&setup.settings);
    let door = Door::new(engine.keys, None, Arc::new(SystemClock));
    Ok(Client::Local(http::service(engine.router, door, limits, Readiness::default(), telemetry::recorder()?)))
}

impl Wishes {
    /// The `route` object, candidates included.
    pub(super) fn to_json(&self) -> Map<String, Value> {
        let mode = self.mode.map(|mode| match mode {
            Mode::Floor => "floor",
            Mode::Average => "average",
            Mode::Budget => "budget",
        });
        let list = |patterns: &[String]| (!patterns.is_empty()).then(|| json!(patterns));
        let fields = [
            ("quality_target", self.quality.map(|q| json!(Quality::get(q)))),
            ("mode", mode.map(Value::from)),
            ("max_cost_usd", self.max_cost.map(|usd| json!(Usd::get(usd)))),
            ("max_latency_ms", self.max_latency_ms.map(Value::from)),
            ("models", list(&self.models)),
            ("exclude", list(&self.exclude)),
            ("regions", (!self.regions.is_empty()).then(|| json!(self.regions))),
            ("data_policy", self.data_policy.map(|policy| Value::from(policy.as_str()))),
            ("explain", Some(Value::from(true))),
        ];
        fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

/// The page for people.
pub(super) fn render(answer: &RouteAnswer) -> String {
    let mut page = String::new();
    let mut line = |name: &str, text: &str| {
        // Writing to a string can't fail.
        let _ = writeln!(page, "{name:<11} {text}");
    };
    let provider = answer.provider.as_ref().map_or_else(String::new, |provider| format!(" (provider {provider})"));
    line("model", &format!("{}{provider}", answer.model));
    line("because", &answer.reason);
    line("task", &format!("{}, difficulty {:.2}", answer.task.r#type, answer.difficulty));
    if let Some(predicted) = &answer.predicted {
        line("expected", &expected(predicted));
    }
    line("policy", &format!("{}, version {}", answer.policy, answer.policy_version));
    line("propensity", &format!("{:.4}{}", answer.propensity, if answer.explored { ", explored" } else { "" }));
    if !answer.fallbacks.is_empty() {
        line("fallbacks", &answer.fallbacks.join(", "));
    }
    if let Some(total) = answer.timings_us.get("total") {
        line("took", &format!("{:.1} ms", *total as f64 / 1000.0));
    }
    line("decision", &answer.decision_id);
    format!("{page}\n{}", candidates(answer))
}

fn expected(predicted: &PredictedAnswer) -> String {
    let PredictedAnswer { cost_usd, output_tokens, quality, quality_low } = predicted;
    format!(
        "quality {quality:.3} (at least {quality_low:.3}), {} for about {output_tokens} output tokens",
        usd(*cost_usd)
    )
}

fn usd(sum: f64) -> String {
    Usd::new(sum).map_or_else(|_| String::new(), |usd| usd.to_string())
}

/// Candidates that could be chosen, the cheapest first, then the others.
fn candidates(answer: &RouteAnswer) -> String {
    let mut all: Vec<&CandidateAnswer> = answer.candidates.iter().collect();
    all.sort_by(|a, b| {
        let cost = |c: &CandidateAnswer| c.cost_usd.unwrap_or(f64::INFINITY);
        cost(a).total_cmp(&cost(b))
    });
    let rows = all.into_iter().map(|c| row(c, c.model == answer.model));
    output::table(&["", "model", "quality", "at least", "cost", "seconds", "propensity", "excluded"], &[1, 7], rows)
}

fn row(candidate: &CandidateAnswer, chosen: bool) -> Vec<String> {
    let text = |value: Option<f64>, show: &dyn Fn(f64) -> String| value.map_or_else(String::new, show);
    vec![
        if chosen { "→" } else { "" }.to_owned(),
        candidate.model.clone(),
        text(candidate.quality, &|q| format!("{q:.3}")),
        text(candidate.quality_low, &|q| format!("{q:.3}")),
        text(candidate.cost_usd, &usd),
        text(candidate.latency_ms, &|ms| format!("{:.1}", ms / 1000.0)),
        format!("{:.4}", candidate.propensity),
        candidate.excluded_by.as_ref().map_or_else(String::new, |excluded| excluded.reason.clone()),
    ]
}
