//! What can be typed. Long, because it is the table of all commands and flags.

use super::simulate::Degrade;
use crate::{
    app::Invocation,
    config::Flags,
    domain::{DataPolicy, Quality, Region, Usd},
    encoder::EncoderMode,
};
use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::civil::Date;
use std::path::PathBuf;

/// A self-hosted LLM router: the cheapest model that is good enough, learned from outcomes.
///
/// Without a command it serves.
#[derive(Debug, Parser)]
#[command(name = "satisfice", version, args_conflicts_with_subcommands = true)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) serve: ServeArgs,
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Serve requests (what happens without a command, too)
    Serve(ServeArgs),
    /// Show which model a prompt would go to, and why
    Route(RouteArgs),
    /// The encoder's files
    Models {
        #[command(subcommand)]
        command: ModelsCommand,
        #[command(flatten)]
        place: Place,
    },
    /// Measure this machine
    Bench {
        #[command(subcommand)]
        command: BenchCommand,
        #[command(flatten)]
        place: Place,
    },
    /// API keys of callers: make, list, replace and revoke them
    Keys {
        #[command(subcommand)]
        command: KeysCommand,
    },
    /// Kept answers of a running service: show what they are worth, and forget them
    Cache {
        #[command(subcommand)]
        command: CacheCommand,
    },
    /// The model catalogue
    Catalog {
        #[command(subcommand)]
        command: CatalogCommand,
    },
    /// Write decisions, outcomes or feedback to a Parquet or Arrow file
    Export(ExportArgs),
    /// Fold the log again and compare with what was learned
    Replay(ReplayArgs),
    /// Check settings, catalogue, encoder, classifier and log
    Check(Place),
    /// Write a commented configuration file with every setting
    Init(InitArgs),
    /// Drive traffic with feedback through simulated models and watch the router learn
    Simulate(SimulateArgs),
    /// Show the whole story on real prompts: route, learn, survive a kill
    Demo(DemoArgs),
}

/// Where configuration and data are.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Place {
    /// Configuration file [env: SATISFICE_CONFIG]
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Folder of the log and the learned state [env: SATISFICE_DATA_DIR]
    #[arg(long, value_name = "DIR")]
    pub(super) data_dir: Option<String>,
}

impl Place {
    /// The invocation with this process's environment.
    pub(super) fn invocation(self) -> Invocation {
        Invocation::from_process(self.config, Flags { listen: None, data_dir: self.data_dir })
    }
}

#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    #[command(flatten)]
    pub(super) place: Place,
    /// Address and port, such as 127.0.0.1:8080 [env: SATISFICE_LISTEN]
    #[arg(long, value_name = "ADDR")]
    pub(super) listen: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct RouteArgs {
    /// The prompt; - reads it from standard input
    pub(super) text: String,
    #[command(flatten)]
    pub(super) wishes: Wishes,
    /// Policy to decide by
    #[arg(long, value_name = "NAME")]
    pub(super) policy: Option<String>,
    /// Ask this service; otherwise the configured one if it runs, else decide in this process
    #[arg(long, value_name = "URL")]
    pub(super) server: Option<String>,
    /// Print the answer as JSON
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) place: Place,
}

