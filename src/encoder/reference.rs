//! The reference path: `candle-transformers`' BERT in f32, masked mean pooling, unit norm.

use super::{DIMENSIONS, Embedding, EncodeError, Encoder, Encoding, ModelFolder, TRUNK_LAYERS, Tokens};
use candle_core::{DType, Device, Result, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertEncoder, BertModel, Config};
use std::collections::HashMap;

/// all-MiniLM-L6-v2 as published, in f32 on the CPU: a model of the layers up to the trunk, and the layers above it.
pub struct ReferenceEncoder {
    id: String,
    lower: BertModel,
    upper: BertEncoder,
}

impl ReferenceEncoder {
    /// Loads the weights from a verified folder.
    ///
    /// # Errors
    /// [`EncodeError::Load`] when a file can't be read; `satisfice models verify` says which.
    pub fn load(folder: &ModelFolder) -> std::result::Result<Self, EncodeError> {
        let load = |e: &dyn std::fmt::Display| EncodeError::Load(e.to_string());
        let config = std::fs::read_to_string(folder.file("config.json")).map_err(|e| load(&e))?;
        let config: Config = serde_json::from_str(&config).map_err(|e| load(&e))?;
        let weights = candle_core::safetensors::load(folder.file("model.safetensors"), &Device::Cpu);
        let weights = weights.map_err(|e| load(&e))?;
        let above = Config { num_hidden_layers: config.num_hidden_layers - TRUNK_LAYERS, ..config.clone() };
        let below = Config { num_hidden_layers: TRUNK_LAYERS, ..config };
        let upper = VarBuilder::from_tensors(renumbered(&weights), DType::F32, &Device::Cpu);
        let lower = VarBuilder::from_tensors(weights, DType::F32, &Device::Cpu);
        Ok(Self {
            id: folder.manifest().encoder_id(),
            lower: BertModel::load(lower, &below).map_err(|e| load(&e))?,
            upper: BertEncoder::load(upper.pp("encoder"), &above).map_err(|e| load(&e))?,
        })
    }

    /// Pooled hidden states of a padded batch, `(rows, 384)` each: embedding and trunk.
    fn forward(&self, rows: &[Tokens]) -> Result<(Tensor, Tensor)> {
        let longest = rows.iter().map(Tokens::len).max().unwrap_or(0);
        let padded = |f: &dyn Fn(&Tokens, usize) -> u32| -> Vec<u32> {
            rows.iter().flat_map(|row| (0..longest).map(move |i| f(row, i))).collect()
        };
        let shape = (rows.len(), longest);
        let ids = Tensor::from_vec(padded(&|row, i| row.0.get(i).copied().unwrap_or(0)), shape, &Device::Cpu)?;
        let mask = Tensor::from_vec(padded(&|row, i| u32::from(i < row.len())), shape, &Device::Cpu)?;
        let trunk = self.lower.forward(&ids, &ids.zeros_like()?, Some(&mask))?;
        let mask = mask.to_dtype(DType::F32)?;
        // 0 where there is a token, a very large negative number where there is padding: `(rows, 1, 1, longest)`.
        let bias = ((mask.ones_like()? - &mask)? * f64::from(f32::MIN))?.unsqueeze(1)?.unsqueeze(1)?;
        let last = self.upper.forward(&trunk, &bias)?;
        let weights = mask.unsqueeze(2)?;
        let pool = |hidden: &Tensor| hidden.broadcast_mul(&weights)?.sum(1)?.broadcast_div(&weights.sum(1)?);
        Ok((pool(&last)?, pool(&trunk)?))
    }
}

/// The layers above the trunk, numbered from 0.
fn renumbered(weights: &HashMap<String, Tensor>) -> HashMap<String, Tensor> {
    let rename = |name: &str| {
        let (number, rest) = name.strip_prefix("encoder.layer.")?.split_once('.')?;
        let above = number.parse::<usize>().ok()?.checked_sub(TRUNK_LAYERS)?;
        Some(format!("encoder.layer.{above}.{rest}"))
    };
    weights.iter().filter_map(|(name, tensor)| Some((rename(name)?, tensor.clone()))).collect()
}

impl Encoder for ReferenceEncoder {
    fn id(&self) -> &str {
        &self.id
    }

    fn encode(&self, rows: &[Tokens]) -> std::result::Result<Vec<Encoding>, EncodeError> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let failed = |e: candle_core::Error| EncodeError::Failed(e.to_string());
        let (last, trunk) = self.forward(rows).map_err(failed)?;
        let (last, trunk) = (last.to_vec2::<f32>().map_err(failed)?, trunk.to_vec2::<f32>().map_err(failed)?);
        let pairs = last.into_iter().zip(trunk);
        pairs.map(|(last, trunk)| Ok(Encoding { embedding: unit(last)?, trunk: unit(trunk)? })).collect()
    }
}

fn unit(row: Vec<f32>) -> std::result::Result<Embedding, EncodeError> {
    let got = row.len();
    let row: Box<[f32; DIMENSIONS]> = row
        .into_boxed_slice()
        .try_into()
        .map_err(|_| EncodeError::Failed(format!("embedding of {got} numbers, expected {DIMENSIONS}")))?;
    Ok(Embedding::normalised(row))
}
