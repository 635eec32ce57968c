//! What follows a product while its tile is in cache: bias, residual sum, activation.

use super::unary;
use crate::ops::Unary;

/// What is done to a product's output.
#[derive(Clone, Debug, Default)]
pub(super) struct Epilogue<'a> {
    /// Added to each row (an output channel), or to each column where `by_column` says so.
    pub(super) bias: Option<&'a [f32]>,
    pub(super) by_column: bool,
    /// Added element by element: where the output lies, so does this.
    pub(super) residual: Option<&'a [f32]>,
    pub(super) activation: Option<Unary>,
}

impl<'a> Epilogue<'a> {
    /// The part for one product of several: `rows` of the bias, `range` of the residual.
    pub(super) fn part(&self, rows: std::ops::Range<usize>, range: std::ops::Range<usize>) -> Self {
        Self {
            bias: self.bias.map(|bias| if self.by_column { bias } else { &bias[rows] }),
            residual: self.residual.map(|residual| &residual[range]),
            ..*self
        }
    }

    /// The bias that the product itself begins with.
    pub(super) fn row_bias(&self) -> Option<&'a [f32]> {
        self.bias.filter(|_| !self.by_column)
    }

    /// Finishes a run of one row, which lies at `offset` of the output and begins with `column`. The bias of rows is in it.
    pub(super) fn apply(&self, offset: usize, column: usize, output: &mut [f32]) {
        if let (Some(bias), true) = (self.bias, self.by_column) {
            add(output, &bias[column..column + output.len()]);
        }
        if let Some(residual) = self.residual {
            add(output, &residual[offset..offset + output.len()]);
        }
        if let Some(activation) = self.activation {
            unary::apply(activation, output);
        }
    }
}

fn add(output: &mut [f32], other: &[f32]) {
    for (output, &other) in output.iter_mut().zip(other) {
        *output += other;
    }
}