/// The `route` object of a request.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Wishes {
    /// Quality that is good enough, 0 to 1
    #[arg(long, value_name = "Q", value_parser = quality, allow_negative_numbers = true)]
    pub(super) quality: Option<Quality>,
    /// What "good enough" means over many requests
    #[arg(long, value_enum)]
    pub(super) mode: Option<Mode>,
    /// The most that the request may be expected to cost
    #[arg(long, value_name = "USD", value_parser = usd, allow_negative_numbers = true)]
    pub(super) max_cost: Option<Usd>,
    /// The longest that the answer may be expected to take
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u32))]
    pub(super) max_latency_ms: Option<u32>,
    /// Only these models; patterns such as anthropic/*, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "PATTERNS")]
    pub(super) models: Vec<String>,
    /// Not these models
    #[arg(long, value_delimiter = ',', value_name = "PATTERNS")]
    pub(super) exclude: Vec<String>,
    /// Only providers that process requests in one of these regions
    #[arg(long, value_delimiter = ',', value_name = "REGIONS")]
    pub(super) regions: Vec<Region>,
    /// Only providers that keep to this data policy, or to a stricter one
    #[arg(long, value_name = "POLICY", value_parser = data_policy)]
    pub(super) data_policy: Option<DataPolicy>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Mode {
    /// Each request meets the target
    Floor,
    /// The mean over requests meets the target
    Average,
    /// The best quality within the configured budget
    Budget,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub(super) enum ModelsCommand {
    /// Fetch what is missing or corrupt
    Pull,
    /// Show the files and where they are
    List,
    /// Compare every file with its SHA-256; exit code 1 if one differs
    Verify,
}

#[derive(Debug, Subcommand)]
pub(super) enum BenchCommand {
    /// Time the encoder over lengths and batches
    Encoder(BenchEncoderArgs),
}

#[derive(Debug, Args)]
pub(super) struct BenchEncoderArgs {
    /// How the encoder computes
    #[arg(long, default_value = "int8", value_parser = parse_mode)]
    pub(super) mode: EncoderMode,
    /// Threads that a batch is split over
    #[arg(long, default_value_t = 1)]
    pub(super) threads: usize,
    /// Tokens of a prompt
    #[arg(long, num_args = 1.., default_values_t = [16, 64, 256], value_parser = parse_length)]
    pub(super) length: Vec<usize>,
    /// Prompts encoded together
    #[arg(long, num_args = 1.., default_values_t = [1, 8, 32], value_parser = parse_batch)]
    pub(super) batch: Vec<usize>,
    /// Seconds for each measurement at least
    #[arg(long, default_value_t = 0.5)]
    pub(super) seconds: f64,
    /// One JSON object a line
    #[arg(long)]
    pub(super) json: bool,
}

fn parse_mode(text: &str) -> Result<EncoderMode, String> {
    let modes = [EncoderMode::Int8, EncoderMode::F32];
    modes.into_iter().find(|mode| mode.as_str() == text).ok_or_else(|| "give int8 or f32".to_owned())
}

fn data_policy(text: &str) -> Result<DataPolicy, String> {
    text.parse().map_err(|()| format!("give one of {}", DataPolicy::ALL.map(DataPolicy::as_str).join(", ")))
}

/// Positions that the encoder knows.
fn parse_length(text: &str) -> Result<usize, String> {
    within(text, 2, 512)
}

fn parse_batch(text: &str) -> Result<usize, String> {
    within(text, 1, 4096)
}

fn within(text: &str, least: usize, most: usize) -> Result<usize, String> {
    let number = text.parse::<usize>().ok().filter(|n| (least..=most).contains(n));
    number.ok_or_else(|| format!("give a whole number from {least} to {most}"))
}

#[derive(Debug, Subcommand)]
pub(super) enum KeysCommand {
    /// Make a key; its secret is shown once
    Create(KeysCreateArgs),
    /// Show the keys and what they spent this month
    List(KeysListArgs),
    /// Make a key that takes over from another; its secret is shown once
    Rotate(KeysRotateArgs),
    /// Take a key back
    Revoke(KeysRevokeArgs),
}

/// A running service, and how its answer is shown.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct ServicePlace {
    /// Ask this service, with its SATISFICE_ADMIN_KEY; otherwise the configured one
    #[arg(long, value_name = "URL")]
    pub(super) server: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) place: Place,
}

/// Where the keys are.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct KeysPlace {
    /// Ask this service, with its SATISFICE_ADMIN_KEY; otherwise the data folder is opened, or the service asked that uses it
    #[arg(long, value_name = "URL")]
    pub(super) server: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) place: Place,
}

