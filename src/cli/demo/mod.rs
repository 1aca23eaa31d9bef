//! `satisfice demo`: the whole story on real prompts, each claim checked.
//!
//! A service of its own, as a child process with its data in a temporary folder and simulated models only: route; learn
//! that the most used model has gone bad; `kill -9`; come back with everything learned.

mod child;
mod claims;
mod tables;

use super::{
    Verdict,
    answer::ReadyAnswer,
    args::{DemoArgs, Wishes},
    output,
    prompts::Prompts,
    simulate::{Degrade, Drive, Step, Summary, World, always_best, shares},
};
use crate::{
    app::{Setup, model_folder},
    domain::{ModelId, Quality},
    router::verify_replay,
    store::Store,
};
use anyhow::{Context, ensure};
use child::{Child, invocation};
use claims::Claims;
use indicatif::ProgressBar;
use std::{ops::Range, time::Duration};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

/// Requests of the first part that are in flight together.
const CONCURRENCY: usize = 8;
/// Requests of a block while it learns.
const BLOCK: u64 = 25;
/// Blocks while it learns.
const BLOCKS: u64 = 12;
/// Requests after the kill.
const AFTERWARDS: u64 = 100;
/// What the most used model is worth once it has gone bad.
const BAD: f64 = 0.05;
/// How long the learner may lag behind the log.
const LAG: Duration = Duration::from_secs(10);

/// Runs the command.
pub(super) async fn run(args: DemoArgs) -> anyhow::Result<Verdict> {
    let data = TempDir::with_prefix("satisfice-demo-")?;
    let setup = Setup::load(&invocation(data.path()))?;
    fetch_encoder(&setup).await?;
    let mut child = Child::start(data.path()).await?;
    output::print(&format!("A service of its own runs on {}, simulated models only.", child.address()))?;
    let mut story = Story::new(&args, &setup, &child)?;
    let victim = story.route(args.prompts).await?;
    story.learn(&victim).await?;
    let before = story.learned().await?;
    child.kill().await?;
    output::print(&format!("\nkill -9; the log in {} is what is left. Starting again.", data.path().display()))?;
    let child = Child::start(data.path()).await?;
    story.drive.client = child.client()?;
    story.survived(&before).await?;
    story.afterwards(&victim).await?;
    replays(&setup, &mut story.claims).await?;
    story.claims.conclude()
}

/// Here and not in the child, for the progress bar.
async fn fetch_encoder(setup: &Setup) -> anyhow::Result<()> {
    let (folder, offline) = (model_folder(setup), setup.settings.encoder.offline);
    tokio::task::spawn_blocking(move || folder.ensure(offline)).await??;
    Ok(())
}

/// The log alone gives the same bits as the snapshot and the tail.
async fn replays(setup: &Setup, claims: &mut Claims) -> anyhow::Result<()> {
    let log = Store::open_read_only(&setup.store_path()).await?;
    let report = verify_replay(&log, &setup.settings.routing.scope, setup.settings.learning.rates()).await?;
    let detail = format!("{} feedbacks, digest {:.12}", report.from_log.version, report.from_log.digest);
    claims.check("folding the whole log again gives the same bits", report.equal, &detail)
}

/// Where the story has got to.
struct Story {
    drive: Drive,
    claims: Claims,
    /// Number of the next request.
    next: u64,
    /// Share of the most used model before it went bad.
    share: f64,
    /// Number of the last feedback that was acknowledged.
    acknowledged: u64,
}

impl Story {
    fn new(args: &DemoArgs, setup: &Setup, child: &Child) -> anyhow::Result<Self> {
        let wishes = Wishes { quality: Some(args.quality), ..Wishes::default() };
        let drive = Drive {
            client: child.client()?,
            world: World::new(&setup.catalog, &[], args.seed)?,
            prompts: Prompts::load(None, args.seed)?,
            wishes: wishes.to_json(),
            chat: false,
            feedback_rate: 0.0,
        };
        Ok(Self { drive, claims: Claims::default(), next: 0, share: 0.0, acknowledged: 0 })
    }

    async fn steps(&mut self, requests: u64, concurrency: usize) -> anyhow::Result<Vec<Step>> {
        let numbers: Range<u64> = self.next..self.next + requests;
        self.next = numbers.end;
        let bar: ProgressBar = output::progress("prompts", requests);
        let steps = self.drive.run(numbers, concurrency, &bar).await;
        bar.finish_and_clear();
        let steps = steps?;
        let last = steps.iter().filter_map(|step| step.served.as_ref()?.feedback).max();
        self.acknowledged = self.acknowledged.max(last.unwrap_or(0));
        Ok(steps)
    }

