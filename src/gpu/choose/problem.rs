//! Convolutions as kernels see them, and the algorithms that compute them.

use crate::error::{Error, Result};
use crate::gpu::choose::gemm::Gemm;
use crate::gpu::choose::plane::ConvPlane;
use crate::gpu::choose::strips::{Strips, Windows};
use crate::gpu::choose::tile::Extents;
use crate::gpu::device::device_class::DeviceClass;
use crate::ops::{Conv, ConvTranspose};
use crate::padding::PaddingMode;

const NAME: &str = "conv2d";
/// Channels of a group that the depthwise kernel has at most on either side, and weights that it holds in registers.
const MOST_GROUP_CHANNELS: usize = 4;
const MOST_WEIGHTS: usize = 160;
/// Largest extent of a padded plane: leaves room for the coordinates past its end that whole blocks compute along.
pub(crate) const LARGEST_EXTENT: usize = 1 << 26;

/// How a convolution is computed. By default a rule chooses; see [`Gpu::with_conv2d`](crate::gpu::Gpu::with_conv2d).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Conv2dAlgorithm {
    /// Blocks of rows and output channels in registers; any convolution.
    Direct,
    /// The same with weights handed round a subgroup of eight: for adapters where every load is a gather.
    DirectBroadcast,
    /// At most four input and four output channels per group: strips of columns, each source row loaded once.
    Depthwise,
    /// A matrix product: 1x1 kernels with stride 1 and no padding.
    Gemm,
    /// The same with weights handed round a subgroup of eight.
    GemmBroadcast,
    /// An implicit matrix product by tiles in workgroup memory, any convolution: for real GPUs.
    Tiled,
    /// A matrix product by tiles in workgroup memory: 1x1 kernels with stride 1 and no padding.
    GemmTiled,
    /// A matrix product with the terms of all sums, which are written out before it; any convolution whose terms fit in a buffer.
    Im2col,
    /// 16 matrix products that compute 2x2 outputs at a time, F(2x2, 3x3): 3x3 kernels with stride 1, dilation 1 and one
    /// group. Rounds differently from the others, within bounds of its own.
    Winograd,
    /// 36 matrix products that compute 4x4 outputs at a time, F(4x4, 3x3), of the same convolutions. With less than two thirds
    /// of the products its errors are three times as large, and its bounds eight times as wide. No rule takes it, unless
    /// [`Gpu::with_large_tiles`](crate::Gpu::with_large_tiles) allows it.
    WinogradLarge,
}

impl Conv2dAlgorithm {
    /// All algorithms.
    pub const ALL: [Self; 10] = [
        Self::Direct,
        Self::DirectBroadcast,
        Self::Depthwise,
        Self::Gemm,
        Self::GemmBroadcast,
        Self::Tiled,
        Self::GemmTiled,
        Self::Im2col,
        Self::Winograd,
        Self::WinogradLarge,
    ];
}

/// A checked convolution with the steps as kernels get them.
pub(crate) struct Problem {
    pub(crate) name: &'static str,
    pub(crate) geometry: ConvPlane,
    pub(crate) groups: usize,
    pub(crate) stride_height: u32,
    pub(crate) stride_width: u32,
    pub(crate) dilation_height: u32,
    pub(crate) dilation_width: u32,
    pub(crate) padding_mode: u32,
    pub(crate) transposed: bool,
    /// Whether it is of whole numbers: sums are exact as long as they are those of the definition.
    pub(crate) is_whole: bool,
}

impl Problem {
    pub(crate) fn new(op: &Conv, geometry: ConvPlane) -> Self {
        Self {
            name: "conv2d",
            transposed: false,
            is_whole: false,
            geometry,
            groups: op.groups,
            stride_height: step(geometry.stride.height, geometry.output.height),
            stride_width: step(geometry.stride.width, geometry.output.width),
            dilation_height: step(geometry.dilation.height, geometry.kernel.height),
            dilation_width: step(geometry.dilation.width, geometry.kernel.width),
            padding_mode: op.padding_mode.code(),
        }
    }

    pub(crate) fn new_transposed(op: &ConvTranspose, geometry: ConvPlane) -> Self {
        // The strides run over the input: a single row or column has no next one.
        Self {
            name: "conv_transpose2d",
            transposed: true,
            is_whole: false,
            geometry,
            groups: op.groups,
            stride_height: step(geometry.stride.height, geometry.input.height),
            stride_width: step(geometry.stride.width, geometry.input.width),
            dilation_height: step(geometry.dilation.height, geometry.kernel.height),
            dilation_width: step(geometry.dilation.width, geometry.kernel.width),
            padding_mode: PaddingMode::Zeros.code(),
        }
    }

