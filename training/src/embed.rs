//! Embeds many prompts, with a cache on disk: each text is encoded once.

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use rayon::prelude::*;
use satisfice::{
    classifier::{self, heads::Inputs},
    domain::Prompt,
    encoder::{
        ChannelScales, DIMENSIONS, Embedding, EncodeError, Encoder, Encoding, FusedEncoder, Manifest, ModelFolder,
        ReferenceEncoder, Tokenizer, Tokens, fetch::sha256_hex, visible_text,
    },
};
use std::{
    collections::HashMap,
    fs,
    io::Write,
    path::{Path, PathBuf},
};

/// Prompts encoded together.
const BATCH: usize = 16;
/// Prompts between writes to the cache.
const SAVE_EVERY: usize = 512;
const WINDOW: usize = 256;
const KEY: usize = 16;
const RECORD: usize = KEY + 2 * DIMENSIONS * 4;

/// The encoder with its cache.
pub struct Embedder {
    folder: ModelFolder,
    encoder: FusedEncoder,
    tokenizer: Tokenizer,
    path: PathBuf,
    known: HashMap<[u8; KEY], Encoding>,
}

impl Embedder {
    /// Loads the encoder (fetching it if needed) and the cache below `cache`, by default the platform's cache folder.
    ///
    /// # Errors
    /// The encoder can't be fetched or the cache can't be read.
    pub fn open(cache: Option<&Path>) -> Result<Self> {
        let env = std::env::var("SATISFICE_CACHE_DIR").ok();
        let models = ModelFolder::default_models_dir(env.as_deref());
        let folder = ModelFolder::new(Manifest::builtin(), &models);
        folder.ensure(false)?;
        let encoder = FusedEncoder::load(&folder)?;
        let tokenizer = Tokenizer::load(&folder.file("tokenizer.json"), WINDOW)?;
        let cache = cache.map_or_else(|| models.with_file_name("embeddings"), Path::to_path_buf);
        fs::create_dir_all(&cache).with_context(|| format!("can't create {}", cache.display()))?;
        // Embeddings change with the scales that the encoder is quantised with, and a little with the instructions.
        let scales = sha256_hex(&ChannelScales::builtin().to_bytes()?);
        let id = encoder.id().replace('/', "-");
        let path = cache.join(format!("{id}-{}-{}.f32", encoder.isa().as_str(), &scales[..8]));
        let known = load(&path)?;
        Ok(Self { folder, encoder, tokenizer, path, known })
    }

    /// Name and version of the encoder.
    #[must_use]
    pub fn encoder_id(&self) -> &str {
        self.encoder.id()
    }

    /// What the heads see of each prompt, and its encoding.
    ///
    /// # Errors
    /// Encoding fails or the cache can't be written.
    pub fn inputs(&mut self, prompts: &[&Prompt], what: &str) -> Result<Vec<(Inputs, Encoding)>> {
        let texts: Vec<String> = prompts.par_iter().map(|p| visible_text(p)).collect();
        self.fill(&texts, what)?;
        let pairs = prompts.par_iter().zip(&texts).map(|(prompt, text)| {
            let encoding = self.known[&key(text)].clone();
            (classifier::inputs(prompt, text, &encoding), encoding)
        });
        Ok(pairs.collect())
    }

    /// What the heads would see with the reference encoder in f32; nothing is cached.
    ///
    /// # Errors
    /// The encoder can't be loaded or encoding fails.
    pub fn exact_inputs(&self, prompts: &[&Prompt], progress: &ProgressBar) -> Result<Vec<Inputs>> {
        let reference = ReferenceEncoder::load(&self.folder)?;
        let exact = prompts.par_iter().map(|prompt| {
            let text = visible_text(prompt);
            let encoding = reference.encode(&[self.tokenizer.tokenise(&text)?])?.remove(0);
            progress.inc(1);
            Ok(classifier::inputs(prompt, &text, &encoding))
        });
        exact.collect()
    }

    fn fill(&mut self, texts: &[String], what: &str) -> Result<()> {
        let mut missing: Vec<(Tokens, [u8; KEY])> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for text in texts {
            let key = key(text);
            if !self.known.contains_key(&key) && seen.insert(key) {
                missing.push((self.tokenizer.tokenise(text)?, key));
            }
        }
        missing.sort_by_key(|(tokens, _)| std::cmp::Reverse(tokens.len()));
        let bar = bar(missing.iter().map(|(t, _)| t.len() as u64).sum(), &format!("embedding {what} (tokens)"));
        let mut file = fs::OpenOptions::new().create(true).append(true).open(&self.path)?;
        for part in missing.chunks(SAVE_EVERY) {
            let encoded: Result<Vec<Vec<Encoding>>, _> =
                part.par_chunks(BATCH).map(|batch| self.encode(batch, &bar)).collect();
            for (encoding, (_, key)) in encoded?.into_iter().flatten().zip(part) {
                let mut record = key.to_vec();
                for part in [&encoding.embedding, &encoding.trunk] {
                    record.extend(part.values().iter().flat_map(|v| v.to_le_bytes()));
                }
                file.write_all(&record)?;
                self.known.insert(*key, encoding);
            }
        }
        bar.finish_and_clear();
        Ok(())
    }

    fn encode(&self, batch: &[(Tokens, [u8; KEY])], bar: &ProgressBar) -> Result<Vec<Encoding>, EncodeError> {
        let rows: Vec<Tokens> = batch.iter().map(|(tokens, _)| tokens.clone()).collect();
        let encodings = self.encoder.encode(&rows)?;
        bar.inc(rows.iter().map(|t| t.len() as u64).sum());
        Ok(encodings)
    }
}

/// A progress bar with a message, a count and the time left.
#[must_use]
pub fn bar(length: u64, message: &str) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg:36} {bar:30} {pos}/{len} {elapsed} (left {eta})");
    let bar = ProgressBar::new(length).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_message(message.to_owned());
    bar
}

fn key(text: &str) -> [u8; KEY] {
    let mut key = [0; KEY];
    key.copy_from_slice(&sha256_hex(text.as_bytes()).as_bytes()[..KEY]);
    key
}

/// Whole records only: a run that was killed while writing leaves a torn last one.
fn load(path: &Path) -> Result<HashMap<[u8; KEY], Encoding>> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(HashMap::new()),
        Err(e) => return Err(e).with_context(|| format!("can't read {}", path.display())),
    };
    let whole = bytes.len() / RECORD * RECORD;
    if whole < bytes.len() {
        fs::OpenOptions::new().write(true).open(path)?.set_len(whole as u64)?;
    }
    let mut known = HashMap::new();
    for record in bytes[..whole].chunks_exact(RECORD) {
        let mut key = [0; KEY];
        key.copy_from_slice(&record[..KEY]);
        let (embedding, trunk) = record[KEY..].split_at(DIMENSIONS * 4);
        known.insert(key, Encoding { embedding: vector(embedding), trunk: vector(trunk) });
    }
    Ok(known)
}

fn vector(bytes: &[u8]) -> Embedding {
    let mut values = Box::new([0.0f32; DIMENSIONS]);
    for (value, bytes) in values.iter_mut().zip(bytes.as_chunks::<4>().0) {
        *value = f32::from_le_bytes(*bytes);
    }
    Embedding::from_unit(values)
}
