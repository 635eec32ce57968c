//! Convolution: by a product over tiles of positions, or directly where a group has few channels.

use super::blocked;
use super::columns::{Columns, Matrix, Taps, Windows};
use super::direct::Direct;
use super::epilogue::Epilogue;
use super::gemm::{self, Product};
use super::operand::Operand;
use super::plane::Plane;
use super::product::PackedRows;
use crate::error::Result;
use crate::ops::{AxisWindow, Conv, ConvGeometry};
use crate::padding::Sides;

/// The most output channels of a group that are computed directly.
const FEW_CHANNELS: usize = 8;

/// The most terms of a sum that is computed directly, one after another.
const MOST_TERMS: usize = 2048;

/// Whether a group has so few channels that a product would waste most of its rows.
pub(super) fn is_direct(op: &Conv, weight: &[usize]) -> bool {
    let group = weight[0] / op.groups;
    let terms: usize = weight[1..].iter().product();
    group < FEW_CHANNELS && terms <= MOST_TERMS && (op.groups > 1 || weight[1] <= 4 * FEW_CHANNELS)
}

/// Whether each window is the one element at its own place.
pub(super) fn is_pointwise(geometry: &ConvGeometry) -> bool {
    let sees_its_own_place = |axis: &AxisWindow| axis.kernel == 1 && axis.stride == 1 && axis.padding == Sides::NONE;
    geometry.axes.iter().all(sees_its_own_place)
}

/// How a convolution with an input and a weight of these shapes is computed on this thread's device.
pub(super) fn kernel(op: &Conv, input: &[usize], weight: &[usize]) -> &'static str {
    if blocked::fits(op, weight) && blocked::is_possible(op, input, weight) {
        let geometry = op.geometry(input, weight, None);
        if geometry.is_ok_and(|geometry| blocked::is_by_winograd(&geometry, op.groups)) {
            "winograd"
        } else {
            "blocks"
        }
    } else if is_direct(op, weight) {
        "direct"
    } else {
        "product"
    }
}

/// The weights of each group as the product wants them; none where there is no product.
pub(super) fn pack(op: &Conv, weight: &Operand<'_>) -> Vec<PackedRows> {
    if is_direct(op, weight.shape) {
        return Vec::new();
    }
    let rows = weight.shape[0] / op.groups;
    let inner: usize = weight.shape[1..].iter().product();
    let groups = weight.data.chunks_exact(rows * inner);
    groups.map(|group| PackedRows::new(group, rows, inner, inner, 1)).collect()
}

/// `packed` is what [`pack`] made of the weights.
pub(super) fn conv(
    op: &Conv,
    input: &Operand<'_>,
    weight: &Operand<'_>,
    packed: &[PackedRows],
    epilogue: &Epilogue<'_>,
    output: &mut [f32],
) -> Result<()> {
    let geometry = op.geometry(input.shape, weight.shape, None)?;
    if output.is_empty() {
        return Ok(());
    }
    let is_pointwise = is_pointwise(&geometry);
    let geometry = Plane::of(&geometry, op.padding_mode);
    if is_direct(op, weight.shape) {
        let direct = Direct {
            op,
            geometry: &geometry,
            input: input.data,
            real: |x| x,
            weight: weight.data,
            epilogue: epilogue.clone(),
        };
        return direct.run(output);
    }
    let plane = geometry.input.height * geometry.input.width;
    let channels = geometry.in_channels / op.groups;
    if is_pointwise {
        run(op, &geometry, packed, epilogue, output, |group| Matrix {
            data: &input.data[group * channels * plane..(group + 1) * channels * plane],
            inner_stride: plane,
            column_stride: 1,
        });
    } else {
        let columns = Taps::new(op.padding_mode, &geometry.columns);
        run(op, &geometry, packed, epilogue, output, |group| Windows {
            input: &input.data[group * channels * plane..(group + 1) * channels * plane],
            padding: 0.0,
            plane,
            width: geometry.input.width,
            rows: &geometry.rows,
            columns: &columns,
            kernel: (geometry.kernel.height, geometry.kernel.width),
        });
    }
    Ok(())
}

/// A product for each image and group, whose columns `columns` gives by their number.
fn run<'a, C: Columns>(
    op: &Conv,
    geometry: &Plane,
    packed: &'a [PackedRows],
    epilogue: &Epilogue<'a>,
    output: &'a mut [f32],
    columns: impl Fn(usize) -> C,
) {
    let length = geometry.output.height * geometry.output.width;
    let rows = geometry.out_channels / op.groups;
    let products = output.chunks_exact_mut(rows * length).enumerate().map(|(index, output)| {
        let group = index % op.groups;
        Product {
            weights: &packed[group],
            columns: columns(index),
            epilogue: epilogue.part(
                group * rows..(group + 1) * rows,
                index * rows * length..(index + 1) * rows * length,
            ),
            output,
            length,
        }
    });
    gemm::run(products.collect());
}
