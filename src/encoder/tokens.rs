//! WordPiece tokens within the window.

use super::EncodeError;
use std::path::Path;

const CLS: u32 = 101;
const SEP: u32 = 102;

/// Token ids of one text, `[CLS] … [SEP]`, never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens(pub Vec<u32>);

impl Tokens {
    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Never true for tokens that a [`Tokenizer`] made.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The encoder's tokenizer with its window.
#[derive(Clone)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    window: usize,
}

impl Tokenizer {
    /// Reads `tokenizer.json`.
    ///
    /// # Errors
    /// [`EncodeError::Load`] when the file can't be read as a tokenizer.
    pub fn load(path: &Path, window: usize) -> Result<Self, EncodeError> {
        let mut inner = tokenizers::Tokenizer::from_file(path).map_err(|e| EncodeError::Load(e.to_string()))?;
        inner.with_padding(None);
        inner.with_truncation(None).map_err(|e| EncodeError::Load(e.to_string()))?;
        Ok(Self { inner, window: window.max(8) })
    }

    /// Tokenises a text that [`super::visible_text`] has bounded. What exceeds the window loses its middle.
    ///
    /// # Errors
    /// [`EncodeError::Failed`] when the tokenizer fails.
    pub fn tokenise(&self, text: &str) -> Result<Tokens, EncodeError> {
        let encoding = self.inner.encode_fast(text, false).map_err(|e| EncodeError::Failed(e.to_string()))?;
        let ids = encoding.get_ids();
        let room = self.window - 2;
        let mut tokens = Vec::with_capacity(ids.len().min(room) + 2);
        tokens.push(CLS);
        if ids.len() <= room {
            tokens.extend_from_slice(ids);
        } else {
            let head = room * 3 / 5;
            tokens.extend_from_slice(&ids[..head]);
            tokens.extend_from_slice(&ids[ids.len() - (room - head)..]);
        }
        tokens.push(SEP);
        Ok(Tokens(tokens))
    }
}
