//! Which encoder computes.

use super::{EncodeError, Encoder, FusedEncoder, ModelFolder, ReferenceEncoder};
use std::sync::Arc;

/// How the encoder computes. Both give embeddings under the same id: an artefact serves either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EncoderMode {
    /// 8-bit integers: [`FusedEncoder`].
    #[default]
    Int8,
    /// Exact: [`ReferenceEncoder`].
    F32,
}

impl EncoderMode {
    /// Its name: `int8`, `f32`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Int8 => "int8",
            Self::F32 => "f32",
        }
    }

    /// Loads the encoder from a verified folder.
    ///
    /// # Errors
    /// [`EncodeError::Load`] when a file can't be read; `satisfice models verify` says which.
    pub fn load(self, folder: &ModelFolder) -> Result<Arc<dyn Encoder>, EncodeError> {
        Ok(match self {
            Self::Int8 => Arc::new(FusedEncoder::load(folder)?),
            Self::F32 => Arc::new(ReferenceEncoder::load(folder)?),
        })
    }
}
