//! From the published weights to packed 8-bit ones.

use super::{
    super::{
        TRUNK_LAYERS,
        kernels::{HIDDEN, INNER, Kernels, Norm, Packed},
    },
    ChannelScales,
    forward::{Layer, Weights},
};
use candle_core::{DType, Device, Result, safetensors::MmapedSafetensors};
use half::f16;
use std::path::Path;

const LAYERS: usize = 6;

pub(super) fn weights(path: &Path, kernels: Kernels, scales: &ChannelScales) -> Result<Weights> {
    Source { tensors: open(path)?, kernels, scales }.weights()
}

#[expect(unsafe_code, reason = "a memory map: the file's hash was checked, and the cache folder is ours")]
fn open(path: &Path) -> Result<MmapedSafetensors> {
    // SAFETY: the file is not written to while it is mapped: downloads replace it by renaming.
    unsafe { MmapedSafetensors::new(path) }
}

struct Source<'a> {
    tensors: MmapedSafetensors,
    kernels: Kernels,
    scales: &'a ChannelScales,
}

/// A linear layer as published: `(outputs, inputs)` and `(outputs,)`.
struct Linear {
    weights: Vec<f32>,
    bias: Vec<f32>,
}

impl Source<'_> {
    fn weights(&self) -> Result<Weights> {
        let mut positions = self.get("embeddings.position_embeddings.weight")?;
        let kinds = self.get("embeddings.token_type_embeddings.weight")?;
        for row in positions.chunks_exact_mut(HIDDEN) {
            row.iter_mut().zip(&kinds).for_each(|(p, k)| *p += k);
        }
        let words = self.get("embeddings.word_embeddings.weight")?.into_iter().map(f16::from_f32).collect();
        let mut norm = self.norm("embeddings.LayerNorm")?;
        let mut layers: Vec<Layer> = Vec::with_capacity(LAYERS);
        for i in 0..LAYERS {
            let before = layers.last_mut().map_or(&mut norm, |below| &mut below.after_feed_forward);
            let layer = self.layer(i, before)?;
            layers.push(layer);
        }
        Ok(Weights { words, positions, norm, layers, trunk_layers: TRUNK_LAYERS })
    }

    /// Layer `i`, whose input comes from the normalisation `before`.
    fn layer(&self, i: usize, before: &mut Norm) -> Result<Layer> {
        let name = |part: &str| format!("encoder.layer.{i}.{part}");
        let mut qkv = Linear { weights: Vec::new(), bias: Vec::new() };
        for part in ["query", "key", "value"] {
            let part = self.linear(&name(&format!("attention.self.{part}")))?;
            qkv.weights.extend(part.weights);
            qkv.bias.extend(part.bias);
        }
        let mut after_attention = self.norm(&name("attention.output.LayerNorm"))?;
        let up = self.linear(&name("intermediate.dense"))?;
        let pack = |layer: &Linear, inputs| self.kernels.pack(&layer.weights, &layer.bias, inputs);
        Ok(Layer {
            qkv: self.smoothed(qkv, 2 * i, before),
            projection: pack(&self.linear(&name("attention.output.dense"))?, HIDDEN),
            up: self.smoothed(up, 2 * i + 1, &mut after_attention),
            after_attention,
            down: pack(&self.linear(&name("output.dense"))?, INNER),
            after_feed_forward: self.norm(&name("output.LayerNorm"))?,
        })
    }

    /// Packs a layer behind a normalisation, with the range of each channel shared out between codes and weights.
    fn smoothed(&self, mut layer: Linear, normalisation: usize, before: &mut Norm) -> Packed {
        before.code_factor = self.scales.code_factors(normalisation, &layer.weights);
        for row in layer.weights.chunks_exact_mut(HIDDEN) {
            row.iter_mut().zip(&before.code_factor).for_each(|(w, factor)| *w /= factor);
        }
        self.kernels.pack(&layer.weights, &layer.bias, HIDDEN)
    }

    fn linear(&self, name: &str) -> Result<Linear> {
        Ok(Linear { weights: self.get(&format!("{name}.weight"))?, bias: self.get(&format!("{name}.bias"))? })
    }

    fn norm(&self, name: &str) -> Result<Norm> {
        Ok(Norm {
            gamma: self.get(&format!("{name}.weight"))?,
            beta: self.get(&format!("{name}.bias"))?,
            code_factor: vec![1.0; HIDDEN],
        })
    }

    fn get(&self, name: &str) -> Result<Vec<f32>> {
        self.tensors.load(name, &Device::Cpu)?.to_dtype(DType::F32)?.flatten_all()?.to_vec1()
    }
}
