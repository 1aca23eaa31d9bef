//! `satisfice check`: everything that could keep the service from working, all at once.

use super::{Verdict, models, output};
use crate::{
    app::{Invocation, Setup, model_folder},
    encoder::{FileState, Manifest, ModelFolder},
    router::Fleet,
    store::{IntegrityReport, Store, StoreError},
};

/// What one check found.
pub(super) enum Finding {
    /// Fine, with a word about it.
    Good(String),
    /// Allowed, and probably not meant.
    Warning(String),
    /// To be repaired.
    Fault(String),
}

/// Runs every check that can run and prints what they found.
pub(super) async fn run(invocation: &Invocation) -> anyhow::Result<Verdict> {
    let mut found = Vec::new();
    match Setup::load(invocation) {
        Ok(setup) => {
            found.extend(setup.warnings.iter().map(|w| ("settings", Finding::Warning(w.to_string()))));
            found.push(("settings", Finding::Good(invocation_words(invocation))));
            found.push(("catalogue", catalogue(&setup)));
            let (folder, offline) = (model_folder(&setup), setup.settings.encoder.offline);
            found.extend(tokio::task::spawn_blocking(move || encoder(&folder, offline)).await?);
            found.push(("log", log(&setup).await));
            found.push(("classifier", classifier(&setup)));
        }
        Err(error) => found.push(("settings", Finding::Fault(error.to_string()))),
    }
    output::print(&render(&found))?;
    Ok(Verdict::good_if(!found.iter().any(|(_, finding)| matches!(finding, Finding::Fault(_)))))
}

fn invocation_words(invocation: &Invocation) -> String {
    invocation.config_file().map_or_else(|| "defaults and environment".to_owned(), |path| path.display().to_string())
}

fn catalogue(setup: &Setup) -> Finding {
    let fleet = Fleet::new(&setup.catalog, &setup.enabled);
    let (usable, all) = (fleet.usable().count(), fleet.all().len());
    if usable == 0 {
        return Finding::Fault(
            "no model may be chosen; set a provider's key, or switch the simulated provider on".to_owned(),
        );
    }
    Finding::Good(format!("{usable} of {all} models may be chosen"))
}

fn encoder(folder: &ModelFolder, offline: bool) -> Vec<(&'static str, Finding)> {
    let states = match folder.verify() {
        Ok(states) => states,
        Err(error) => return vec![("encoder", Finding::Fault(error.to_string()))],
    };
    let mut found: Vec<_> = states.iter().filter_map(|(name, state)| file(name, *state, offline)).collect();
    if found.is_empty() {
        found.push(Finding::Good(format!("{} in {}", folder.manifest().encoder_id(), folder.path().display())));
    }
    found.into_iter().map(|finding| ("encoder", finding)).collect()
}

/// A file that is missing is fetched by the next start, unless that may not fetch.
fn file(name: &str, state: FileState, offline: bool) -> Option<Finding> {
    let text = format!("{name} is {}; run `satisfice models pull`", models::words(state));
    match state {
        FileState::Good => None,
        FileState::Missing if !offline => Some(Finding::Warning(format!("{text}, or let the next start fetch it"))),
        FileState::Missing | FileState::Corrupt => Some(Finding::Fault(text)),
    }
}

fn classifier(setup: &Setup) -> Finding {
    match setup.shelf().serving(&Manifest::builtin().encoder_id()) {
        Ok(classifier) => Finding::Good(classifier.version().to_owned()),
        Err(error) => Finding::Fault(error.to_string()),
    }
}

async fn log(setup: &Setup) -> Finding {
    let path = setup.store_path();
    let checked = match Store::open_read_only(&path).await {
        Err(StoreError::Missing { .. }) => return Finding::Good(format!("none yet; it will be {}", path.display())),
        Err(error) => Err(error),
        Ok(log) => log.check().await,
    };
    match checked {
        Ok(report) if report.is_sound() => Finding::Good(format!("{} is whole", path.display())),
        Ok(report) => Finding::Fault(format!("{}: {}", path.display(), log_faults(&report))),
        Err(error) => Finding::Fault(error.to_string()),
    }
}

fn log_faults(report: &IntegrityReport) -> String {
    let gaps = report
        .gaps
        .iter()
        .map(|gap| format!("scope {} has {} feedbacks numbered up to {}", gap.scope, gap.rows, gap.highest));
    let orphans = (report.orphans > 0).then(|| format!("{} rows refer to what is not there", report.orphans));
    let all: Vec<String> = report.faults.iter().cloned().chain(gaps).chain(orphans).collect();
    format!("{}; restore it from a backup", all.join("; "))
}

/// A line a finding, continued lines below their text.
pub(super) fn render(found: &[(&str, Finding)]) -> String {
    let line = |(what, finding): &(&str, Finding)| {
        let (mark, text) = match finding {
            Finding::Good(text) => ("ok", text),
            Finding::Warning(text) => ("warning", text),
            Finding::Fault(text) => ("FAULT", text),
        };
        format!("{mark:<8} {what:<11} {}\n", text.replace('\n', &format!("\n{:21}", "")))
    };
    let faults = found.iter().filter(|(_, finding)| matches!(finding, Finding::Fault(_))).count();
    let end = match faults {
        0 => "nothing stands in the way".to_owned(),
        1 => "1 fault".to_owned(),
        n => format!("{n} faults"),
    };
    found.iter().map(line).collect::<String>() + &end
}
