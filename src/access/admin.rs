//! The administrator's credential.

use super::key::{hash, same};
use crate::domain::KeyHash;
use std::collections::BTreeSet;

/// Characters of an admin key at least.
const LENGTH: usize = 32;
/// Different characters at least. 32 random hexadecimal digits have 14 on average, and fewer than 8 once in 10⁸.
const VARIETY: usize = 8;

/// Why an admin key is refused. The sentences say what to do and never show the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WeakAdminKey {
    /// Anybody could try them all.
    #[error("it has {0} characters, at least {LENGTH} are needed; `openssl rand -hex 32` makes a good one")]
    Short(usize),
    /// It is long, but says little.
    #[error(
        "it is too easy to guess (few different characters, a repeated part or a sequence); `openssl rand -hex 32` makes a good one"
    )]
    Guessable,
    /// It can't be sent in a header.
    #[error("it holds spaces or characters that no header can carry; `openssl rand -hex 32` makes a good one")]
    Unsendable,
}

/// The administrator's key, known by its hash alone.
#[derive(Debug, Clone)]
pub struct AdminKey(KeyHash);

impl AdminKey {
    /// Takes a key that is strong enough.
    ///
    /// # Errors
    /// [`WeakAdminKey`]: do not start with it.
    pub fn new(text: &str) -> Result<Self, WeakAdminKey> {
        let characters: Vec<u8> = text.bytes().collect();
        if characters.iter().any(|c| !c.is_ascii_graphic()) {
            return Err(WeakAdminKey::Unsendable);
        }
        if characters.len() < LENGTH {
            return Err(WeakAdminKey::Short(characters.len()));
        }
        if is_guessable(&characters) {
            return Err(WeakAdminKey::Guessable);
        }
        Ok(Self(hash(text)))
    }

    /// Whether this is it; takes the same time whatever is presented.
    #[must_use]
    pub fn is(&self, presented: &str) -> bool {
        same(&self.0, &hash(presented))
    }
}

fn is_guessable(key: &[u8]) -> bool {
    let variety = key.iter().collect::<BTreeSet<_>>().len();
    variety < VARIETY || is_repetition(key) || is_sequence(key)
}

/// A part that is written again and again, such as `changeme1changeme1…`.
fn is_repetition(key: &[u8]) -> bool {
    (1..=key.len() / 2).any(|period| key.iter().zip(&key[period..]).all(|(a, b)| a == b))
}

/// Mostly neighbours in the alphabet or on the number line, such as `abcdefgh…`.
fn is_sequence(key: &[u8]) -> bool {
    let steps = key.windows(2).filter(|pair| pair[0].abs_diff(pair[1]) <= 1).count();
    2 * steps > key.len()
}