    pub(crate) fn is_pointwise(&self) -> bool {
        let taps = self.geometry.kernel.height * self.geometry.kernel.width;
        taps == 1 && self.stride_height == 1 && self.stride_width == 1 && self.geometry.input == self.geometry.output
    }

    /// A convolution of whole numbers.
    pub(crate) fn of_whole_numbers(self) -> Self {
        Self {
            name: "conv_integer",
            is_whole: true,
            ..self
        }
    }

    /// Whether Winograd's algorithm computes it. The reference's twin is `may_be_winograd`.
    pub(crate) fn is_winograd(&self) -> bool {
        let steps = [
            self.stride_height,
            self.stride_width,
            self.dilation_height,
            self.dilation_width,
        ];
        let kernel = &self.geometry.kernel;
        !self.is_whole && (kernel.height, kernel.width, self.groups) == (3, 3, 1) && steps == [1; 4]
    }

    /// A pointwise convolution as a matrix product.
    pub(crate) fn product(&self) -> Gemm {
        let positions = self.geometry.output.height * self.geometry.output.width;
        Gemm {
            batch: self.geometry.batch,
            groups: self.groups,
            in_channels: self.in_channels_per_group(),
            out_channels: self.out_channels_per_group(),
            positions,
            strides: [positions, 1, positions, 1],
            transposed: false,
        }
    }

    pub(crate) fn in_channels_per_group(&self) -> usize {
        self.geometry.in_channels / self.groups
    }

    pub(crate) fn out_channels_per_group(&self) -> usize {
        self.geometry.out_channels / self.groups
    }

    /// A convolution as a matrix product.
    pub(crate) fn extents(&self) -> Extents {
        let geometry = &self.geometry;
        Extents {
            groups: self.groups,
            channels: self.out_channels_per_group(),
            positions: geometry.batch * geometry.output.height * geometry.output.width,
            terms: geometry.kernel.height * geometry.kernel.width * self.in_channels_per_group(),
        }
    }

    /// The strips that the depthwise kernel computes by, or `None` where it does not apply.
    pub(crate) fn depthwise(&self, class: DeviceClass) -> Option<Strips> {
        let geometry = &self.geometry;
        let (ins, outs) = (self.in_channels_per_group(), self.out_channels_per_group());
        let taps = geometry
            .kernel
            .height
            .saturating_mul(geometry.kernel.width)
            .saturating_mul(ins);
        if ins.max(outs) > MOST_GROUP_CHANNELS || taps.saturating_mul(outs) > MOST_WEIGHTS {
            return None;
        }
        let windows = Windows {
            sets: geometry.batch * self.groups,
            channels: ins,
            input: geometry.input,
            output: geometry.output,
            kernel: geometry.kernel,
            padding: geometry.padding,
            stride: [self.stride_height, self.stride_width],
            dilation: [self.dilation_height, self.dilation_width],
        };
        windows.cut(class)
    }
}

/// Checks a convolution by its shapes.
pub(crate) fn problem(op: &Conv, input: &[usize], weight: &[usize], bias: Option<&[usize]>) -> Result<Problem> {
    let geometry = ConvPlane::new(NAME, &op.geometry(input, weight, bias)?)?;
    check_extent(NAME, geometry.input.height, geometry.padding.top, geometry.padding.bottom)?;
    check_extent(NAME, geometry.input.width, geometry.padding.left, geometry.padding.right)?;
    Ok(Problem::new(op, geometry))
}

/// Checks that a padded extent can be computed with in a kernel's 32-bit coordinates.
pub(crate) fn check_extent(operator: &'static str, extent: usize, before: isize, after: isize) -> Result<()> {
    let padded = (extent as u64)
        .saturating_add(before.unsigned_abs() as u64)
        .saturating_add(after.unsigned_abs() as u64);
    if padded > LARGEST_EXTENT as u64 {
        return Err(Error::LimitExceeded {
            operator,
            what: "the padded extent".to_owned(),
            needed: padded,
            limit: LARGEST_EXTENT as u64,
        });
    }
    Ok(())
}

/// A step (stride or dilation) as a kernel gets it; one that is never taken may be any number and becomes 1.
pub(crate) fn step(step: usize, count: usize) -> u32 {
    if count > 1 { step as u32 } else { 1 }
}
