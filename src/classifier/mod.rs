//! What a prompt is: task type, difficulty, expected length of the answer, and the context that the posterior sees.
//!
//! Heads over the embedding ([`heads`]) and light features ([`features`]), trained offline and loaded from an artefact
//! ([`artefact`]). The same code computes features here and in training, so that what is trained is what is served.

pub mod artefact;
pub mod features;
pub mod heads;
pub mod shelf;

pub use artefact::{Artefact, ArtefactError};
pub use shelf::{Pointer, Shelf, ShelfError, Shelved};

use crate::{
    domain::{Difficulty, Prompt, TaskProbabilities, sigmoid},
    encoder::{DIMENSIONS, Embedding, Encoding, fetch::sha256_hex},
};
use heads::{DENSE, EMBEDDING_SCALE, Inputs, softmax};

/// Numbers of the context.
pub const CONTEXT: usize = 30;

/// Bounds on the expected output, tokens.
const OUTPUT_TOKENS: std::ops::RangeInclusive<f64> = 4.0..=8192.0;

/// What the classifier says of a prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct Classification {
    /// Probability of each served task type.
    pub tasks: TaskProbabilities,
    /// Difficulty, `σ(b)` of the item-response model.
    pub difficulty: Difficulty,
    /// Output tokens expected of a plainly answering model.
    pub output_tokens: f64,
    /// Projected embedding, `(30,)`, expected norm 1.
    pub context: Vec<f32>,
}

/// The heads, ready to use.
#[derive(Debug, Clone)]
pub struct Classifier {
    artefact: Artefact,
    version: String,
}

impl Classifier {
    /// The artefact that comes with this release.
    ///
    /// # Errors
    /// [`ArtefactError`] when it was built for another encoder.
    pub fn builtin(encoder: &str) -> Result<Self, ArtefactError> {
        let bytes = include_bytes!("../../models/classifier/classifier.safetensors");
        let manifest = include_str!("../../models/classifier/classifier.toml");
        Ok(Self::new(Artefact::verified(manifest, bytes, encoder)?, &sha256_hex(bytes)))
    }

    /// An artefact's folder, as `satisfice-train fit` writes it.
    ///
    /// # Errors
    /// [`ArtefactError`].
    pub fn load(folder: &std::path::Path, encoder: &str) -> Result<Self, ArtefactError> {
        let artefact = Artefact::load(folder, encoder)?;
        let bytes = artefact.to_bytes()?;
        Ok(Self::new(artefact, &sha256_hex(&bytes)))
    }

    /// From an artefact in memory; `hash` is that of its bytes.
    #[must_use]
    pub fn new(artefact: Artefact, hash: &str) -> Self {
        let version = format!("{}+f{}+{}", artefact.encoder, features::FEATURES_VERSION, &hash[..hash.len().min(12)]);
        Self { artefact, version }
    }

    /// Encoder, features and artefact in one word, as decisions record it.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The artefact.
    #[must_use]
    pub fn artefact(&self) -> &Artefact {
        &self.artefact
    }

    /// Classifies a prompt whose visible text has this encoding. Pure; tens of microseconds.
    #[must_use]
    pub fn classify(&self, prompt: &Prompt, text: &str, encoding: &Encoding) -> Classification {
        let inputs = inputs(prompt, text, encoding);
        let artefact = &self.artefact;
        let probabilities = softmax(&artefact.task.forward(&inputs), artefact.temperature);
        let tasks = artefact.labels.iter().copied().zip(probabilities).collect();
        let difficulty = artefact.difficulty.forward(&inputs)[0];
        let length = artefact.output_tokens.forward(&inputs)[0];
        Classification {
            tasks: TaskProbabilities(tasks),
            difficulty: Difficulty::clipped(sigmoid(f64::from(difficulty))),
            output_tokens: f64::from(length).exp().clamp(*OUTPUT_TOKENS.start(), *OUTPUT_TOKENS.end()),
            context: project(artefact, &encoding.embedding),
        }
    }
}

/// What the heads see of a prompt; training computes its inputs here too.
#[must_use]
pub fn inputs(prompt: &Prompt, text: &str, encoding: &Encoding) -> Inputs {
    let mut dense = Vec::with_capacity(DENSE);
    for part in [&encoding.embedding, &encoding.trunk] {
        dense.extend(part.values().iter().map(|v| v * EMBEDDING_SCALE));
    }
    dense.extend_from_slice(&features::light(prompt, text));
    let (buckets, value) = features::lexical(text);
    Inputs { dense, buckets, value }
}

fn project(artefact: &Artefact, embedding: &Embedding) -> Vec<f32> {
    let centred: Vec<f32> = embedding.values().iter().zip(&artefact.context_mean).map(|(v, m)| v - m).collect();
    let rows = artefact.context_directions.chunks_exact(DIMENSIONS);
    rows.map(|row| row.iter().zip(&centred).map(|(a, b)| a * b).sum()).collect()
}

#[cfg(test)]
mod tests;
