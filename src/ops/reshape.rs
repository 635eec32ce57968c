//! Reshape and flatten: the same elements under another shape, never a copy.

use super::operator::{Operator, moved};
use crate::dtype::DType;
use crate::error::{Error, Result, ensure};
use crate::shape;

/// The same elements under another shape. Equals `torch.reshape`; one extent may be `-1` (inferred), and `0` is a zero
/// extent as in PyTorch, not ONNX's "keep".
///
/// ```
/// use convoke::ops::Reshape;
/// assert_eq!(Reshape::new([2, -1]).output_shape(&[4, 3])?, [2, 6]);
/// # Ok::<(), convoke::Error>(())
/// ```
///
/// Errors: a different number of elements; more than one `-1`; other negative extents.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Reshape {
    /// The new extents.
    pub shape: Vec<isize>,
}

impl Reshape {
    const NAME: &'static str = "reshape";

    /// Reshapes to these extents.
    pub fn new(shape: impl Into<Vec<isize>>) -> Self {
        Self { shape: shape.into() }
    }

    /// Checks the shape and gives the output's.
    pub fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let elements = shape::element_count(Self::NAME, input)?;
        let target = &self.shape;
        let inferred = target.iter().filter(|&&extent| extent == -1).count();
        ensure!(inferred <= 1, Self::NAME, "at most one extent may be -1, but got {target:?}");
        ensure!(
            target.iter().all(|&extent| extent >= -1),
            Self::NAME,
            "extents must be -1 or more, but got {target:?}"
        );
        let known: Vec<usize> = target
            .iter()
            .filter(|&&extent| extent >= 0)
            .map(|&extent| extent as usize)
            .collect();
        let known = shape::element_count(Self::NAME, &known)?;
        let mismatch = || {
            Error::invalid(
                Self::NAME,
                format!("shape {target:?} does not hold the {elements} elements of input {input:?}"),
            )
        };
        let rest = if inferred == 0 {
            if known != elements {
                return Err(mismatch());
            }
            1
        } else {
            if known == 0 || !elements.is_multiple_of(known) {
                return Err(mismatch());
            }
            elements / known
        };
        Ok(target
            .iter()
            .map(|&extent| if extent < 0 { rest } else { extent as usize })
            .collect())
    }
}

/// Merges the dimensions `start_dim ..= end_dim` into one. Equals `torch.flatten`; the default is `torch.nn.Flatten`'s,
/// `1 ..= -1`.
///
/// ```
/// use convoke::ops::Flatten;
/// assert_eq!(Flatten::default().output_shape(&[2, 16, 5, 5])?, [2, 400]);
/// # Ok::<(), convoke::Error>(())
/// ```
///
/// Errors: dimensions out of range or in the wrong order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Flatten {
    /// First dimension merged; negative counts from the end.
    pub start_dim: isize,
    /// Last dimension merged; negative counts from the end.
    pub end_dim: isize,
}

impl Default for Flatten {
    fn default() -> Self {
        Self {
            start_dim: 1,
            end_dim: -1,
        }
    }
}

impl Flatten {
    const NAME: &'static str = "flatten";

    /// Merges these dimensions.
    pub fn new(start_dim: isize, end_dim: isize) -> Self {
        Self { start_dim, end_dim }
    }

    /// Checks the dimensions and gives the output's shape.
    pub fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let rank = input.len();
        let start = shape::axis(Self::NAME, self.start_dim, rank)?;
        let end = shape::axis(Self::NAME, self.end_dim, rank)?;
        ensure!(
            start <= end,
            Self::NAME,
            "start_dim {} is after end_dim {} (input {input:?})",
            self.start_dim,
            self.end_dim
        );
        let merged = shape::element_count(Self::NAME, &input[start..=end])?;
        Ok([&input[..start], &[merged], &input[end + 1..]].concat())
    }
}

impl Operator for Reshape {
    fn name(&self) -> &'static str {
        "reshape"
    }

    fn output_types(&self, inputs: &[DType]) -> Result<Vec<DType>> {
        moved(self.name(), inputs)
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        Ok(vec![self.output_shape(inputs[0])?])
    }
}

impl Operator for Flatten {
    fn name(&self) -> &'static str {
        "flatten"
    }

    fn output_types(&self, inputs: &[DType]) -> Result<Vec<DType>> {
        moved(self.name(), inputs)
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        Ok(vec![self.output_shape(inputs[0])?])
    }
}
