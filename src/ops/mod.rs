//! What each operator is: its parameters, what it accepts, the shape it gives. No backend here.
//!
//! Every operator is a plain struct with builder methods and `output_shape`; the [`Op`] enum lists them all.
//! Tensors are `f32` in row-major order, images `[N, C, H, W]`.

mod activation;
mod batch_norm;
mod binary;
mod concat;
mod conv2d;
mod conv_transpose2d;
mod expand;
mod fused;
mod instance_norm;
mod interpolate;
mod linear;
mod local_response_norm;
mod lp_pool2d;
mod matmul;
mod pad2d;
mod pool2d;
mod reduce;
mod reshape;
mod slice;
mod softmax;
mod transpose;
mod winograd;

pub use activation::{Activation, PRelu};
pub use batch_norm::BatchNorm;
pub use binary::Binary;
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
pub use reduce::{Reduce, ReduceKind};
pub use reshape::{Flatten, Reshape};
pub use slice::Slice;
pub use softmax::Softmax;
pub use transpose::Transpose;
pub use winograd::Winograd;

pub(crate) use conv2d::ConvGeometry;
pub(crate) use matmul::MatMulExtents;
pub(crate) use pool2d::Window2d;

use crate::error::{Result, ensure};

/// Any operator with its parameters. Backends match on it exhaustively.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Op {
    /// Inputs: input, weight, and optionally bias.
    Conv2d(Conv2d),
    /// Inputs: input, weight, and optionally bias.
    ConvTranspose2d(ConvTranspose2d),
    /// Inputs: input, weight, optionally bias, and the residual where there is one.
    Fused(Fused),
    /// Inputs: input.
    Interpolate(Interpolate),
    /// Inputs: input.
    Pad2d(Pad2d),
    /// Inputs: input. Outputs: values, and indices where they are asked for.
    MaxPool2d(MaxPool2d),
    /// Inputs: input.
    AvgPool2d(AvgPool2d),
    /// Inputs: input.
    LpPool2d(LpPool2d),
    /// Inputs: input.
    AdaptiveAvgPool2d(AdaptiveAvgPool2d),
    /// Inputs: input. Outputs: values, and indices where they are asked for.
    AdaptiveMaxPool2d(AdaptiveMaxPool2d),
    /// Inputs: input.
    Activation(Activation),
    /// Inputs: input, slope.
    PRelu(PRelu),
    /// Inputs: input.
    Softmax(Softmax),
    /// Inputs: input, weight, and optionally bias.
    Linear(Linear),
    /// Inputs: left, right.
    MatMul(MatMul),
    /// Inputs: input, running mean, running variance, weight, bias.
    BatchNorm(BatchNorm),
    /// Inputs: input, weight, bias.
    InstanceNorm(InstanceNorm),
    /// Inputs: input.
    LocalResponseNorm(LocalResponseNorm),
    /// Inputs: left, right.
    Binary(Binary),
    /// Inputs: input.
    Reshape(Reshape),
    /// Inputs: input.
    Flatten(Flatten),
    /// Inputs: any number, in the order in which they are joined.
    Concat(Concat),
    /// Inputs: input.
    Slice(Slice),
    /// Inputs: input.
    Transpose(Transpose),
    /// Inputs: input.
    Expand(Expand),
    /// Inputs: input.
    Reduce(Reduce),
}