#[derive(Debug, Args)]
pub(super) struct KeysCreateArgs {
    /// What people will call it
    pub(super) name: String,
    /// Who pays
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub(super) tenant: String,
    /// How long it counts; for ever by default
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub(super) expires_in_days: Option<u32>,
    /// Requests in any 60 seconds
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) requests_per_minute: Option<u64>,
    /// Tokens in any 60 seconds, input and output together
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) tokens_per_minute: Option<u64>,
    /// Requests at the same time
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) max_concurrent: Option<u64>,
    /// US dollars in a calendar month (UTC)
    #[arg(long, value_name = "USD", value_parser = usd, allow_negative_numbers = true)]
    pub(super) budget_usd_per_month: Option<Usd>,
    /// Only these models; patterns such as anthropic/*, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "PATTERNS")]
    pub(super) models: Vec<String>,
    /// Only these policies; with them, models may be named only if --models lists them
    #[arg(long, value_delimiter = ',', value_name = "PATTERNS")]
    pub(super) policies: Vec<String>,
    #[command(flatten)]
    pub(super) place: KeysPlace,
}

#[derive(Debug, Args)]
pub(super) struct KeysListArgs {
    #[command(flatten)]
    pub(super) place: KeysPlace,
}

#[derive(Debug, Args)]
pub(super) struct KeysRotateArgs {
    /// The key's public part, the twelve characters after sat-
    pub(super) id: String,
    /// How long the old key goes on counting; an hour by default
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(0..=2_592_000))]
    pub(super) grace_seconds: Option<u64>,
    #[command(flatten)]
    pub(super) place: KeysPlace,
}

#[derive(Debug, Args)]
pub(super) struct KeysRevokeArgs {
    /// The key's public part, the twelve characters after sat-
    pub(super) id: String,
    #[command(flatten)]
    pub(super) place: KeysPlace,
}

#[derive(Debug, Subcommand)]
pub(super) enum CacheCommand {
    /// Show what the cache holds and how often it was of use
    Stats {
        #[command(flatten)]
        place: ServicePlace,
    },
    /// Forget kept answers: all, or those that every flag covers
    Clear(CacheClearArgs),
}

#[derive(Debug, Args)]
pub(super) struct CacheClearArgs {
    /// Only this tenant's
    #[arg(long, value_name = "NAME")]
    pub(super) tenant: Option<String>,
    /// Only those decided by this policy
    #[arg(long, value_name = "NAME")]
    pub(super) policy: Option<String>,
    /// Only those by this model; a pattern such as anthropic/* covers several
    #[arg(long, value_name = "PATTERN")]
    pub(super) model: Option<String>,
    #[command(flatten)]
    pub(super) place: ServicePlace,
}

#[derive(Debug, Subcommand)]
pub(super) enum CatalogCommand {
    /// Show the models with prices, limits and whether they may be chosen
    List(CatalogListArgs),
    /// Read a public price list and write it in the catalogue's form
    Import(ImportArgs),
}

#[derive(Debug, Args)]
pub(super) struct CatalogListArgs {
    /// Only models that may be chosen
    #[arg(long)]
    pub(super) enabled: bool,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) place: Place,
}

#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// Which list it is
    #[arg(long, value_enum)]
    pub(super) format: ListFormat,
    /// The list; - reads it from standard input
    pub(super) file: PathBuf,
    /// The day the list was read; today by default
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(super) as_of: Option<Date>,
    /// What to name as the source of the prices
    #[arg(long, value_name = "TEXT")]
    pub(super) source: Option<String>,
    /// Only these providers; LIST=OURS takes a provider that the catalogue calls differently
    #[arg(long = "provider", value_delimiter = ',', value_name = "NAME")]
    pub(super) providers: Vec<String>,
    /// Where to write; standard output by default
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ListFormat {
    /// LiteLLM's model_prices_and_context_window.json
    Litellm,
    /// The api.json of models.dev
    ModelsDev,
}

