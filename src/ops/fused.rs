//! A convolution or linear layer with what follows it: a residual sum and an activation, in one pass over the output.

use super::operator::Operator;
use super::{Conv, ConvTranspose, Linear, Unary};
use crate::error::{Result, ensure};

/// The operator that a [`Fused`] one begins with.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum FusedBase {
    /// A convolution.
    Conv(Conv),
    /// A transposed convolution.
    ConvTranspose(ConvTranspose),
    /// A fully connected layer.
    Linear(Linear),
}

/// `activation(base(input, weight, bias) + residual)`. Equals the operators one after another; a backend may compute them
/// in one dispatch. Made by the pass [`Pass::FuseEpilogues`](crate::graph::Pass::FuseEpilogues).
///
/// ```
/// use convoke::ops::{Unary, Conv, Fused, FusedBase};
/// let block = Fused::new(FusedBase::Conv(Conv::new().padding(1))).residual(true).activation(Unary::Relu);
/// let (x, w, b) = (&[1, 8, 14, 10][..], &[8, 8, 3, 3][..], &[8][..]);
/// assert_eq!(block.output_shape(&[x, w, b, x])?, [1, 8, 14, 10]);
/// # Ok::<(), convoke::Error>(())
/// ```
///
/// Errors: what the base or the activation refuses; a residual that has not the output's shape.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Fused {
    /// The operator that comes first.
    pub base: FusedBase,
    /// Whether the last input is added to the base's output.
    pub residual: bool,
    /// What is applied last.
    pub activation: Option<Unary>,
}

impl FusedBase {
    /// PyTorch's name of the operator.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Conv(_) => "conv2d",
            Self::ConvTranspose(_) => "conv_transpose2d",
            Self::Linear(_) => "linear",
        }
    }

    fn output_shape(&self, input: &[usize], weight: &[usize], bias: Option<&[usize]>) -> Result<Vec<usize>> {
        Ok(match self {
            Self::Conv(op) => op.output_shape(input, weight, bias)?,
            Self::ConvTranspose(op) => op.output_shape(input, weight, bias)?,
            Self::Linear(op) => op.output_shape(input, weight, bias)?,
        })
    }
}

impl Fused {
    /// The base alone.
    pub fn new(base: FusedBase) -> Self {
        Self {
            base,
            residual: false,
            activation: None,
        }
    }

    /// Sets whether the last input is added to the base's output.
    pub fn residual(mut self, residual: bool) -> Self {
        self.residual = residual;
        self
    }

    /// Sets what is applied last.
    pub fn activation(mut self, activation: impl Into<Option<Unary>>) -> Self {
        self.activation = activation.into();
        self
    }

    /// Splits the inputs into the base's own and the residual.
    pub(crate) fn split<'a, T>(&self, inputs: &'a [T]) -> (&'a [T], Option<&'a T>) {
        match inputs.split_last() {
            Some((last, own)) if self.residual => (own, Some(last)),
            _ => (inputs, None),
        }
    }

    /// Checks the shapes of input, weight, bias if there is one, and residual if there is one; gives the output's.
    pub fn output_shape(&self, inputs: &[&[usize]]) -> Result<Vec<usize>> {
        let (own, residual) = self.split(inputs);
        ensure!(
            (2..=3).contains(&own.len()),
            self.base.name(),
            "expected input, weight and possibly bias{}, but got {} inputs",
            if self.residual { ", then a residual" } else { "" },
            inputs.len()
        );
        let output = self.base.output_shape(own[0], own[1], own.get(2).copied())?;
        if let Some(residual) = residual {
            ensure!(
                **residual == output[..],
                self.base.name(),
                "the residual must have the output's shape {output:?}, but got {residual:?}"
            );
        }
        match self.activation {
            Some(activation) => activation.output_shape(&output),
            None => Ok(output),
        }
    }
}

impl Operator for Fused {
    fn name(&self) -> &'static str {
        self.base.name()
    }

    fn arity(&self) -> (usize, usize) {
        (2 + usize::from(self.residual), 3 + usize::from(self.residual))
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        Ok(vec![self.output_shape(inputs)?])
    }
}
