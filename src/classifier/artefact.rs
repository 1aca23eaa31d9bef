//! The trained artefact: a safetensors file with its facts in the header, and a small manifest with its hash beside it.

use super::{
    CONTEXT,
    features::{BUCKETS, FEATURES_VERSION},
    heads::{DENSE, LinearHead},
};
use crate::{
    domain::TaskType,
    encoder::{DIMENSIONS, fetch::sha256_hex},
};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

/// Format of the file.
pub const FORMAT: u32 = 1;
/// Name of the safetensors file in an artefact's folder.
pub const FILE: &str = "classifier.safetensors";
/// Name of the manifest beside it.
pub const MANIFEST: &str = "classifier.toml";

/// Why an artefact is refused.
#[derive(Debug, thiserror::Error)]
pub enum ArtefactError {
    /// A file can't be read.
    #[error("can't read {path}: {problem}")]
    Io {
        /// Which file.
        path: String,
        /// Why.
        problem: String,
    },
    /// The file is not what its manifest says.
    #[error(
        "the classifier's SHA-256 is {found}, its manifest says {expected}: the file is damaged or was replaced; restore it or refit with `satisfice-train fit`"
    )]
    Hash {
        /// In the manifest.
        expected: String,
        /// Of the file.
        found: String,
    },
    /// Another format of the file.
    #[error("classifier format {found}, this release reads {FORMAT}: refit with this release's `satisfice-train fit`")]
    Format {
        /// In the file.
        found: String,
    },
    /// Fitted on another encoder.
    #[error(
        "the classifier was fitted on encoder {found}, this service runs {expected}: refit it or configure that encoder"
    )]
    Encoder {
        /// In the service.
        expected: String,
        /// In the file.
        found: String,
    },
    /// Fitted on another version of the features.
    #[error(
        "the classifier was fitted on features version {found}, this release computes {FEATURES_VERSION}: refit it"
    )]
    Features {
        /// In the file.
        found: String,
    },
    /// A tensor or fact is missing or has another shape.
    #[error("the classifier file is not usable: {0}")]
    Malformed(String),
}

/// The manifest beside the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArtefactManifest {
    /// SHA-256 of [`FILE`].
    pub sha256: String,
    /// Encoder it was fitted on.
    pub encoder: String,
    /// Version of the features it was fitted on.
    pub features: u32,
}

/// Everything the classifier needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Artefact {
    /// Encoder it was fitted on, `name/version`.
    pub encoder: String,
    /// Served labels, in the order of the head's outputs.
    pub labels: Vec<TaskType>,
    /// Every corpus label and the label it is served as.
    pub label_map: BTreeMap<TaskType, TaskType>,
    /// Temperature of the softmax.
    pub temperature: f32,
    /// Task-type head, `labels` outputs.
    pub task: LinearHead,
    /// Difficulty head, 1 output: the logit of the difficulty.
    pub difficulty: LinearHead,
    /// Output-length head, 1 output: the natural logarithm of expected output tokens.
    pub output_tokens: LinearHead,
    /// Mean of the training embeddings, `(384,)`.
    pub context_mean: Vec<f32>,
    /// Whitened principal directions scaled to unit expected norm, `(30, 384)`.
    pub context_directions: Vec<f32>,
    /// Hashes and sizes of the training data, seed and options, for the record.
    pub provenance: BTreeMap<String, String>,
}

impl Artefact {
    /// Bytes of the safetensors file; equal artefacts give equal bytes.
    ///
    /// # Errors
    /// [`ArtefactError::Malformed`] when the parts do not fit together.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ArtefactError> {
        let malformed = |e: &dyn std::fmt::Display| ArtefactError::Malformed(e.to_string());
        let mut tensors: Vec<(String, Vec<u8>, Dtype, Vec<usize>)> = Vec::new();
        for (name, head) in self.heads() {
            let outputs = head.outputs();
            tensors.push((format!("{name}.dense"), f32_bytes(&head.dense), Dtype::F32, vec![outputs, DENSE]));
            tensors.push((format!("{name}.bias"), f32_bytes(&head.bias), Dtype::F32, vec![outputs]));
            if !head.lexical.is_empty() {
                let shape = vec![BUCKETS, outputs];
                tensors.push((format!("{name}.lexical"), bf16_bytes(&head.lexical), Dtype::BF16, shape));
            }
        }
        tensors.push(("context.mean".into(), f32_bytes(&self.context_mean), Dtype::F32, vec![DIMENSIONS]));
        let directions = f32_bytes(&self.context_directions);
        tensors.push(("context.directions".into(), directions, Dtype::F32, vec![CONTEXT, DIMENSIONS]));
        let views: Result<Vec<(&str, TensorView<'_>)>, _> = tensors
            .iter()
            .map(|(name, bytes, dtype, shape)| {
                TensorView::new(*dtype, shape.clone(), bytes).map(|view| (name.as_str(), view))
            })
            .collect();
        let facts = HashMap::from([("satisfice".to_owned(), self.facts_json())]);
        safetensors::serialize(views.map_err(|e| malformed(&e))?, Some(facts)).map_err(|e| malformed(&e))
    }

    /// One JSON text: a map of several entries would be written in random order.
    fn facts_json(&self) -> String {
        let facts = Facts {
            format: FORMAT,
            encoder: self.encoder.clone(),
            features: FEATURES_VERSION,
            labels: self.labels.clone(),
            label_map: self.label_map.clone(),
            temperature: self.temperature,
            provenance: self.provenance.clone(),
        };
        serde_json::to_string(&facts).unwrap_or_default()
    }

