//! What each operator is: its parameters, what it accepts, the shape it gives. No backend here.
//!
//! Every operator is a plain struct with builder methods and `output_shape`; the [`Op`] enum lists them all. Tensors are in
//! row-major order, images `[N, C, H, W]`, signals `[N, C, L]`, volumes `[N, C, D, H, W]`. Operators that compute take floats; which take other types, too, is said with
//! them.

mod arg_reduce;
mod attention;
mod batch_norm;
mod binary;
mod cast;
mod concat;
mod conv;
mod conv_integer;
mod conv_transpose;
mod cumulative;
mod custom;
pub(crate) mod elementwise;
mod expand;
mod fused;
mod gather;
mod gather_elements;
mod grid_sample;
mod instance_norm;
mod interpolate;
mod layer_norm;
mod linear;
mod local_response_norm;
mod lp_pool;
mod matmul;
mod matmul_integer;
mod operator;
mod pad;
mod pool;
mod prelu;
mod recurrent;
mod reduce;
mod resample;
mod reshape;
mod roi_align;
mod scatter_elements;
mod slice;
mod softmax;
mod ternary;
mod top_k;
mod transpose;
mod unary;
mod window;
mod winograd;

pub use arg_reduce::ArgReduce;
pub use attention::ScaledDotProductAttention;
pub use batch_norm::BatchNorm;
pub use binary::Binary;
pub use cast::Cast;
pub use concat::Concat;
pub use conv::{Conv, ConvPadding};
pub use conv_integer::ConvInteger;
pub use conv_transpose::ConvTranspose;
pub use cumulative::Cumulative;
pub use custom::{CustomKernel, CustomOp, CustomOperator, Expected, KernelParameter};
pub use expand::Expand;
pub use fused::{Fused, FusedBase};
pub use gather::Gather;
pub use gather_elements::GatherElements;
pub use grid_sample::{GridCoordinates, GridMode, GridPadding, GridSample};
pub use instance_norm::InstanceNorm;
pub use interpolate::{CoordinateMode, Interpolate, InterpolateMode, NearestRounding};
pub use layer_norm::LayerNorm;
pub use linear::Linear;
pub use local_response_norm::LocalResponseNorm;
pub use lp_pool::LpPool;
pub use matmul::MatMul;
pub use matmul_integer::MatMulInteger;
pub use pad::Pad;
pub use pool::{AdaptiveAvgPool, AdaptiveMaxPool, AvgPool, IndexOrder, MaxPool};
pub use prelu::PRelu;
pub use recurrent::{Recurrent, RecurrentCell};
pub use reduce::{Reduce, ReduceKind};
pub use resample::{Resample, TapTable};
pub use reshape::{Flatten, Reshape};
pub use roi_align::{RoiAlign, RoiReduction};
pub use scatter_elements::{ScatterElements, ScatterReduction};
pub use slice::Slice;
pub use softmax::Softmax;
pub use ternary::Ternary;
pub use top_k::TopK;
pub use transpose::Transpose;
pub use unary::Unary;
pub use winograd::Winograd;

pub(crate) use attention::AttentionExtents;
pub(crate) use binary::binary_functions;
pub(crate) use conv::ConvGeometry;
pub(crate) use matmul::MatMulExtents;
pub(crate) use ternary::ternary_functions;
pub(crate) use unary::unary_functions;
pub(crate) use window::{AxisWindow, PoolWindow};

/// [`Conv`] by its name for images in PyTorch.
pub type Conv2d = Conv;
/// [`ConvTranspose`] by its name for images in PyTorch.
pub type ConvTranspose2d = ConvTranspose;
/// [`MaxPool`] by its name for images in PyTorch.
pub type MaxPool2d = MaxPool;
/// [`AvgPool`] by its name for images in PyTorch.
pub type AvgPool2d = AvgPool;
/// [`LpPool`] by its name for images in PyTorch.
pub type LpPool2d = LpPool;
/// [`AdaptiveAvgPool`] by its name for images in PyTorch.
pub type AdaptiveAvgPool2d = AdaptiveAvgPool;
/// [`AdaptiveMaxPool`] by its name for images in PyTorch.
pub type AdaptiveMaxPool2d = AdaptiveMaxPool;
/// [`Pad`] by its name for images.
pub type Pad2d = Pad;

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
    Conv,
    /// Inputs: input, weight, of whole numbers.
    ConvInteger,
    /// Inputs: input, weight, and optionally bias.
    ConvTranspose,
    /// Inputs: input, weight, optionally bias, and the residual where there is one.
    Fused,
    /// Inputs: input.
    Interpolate,
    /// Inputs: input.
    Pad,
    /// Inputs: input. Outputs: values, and indices where they are asked for.
    MaxPool,
    /// Inputs: input.
    AvgPool,
    /// Inputs: input.
    LpPool,
    /// Inputs: input.
    AdaptiveAvgPool,
    /// Inputs: input. Outputs: values, and indices where they are asked for.
    AdaptiveMaxPool,
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
    /// Inputs: left, right, of whole numbers.
    MatMulInteger,
    /// Inputs: query, key, value, and optionally mask.
    ScaledDotProductAttention,
    /// Inputs: input, running mean, running variance, weight, bias.
    BatchNorm,
    /// Inputs: input, weight, bias.
    InstanceNorm,
    /// Inputs: input, weight, and optionally bias.
    LayerNorm,
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
    /// Inputs: data, of any type, and indices of `i64` or `i32`.
    Gather,
    /// Inputs: data, of any type, and indices of `i64` or `i32`.
    GatherElements,
    /// Inputs: data, of any type, indices of `i64` or `i32`, and updates of the data's type.
    ScatterElements,
    /// Inputs: input, grid.
    GridSample,
    /// Inputs: input as projected, weight, bias, state, and of LSTM the cell's state. Outputs: the state after each step, and of LSTM
    /// the cell's state.
    Recurrent,
    /// Inputs: input, of floats, whole numbers or bools.
    Reduce,
    /// Inputs: input, of floats or whole numbers. Outputs: places.
    ArgReduce,
    /// Inputs: input, of floats or whole numbers. Outputs: values and their places.
    TopK,
    /// Inputs: input, of floats or whole numbers.
    Cumulative,
    /// Inputs: input.
    Resample,
    /// Inputs: input, regions.
    RoiAlign,
    /// Inputs: what the operator says that it takes.
    CustomOp,
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
    /// use convoke::{DType, TensorType, ops::{MaxPool, Op}};
    /// let pool = Op::from(MaxPool::new(2).return_indices(true));
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
