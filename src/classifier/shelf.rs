//! Where the service finds a classifier that was trained on the operator's own data: promoted artefacts, each in a folder named
//! by its hash, and one small file that says which of them serves.
//!
//! That file is replaced by a rename and nothing else is ever written over, so whoever reads sees the old state or the new one,
//! whenever a promotion is cut off.

use super::{
    Artefact, ArtefactError, Classifier,
    artefact::{FILE, MANIFEST},
};
use crate::encoder::fetch::sha256_hex;
use serde::{Deserialize, Serialize};
use std::{
    fmt, fs, io,
    io::Write,
    path::{Path, PathBuf},
};

/// Name of the shelf in a data folder.
pub const SHELF: &str = "classifier";
/// Name of the file that says what serves.
pub const POINTER: &str = "serving.toml";
/// Name of the record that a promotion leaves beside its artefact.
pub const RECORD: &str = "promotion.json";
/// How the pointer calls the artefact that comes with the release.
const BUILTIN: &str = "builtin";
/// Digits of a hash that name a folder, as in the classifier's version.
const DIGITS: usize = 12;

/// An artefact that serves or served.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Shelved {
    /// The one that comes with the release.
    Builtin,
    /// A promoted one, by the first twelve digits of its SHA-256.
    Promoted(String),
}

impl TryFrom<String> for Shelved {
    type Error = String;
    fn try_from(name: String) -> Result<Self, String> {
        let is_hash = name.len() == DIGITS && name.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        match name.as_str() {
            BUILTIN => Ok(Self::Builtin),
            _ if is_hash => Ok(Self::Promoted(name)),
            _ => Err(format!("{name:?} is neither {BUILTIN:?} nor {DIGITS} digits of a hash")),
        }
    }
}

impl From<Shelved> for String {
    fn from(shelved: Shelved) -> Self {
        shelved.to_string()
    }
}

impl fmt::Display for Shelved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Builtin => BUILTIN,
            Self::Promoted(hash) => hash,
        })
    }
}

/// What serves, and what served before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pointer {
    /// What the next start of the service takes.
    pub serving: Shelved,
    /// What a rollback brings back; `None` where there is nothing to go back to.
    pub previous: Option<Shelved>,
}

/// Why what serves can't be changed.
#[derive(Debug, thiserror::Error)]
pub enum ShelfError {
    /// An artefact can't be used.
    #[error(transparent)]
    Artefact(#[from] ArtefactError),
    /// It serves already.
    #[error("the artefact {0} is the one that serves already: there is nothing to promote")]
    Serves(Shelved),
    /// Nothing was promoted since the last rollback.
    #[error(
        "nothing to roll back to: {0} serves, and nothing was promoted since it was taken; `promote --artefact` takes any other"
    )]
    NothingBefore(Shelved),
}

/// The folder of promoted artefacts; it need not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shelf(PathBuf);

impl Shelf {
    /// In this folder.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// What serves; without a pointer what comes with the release.
    ///
    /// # Errors
    /// [`ArtefactError::Io`] or [`ArtefactError::Malformed`]: the pointer is there and can't be read.
    pub fn pointer(&self) -> Result<Pointer, ArtefactError> {
        let path = self.0.join(POINTER);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                return Ok(Pointer { serving: Shelved::Builtin, previous: None });
            }
            Err(e) => return Err(io_error(&path)(e)),
        };
        toml::from_str(&text).map_err(|e| ArtefactError::Malformed(format!("{}: {e}", path.display())))
    }

    /// The classifier that serves on `encoder`.
    ///
    /// # Errors
    /// [`ArtefactError`]: the pointer or the artefact it names can't be used. Never another artefact instead.
    pub fn serving(&self, encoder: &str) -> Result<Classifier, ArtefactError> {
        self.load(&self.pointer()?.serving, encoder)
    }

    /// One of the classifiers, on `encoder`.
    ///
    /// # Errors
    /// [`ArtefactError`].
    pub fn load(&self, shelved: &Shelved, encoder: &str) -> Result<Classifier, ArtefactError> {
        match shelved {
            Shelved::Builtin => Classifier::builtin(encoder),
            Shelved::Promoted(hash) => Classifier::load(&self.0.join(hash), encoder),
        }
    }

    /// How an artefact in `folder` would be called here; its hash is checked, and that it fits `encoder`.
    ///
    /// # Errors
    /// [`ArtefactError`].
    pub fn name_of(folder: &Path, encoder: &str) -> Result<Shelved, ArtefactError> {
        Artefact::load(folder, encoder)?;
        let file = folder.join(FILE);
        let bytes = fs::read(&file).map_err(io_error(&file))?;
        Ok(Shelved::Promoted(sha256_hex(&bytes)[..DIGITS].to_owned()))
    }

    /// Puts the artefact of `folder` on the shelf with `record` beside it and lets it serve from the next start on. What served
    /// stays, for [`Shelf::roll_back`].
    ///
    /// # Errors
    /// [`ShelfError`]; what serves is then as it was.
    pub fn promote(&self, folder: &Path, encoder: &str, record: &str) -> Result<Pointer, ShelfError> {
        let name = Self::name_of(folder, encoder)?;
        let before = self.pointer()?.serving;
        if before == name {
            return Err(ShelfError::Serves(name));
        }
        let place = self.0.join(name.to_string());
        if Self::name_of(&place, encoder).ok().as_ref() != Some(&name) {
            fs::create_dir_all(&place).map_err(io_error(&place))?;
            for file in [FILE, MANIFEST] {
                let from = folder.join(file);
                let bytes = fs::read(&from).map_err(io_error(&from))?;
                replace(&place.join(file), &bytes)?;
            }
            // The artefact may have been replaced between the check and the copy.
            if Self::name_of(&place, encoder)? != name {
                return Err(ArtefactError::Malformed(format!("{} changed while it was read", folder.display())).into());
            }
        }
        replace(&place.join(RECORD), record.as_bytes())?;
        self.point(Pointer { serving: name, previous: Some(before) })
    }

    /// Brings back what served before, from the next start on.
    ///
    /// # Errors
    /// [`ShelfError::NothingBefore`], or the previous artefact can't be used on `encoder`; what serves is then as it was.
    pub fn roll_back(&self, encoder: &str) -> Result<Pointer, ShelfError> {
        let Pointer { serving, previous } = self.pointer()?;
        let Some(previous) = previous else { return Err(ShelfError::NothingBefore(serving)) };
        self.load(&previous, encoder)?;
        self.point(Pointer { serving: previous, previous: None })
    }

    fn point(&self, pointer: Pointer) -> Result<Pointer, ShelfError> {
        let text = toml::to_string(&pointer).map_err(|e| ArtefactError::Malformed(e.to_string()))?;
        replace(&self.0.join(POINTER), text.as_bytes())?;
        Ok(pointer)
    }
}

/// Writes beside `path`, to the disk, then renames.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), ArtefactError> {
    let part = path.with_extension("part");
    let write = || -> io::Result<()> {
        let mut file = fs::File::create(&part)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&part, path)?;
        // Renames are durable once the folder is; not every platform opens folders.
        if let Some(folder) = path.parent().and_then(|folder| fs::File::open(folder).ok()) {
            let _ = folder.sync_all();
        }
        Ok(())
    };
    write().map_err(io_error(path))
}

fn io_error(path: &Path) -> impl Fn(io::Error) -> ArtefactError + '_ {
    |e| ArtefactError::Io { path: path.display().to_string(), problem: e.to_string() }
}
