//! Convolution as one matrix product with all terms written out, known as im2col: where it fits and where it pays.

use crate::gpu::choose::gemm::Gemm;
use crate::gpu::choose::problem::Problem;
use crate::gpu::choose::strips::{Strips, Windows};
use crate::gpu::device::capabilities::Capabilities;
use crate::gpu::device::device_class::DeviceClass;
use crate::gpu::wgsl::loop_limit::MOST_ROUNDS;
use crate::shape::Size2d;

const NAME: &str = "conv2d";
pub(crate) const TOO_LARGE: &str = "its written terms are larger than the device can bind";

/// Whether it is faster than the definition, or than the product of pointwise terms as they lie, where weights are handed round
/// subgroups of eight. Measured on lavapipe: for planes of whole vectors a pointwise convolution has nothing to gain, and for others
/// only where the terms written are few beside the products. Beyond 8 MiB memory is worth more: `DeepLabV3` would need twice as much.
pub(crate) fn pays(problem: &Problem) -> bool {
    const MOST_ELEMENTS: usize = (8 << 20) / 4;
    let gemm = product(problem);
    let is_padded = !gemm.positions.is_multiple_of(4);
    let gains = !problem.is_pointwise() || (is_padded && gemm.in_channels >= 128 && gemm.out_channels >= 64);
    gains && gemm.positions > 16 && gemm.out_channels >= 16 && elements(&gemm) <= MOST_ELEMENTS
}

/// Whether all terms fit in a buffer.
pub(crate) fn fits(problem: &Problem, capabilities: &Capabilities) -> bool {
    let elements = elements(&product(problem));
    let fits = u32::try_from(elements).is_ok() && capabilities.check_elements(NAME, elements).is_ok();
    fits && rounds(problem.geometry.kernel, 1) as u64 <= MOST_ROUNDS
}

/// The matrix product that is left. Rows of terms are padded to whole vectors of four.
pub(crate) fn product(problem: &Problem) -> Gemm {
    let geometry = &problem.geometry;
    let taps = geometry.kernel.height.saturating_mul(geometry.kernel.width);
    let positions = geometry.output.height * geometry.output.width;
    Gemm {
        batch: geometry.batch,
        groups: problem.groups,
        in_channels: problem.in_channels_per_group().saturating_mul(taps),
        out_channels: problem.out_channels_per_group(),
        positions,
        strides: [positions.next_multiple_of(4), 1, positions, 1],
        transposed: false,
    }
}

/// Elements of the written terms.
fn elements(gemm: &Gemm) -> usize {
    let factors = [gemm.batch, gemm.groups, gemm.in_channels, gemm.strides[0]];
    factors.into_iter().fold(1, usize::saturating_mul)
}

/// Rounds of the loops over taps and planes, where there are no strips.
pub(crate) fn rounds(kernel: Size2d, planes: usize) -> usize {
    kernel.height.saturating_mul(1 + kernel.width.saturating_mul(1 + planes))
}

/// Strips of single rows of taps, where rows are whole vectors: each row of each plane is cut for itself.
pub(crate) fn cut(problem: &Problem, class: DeviceClass) -> Option<Strips> {
    let geometry = &problem.geometry;
    let kernel = geometry.kernel;
    let windows = Windows {
        sets: geometry.batch * geometry.in_channels * kernel.height,
        channels: 1,
        input: geometry.input,
        output: geometry.output,
        kernel: Size2d { height: 1, ..kernel },
        padding: geometry.padding,
        stride: [1, problem.stride_width],
        dilation: [1, problem.dilation_width],
    };
    windows.cut(class).filter(|strips| strips.quads)
}
