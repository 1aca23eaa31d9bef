//! Weights of a linear layer as 8-bit integers, in the order in which the kernels read them.

use super::Lines;

/// Order of the weights: panels of `panel` outputs; in a panel, groups of `group` inputs; in a group, each output's weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) panel: usize,
    pub(super) group: usize,
}

/// A linear layer: `y = W·x + bias` with `W ≈ scale·w`, one scale for each output, `w` from −127 to 127.
///
/// With codes `x = s·(c − z)` of a row this is `y = s·scale·Σ w·c − s·z·offset + bias` where `offset = scale·Σ w`.
#[derive(Clone)]
pub(in crate::encoder) struct Packed {
    inputs: usize,
    outputs: usize,
    layout: Layout,
    /// `(outputs / panel, inputs / group, panel, group)`.
    weights: Lines<i8>,
    pub(super) scale: Lines<f32>,
    pub(super) offset: Lines<f32>,
    pub(super) bias: Lines<f32>,
}

impl Packed {
    /// Quantises and packs `(outputs, inputs)`.
    pub(super) fn new(weights: &[f32], bias: &[f32], inputs: usize, layout: Layout) -> Self {
        let outputs = bias.len();
        assert_eq!(weights.len(), outputs * inputs, "a weight for each input and output");
        assert!(outputs.is_multiple_of(layout.panel) && inputs.is_multiple_of(layout.group), "whole panels and groups");
        let mut packed = Self {
            inputs,
            outputs,
            layout,
            weights: Lines::zeros(outputs * inputs),
            scale: Lines::zeros(outputs),
            offset: Lines::zeros(outputs),
            bias: Lines::zeros(outputs),
        };
        packed.bias.copy_from_slice(bias);
        for (output, row) in weights.chunks_exact(inputs).enumerate() {
            packed.set(output, row);
        }
        packed
    }

    fn set(&mut self, output: usize, row: &[f32]) {
        let largest = row.iter().fold(0.0f32, |m, w| m.max(w.abs()));
        let scale = if largest > 0.0 { largest / 127.0 } else { 1.0 };
        let mut sum = 0i32;
        for (input, &w) in row.iter().enumerate() {
            let code = (w / scale).round_ties_even().clamp(-127.0, 127.0) as i8;
            sum += i32::from(code);
            let at = self.place(output, input);
            self.weights[at] = code;
        }
        self.scale[output] = scale;
        self.offset[output] = scale * sum as f32;
    }

    fn place(&self, output: usize, input: usize) -> usize {
        let Layout { panel, group } = self.layout;
        let (p, lane) = (output / panel, output % panel);
        let (g, i) = (input / group, input % group);
        ((p * (self.inputs / group) + g) * panel + lane) * group + i
    }

    pub(in crate::encoder) fn inputs(&self) -> usize {
        self.inputs
    }

    pub(in crate::encoder) fn outputs(&self) -> usize {
        self.outputs
    }

    /// All panels, one after the other.
    pub(super) fn weights(&self) -> &[i8] {
        &self.weights
    }

    /// The code of one weight.
    #[cfg(test)]
    pub(super) fn code(&self, output: usize, input: usize) -> i8 {
        self.weights[self.place(output, input)]
    }
}