#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// What to write
    #[arg(long, value_enum)]
    pub(super) what: What,
    /// How to write it
    #[arg(long, value_enum, default_value = "parquet")]
    pub(super) format: FileFormat,
    /// The file; replaced if it is there
    #[arg(long, value_name = "FILE")]
    pub(super) out: PathBuf,
    #[command(flatten)]
    pub(super) place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum What {
    /// One row a decision, with candidates and context
    Decisions,
    /// One row a forwarded request
    Outcomes,
    /// One row a request for embeddings
    Embeddings,
    /// One row a feedback
    Feedback,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum FileFormat {
    /// Parquet, compressed with zstd
    Parquet,
    /// Arrow IPC file (Feather)
    Arrow,
}

#[derive(Debug, Args)]
pub(super) struct ReplayArgs {
    /// Compare the fold of the whole log with snapshot and tail; exit code 1 if they differ (the only thing it does)
    #[arg(long, required = true)]
    pub(super) verify: bool,
    /// Only this scope
    #[arg(long, value_name = "NAME")]
    pub(super) scope: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) place: Place,
}

#[derive(Debug, Args)]
pub(super) struct InitArgs {
    /// Where to write; - is standard output
    #[arg(long, value_name = "FILE", default_value = "satisfice.toml")]
    pub(super) out: PathBuf,
    /// Replace the file if it is there
    #[arg(long)]
    pub(super) force: bool,
}

#[derive(Debug, Args)]
pub(super) struct SimulateArgs {
    /// Drive this service; by default one in this process, with its data in a temporary folder
    #[arg(long, value_name = "URL")]
    pub(super) server: Option<String>,
    /// Requests to send
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) requests: u64,
    /// Requests at the same time
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) concurrency: u16,
    /// Requests to a row of the table; a tenth of them by default
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) block: Option<u64>,
    /// Prompts with labels, one JSON object a line; by default those that come with the program
    #[arg(long, value_name = "FILE")]
    pub(super) prompts: Option<PathBuf>,
    /// From request N on, MODEL answers with this quality; may be repeated
    #[arg(long, value_name = "MODEL=QUALITY@N")]
    pub(super) degrade: Vec<Degrade>,
    /// Share of answers that get feedback
    #[arg(long, default_value = "1.0", value_parser = share, allow_negative_numbers = true)]
    pub(super) feedback_rate: f64,
    /// Seed of the order of prompts, of scores, and of who gets feedback
    #[arg(long, default_value_t = 0)]
    pub(super) seed: u64,
    /// Forward through /v1/chat/completions instead of deciding only
    #[arg(long)]
    pub(super) chat: bool,
    #[command(flatten)]
    pub(super) wishes: Wishes,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
    /// Configuration file of the service in this process [env: SATISFICE_CONFIG]
    #[arg(long, value_name = "FILE", conflicts_with = "server")]
    pub(super) config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// Prompts of the first part
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u64).range(50..))]
    pub(super) prompts: u64,
    /// Quality that is good enough, 0 to 1
    #[arg(long, value_name = "Q", value_parser = quality, default_value = "0.8")]
    pub(super) quality: Quality,
    /// Seed of the order of prompts and of scores
    #[arg(long, default_value_t = 0)]
    pub(super) seed: u64,
}

fn number(text: &str) -> Result<f64, String> {
    text.parse().map_err(|_| format!("{text:?} is not a number"))
}

fn quality(text: &str) -> Result<Quality, String> {
    Quality::new(number(text)?).map_err(|e| e.to_string())
}

fn share(text: &str) -> Result<f64, String> {
    let share = number(text)?;
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err(format!("a share is from 0 to 1, not {share}")) }
}

fn usd(text: &str) -> Result<Usd, String> {
    Usd::new(number(text)?).map_err(|e| e.to_string())
}
