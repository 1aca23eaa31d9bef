//! What the service says when it is ready: where it listens, what it may choose from, and why not from the rest.

use super::{Engine, Setup};
use crate::{
    config::Settings,
    router::{Clock, FleetModel, SystemClock},
    store::Counts,
};
use std::{collections::BTreeMap, fmt::Write, net::SocketAddr, path::PathBuf, time::Duration};

/// Columns of a line that lists names.
const WIDTH: usize = 110;
/// Columns before the text of a line.
const INDENT: usize = 16;

/// The facts of a start.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Greeting {
    /// The data folder.
    pub data_dir: PathBuf,
    /// Rows that the log held.
    pub counts: Counts,
    /// Feedbacks folded into all posteriors.
    pub learned: u64,
    /// Encoder with its threads.
    pub encoder: String,
    /// Classifier's version.
    pub classifier: String,
    /// What callers need.
    pub callers: String,
    /// Models that may be chosen, by provider.
    pub usable: BTreeMap<String, Vec<String>>,
    /// How many models may not be chosen, by reason.
    pub disabled: BTreeMap<String, usize>,
    /// Whether the staging provider serves.
    pub simulated: bool,
    /// Allowed, and probably not meant.
    pub warnings: Vec<String>,
}

impl Greeting {
    /// Collects the facts.
    ///
    /// # Errors
    /// The log can't be counted.
    pub async fn of(setup: &Setup, engine: &Engine) -> anyhow::Result<Self> {
        let mut greeting = Self {
            data_dir: setup.settings.data_dir.clone(),
            counts: engine.store.counts().await?,
            learned: engine.router.learner_status().iter().map(|scope| scope.version).sum(),
            encoder: format!("{}, {} threads", engine.encoder_id, engine.encoder_threads),
            classifier: engine.classifier_version.clone(),
            callers: engine.keys.access().summary(SystemClock.now()),
            simulated: setup.is_simulated(),
            warnings: setup.warnings.iter().map(ToString::to_string).collect(),
            ..Self::default()
        };
        for model in engine.router.fleet().all() {
            greeting.add(model, &setup.settings);
        }
        if greeting.usable.is_empty() {
            greeting.warnings.push("no model may be chosen: every request will be refused".to_owned());
        }
        Ok(greeting)
    }

    fn add(&mut self, model: &FleetModel, settings: &Settings) {
        match model.unroutable().map(str::to_owned).or_else(|| denied_everywhere(model, settings)) {
            Some(reason) => *self.disabled.entry(reason).or_default() += 1,
            None => self.usable.entry(model.entry.provider.clone()).or_default().push(model.entry.id.to_string()),
        }
    }

    /// The page for people.
    #[must_use]
    pub fn page(&self, address: SocketAddr, took: Duration) -> String {
        let mut page = format!("satisfice {}\n", env!("CARGO_PKG_VERSION"));
        let mut line = |name: &str, text: &str| {
            // Writing to a string can't fail.
            let _ = writeln!(page, "  {name:<13} {text}");
        };
        line("listens on", &format!("http://{address}"));
        line("data", &self.data());
        line("encoder", &self.encoder);
        line("classifier", &self.classifier);
        line("callers", &self.callers);
        line("may choose", &models(self.usable.values().map(Vec::len).sum()));
        for (provider, names) in &self.usable {
            line(&format!("  {provider}"), &wrapped(names));
        }
        line("disabled", &wrapped(&self.reasons()));
        line("simulated", self.simulation());
        for warning in &self.warnings {
            line("warning", &warning.replace('\n', &format!("\n{:INDENT$}", "")));
        }
        line("ready", &format!("in {:.2} s", took.as_secs_f64()));
        page
    }

    fn data(&self) -> String {
        let Counts { decisions, feedback, .. } = self.counts;
        let learned = self.learned;
        format!("{} ({decisions} decisions, {feedback} feedbacks, {learned} learned)", self.data_dir.display())
    }

    /// How many models in all, then the reasons, each with its number of models, most models first.
    fn reasons(&self) -> Vec<String> {
        let mut reasons: Vec<_> = self.disabled.iter().collect();
        reasons.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
        let mut words: Vec<String> = reasons.iter().map(|(reason, count)| format!("{reason} ({count})")).collect();
        let all = models(self.disabled.values().sum());
        match words.first_mut() {
            Some(first) => *first = format!("{all}: {first}"),
            None => words.push(all),
        }
        words
    }

    const fn simulation(&self) -> &'static str {
        if self.simulated { "on: its models answer from inside this process, nothing is sent anywhere" } else { "off" }
    }
}

/// A model that no policy would take is as good as disabled.
fn denied_everywhere(model: &FleetModel, settings: &Settings) -> Option<String> {
    let mut rules = settings.named_policies.values().chain([&settings.routing]);
    let covers = |patterns: &[String]| patterns.iter().any(|pattern| model.entry.id.matches(pattern));
    let taken = rules.any(|rule| covers(&rule.allow) && !covers(&rule.deny));
    (!taken).then(|| "ruled out by the configuration".to_owned())
}

fn models(count: usize) -> String {
    format!("{count} model{}", if count == 1 { "" } else { "s" })
}

/// Names separated by commas, broken into lines that stay below each other.
fn wrapped(names: &[String]) -> String {
    let mut lines = vec![String::new()];
    for (i, name) in names.iter().enumerate() {
        let name = if i + 1 == names.len() { name.clone() } else { format!("{name}, ") };
        match lines.last_mut() {
            Some(last) if last.is_empty() || INDENT + last.len() + name.len() <= WIDTH => last.push_str(&name),
            _ => lines.push(name),
        }
    }
    let lines: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
    lines.join(&format!("\n{:INDENT$}", ""))
}
