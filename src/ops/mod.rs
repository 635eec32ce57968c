//! What each operator is: its parameters, what it accepts, the shape it gives. No backend here.
//!
//! Every operator is a plain struct with builder methods and `output_shape`; the [`Op`] enum lists them all. Tensors are in
//! row-major order, images `[N, C, H, W]`. Operators that compute take floats; which take other types, too, is said with
//! them.

mod batch_norm;
mod binary;
mod cast;
mod concat;
mod conv2d;
mod conv_transpose2d;
pub(crate) mod elementwise;
mod expand;
mod fused;
mod instance_norm;
mod interpolate;
mod linear;
mod local_response_norm;
mod lp_pool2d;
mod matmul;
mod operator;
mod pad2d;
mod pool2d;
mod prelu;
mod reduce;
mod reshape;
mod slice;
mod softmax;
mod ternary;
mod transpose;
mod unary;
mod winograd;

pub use batch_norm::BatchNorm;
pub use binary::Binary;
pub use cast::Cast;
pub use concat::Concat;
pub use conv_transpose2d::ConvTranspose2d;
pub use conv2d::{Conv2d, ConvPadding};
pub use expand::Expand;
pub use fused::{Fused, FusedBase};
pub use instance_norm::InstanceNorm;
pub use interpolate::{CoordinateMode, Interpolate, InterpolateMode, NearestRounding};
pub use linear::Linear;
pub use local_response_norm::LocalResponseNorm;
pub use lp_pool2d::LpPool2d;
pub use matmul::MatMul;
pub use pad2d::Pad2d;
pub use pool2d::{AdaptiveAvgPool2d, AdaptiveMaxPool2d, AvgPool2d, IndexOrder, MaxPool2d};
pub use prelu::PRelu;
pub use reduce::{Reduce, ReduceKind};
pub use reshape::{Flatten, Reshape};
pub use slice::Slice;
pub use softmax::Softmax;
pub use ternary::Ternary;
pub use transpose::Transpose;
pub use unary::Unary;
pub use winograd::Winograd;

pub(crate) use binary::binary_functions;
pub(crate) use conv2d::ConvGeometry;
pub(crate) use matmul::MatMulExtents;
pub(crate) use pool2d::Window2d;
pub(crate) use ternary::ternary_functions;
pub(crate) use unary::unary_functions;

use crate::dtype::TensorType;
use crate::error::{Result, ensure};
use operator::Operator;

/// Declares [`Op`] and whatever asks all operators something: a line for each, with its inputs in their order.
macro_rules! operators {
    ($($(#[doc = $doc:literal])+ $operator:ident),+ $(,)?) => {
        /// Any operator with its parameters. Backends match on it exhaustively.
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum Op {
            $($(#[doc = $doc])+ $operator($operator),)+
        }

        impl Op {
            fn operator(&self) -> &dyn Operator {
                match self {
                    $(Self::$operator(operator) => operator,)+
                }
            }
        }

        $(impl From<$operator> for Op {
            fn from(operator: $operator) -> Self {
                Self::$operator(operator)
            }
        })+
    };
}

operators! {
    /// Inputs: input, weight, and optionally bias.
    Conv2d,
    /// Inputs: input, weight, and optionally bias.
    ConvTranspose2d,
    /// Inputs: input, weight, optionally bias, and the residual where there is one.
    Fused,
    /// Inputs: input.
    Interpolate,
    /// Inputs: input.
    Pad2d,
    /// Inputs: input. Outputs: values, and indices where they are asked for.
    MaxPool2d,
    /// Inputs: input.
    AvgPool2d,
    /// Inputs: input.
    LpPool2d,
    /// Inputs: input.
    AdaptiveAvgPool2d,
    /// Inputs: input. Outputs: values, and indices where they are asked for.
    AdaptiveMaxPool2d,
    /// Inputs: input.
    Unary,
    /// Inputs: input, slope.
    PRelu,
    /// Inputs: input.
    Softmax,
    /// Inputs: input, weight, and optionally bias.
    Linear,
    /// Inputs: left, right.
    MatMul,
    /// Inputs: input, running mean, running variance, weight, bias.
    BatchNorm,
    /// Inputs: input, weight, bias.
    InstanceNorm,
    /// Inputs: input.
    LocalResponseNorm,
    /// Inputs: input, of any type.
    Cast,
    /// Inputs: left, right.
    Binary,
    /// Inputs: first, second, third.
    Ternary,
    /// Inputs: input.
    Reshape,
    /// Inputs: input.
    Flatten,
    /// Inputs: any number, in the order in which they are joined.
    Concat,
    /// Inputs: input.
    Slice,
    /// Inputs: input.
    Transpose,
    /// Inputs: input.
    Expand,
    /// Inputs: input.
    Reduce,
}

impl Op {
    /// PyTorch's name of the operator.
    pub fn name(&self) -> &'static str {
        self.operator().name()
    }

    /// How many outputs it has.
    pub fn output_count(&self) -> usize {
        self.operator().output_count()
    }

    /// Checks the inputs' shapes and gives the shape of each output.
    pub fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        let (least, most) = self.operator().arity();
        ensure!(
            (least..=most).contains(&inputs.len()),
            self.name(),
            "expected {least} to {} inputs, but got {}",
            if most == usize::MAX {
                "any number of".to_owned()
            } else {
                most.to_string()
            },
            inputs.len()
        );
        self.operator().output_shapes(inputs)
    }

    /// Checks the inputs' types and shapes and gives those of each output.
    ///
    /// ```
    /// use convoke::{DType, TensorType, ops::{MaxPool2d, Op}};
    /// let pool = Op::from(MaxPool2d::new(2).return_indices(true));
    /// let image = TensorType::new(DType::F32, [1, 3, 8, 6]);
    /// let outputs = pool.infer(&[&image])?;
    /// assert_eq!(outputs[0].to_string(), "f32[1, 3, 4, 3]");
    /// assert_eq!(outputs[1].to_string(), "i64[1, 3, 4, 3]");
    /// # Ok::<(), convoke::Error>(())
    /// ```
    pub fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>> {
        let shapes: Vec<&[usize]> = inputs.iter().map(|input| input.shape.as_slice()).collect();
        let dtypes: Vec<_> = inputs.iter().map(|input| input.dtype).collect();
        let shapes = self.output_shapes(&shapes)?;
        let dtypes = self.operator().output_types(&dtypes)?;
        Ok(dtypes
            .into_iter()
            .zip(shapes)
            .map(|(dtype, shape)| TensorType { dtype, shape })
            .collect())
    }
}
