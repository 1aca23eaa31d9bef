//! The reference path: `candle-transformers`' BERT in f32, masked mean pooling, unit norm.

use super::{DIMENSIONS, Embedding, EncodeError, Encoder, ModelFolder, Tokens};
use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config};

/// all-MiniLM-L6-v2 as published, in f32 on the CPU.
pub struct ReferenceEncoder {
    id: String,
    model: BertModel,
}

impl ReferenceEncoder {
    /// Loads the weights from a verified folder.
    ///
    /// # Errors
    /// [`EncodeError::Load`] when a file can't be read; `satisfice models verify` says which.
    pub fn load(folder: &ModelFolder) -> Result<Self, EncodeError> {
        let load = |e: &dyn std::fmt::Display| EncodeError::Load(e.to_string());
        let config = std::fs::read_to_string(folder.file("config.json")).map_err(|e| load(&e))?;
        let config: Config = serde_json::from_str(&config).map_err(|e| load(&e))?;
        let weights = candle_core::safetensors::load(folder.file("model.safetensors"), &Device::Cpu);
        let weights = VarBuilder::from_tensors(weights.map_err(|e| load(&e))?, DType::F32, &Device::Cpu);
        let model = BertModel::load(weights, &config).map_err(|e| load(&e))?;
        Ok(Self { id: folder.manifest().encoder_id(), model })
    }

    /// Hidden states of a padded batch `(rows, longest, 384)`, averaged over each row's own tokens.
    fn forward(&self, rows: &[Tokens]) -> candle_core::Result<Tensor> {
        let longest = rows.iter().map(Tokens::len).max().unwrap_or(0);
        let padded = |f: &dyn Fn(&Tokens, usize) -> u32| -> Vec<u32> {
            rows.iter().flat_map(|row| (0..longest).map(move |i| f(row, i))).collect()
        };
        let shape = (rows.len(), longest);
        let ids = Tensor::from_vec(padded(&|row, i| row.0.get(i).copied().unwrap_or(0)), shape, &Device::Cpu)?;
        let mask = Tensor::from_vec(padded(&|row, i| u32::from(i < row.len())), shape, &Device::Cpu)?;
        let hidden = self.model.forward(&ids, &ids.zeros_like()?, Some(&mask))?;
        let weights = mask.to_dtype(DType::F32)?.unsqueeze(2)?;
        hidden.broadcast_mul(&weights)?.sum(1)?.broadcast_div(&weights.sum(1)?)
    }
}

impl Encoder for ReferenceEncoder {
    fn id(&self) -> &str {
        &self.id
    }

    fn encode(&self, rows: &[Tokens]) -> Result<Vec<Embedding>, EncodeError> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let pooled = self.forward(rows).and_then(|t| t.to_vec2::<f32>());
        let pooled = pooled.map_err(|e| EncodeError::Failed(e.to_string()))?;
        pooled
            .into_iter()
            .map(|row| {
                let got = row.len();
                let row: Box<[f32; DIMENSIONS]> = row
                    .into_boxed_slice()
                    .try_into()
                    .map_err(|_| EncodeError::Failed(format!("embedding of {got} numbers, expected {DIMENSIONS}")))?;
                Ok(Embedding::normalised(row))
            })
            .collect()
    }
}
