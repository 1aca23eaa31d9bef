//! The command line: what a person types, and what they get to read.
//!
//! Commands that talk to a service speak its HTTP interface, also when the service runs inside this process, so there is
//! one way in. Results go to standard output, everything else to standard error.

mod answer;
mod args;
mod bench;
mod cache;
mod catalog;
mod check;
mod client;
mod demo;
mod dice;
mod export;
mod import;
mod init;
mod keys;
mod models;
mod output;
mod prompts;
mod replay;
mod route;
mod simulate;

use crate::app::{self, Invocation, Setup};
use args::{BenchCommand, CatalogCommand, Cli, Command, Place};
use clap::Parser;
use std::process::ExitCode;

/// How a command ended that did what it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// All is well.
    Good,
    /// It found what it looks for, and said so: exit code 1.
    Bad,
}

impl Verdict {
    const fn good_if(good: bool) -> Self {
        if good { Self::Good } else { Self::Bad }
    }
}

impl From<Verdict> for ExitCode {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Good => Self::SUCCESS,
            Verdict::Bad => Self::FAILURE,
        }
    }
}

/// Parses the process's arguments and runs the command. The exit code is 0 when all is well, 1 when something failed or a
/// check found a fault, 2 for arguments that can't be read.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&anyhow::Error::new(error).context("can't start the async runtime")),
    };
    let result = runtime.block_on(run(cli));
    // A blocking task that still reads or downloads must not hold up the end.
    runtime.shutdown_background();
    result.map_or_else(|error| failed(&error), ExitCode::from)
}

fn failed(error: &anyhow::Error) -> ExitCode {
    output::note(&format!("error: {}", with_causes(error)));
    ExitCode::FAILURE
}

/// An error and its causes; those that the text tells already are not repeated.
fn with_causes(error: &anyhow::Error) -> String {
    error
        .chain()
        .skip(1)
        .map(ToString::to_string)
        .fold(error.to_string(), |text, cause| if text.contains(&cause) { text } else { format!("{text}: {cause}") })
}

async fn run(cli: Cli) -> anyhow::Result<Verdict> {
    let Some(command) = cli.command else {
        return serve(cli.serve).await;
    };
    match command {
        Command::Serve(args) => serve(args).await,
        Command::Route(args) => route::run(args).await,
        Command::Bench { command: BenchCommand::Encoder(args), place } => bench::encoder(args, &setup(place)?).await,
        Command::Models { command, place } => models::run(command, &setup(place)?).await,
        Command::Keys { command } => keys::run(command).await,
        Command::Cache { command } => cache::run(command).await,
        Command::Catalog { command: CatalogCommand::List(args) } => catalog::list(args),
        Command::Catalog { command: CatalogCommand::Import(args) } => import::run(&args),
        Command::Export(args) => export::run(args).await,
        Command::Replay(args) => replay::run(args).await,
        Command::Check(place) => check::run(&place.invocation()).await,
        Command::Init(args) => init::run(&args),
        Command::Simulate(args) => simulate::run(args).await,
        Command::Demo(args) => demo::run(args).await,
    }
}

async fn serve(args: args::ServeArgs) -> anyhow::Result<Verdict> {
    let Place { config, data_dir } = args.place;
    let flags = crate::config::Flags { listen: args.listen, data_dir };
    app::serve(&Invocation::from_process(config, flags)).await?;
    Ok(Verdict::Good)
}

fn setup(place: Place) -> anyhow::Result<Setup> {
    Ok(Setup::load(&place.invocation())?)
}

#[cfg(test)]
mod tests;
