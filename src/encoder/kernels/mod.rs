//! Arithmetic of the fused encoder, for the instructions that the processor has.
//!
//! One algorithm, three instruction sets, chosen at run time ([`Isa::best`]): AVX-512 (VNNI for the linear layers, BF16 for
//! attention), AVX2 with FMA, and portable code. Products of codes are summed in integers and so are exact: the linear layers
//! give the same sums on every machine. What a row comes to never depends on the rows beside it.
//!
//! This is the one module with `unsafe` code. Every function here that calls it checks the lengths first.
#![expect(unsafe_code, reason = "processor instructions; each block carries its proof")]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod buffer;
mod codes;
mod lanes;
mod packed;
mod peaks;
mod portable;
mod scratch;

pub(super) use buffer::Lines;
pub(super) use codes::Codes;
pub(super) use packed::Packed;
pub use peaks::Peaks;
pub(super) use scratch::AttentionScratch;

/// Width of a hidden state.
pub(super) const HIDDEN: usize = 384;
/// Width of a feed-forward layer.
pub(super) const INNER: usize = 1536;
/// Attention heads.
pub(super) const HEADS: usize = 12;
/// Width of a head.
pub(super) const HEAD: usize = HIDDEN / HEADS;
/// Query, key and value of a token, side by side.
pub(super) const QKV: usize = 3 * HIDDEN;
/// From a product of query and key to a score in units of ln 2: `log2(e)/√32`.
const SCORE_SCALE: f32 = std::f32::consts::LOG2_E / 5.656_854;

/// Instructions to compute with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Isa {
    /// What every processor has.
    Portable,
    /// AVX2 and FMA.
    Avx2,
    /// AVX-512 with VNNI and BF16.
    Avx512,
}

impl Isa {
    /// All that this processor has, the slowest first.
    #[must_use]
    pub fn available() -> Vec<Self> {
        #[cfg(target_arch = "x86_64")]
        return [(Self::Portable, true), (Self::Avx2, avx2::available()), (Self::Avx512, avx512::available())]
            .into_iter()
            .filter_map(|(isa, has)| has.then_some(isa))
            .collect();
        #[cfg(not(target_arch = "x86_64"))]
        vec![Self::Portable]
    }

    /// The fastest that this processor has.
    #[must_use]
    pub fn best() -> Self {
        Self::available().into_iter().max().unwrap_or(Self::Portable)
    }

    /// Its name: `portable`, `avx2`, `avx512`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }
}

/// Calls the same function of the module that an [`Isa`] names.
///
/// SAFETY of the calls inside: a value of [`Isa`] comes from [`Isa::available`] or is checked against it by
/// [`Kernels::new`], so the processor has the instructions that the callee was compiled for.
macro_rules! dispatch {
    ($isa:expr, $function:ident($($argument:expr),* $(,)?)) => {
        match $isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => unsafe { avx512::$function($($argument),*) },
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => unsafe { avx2::$function($($argument),*) },
            _ => portable::$function($($argument),*),
        }
    };
}

/// What becomes of the sums of a linear layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// They are the output.
    Store,
    /// GELU of them is.
    Gelu,
    /// They are added to what the output holds (the residual).
    Add,
}

/// A layer normalisation, `(384,)` each.
#[derive(Debug, Clone)]
pub(super) struct Norm {
    pub(super) gamma: Vec<f32>,
    pub(super) beta: Vec<f32>,
    /// What each channel is multiplied by before it becomes a code; the next layer's weights make up for it.
    pub(super) code_factor: Vec<f32>,
}

/// The operations, on an instruction set that this processor has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kernels(Isa);

impl Kernels {
    /// `None` when this processor lacks the instructions.
    pub(super) fn new(isa: Isa) -> Option<Self> {
        Isa::available().contains(&isa).then_some(Self(isa))
    }

    pub(super) fn isa(self) -> Isa {
        self.0
    }

    /// Packs a layer `(outputs, inputs)` for [`Kernels::linear`].
    pub(super) fn pack(self, weights: &[f32], bias: &[f32], inputs: usize) -> Packed {
        let layout = match self.0 {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => avx512::LAYOUT,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => avx2::LAYOUT,
            _ => portable::LAYOUT,
        };
        Packed::new(weights, bias, inputs, layout)
    }

    /// `out[r] = then(W·input[r] + bias)` for the first `input.rows()` rows of `out`, `(rows, outputs)`.
    pub(super) fn linear(self, input: &Codes, layer: &Packed, out: &mut [f32], then: Then) {
        assert_eq!(input.width(), layer.inputs(), "the layer's width");
        assert!(out.len() >= input.rows() * layer.outputs(), "the output holds every row");
        dispatch!(self.0, linear(input, layer, out, then));
    }

    /// Multi-head self-attention of one sequence: `qkv` `(tokens, 1152)` to `out` `(tokens, 384)`.
    pub(super) fn attention(self, qkv: &[f32], out: &mut [f32], scratch: &mut AttentionScratch) {
        let tokens = qkv.len() / QKV;
        assert_eq!((qkv.len(), out.len()), (tokens * QKV, tokens * HIDDEN), "a row for every token");
        scratch.resize(tokens);
        dispatch!(self.0, attention(qkv, out, scratch));
    }

    /// Codes of the rows of `(rows, codes.width())`.
    pub(super) fn quantise(self, rows: &[f32], codes: &mut Codes) {
        codes.resize(rows.len() / codes.width());
        dispatch!(self.0, quantise(rows, codes));
    }

    /// Layer-normalises `(rows, 384)` in place and gives the codes of the result times [`Norm::code_factor`].
    pub(super) fn normalise(self, rows: &mut [f32], norm: &Norm, codes: &mut Codes) {
        let widths = [norm.gamma.len(), norm.beta.len(), norm.code_factor.len(), codes.width()];
        assert_eq!(widths, [HIDDEN; 4], "widths");
        codes.resize(rows.len() / HIDDEN);
        dispatch!(self.0, normalise(rows, norm, codes));
    }

    /// Mean of the rows of `(rows, 384)`.
    pub(super) fn mean(self, rows: &[f32], out: &mut [f32]) {
        assert_eq!(out.len(), HIDDEN, "one row");
        dispatch!(self.0, mean(rows, out));
    }
}

#[cfg(test)]
mod tests;
