//! From text to a unit vector: choose what to see, tokenise, encode, pool.
//!
//! [`Encoder`] is the seam: token ids in, embeddings out, blocking. [`FusedEncoder`] computes in 8-bit integers with the
//! instructions of the processor, [`ReferenceEncoder`] in f32 through candle's BERT. [`EncoderPool`] owns the threads that run
//! one behind a bounded queue with dynamic batching. [`manifest`] and [`fetch`] say where the weights come from and bring them here.

mod cache;
pub mod fetch;
mod fused;
mod kernels;
pub mod manifest;
mod mode;
mod pool;
mod reference;
mod tokens;
mod window;

pub use fetch::{FetchError, FileState, ModelFolder};
pub use fused::{ChannelScales, FusedEncoder, ScalesError};
pub use kernels::{Isa, Peaks};
pub use manifest::Manifest;
pub use mode::EncoderMode;
pub use pool::{EncodeError, Encoded, EncoderPool, PoolOptions};
pub use reference::ReferenceEncoder;
pub use tokens::{Tokenizer, Tokens};
pub use window::visible_text;

/// Length of an embedding.
pub const DIMENSIONS: usize = 384;

/// A prompt's embedding: `(384,)`, unit Euclidean norm.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedding(Box<[f32; DIMENSIONS]>);

impl Embedding {
    /// Scales a vector to unit norm. A zero vector stays zero.
    #[must_use]
    pub fn normalised(mut values: Box<[f32; DIMENSIONS]>) -> Self {
        let norm = values.iter().map(|&v| f64::from(v) * f64::from(v)).sum::<f64>().sqrt();
        if norm > 0.0 {
            for v in values.iter_mut() {
                *v = (f64::from(*v) / norm) as f32;
            }
        }
        Self(values)
    }

    /// Takes a vector that an [`Embedding`] gave out before, to the bit.
    #[must_use]
    pub fn from_unit(values: Box<[f32; DIMENSIONS]>) -> Self {
        Self(values)
    }

    /// The numbers.
    #[must_use]
    pub fn values(&self) -> &[f32; DIMENSIONS] {
        &self.0
    }

    /// Cosine similarity, −1 to 1.
    #[must_use]
    pub fn cosine(&self, other: &Self) -> f64 {
        self.0.iter().zip(other.0.iter()).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
    }
}

/// What one pass through the encoder gives of a prompt.
///
/// The published embedding is tuned to say what a text is about; half-way up the layers more of what it asks for is left,
/// so the mean of those hidden states is taken along at no cost.
#[derive(Debug, Clone, PartialEq)]
pub struct Encoding {
    /// Mean of the last hidden states, unit norm: the published sentence embedding.
    pub embedding: Embedding,
    /// Mean of the hidden states after layer [`TRUNK_LAYERS`], unit norm.
    pub trunk: Embedding,
}

/// Layers below the trunk.
pub const TRUNK_LAYERS: usize = 4;

/// What turns token ids into embeddings. Blocking: [`EncoderPool`] gives it threads.
pub trait Encoder: Send + Sync {
    /// Name and version, e.g. `all-MiniLM-L6-v2/1`: artefacts fitted on another id are refused.
    fn id(&self) -> &str;

    /// Embeds each row of token ids; rows may differ in length. The result has one encoding a row.
    ///
    /// # Errors
    /// [`EncodeError::Failed`] when the tensor library fails; nothing the caller can repair.
    fn encode(&self, rows: &[Tokens]) -> Result<Vec<Encoding>, EncodeError>;
}

#[cfg(test)]
mod tests;
