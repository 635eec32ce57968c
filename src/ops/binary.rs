//! Functions of two elements, with broadcasting: arithmetic, comparisons, logic.

use super::elementwise::{Elementwise, functions};
use super::operator::Operator;
use crate::dtype::DType;
use crate::error::Result;
use crate::shape;

/// The table of the functions, which becomes another macro's: see [`functions`].
macro_rules! binary_functions {
    ($then:ident $arguments:tt) => {
        $then! {
            $arguments
            /// `left + right`. `torch.add`.
            Add "add" Numbers onnx "Add",
            /// `left * right`. `torch.mul`.
            Mul "mul" Numbers onnx "Mul",
            /// `left - right`. `torch.sub`.
            Sub "sub" Numbers onnx "Sub",
            /// `left / right`. `torch.div`: infinite or NaN where `right` is 0. Of whole numbers as ONNX `Div`: towards 0, and 0 where
            /// `right` is 0.
            Div "div" Numbers onnx "Div",
            /// `left` to the power of `right`. `torch.pow`: 1 where `right` is 0 or `left` is 1, even beside a NaN; NaN where a
            /// negative number has an exponent that is not whole. Whole exponents from -16 to 16 and the exponent 1/2 are computed
            /// without a logarithm; with others the error in ULP grows with the magnitude of the result's logarithm.
            Pow "pow" Floats,
            /// The smaller one; NaN where one is NaN. `torch.minimum`.
            Min "minimum" Numbers,
            /// The larger one; NaN where one is NaN. `torch.maximum`.
            Max "maximum" Numbers,
            /// Whether `left <= right`; not so where one is NaN. `torch.le`.
            LessOrEqual "le" Order onnx "LessOrEqual",
            /// Whether `left >= right`; not so where one is NaN. `torch.ge`.
            GreaterOrEqual "ge" Order onnx "GreaterOrEqual",
            /// Whether both are equal; NaN is equal to nothing. `torch.eq`.
            Equal "eq" Equality onnx "Equal",
            /// Whether `left` is larger than `right`; not so where one is NaN. `torch.gt`.
            Greater "gt" Order onnx "Greater",
            /// Whether `left` is smaller than `right`; not so where one is NaN. `torch.lt`.
            Less "lt" Order onnx "Less",
            /// Whether both are true. `torch.logical_and`.
            And "logical_and" Bools onnx "And",
            /// Whether one is true. `torch.logical_or`.
            Or "logical_or" Bools onnx "Or",
            /// Whether one is true and the other is not. `torch.logical_xor`.
            Xor "logical_xor" Bools onnx "Xor",
            /// What `left` has beyond a multiple of `right`, of the sign of `right`, be it a zero. `torch.remainder`; computed from the
            /// exact remainder of the other sign. 0 where `right` is the whole number 0.
            Remainder "remainder" Numbers onnx "Mod" (fmod = 0),
            /// Whether they differ; NaN differs from everything. `torch.ne`.
            NotEqual "ne" Equality,
            /// What `left` has beyond a multiple of `right`, of the sign of `left`, exactly. `torch.fmod`. 0 where `right` is the whole number 0.
            Fmod "fmod" Numbers onnx "Mod" (fmod = 1),
            /// The bits that one has. `torch.bitwise_or`.
            BitwiseOr "bitwise_or" Integers onnx "BitwiseOr",
            /// The bits that one has and the other has not. `torch.bitwise_xor`.
            BitwiseXor "bitwise_xor" Integers onnx "BitwiseXor",
            /// The bits that both have. `torch.bitwise_and`.
            BitwiseAnd "bitwise_and" Integers onnx "BitwiseAnd",
            /// The bits of `left`, `right` places up; none are left beyond a type's bits, nor where `right` is negative.
            /// `torch.bitwise_left_shift`.
            BitwiseLeftShift "bitwise_left_shift" Integers,
            /// The bits of `left`, `right` places down, with copies of the sign before them; these alone beyond a type's bits and where
            /// `right` is negative. `torch.bitwise_right_shift`.
            BitwiseRightShift "bitwise_right_shift" Integers,
        }
    };
}
pub(crate) use binary_functions;

binary_functions! {
    functions {
        /// A function of the elements of two tensors. Shapes broadcast as in PyTorch and ONNX: aligned at the last dimension, extents
        /// equal or 1. Whole numbers wrap around: those of `i64` on a GPU, where they have 32 bits, at 2^31.
        ///
        /// ```
        /// use convoke::ops::Binary;
        /// assert_eq!(Binary::Add.output_shape(&[2, 3, 4], &[3, 1])?, [2, 3, 4]);
        /// # Ok::<(), convoke::Error>(())
        /// ```
        ///
        /// Errors: shapes that do not broadcast; types that differ, or that the function does not take.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        Binary
    }
}

impl Binary {
    /// Checks the shapes and gives the output's.
    pub fn output_shape(&self, left: &[usize], right: &[usize]) -> Result<Vec<usize>> {
        let output = shape::broadcast(self.name(), left, right)?;
        shape::element_count(self.name(), &output)?;
        Ok(output)
    }
}

impl Operator for Binary {
    fn name(&self) -> &'static str {
        Self::name(self)
    }

    fn arity(&self) -> (usize, usize) {
        (2, 2)
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        Ok(vec![self.output_shape(inputs[0], inputs[1])?])
    }

    fn output_types(&self, inputs: &[DType]) -> Result<Vec<DType>> {
        Ok(vec![(*self).signature().output(self.name(), inputs)?])
    }
}
