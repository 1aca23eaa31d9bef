//! The fused encoder: the whole of all-MiniLM-L6-v2 as one candle operation, from token ids to pooled vectors.
//!
//! Weights are quantised to 8 bits when they are loaded, activations row by row as they come (see [`super::kernels`]).
//! Sequences are not padded; what a prompt comes to is the same bits alone and in any batch.

mod forward;
mod load;
mod smoothing;

use super::{
    DIMENSIONS, Embedding, EncodeError, Encoder, Encoding, ModelFolder, Tokens,
    kernels::{Isa, Kernels},
};
use candle_core::{CpuStorage, CustomOp1, Device, Layout, Shape, Tensor, bail};
use forward::{POOLED, Weights, Work};
pub use smoothing::{ChannelScales, ScalesError};
use std::sync::{Mutex, PoisonError};

/// all-MiniLM-L6-v2 in 8-bit integers on the CPU.
pub struct FusedEncoder {
    id: String,
    weights: Weights,
    kernels: Kernels,
    /// Memory of passes that are over, for those to come.
    idle: Mutex<Vec<Work>>,
}

impl FusedEncoder {
    /// Loads and quantises the weights from a verified folder, for the best instructions that this processor has.
    ///
    /// # Errors
    /// [`EncodeError::Load`] when a file can't be read or isn't this model.
    pub fn load(folder: &ModelFolder) -> Result<Self, EncodeError> {
        Self::load_for(folder, Isa::best(), &ChannelScales::builtin())
    }

    /// As [`FusedEncoder::load`], with given instructions and channel scales.
    ///
    /// # Errors
    /// [`EncodeError::Load`] also when this processor lacks the instructions.
    pub fn load_for(folder: &ModelFolder, isa: Isa, scales: &ChannelScales) -> Result<Self, EncodeError> {
        let lacking = || EncodeError::Load(format!("this processor lacks the instructions {}", isa.as_str()));
        let kernels = Kernels::new(isa).ok_or_else(lacking)?;
        let weights = load::weights(&folder.file("model.safetensors"), kernels, scales)
            .map_err(|e| EncodeError::Load(e.to_string()))?;
        Ok(Self { id: folder.manifest().encoder_id(), weights, kernels, idle: Mutex::default() })
    }

    /// The instructions it computes with.
    #[must_use]
    pub fn isa(&self) -> Isa {
        self.kernels.isa()
    }

    /// Root mean squares of the channels over some texts, from which scales for these weights follow.
    ///
    /// # Errors
    /// As [`Encoder::encode`].
    pub fn observe(&self, rows: &[Tokens]) -> Result<ChannelScales, EncodeError> {
        let mut work = Work::default();
        work.observed = Some(smoothing::squares());
        for row in rows {
            let mut out = [0.0; POOLED];
            self.check(row)?;
            forward::forward(&self.weights, self.kernels, &mut work, &row.0, &[row.len()], &mut out);
        }
        Ok(ChannelScales::of(&work.observed.unwrap_or_else(smoothing::squares)))
    }

    fn check(&self, row: &Tokens) -> Result<(), EncodeError> {
        let longest = self.weights.longest();
        if row.is_empty() || row.len() > longest {
            return Err(EncodeError::Failed(format!("{} tokens; this encoder takes 1 to {longest}", row.len())));
        }
        match row.0.iter().find(|&&id| id as usize >= self.weights.vocabulary()) {
            Some(id) => Err(EncodeError::Failed(format!("token id {id} is not in the vocabulary"))),
            None => Ok(()),
        }
    }

    fn work(&self) -> Work {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    fn give_back(&self, work: Work) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(work);
    }
}

impl Encoder for FusedEncoder {
    fn id(&self) -> &str {
        &self.id
    }

    fn encode(&self, rows: &[Tokens]) -> Result<Vec<Encoding>, EncodeError> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        rows.iter().try_for_each(|row| self.check(row))?;
        let ids: Vec<u32> = rows.iter().flat_map(|row| &row.0).copied().collect();
        let pass = Pass { encoder: self, lengths: rows.iter().map(Tokens::len).collect() };
        let pooled = || -> candle_core::Result<Vec<f32>> {
            let tokens = ids.len();
            Tensor::from_vec(ids, tokens, &Device::Cpu)?.apply_op1_no_bwd(&pass)?.flatten_all()?.to_vec1()
        };
        let pooled = pooled().map_err(|e| EncodeError::Failed(e.to_string()))?;
        Ok(pooled.chunks_exact(POOLED).map(encoding).collect())
    }
}

fn encoding(pooled: &[f32]) -> Encoding {
    let unit = |values: &[f32]| {
        let mut row = Box::new([0.0; DIMENSIONS]);
        row.copy_from_slice(values);
        Embedding::normalised(row)
    };
    Encoding { embedding: unit(&pooled[..DIMENSIONS]), trunk: unit(&pooled[DIMENSIONS..]) }
}

/// One pass over sequences whose ids lie one after the other: `(tokens,)` to `(sequences, 768)`.
struct Pass<'a> {
    encoder: &'a FusedEncoder,
    lengths: Vec<usize>,
}

impl CustomOp1 for Pass<'_> {
    fn name(&self) -> &'static str {
        "minilm-int8"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let (CpuStorage::U32(ids), Some((start, end))) = (storage, layout.contiguous_offsets()) else {
            bail!("token ids must be contiguous u32");
        };
        let ids = &ids[start..end];
        if ids.len() != self.lengths.iter().sum::<usize>() {
            bail!("{} token ids for sequences of {:?}", ids.len(), self.lengths);
        }
        let mut out = vec![0.0f32; self.lengths.len() * POOLED];
        let encoder = self.encoder;
        let mut work = encoder.work();
        forward::forward(&encoder.weights, encoder.kernels, &mut work, ids, &self.lengths, &mut out);
        encoder.give_back(work);
        Ok((CpuStorage::F32(out), (self.lengths.len(), POOLED).into()))
    }
}

#[cfg(test)]
mod tests;
