//! `satisfice simulate`: traffic through simulated models, with feedback that follows their true quality.

mod drive;
mod local;
mod report;
mod world;

pub(super) use drive::{Drive, Step};
pub(super) use report::{Summary, always_best, chosen_by_cost, shares};
pub(super) use world::{Degrade, World};

use super::{Verdict, args::SimulateArgs, client::Client, output, prompts::Prompts};
use crate::app::{Invocation, Setup};
use anyhow::ensure;
use local::LocalService;

/// Runs the command.
pub(super) async fn run(args: SimulateArgs) -> anyhow::Result<Verdict> {
    let prompts = Prompts::load(args.prompts.as_deref(), args.seed)?;
    let (client, local) = match &args.server {
        Some(server) => (Client::remote(server)?, None),
        None => {
            let local = LocalService::start(args.config.clone()).await?;
            (local.client()?, Some(local))
        }
    };
    let steps = traffic(&args, client, prompts).await;
    if let Some(local) = local {
        local.stop().await?;
    }
    let report = report::Report::new(&steps?, args.block.unwrap_or_else(|| args.requests.div_ceil(10)));
    if args.json {
        output::print_json(&report)?;
    } else {
        output::print(&report.render())?;
    }
    Ok(Verdict::Good)
}

async fn traffic(args: &SimulateArgs, client: Client, prompts: Prompts) -> anyhow::Result<Vec<Step>> {
    let setup = Setup::load(&Invocation::from_process(args.config.clone(), crate::config::Flags::default()))?;
    let world = World::new(&setup.catalog, &args.degrade, args.seed)?;
    let mut wishes = args.wishes.to_json();
    // The truth is known of simulated models only.
    wishes.entry("models").or_insert_with(|| vec!["simulated/*"].into());
    let drive = Drive { client, world, prompts, wishes, chat: args.chat, feedback_rate: args.feedback_rate };
    let bar = output::progress("requests", args.requests);
    let steps = drive.run(0..args.requests, usize::from(args.concurrency), &bar).await;
    bar.finish_and_clear();
    let steps = steps?;
    ensure!(steps.iter().any(|step| step.served.is_some()), "no request was served");
    Ok(steps)
}

#[cfg(test)]
mod tests;
