//! What decides how long the kernels of a layer take, and nothing else: layers that share it share a choice, whatever their
//! names, weights, padding modes and activations.

use std::fmt;

use crate::error::{Error, Result, ensure};
use crate::gpu::choose::gemm::Gemm;
use crate::gpu::choose::plane::ConvPlane;
use crate::gpu::choose::problem::{Problem, problem};
use crate::ops::Conv;
use crate::padding::{Padding2d, PaddingMode};
use crate::shape::{Size2d, element_count};

/// A layer that several kernels can compute, by its operator and extents. Layers of one signature, in any model, get the same
/// kernels from a [`TuningPlan`](crate::gpu::TuningPlan).
///
/// The padding mode is no part of it: the same loads are made whatever it is. Neither is what is fused to the layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(
    feature = "tuning-plans",
    derive(serde::Serialize, serde::Deserialize),
    serde(tag = "operator", rename_all = "snake_case", deny_unknown_fields)
)]
#[non_exhaustive]
pub enum LayerSignature {
    /// A convolution, not a transposed one.
    Conv2d {
        /// `[N, C, H, W]`.
        input: [usize; 4],
        /// Output channels.
        out_channels: usize,
        /// Height and width.
        kernel: [usize; 2],
        /// Vertical and horizontal.
        stride: [usize; 2],
        /// Top, left, bottom, right.
        padding: [usize; 4],
        /// Vertical and horizontal.
        dilation: [usize; 2],
        /// Groups of channels.
        groups: usize,
        /// Whether the weight may change from run to run, and is packed in each.
        #[cfg_attr(feature = "tuning-plans", serde(default, skip_serializing_if = "std::ops::Not::not"))]
        weight_varies: bool,
    },
    /// A fully connected layer.
    Linear {
        /// Rows of the input: the product of all its extents but the last.
        rows: usize,
        /// Terms of each sum.
        in_features: usize,
        /// Sums of each row.
        out_features: usize,
        /// Whether the weight may change from run to run, and is packed in each.
        #[cfg_attr(feature = "tuning-plans", serde(default, skip_serializing_if = "std::ops::Not::not"))]
        weight_varies: bool,
    },
    /// The product of two tensors: one matrix by one, so many times over; what all of the left are multiplied by on the right is
    /// one matrix.
    #[cfg_attr(feature = "tuning-plans", serde(rename = "matmul"))]
    MatMul {
        /// How many products.
        matrices: usize,
        /// Of the left operand.
        rows: usize,
        /// Terms of each sum.
        inner: usize,
        /// Of the right operand.
        columns: usize,
        /// Whether the left operand may change from run to run.
        #[cfg_attr(feature = "tuning-plans", serde(default, skip_serializing_if = "std::ops::Not::not"))]
        left_varies: bool,
    },
}

/// A signature as kernels see it.
pub(crate) enum Work {
    Conv2d(Problem),
    Linear(Gemm),
    MatMul(Gemm),
}

impl LayerSignature {
    pub(crate) fn conv2d(groups: usize, geometry: &ConvPlane, weight_varies: bool) -> Self {
        let extents = |size: Size2d| [size.height, size.width];
        let Padding2d {
            left,
            right,
            top,
            bottom,
        } = geometry.padding;
        Self::Conv2d {
            input: [
                geometry.batch,
                geometry.in_channels,
                geometry.input.height,
                geometry.input.width,
            ],
            out_channels: geometry.out_channels,
            kernel: extents(geometry.kernel),
            stride: extents(geometry.stride),
            padding: [top, left, bottom, right].map(isize::unsigned_abs),
            dilation: extents(geometry.dilation),
            groups,
            weight_varies,
        }
    }

    pub(crate) fn linear(gemm: &Gemm, weight_varies: bool) -> Self {
        Self::Linear {
            rows: gemm.positions,
            in_features: gemm.in_channels,
            out_features: gemm.out_channels,
            weight_varies,
        }
    }

    pub(crate) fn matmul(gemm: &Gemm, left_varies: bool) -> Self {
        Self::MatMul {
            matrices: gemm.groups,
            rows: gemm.out_channels,
            inner: gemm.in_channels,
            columns: gemm.positions,
            left_varies,
        }
    }