    /// The first part: what is chosen for which prompts, and what it costs. Gives the most used model.
    async fn route(&mut self, prompts: u64) -> anyhow::Result<ModelId> {
        output::print(&format!("\n1. {prompts} prompts of datasets/prompts through /v1/route, nothing learned yet\n"))?;
        let steps = self.steps(prompts, CONCURRENCY).await?;
        output::print(&tables::by_task(&steps))?;
        output::print(&format!("\n{}\n", tables::by_level(&steps)))?;
        let (summary, best) = (Summary::of(&steps), always_best(&steps).context("nothing was routed")?);
        let detail = format!(
            "{} of what {} costs for every prompt; {} of the choices truly meet the target or are the best there is",
            output::percent(summary.cost_usd, best.cost_usd),
            best.model,
            output::percent(summary.adequate, 1.0)
        );
        self.claims.check(
            "routing costs less than the strongest model always",
            summary.cost_usd < best.cost_usd,
            &detail,
        )?;
        let (victim, count) =
            shares(&steps).into_iter().max_by_key(|&(_, count)| count).context("nothing was routed")?;
        self.share = count as f64 / steps.len() as f64;
        Ok(ModelId::from(victim.as_str()))
    }

    /// The second part: the most used model has gone bad, the others are scored as they are.
    async fn learn(&mut self, victim: &ModelId) -> anyhow::Result<()> {
        let share = output::percent(self.share, 1.0);
        output::print(&format!("\n2. {victim} (share so far {share}) goes bad: its answers now score {BAD}\n"))?;
        let degrade = Degrade { model: victim.clone(), quality: Quality::clipped(BAD), from: 0 };
        self.drive.world = self.drive.world.clone().with(degrade);
        self.drive.feedback_rate = 1.0;
        let mut blocks = Vec::new();
        for _ in 0..BLOCKS {
            // One after the other: each choice may use what the last answer taught.
            let steps = self.steps(BLOCK, 1).await?;
            blocks.push(Summary::of(&steps));
        }
        output::print(&tables::blocks(&blocks, victim.as_str()))?;
        let last: f64 =
            blocks.iter().rev().take(4).map(|block| tables::share_of(block, victim.as_str())).sum::<f64>() / 4.0;
        let detail = format!("{share} before, {} in the last {} requests", output::percent(last, 1.0), 4 * BLOCK);
        self.claims.check("the share of the bad model falls below half", last < self.share / 2.0, &detail)
    }

    /// Waits until the learner has all that was acknowledged.
    async fn learned(&self) -> anyhow::Result<ReadyAnswer> {
        let deadline = Instant::now() + LAG;
        loop {
            let ready: ReadyAnswer = self.drive.client.get("/readyz").await?;
            if ready.scopes.iter().any(|scope| scope.version >= self.acknowledged) {
                return Ok(ready);
            }
            ensure!(Instant::now() < deadline, "the learner does not catch up with {} feedbacks", self.acknowledged);
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// The third part: nothing is lost.
    async fn survived(&mut self, before: &ReadyAnswer) -> anyhow::Result<()> {
        let after = self.learned().await?;
        let words = |ready: &ReadyAnswer| {
            let scopes =
                ready.scopes.iter().map(|s| format!("{} version {} digest {:.12}", s.scope, s.version, s.digest));
            scopes.collect::<Vec<_>>().join(", ")
        };
        let detail = format!("before: {}; after: {}", words(before), words(&after));
        let equal = before.scopes == after.scopes;
        output::print("\n3. after the restart\n")?;
        self.claims.check("what was learned is the same to the bit", equal, &detail)
    }

    /// And it is still used.
    async fn afterwards(&mut self, victim: &ModelId) -> anyhow::Result<()> {
        self.drive.feedback_rate = 0.0;
        let steps = self.steps(AFTERWARDS, CONCURRENCY).await?;
        let share = tables::share_of(&Summary::of(&steps), victim.as_str());
        let detail = format!("{} of {AFTERWARDS} requests", output::percent(share, 1.0));
        self.claims.check("the bad model stays below half its share", share < self.share / 2.0, &detail)
    }
}
