//! `satisfice replay --verify`: is what was learned what the log says?

use super::{Verdict, args::ReplayArgs, output, setup};
use crate::{
    domain::Scope,
    router::{ReplayReport, verify_replay},
    store::{Reader, Store},
};
use anyhow::ensure;
use serde_json::json;

/// Runs the command.
pub(super) async fn run(args: ReplayArgs) -> anyhow::Result<Verdict> {
    let setup = setup(args.place)?;
    let log = Store::open_read_only(&setup.store_path()).await?;
    let rates = setup.settings.learning.rates();
    let mut reports = Vec::new();
    for scope in scopes(&log, args.scope.as_deref()).await? {
        reports.push(verify_replay(&log, &scope, rates).await?);
    }
    let equal = reports.iter().all(|report| report.equal);
    if args.json {
        output::print_json(&json!({ "equal": equal, "scopes": reports }))?;
    } else {
        output::print(&render(&reports))?;
    }
    Ok(Verdict::good_if(equal))
}

async fn scopes(log: &Reader, only: Option<&str>) -> anyhow::Result<Vec<Scope>> {
    let mut scopes = log.scopes().await?;
    if let Some(only) = only {
        let known: Vec<String> = scopes.iter().map(ToString::to_string).collect();
        scopes.retain(|scope| scope.as_str() == only);
        ensure!(!scopes.is_empty(), "the log has no scope {only:?}; it has: {}", known.join(", "));
    }
    Ok(scopes)
}

/// A paragraph a scope.
pub(super) fn render(reports: &[ReplayReport]) -> String {
    if reports.is_empty() {
        return "the log is empty: nothing to compare".to_owned();
    }
    reports.iter().map(paragraph).collect::<Vec<_>>().join("\n")
}

fn paragraph(report: &ReplayReport) -> String {
    let ReplayReport { from_log, from_snapshot, snapshot_at, equal } = report;
    let scope = &from_log.scope;
    if *equal {
        return format!(
            "scope {scope}: equal to the bit after {} feedbacks (snapshot at {snapshot_at}), digest {}",
            from_log.version, from_log.digest
        );
    }
    format!(
        "scope {scope}: DIFFERENT\n  whole log        {} feedbacks, digest {}\n  snapshot at {snapshot_at:<4} {} feedbacks, \
         digest {}\n  The log is the truth: a snapshot is damaged or comes from a release that folds differently.",
        from_log.version, from_log.digest, from_snapshot.version, from_snapshot.digest
    )
}
