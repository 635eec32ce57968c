//! Softmax and log-softmax.

use super::operator::Operator;
use crate::error::Result;
use crate::shape;

/// `exp(x) / sum(exp(x))` along one axis of a tensor of any rank, or its logarithm. Equals `F.softmax` and
/// `F.log_softmax`; does not overflow.
///
/// ```
/// use convoke::ops::Softmax;
/// assert_eq!(Softmax::new(-1).output_shape(&[4, 10])?, [4, 10]);
/// # Ok::<(), convoke::Error>(())
/// ```
///
/// Errors: an axis out of range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Softmax {
    /// The axis; negative counts from the end.
    pub axis: isize,
    /// Whether the logarithm is given.
    pub log: bool,
}

impl Softmax {
    /// Softmax along this axis.
    pub fn new(axis: isize) -> Self {
        Self { axis, log: false }
    }

    /// Log-softmax along this axis.
    pub fn log(axis: isize) -> Self {
        Self { axis, log: true }
    }

    pub(crate) const fn name(self) -> &'static str {
        if self.log { "log_softmax" } else { "softmax" }
    }

    /// Checks the axis and gives the output's shape, which is the input's.
    pub fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        self.resolved_axis(input)?;
        shape::element_count(self.name(), input)?;
        Ok(input.to_vec())
    }

    pub(crate) fn resolved_axis(self, input: &[usize]) -> Result<usize> {
        shape::axis(self.name(), self.axis, input.len())
    }
}

impl Operator for Softmax {
    fn name(&self) -> &'static str {
        Self::name(*self)
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        Ok(vec![self.output_shape(inputs[0])?])
    }
}