    fn heads(&self) -> [(&'static str, &LinearHead); 3] {
        [("task", &self.task), ("difficulty", &self.difficulty), ("output_tokens", &self.output_tokens)]
    }

    /// Reads and checks a file for `encoder`.
    ///
    /// # Errors
    /// [`ArtefactError`] says what does not fit and what to do.
    pub fn from_bytes(bytes: &[u8], encoder: &str) -> Result<Self, ArtefactError> {
        let malformed = |e: &dyn std::fmt::Display| ArtefactError::Malformed(e.to_string());
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| malformed(&e))?;
        let facts = header.metadata().as_ref().and_then(|m| m.get("satisfice"));
        let facts = facts.ok_or_else(|| ArtefactError::Malformed("no `satisfice` entry in its header".to_owned()))?;
        let facts = checked(facts, encoder)?;
        let tensors = SafeTensors::deserialize(bytes).map_err(|e| malformed(&e))?;
        let outputs = facts.labels.len();
        Ok(Self {
            task: head(&tensors, "task", outputs)?,
            difficulty: head(&tensors, "difficulty", 1)?,
            output_tokens: head(&tensors, "output_tokens", 1)?,
            context_mean: floats(&tensors, "context.mean", &[DIMENSIONS])?,
            context_directions: floats(&tensors, "context.directions", &[CONTEXT, DIMENSIONS])?,
            encoder: facts.encoder,
            labels: facts.labels,
            label_map: facts.label_map,
            temperature: facts.temperature,
            provenance: facts.provenance,
        })
    }

    /// Reads an artefact's folder: the manifest, then the file with its hash checked.
    ///
    /// # Errors
    /// [`ArtefactError`].
    pub fn load(folder: &Path, encoder: &str) -> Result<Self, ArtefactError> {
        let read = |name: &str| {
            let path = folder.join(name);
            std::fs::read(&path)
                .map_err(|e| ArtefactError::Io { path: path.display().to_string(), problem: e.to_string() })
        };
        let manifest = String::from_utf8_lossy(&read(MANIFEST)?).into_owned();
        Self::verified(&manifest, &read(FILE)?, encoder)
    }

    /// Checks the hash that the manifest names, then reads.
    ///
    /// # Errors
    /// [`ArtefactError`].
    pub fn verified(manifest: &str, bytes: &[u8], encoder: &str) -> Result<Self, ArtefactError> {
        let manifest: ArtefactManifest =
            toml::from_str(manifest).map_err(|e| ArtefactError::Malformed(format!("{MANIFEST}: {e}")))?;
        let found = sha256_hex(bytes);
        if found != manifest.sha256 {
            return Err(ArtefactError::Hash { expected: manifest.sha256, found });
        }
        Self::from_bytes(bytes, encoder)
    }
}

#[derive(Serialize, Deserialize)]
struct Facts {
    format: u32,
    encoder: String,
    features: u32,
    labels: Vec<TaskType>,
    label_map: BTreeMap<TaskType, TaskType>,
    temperature: f32,
    provenance: BTreeMap<String, String>,
}

/// Versions first: a file of another format may hold other facts.
fn checked(facts: &str, encoder: &str) -> Result<Facts, ArtefactError> {
    let raw: serde_json::Value = serde_json::from_str(facts).map_err(|e| ArtefactError::Malformed(e.to_string()))?;
    if raw["format"] != FORMAT {
        return Err(ArtefactError::Format { found: raw["format"].to_string() });
    }
    if raw["encoder"] != encoder {
        let found = raw["encoder"].as_str().unwrap_or("unknown").to_owned();
        return Err(ArtefactError::Encoder { expected: encoder.to_owned(), found });
    }
    if raw["features"] != FEATURES_VERSION {
        return Err(ArtefactError::Features { found: raw["features"].to_string() });
    }
    serde_json::from_value(raw).map_err(|e| ArtefactError::Malformed(e.to_string()))
}

fn head(tensors: &SafeTensors<'_>, name: &str, outputs: usize) -> Result<LinearHead, ArtefactError> {
    let lexical = format!("{name}.lexical");
    Ok(LinearHead {
        dense: floats(tensors, &format!("{name}.dense"), &[outputs, DENSE])?,
        bias: floats(tensors, &format!("{name}.bias"), &[outputs])?,
        lexical: match tensors.tensor(&lexical) {
            Ok(_) => floats(tensors, &lexical, &[BUCKETS, outputs])?,
            Err(_) => Vec::new(),
        },
    })
}

fn floats(tensors: &SafeTensors<'_>, name: &str, shape: &[usize]) -> Result<Vec<f32>, ArtefactError> {
    let tensor = tensors.tensor(name).map_err(|e| ArtefactError::Malformed(format!("{name}: {e}")))?;
    if tensor.shape() != shape {
        let problem = format!("{name} has shape {:?}, expected {shape:?}", tensor.shape());
        return Err(ArtefactError::Malformed(problem));
    }
    let values: Vec<f32> = match tensor.dtype() {
        Dtype::F32 => tensor.data().as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
        Dtype::BF16 => tensor
            .data()
            .as_chunks::<2>()
            .0
            .iter()
            .map(|b| f32::from_bits(u32::from(u16::from_le_bytes(*b)) << 16))
            .collect(),
        other => return Err(ArtefactError::Malformed(format!("{name} has type {other:?}"))),
    };
    if values.iter().all(|v| v.is_finite()) {
        Ok(values)
    } else {
        Err(ArtefactError::Malformed(format!("{name} holds numbers that are not finite")))
    }
}

fn f32_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// Rounded to nearest, ties to even.
fn bf16_bytes(values: &[f32]) -> Vec<u8> {
    let round = |v: f32| {
        let bits = v.to_bits();
        ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16) as u16
    };
    values.iter().flat_map(|&v| round(v).to_le_bytes()).collect()
}
