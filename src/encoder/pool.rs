//! Threads that own an encoder, behind a bounded queue with dynamic batching.
//!
//! A worker takes its share of what waits, up to a batch, and never waits for more: a single request is never delayed to fill a
//! batch. A text that was encoded before is answered from memory, without the queue.

use super::{
    Encoder, Encoding, Tokenizer, Tokens,
    cache::{EncodingCache, Kept},
};
use crate::telemetry::names;
use crossbeam_channel::{Receiver, Sender, TrySendError};
use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

/// Why there is no embedding.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// Every place in the queue is taken: answer 429 and let the caller come back.
    #[error("the encoder's queue is full ({0} prompts waiting)")]
    QueueFull(usize),
    /// The service is shutting down.
    #[error("the encoder has stopped")]
    Stopped,
    /// The model's files can't be used.
    #[error("can't load the encoder: {0}")]
    Load(String),
    /// The tensor library failed on this batch.
    #[error("encoding failed: {0}")]
    Failed(String),
}

/// Sizes of the pool.
#[derive(Debug, Clone, Copy)]
pub struct PoolOptions {
    /// Worker threads; at least 1.
    pub threads: usize,
    /// Prompts that may wait.
    pub queue: usize,
    /// Prompts in a batch.
    pub max_batch: usize,
    /// Bytes of encodings that are kept for texts that come again; 0 keeps none.
    pub cache_bytes: usize,
}

/// An embedding and what it took.
#[derive(Debug, Clone)]
pub struct Encoded {
    /// Embedding and trunk.
    pub encoding: Encoding,
    /// Tokens seen.
    pub tokens: usize,
    /// Time in the queue.
    pub queued: Duration,
    /// Tokenising and encoding of the batch it was in.
    pub took: Duration,
}

impl Encoded {
    fn kept(kept: &Kept) -> Self {
        let (queued, took) = (Duration::ZERO, Duration::ZERO);
        Self { encoding: kept.encoding.clone(), tokens: kept.tokens, queued, took }
    }
}

struct Job {
    text: Arc<str>,
    since: Instant,
    reply: oneshot::Sender<Result<Encoded, EncodeError>>,
}

/// A handle to the encoder's threads; cheap to clone. The threads end when the last handle is dropped.
#[derive(Clone)]
pub struct EncoderPool {
    jobs: Sender<Job>,
    encoder_id: Arc<str>,
    capacity: usize,
    cache: Option<EncodingCache>,
}

impl EncoderPool {
    /// Starts the threads.
    ///
    /// # Errors
    /// [`EncodeError::Load`] when a thread can't be started.
    pub fn start(encoder: Arc<dyn Encoder>, tokenizer: Tokenizer, options: PoolOptions) -> Result<Self, EncodeError> {
        let (jobs, inbox) = crossbeam_channel::bounded(options.queue.max(1));
        let threads = options.threads.max(1);
        for n in 0..threads {
            let worker = Worker {
                threads,
                inbox: inbox.clone(),
                encoder: Arc::clone(&encoder),
                tokenizer: tokenizer.clone(),
                max_batch: options.max_batch.max(1),
            };
            let spawned = thread::Builder::new().name(format!("encoder-{n}")).spawn(move || worker.run());
            spawned.map_err(|e| EncodeError::Load(e.to_string()))?;
        }
        let cache = EncodingCache::new(options.cache_bytes);
        Ok(Self { jobs, encoder_id: encoder.id().into(), capacity: options.queue.max(1), cache })
    }

    /// Embeds one text.
    ///
    /// # Errors
    /// [`EncodeError::QueueFull`] at once when no place is free.
    pub async fn embed(&self, text: String) -> Result<Encoded, EncodeError> {
        let Some(cache) = &self.cache else { return self.encode(text.into()).await };
        if let Some(kept) = cache.get(&text) {
            metrics::counter!(names::ENCODER_CACHE_HITS).increment(1);
            return Ok(Encoded::kept(&kept));
        }
        let text: Arc<str> = text.into();
        let encoded = self.encode(Arc::clone(&text)).await?;
        cache.put(text, Kept { encoding: encoded.encoding.clone(), tokens: encoded.tokens });
        Ok(encoded)
    }

    async fn encode(&self, text: Arc<str>) -> Result<Encoded, EncodeError> {
        let (reply, answer) = oneshot::channel();
        match self.jobs.try_send(Job { text, since: Instant::now(), reply }) {
            Ok(()) => answer.await.unwrap_or(Err(EncodeError::Stopped)),
            Err(TrySendError::Full(_)) => Err(EncodeError::QueueFull(self.capacity)),
            Err(TrySendError::Disconnected(_)) => Err(EncodeError::Stopped),
        }
    }

    /// Name and version of the encoder inside.
    #[must_use]
    pub fn encoder_id(&self) -> &str {
        &self.encoder_id
    }

    /// Prompts waiting now.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.jobs.len()
    }
}

struct Worker {
    inbox: Receiver<Job>,
    encoder: Arc<dyn Encoder>,
    tokenizer: Tokenizer,
    max_batch: usize,
    threads: usize,
}

impl Worker {
    fn run(self) {
        while let Ok(first) = self.inbox.recv() {
            let mut batch = vec![first];
            // A share of what waits: the other threads take theirs rather than stand idle.
            let share = (1 + self.inbox.len()).div_ceil(self.threads).min(self.max_batch);
            while batch.len() < share {
                match self.inbox.try_recv() {
                    Ok(job) => batch.push(job),
                    Err(_) => break,
                }
            }
            // Nobody waits for a closed reply: its client went away.
            batch.retain(|job| !job.reply.is_closed());
            self.serve(batch);
        }
    }

    fn serve(&self, batch: Vec<Job>) {
        let started = Instant::now();
        let mut ready = Vec::with_capacity(batch.len());
        for job in batch {
            match self.tokenizer.tokenise(&job.text) {
                Ok(tokens) => ready.push((tokens, job)),
                Err(e) => drop(job.reply.send(Err(e))),
            }
        }
        ready.sort_by_key(|(tokens, _)| tokens.len());
        while !ready.is_empty() {
            let rest = ready.split_off(alike(&ready));
            self.encode(ready, started);
            ready = rest;
        }
    }

    fn encode(&self, jobs: Vec<(Tokens, Job)>, started: Instant) {
        let (rows, jobs): (Vec<Tokens>, Vec<Job>) = jobs.into_iter().unzip();
        let encoding = Instant::now();
        let encoded = self.encoder.encode(&rows);
        metrics::histogram!(names::ENCODE_SECONDS).record(encoding.elapsed().as_secs_f64());
        metrics::histogram!(names::ENCODER_BATCH_PROMPTS).record(rows.len() as f64);
        match encoded {
            Ok(encodings) => {
                let took = started.elapsed();
                for ((job, tokens), encoding) in jobs.into_iter().zip(rows).zip(encodings) {
                    let queued = started.saturating_duration_since(job.since);
                    // A receiver that is gone needs no answer.
                    let _ = job.reply.send(Ok(Encoded { encoding, tokens: tokens.len(), queued, took }));
                }
            }
            Err(e) => jobs.into_iter().for_each(|job| drop(job.reply.send(Err(e.clone())))),
        }
    }
}

/// How many of the jobs, sorted by length, may share a padded batch: padding stays under half of the longest row.
fn alike(sorted: &[(Tokens, Job)]) -> usize {
    let shortest = sorted.first().map_or(0, |(tokens, _)| tokens.len());
    sorted.iter().take_while(|(tokens, _)| tokens.len() <= 2 * shortest.max(8)).count().max(1)
}