    /// The operator, by its PyTorch name.
    pub const fn operator(&self) -> &'static str {
        match self {
            Self::Conv2d { .. } => "conv2d",
            Self::Linear { .. } => "linear",
            Self::MatMul { .. } => "matmul",
        }
    }

    /// What is computed, checked: a file may say anything.
    pub(crate) fn work(&self) -> Result<Work> {
        match *self {
            Self::Conv2d {
                input,
                out_channels,
                kernel,
                stride,
                padding,
                dilation,
                groups,
                weight_varies: _,
            } => {
                let weight = [out_channels, input[1] / groups.max(1), kernel[0], kernel[1]];
                self.check_extents(&[&input, &weight])?;
                let [top, left, bottom, right] = padding.map(|side| isize::try_from(side).unwrap_or(isize::MAX));
                let op = Conv {
                    stride: stride.into(),
                    padding: Padding2d {
                        left,
                        right,
                        top,
                        bottom,
                    }
                    .into(),
                    padding_mode: PaddingMode::Zeros,
                    dilation: dilation.into(),
                    groups,
                };
                let problem = problem(&op, &input, &weight, None)?;
                let output = problem.geometry.output;
                self.check_extents(&[&[input[0], out_channels, output.height, output.width]])?;
                Ok(Work::Conv2d(problem))
            }
            Self::Linear {
                rows,
                in_features,
                out_features,
                weight_varies: _,
            } => {
                self.check_extents(&[&[rows, in_features], &[rows, out_features], &[out_features, in_features]])?;
                Ok(Work::Linear(Gemm::linear(rows, in_features, out_features)))
            }
            Self::MatMul {
                matrices,
                rows,
                inner,
                columns,
                left_varies: _,
            } => {
                self.check_extents(&[
                    &[matrices, rows, inner],
                    &[matrices, inner, columns],
                    &[matrices, rows, columns],
                ])?;
                Ok(Work::MatMul(Gemm::matmul(matrices, rows, inner, columns)))
            }
        }
    }

    fn check_extents(&self, shapes: &[&[usize]]) -> Result<()> {
        // What kernels count with.
        const MOST: usize = u32::MAX as usize;
        for shape in shapes {
            let elements = element_count(self.operator(), shape)?;
            ensure!(
                (1..=MOST).contains(&elements),
                self.operator(),
                "tensors of 1 to {MOST} elements are expected, and one of shape {shape:?} came"
            );
        }
        Ok(())
    }

    /// Names the layer in a refusal.
    pub(crate) fn locate(&self, error: Error) -> Error {
        match error {
            Error::InvalidArgument { operator, message } => Error::InvalidArgument {
                operator,
                message: format!("{message} (the layer {self})"),
            },
            other => other,
        }
    }
}

impl fmt::Display for LayerSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let varies = match *self {
            Self::Conv2d {
                input: [n, c, h, w],
                out_channels,
                kernel,
                stride,
                padding,
                dilation,
                groups,
                weight_varies,
            } => {
                write!(f, "conv2d {n}x{c}x{h}x{w} to {out_channels}, kernel {}", by(&kernel))?;
                for (name, steps) in [("stride", stride), ("dilation", dilation)] {
                    if steps != [1, 1] {
                        write!(f, ", {name} {}", by(&steps))?;
                    }
                }
                if padding != [0; 4] {
                    write!(f, ", padding {}", by(&padding))?;
                }
                if groups != 1 {
                    write!(f, ", groups {groups}")?;
                }
                weight_varies
            }
            Self::Linear {
                rows,
                in_features,
                out_features,
                weight_varies,
            } => {
                write!(f, "linear {rows}x{in_features} to {out_features}")?;
                weight_varies
            }
            Self::MatMul {
                matrices,
                rows,
                inner,
                columns,
                left_varies,
            } => {
                write!(f, "matmul {rows}x{inner} by {inner}x{columns}")?;
                if matrices != 1 {
                    write!(f, ", {matrices} times")?;
                }
                left_varies
            }
        };
        if varies { f.write_str(", no constant weight") } else { Ok(()) }
    }
}

/// `3x5`, or one number where all are the same.
fn by(extents: &[usize]) -> String {
    match extents {
        [first, rest @ ..] if rest.iter().all(|extent| extent == first) => first.to_string(),
        _ => extents.iter().map(usize::to_string).collect::<Vec<_>>().join("x"),
    }
}
