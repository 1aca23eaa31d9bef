//! `satisfice-train channels`: how large each channel of the encoder's hidden states usually is, for quantisation.

use crate::tables;
use anyhow::{Context, Result};
use satisfice::encoder::{ChannelScales, FusedEncoder, Isa, Manifest, ModelFolder, Tokenizer, Tokens, visible_text};
use std::{fs, path::PathBuf};

/// Tokens of a prompt that are looked at.
const WINDOW: usize = 256;

/// Arguments of `channels`.
#[derive(Debug, Clone, clap::Args)]
pub struct ChannelsArgs {
    /// Our own prompts.
    #[arg(long, default_value = "datasets/prompts/prompts.jsonl")]
    pub prompts: PathBuf,
    /// Every how many-th prompt is looked at.
    #[arg(long, default_value_t = 25)]
    pub every: usize,
    /// The file to write.
    #[arg(long, default_value = "models/encoder/all-MiniLM-L6-v2.channels.safetensors")]
    pub out: PathBuf,
}

/// Runs prompts through the encoder with flat scales and writes what its channels came to.
///
/// # Errors
/// The prompts can't be read, the encoder can't be had, or the file can't be written.
pub fn run(args: &ChannelsArgs) -> Result<()> {
    let env = std::env::var("SATISFICE_CACHE_DIR").ok();
    let folder = ModelFolder::new(Manifest::builtin(), &ModelFolder::default_models_dir(env.as_deref()));
    folder.ensure(false)?;
    let encoder = FusedEncoder::load_for(&folder, Isa::best(), &ChannelScales::flat())?;
    let tokenizer = Tokenizer::load(&folder.file("tokenizer.json"), WINDOW)?;
    let prompts = tables::own_prompts(&args.prompts)?;
    let texts = prompts.iter().step_by(args.every.max(1)).map(|p| visible_text(&p.prompt));
    let rows = texts.map(|text| tokenizer.tokenise(&text)).collect::<Result<Vec<Tokens>, _>>()?;
    let scales = encoder.observe(&rows)?;
    fs::write(&args.out, scales.to_bytes()?).with_context(|| format!("can't write {}", args.out.display()))?;
    let tokens: usize = rows.iter().map(Tokens::len).sum();
    println!("{} prompts, {tokens} tokens: {}", rows.len(), args.out.display());
    Ok(())
}
