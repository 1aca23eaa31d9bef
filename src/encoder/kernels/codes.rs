//! Rows of activations as 8-bit codes.

use super::Lines;

/// Rows quantised one by one: `x ≈ scale·(code − zero)`, codes 0 to 255 over the row's own range (which includes 0). A row's
/// codes depend on that row alone, so a prompt gets the same bits in any batch.
#[derive(Clone)]
pub(in crate::encoder) struct Codes {
    width: usize,
    codes: Lines<u8>,
    /// `(scale, zero)` of each row.
    grid: Vec<Grid>,
}

/// How the codes of a row map to numbers.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Grid {
    /// Step between codes.
    pub(super) scale: f32,
    /// The code (not rounded) of 0.
    pub(super) zero: f32,
}

impl Grid {
    /// The grid over `[least, greatest]` and 0, and the factor from numbers to codes.
    #[inline(always)]
    pub(super) fn over(least: f32, greatest: f32) -> (Self, f32) {
        let (least, greatest) = (least.min(0.0), greatest.max(0.0));
        let range = greatest - least;
        if range > 0.0 && range < f32::INFINITY {
            let factor = 255.0 / range;
            (Self { scale: range / 255.0, zero: -least * factor }, factor)
        } else {
            (Self::default(), 0.0)
        }
    }
}

impl Codes {
    /// No rows yet, `width` codes each.
    pub(in crate::encoder) fn new(width: usize) -> Self {
        Self { width, codes: Lines::default(), grid: Vec::new() }
    }

    pub(in crate::encoder) fn width(&self) -> usize {
        self.width
    }

    pub(in crate::encoder) fn rows(&self) -> usize {
        self.grid.len()
    }

    pub(super) fn resize(&mut self, rows: usize) {
        self.codes.resize(rows * self.width);
        self.grid.resize(rows, Grid::default());
    }

    /// Codes of all rows, `(rows, width)`.
    pub(super) fn codes(&self) -> &[u8] {
        &self.codes
    }

    pub(super) fn grid(&self) -> &[Grid] {
        &self.grid
    }

    /// The codes and the grid of row `r`.
    #[inline(always)]
    pub(super) fn row_mut(&mut self, r: usize) -> (&mut [u8], &mut Grid) {
        (&mut self.codes[r * self.width..][..self.width], &mut self.grid[r])
    }
}
