//! `satisfice-train`: offline training and evaluation.

use clap::{Parser, Subcommand};
use satisfice_training::{
    channels, evaluate, evaluate_encoder, evaluate_tasks, features, fit, import, online, promote, replay, simulate,
};
use std::process::ExitCode;

/// Fit, evaluate and promote what Satisfice predicts with.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Fit the classifier from outcome tables, a task corpus and our own prompts.
    Fit(fit::FitArgs),
    /// Compare routers on held-out queries of outcome tables.
    Evaluate(evaluate::EvaluateArgs),
    /// Run the service's policy on a stream of outcomes with bandit feedback.
    Simulate(simulate::SimulateArgs),
    /// Write streams with what the service's policy chose on them, for other bandits to run beside it.
    Online(online::OnlineArgs),
    /// Turn outcomes from elsewhere into an outcome table.
    Import(import::ImportArgs),
    /// Try other policies on the service's log.
    Replay(replay::ReplayArgs),
    /// Let a classifier serve if the service's log says that it is no worse and no dearer; take it back.
    Promote(promote::PromoteArgs),
    /// Write what the router sees of each query of outcome tables.
    Features(features::FeaturesArgs),
    /// Measure the encoder's channels, for its quantisation.
    Channels(channels::ChannelsArgs),
    /// Measure what 8-bit encoding changes.
    EvaluateEncoder(evaluate_encoder::EvaluateEncoderArgs),
    /// Measure an artefact's task types on a labelled table.
    EvaluateTasks(evaluate_tasks::EvaluateTasksArgs),
}

fn main() -> ExitCode {
    // The gate's refusal is an answer of its own, apart from success and errors.
    let mut refused = false;
    let result = match Arguments::parse().command {
        Command::Fit(args) => fit::run(&args),
        Command::Evaluate(args) => evaluate::run(&args),
        Command::Simulate(args) => simulate::run(&args),
        Command::Online(args) => online::run(&args),
        Command::Import(args) => import::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Promote(args) => promote::run(&args).map(|done| refused = !done),
        Command::Features(args) => features::run(&args),
        Command::Channels(args) => channels::run(&args),
        Command::EvaluateEncoder(args) => evaluate_encoder::run(&args),
        Command::EvaluateTasks(args) => evaluate_tasks::run(&args),
    };
    match result {
        Ok(()) if refused => ExitCode::from(promote::REFUSED),
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
