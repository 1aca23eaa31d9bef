//! Which files an encoder consists of, what they hash to, and where they can be had.

use serde::Deserialize;

/// Description of an encoder, from `models/encoder/*.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Name, e.g. `all-MiniLM-L6-v2`.
    pub id: String,
    /// Raised when embeddings change.
    pub version: u32,
    /// Length of an embedding.
    pub dimensions: usize,
    /// Licence of the weights.
    pub license: String,
    /// Where the model is described.
    pub card: String,
    /// The model hub.
    pub hub: Hub,
    /// The Python package that carries the same files.
    pub pip: Pip,
    /// The files.
    #[serde(rename = "file")]
    pub files: Vec<ModelFile>,
}

/// A repository on the model hub, at a fixed revision.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hub {
    /// `owner/name`.
    pub repo: String,
    /// Commit.
    pub revision: String,
}

/// A Python package that holds the files.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pip {
    /// Package name.
    pub package: String,
    /// Exact version.
    pub version: String,
    /// Folder inside the installed package.
    pub folder: String,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFile {
    /// File name.
    pub name: String,
    /// Exact size.
    pub bytes: u64,
    /// SHA-256, lower-case hexadecimal.
    pub sha256: String,
}

impl Manifest {
    /// The encoder this build serves.
    ///
    /// # Panics
    /// Never in a released build: the text is compiled in and a test parses it.
    #[must_use]
    pub fn builtin() -> Self {
        toml::from_str(include_str!("../../models/encoder/all-MiniLM-L6-v2.toml"))
            .expect("the built-in manifest is tested to parse")
    }

    /// `name/version`, as artefacts record it.
    #[must_use]
    pub fn encoder_id(&self) -> String {
        format!("{}/{}", self.id, self.version)
    }
}
