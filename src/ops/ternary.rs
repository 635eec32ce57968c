//! Functions of three elements, with broadcasting.

use super::elementwise::{Elementwise, functions};
use super::operator::Operator;
use crate::dtype::DType;
use crate::error::Result;
use crate::shape;

/// The table of the functions, which becomes another macro's: see [`functions`].
macro_rules! ternary_functions {
    ($then:ident $arguments:tt) => {
        $then! {
            $arguments
            /// `min(max(first, second), third)`; NaN where one is NaN. `torch.clamp` with tensors as bounds.
            Clamp "clamp" Numbers,
            /// `second` where `first` is true, else `third`. `torch.where`.
            Where "where" Choice onnx "Where",
        }
    };
}
pub(crate) use ternary_functions;

ternary_functions! {
    functions {
        /// A function of the elements of three tensors. Shapes broadcast as in PyTorch and ONNX: aligned at the last dimension, extents
        /// equal or 1.
        ///
        /// ```
        /// use convoke::ops::Ternary;
        /// assert_eq!(Ternary::Clamp.output_shape(&[2, 3, 4], &[3, 1], &[])?, [2, 3, 4]);
        /// # Ok::<(), convoke::Error>(())
        /// ```
        ///
        /// Errors: shapes that do not broadcast; types that differ, or that the function does not take.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        Ternary
    }
}

impl Ternary {
    /// Checks the shapes and gives the output's.
    pub fn output_shape(&self, first: &[usize], second: &[usize], third: &[usize]) -> Result<Vec<usize>> {
        let output = shape::broadcast(self.name(), &shape::broadcast(self.name(), first, second)?, third)?;
        shape::element_count(self.name(), &output)?;
        Ok(output)
    }
}

impl Operator for Ternary {
    fn name(&self) -> &'static str {
        Self::name(self)
    }

    fn arity(&self) -> (usize, usize) {
        (3, 3)
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        Ok(vec![self.output_shape(inputs[0], inputs[1], inputs[2])?])
    }

    fn output_types(&self, inputs: &[DType]) -> Result<Vec<DType>> {
        Ok(vec![(*self).signature().output(self.name(), inputs)?])
    }
}