impl Op {
    /// PyTorch's name of the operator.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Conv2d(_) => "conv2d",
            Self::ConvTranspose2d(_) => "conv_transpose2d",
            Self::Fused(op) => op.base.name(),
            Self::Interpolate(_) => "interpolate",
            Self::Pad2d(_) => "pad",
            Self::MaxPool2d(_) => "max_pool2d",
            Self::AvgPool2d(_) => "avg_pool2d",
            Self::LpPool2d(_) => "lp_pool2d",
            Self::AdaptiveAvgPool2d(_) => "adaptive_avg_pool2d",
            Self::AdaptiveMaxPool2d(_) => "adaptive_max_pool2d",
            Self::Activation(activation) => activation.name(),
            Self::PRelu(_) => "prelu",
            Self::Softmax(softmax) => softmax.name(),
            Self::Linear(_) => "linear",
            Self::MatMul(_) => "matmul",
            Self::BatchNorm(_) => "batch_norm",
            Self::InstanceNorm(_) => "instance_norm",
            Self::LocalResponseNorm(_) => "local_response_norm",
            Self::Binary(binary) => binary.name(),
            Self::Reshape(_) => "reshape",
            Self::Flatten(_) => "flatten",
            Self::Concat(_) => "concat",
            Self::Slice(_) => "slice",
            Self::Transpose(_) => "permute",
            Self::Expand(_) => "expand",
            Self::Reduce(reduce) => reduce.kind.name(),
        }
    }

    /// How many outputs it has.
    pub fn output_count(&self) -> usize {
        match self {
            Self::MaxPool2d(MaxPool2d {
                return_indices: true, ..
            })
            | Self::AdaptiveMaxPool2d(AdaptiveMaxPool2d {
                return_indices: true, ..
            }) => 2,
            _ => 1,
        }
    }

    /// Checks the inputs' shapes and gives the shape of each output.
    pub fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        let (least, most) = match self {
            Self::Conv2d(_) | Self::ConvTranspose2d(_) | Self::Linear(_) => (2, 3),
            Self::PRelu(_) | Self::Binary(_) | Self::MatMul(_) => (2, 2),
            Self::Fused(op) => (2 + usize::from(op.residual), 3 + usize::from(op.residual)),
            Self::BatchNorm(_) => (5, 5),
            Self::InstanceNorm(_) => (3, 3),
            Self::Concat(_) => (1, usize::MAX),
            _ => (1, 1),
        };
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
        let third = inputs.get(2).copied();
        Ok(match self {
            Self::Conv2d(op) => vec![op.output_shape(inputs[0], inputs[1], third)?.to_vec()],
            Self::ConvTranspose2d(op) => vec![op.output_shape(inputs[0], inputs[1], third)?.to_vec()],
            Self::Fused(op) => vec![op.output_shape(inputs)?],
            Self::Interpolate(op) => vec![op.output_shape(inputs[0])?.to_vec()],
            Self::Pad2d(op) => vec![op.output_shape(inputs[0])?.to_vec()],
            Self::MaxPool2d(op) => vec![op.output_shape(inputs[0])?.to_vec(); self.output_count()],
            Self::AvgPool2d(op) => vec![op.output_shape(inputs[0])?.to_vec()],
            Self::LpPool2d(op) => vec![op.output_shape(inputs[0])?.to_vec()],
            Self::AdaptiveAvgPool2d(op) => vec![op.output_shape(inputs[0])?.to_vec()],
            Self::AdaptiveMaxPool2d(op) => vec![op.output_shape(inputs[0])?.to_vec(); self.output_count()],
            Self::Activation(op) => vec![op.output_shape(inputs[0])?],
            Self::PRelu(op) => vec![op.output_shape(inputs[0], inputs[1])?],
            Self::Softmax(op) => vec![op.output_shape(inputs[0])?],
            Self::Linear(op) => vec![op.output_shape(inputs[0], inputs[1], third)?],
            Self::MatMul(op) => vec![op.output_shape(inputs[0], inputs[1])?],
            Self::BatchNorm(op) => vec![op.output_shape(inputs)?],
            Self::LocalResponseNorm(op) => vec![op.output_shape(inputs[0])?],
            Self::InstanceNorm(op) => vec![op.output_shape(inputs[0], inputs[1], inputs[2])?],
            Self::Binary(op) => vec![op.output_shape(inputs[0], inputs[1])?],
            Self::Reshape(op) => vec![op.output_shape(inputs[0])?],
            Self::Flatten(op) => vec![op.output_shape(inputs[0])?],
            Self::Concat(op) => vec![op.output_shape(inputs)?],
            Self::Slice(op) => vec![op.output_shape(inputs[0])?],
            Self::Transpose(op) => vec![op.output_shape(inputs[0])?],
            Self::Expand(op) => vec![op.output_shape(inputs[0])?],
            Self::Reduce(op) => vec![op.output_shape(inputs[0])?],
        })
    }
}

/// `From<Operator> for Op`, one line an operator.
macro_rules! op_from {
    ($($operator:ident),+ $(,)?) => {
        $(impl From<$operator> for Op {
            fn from(operator: $operator) -> Self {
                Self::$operator(operator)
            }
        })+
    };
}
op_from!(
    Conv2d,
    ConvTranspose2d,
    Fused,
    Interpolate,
    Pad2d,
    MaxPool2d,
    AvgPool2d,
    LpPool2d,
    AdaptiveAvgPool2d,
    AdaptiveMaxPool2d,
    Activation,
    PRelu,
    Softmax,
    Linear,
    MatMul,
    BatchNorm,
    InstanceNorm,
    LocalResponseNorm,
    Binary,
    Reshape,
    Flatten,
    Concat,
    Slice,
    Transpose,
    Expand,
    Reduce,
);
