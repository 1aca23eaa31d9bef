//! API keys as their holders have them: `sat-<12 public>-<48 secret>`.

use crate::domain::{KeyHash, KeyId};
use sha2::{Digest, Sha256};
use std::fmt;
use subtle::ConstantTimeEq;

/// Random bytes that a key is made of: 8 for the public part, of which 60 bits show, and 30 for the secret one.
pub const KEY_BYTES: usize = 38;

const PREFIX: &str = "sat-";
const PUBLIC_BYTES: usize = 8;
const PUBLIC: usize = 12;
const SECRET: usize = 48;
/// Base32 of RFC 4648 in lower case: no capital letters, and no 0, 1, 8 and 9 that people take for letters.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// The system gave no random bytes; there is nothing to do but to try again.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the system has no randomness to give: {0}")]
pub struct NoRandomness(getrandom::Error);

/// A key with its secret. Printed, it shows its public part alone.
#[derive(Clone)]
pub struct ApiKey {
    id: KeyId,
    text: String,
}

/// Bytes for a key, from the operating system.
///
/// # Errors
/// [`NoRandomness`]: make no key then.
pub fn draw_key_bytes() -> Result<[u8; KEY_BYTES], NoRandomness> {
    let mut bytes = [0; KEY_BYTES];
    getrandom::fill(&mut bytes).map_err(NoRandomness)?;
    Ok(bytes)
}

impl ApiKey {
    /// The key that these random bytes make.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; KEY_BYTES]) -> Self {
        let (public, secret) = bytes.split_at(PUBLIC_BYTES);
        let public: String = base32(public).chars().take(PUBLIC).collect();
        Self { text: format!("{PREFIX}{public}-{}", base32(secret)), id: KeyId::new(public) }
    }

    /// Reads a key; `None` for what can't be one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (public, secret) = text.strip_prefix(PREFIX)?.split_once('-')?;
        let fits = |part: &str, length| part.len() == length && part.bytes().all(is_key_character);
        (fits(public, PUBLIC) && fits(secret, SECRET)).then(|| Self { id: KeyId::from(public), text: text.to_owned() })
    }

    /// The public part.
    #[must_use]
    pub const fn id(&self) -> &KeyId {
        &self.id
    }

    /// The whole key, for the one place that shows it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// What is kept of it. A plain SHA-256 will do: there are no dictionaries of 240 random bits.
    #[must_use]
    pub fn hash(&self) -> KeyHash {
        hash(&self.text)
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey({}, secret hidden)", self.id)
    }
}

/// Whether a text can be the public part of a key.
#[must_use]
pub fn is_key_id(text: &str) -> bool {
    text.len() == PUBLIC && text.bytes().all(is_key_character)
}

pub(super) fn hash(text: &str) -> KeyHash {
    KeyHash(Sha256::digest(text).into())
}

/// Compares in a time that does not depend on where they differ.
pub(super) fn same(a: &KeyHash, b: &KeyHash) -> bool {
    a.0.ct_eq(&b.0).into()
}

fn is_key_character(c: u8) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit()
}

/// Base32 without padding; the last character of a length that does not fit is filled up with zeros.
fn base32(bytes: &[u8]) -> String {
    let (mut text, mut bits, mut held) = (String::with_capacity(bytes.len().div_ceil(5) * 8), 0_u32, 0_u32);
    for &byte in bytes {
        held = (held << 8) | u32::from(byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(character(held >> bits));
        }
    }
    if bits > 0 {
        text.push(character(held << (5 - bits)));
    }
    text
}

fn character(bits: u32) -> char {
    char::from(ALPHABET[(bits & 31) as usize])
}
