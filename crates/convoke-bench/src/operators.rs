//! One small case for each operator.

use std::sync::Arc;

use super::case::Case;
use convoke::ops::{
    AdaptiveAvgPool2d, AdaptiveMaxPool2d, ArgReduce, AvgPool2d, BatchNorm, Binary, Concat, Conv2d, ConvTranspose2d, Cumulative,
    Expand, Flatten, Fused, FusedBase, GridMode, GridSample, InstanceNorm, Interpolate, LayerNorm, Linear, LocalResponseNorm,
    LpPool2d, MatMul, MaxPool2d, Op, PRelu, Pad2d, Recurrent, RecurrentCell, Reduce, Resample, Reshape, RoiAlign,
    ScaledDotProductAttention, Slice, Softmax, TapTable, Ternary, TopK, Transpose, Unary,
};

/// One small case for each operator, neither square nor symmetric: what a kernel call costs where it has little to do.
pub fn operators() -> Vec<Case<'static>> {
    let cases = list();
    cases
        .iter()
        .map(|(name, op, shapes)| Case::operator(name, op.clone(), shapes))
        .collect()
}

type Shapes = &'static [&'static [usize]];

/// What most of them read.
const IMAGE: Shapes = &[&[1, 32, 40, 56]];

fn list() -> Vec<(&'static str, Op, Shapes)> {
    let fused = Fused::new(FusedBase::Conv(Conv2d::new().padding(1))).activation(Unary::Relu);
    vec![
        (
            "conv2d",
            Conv2d::new().padding(1).into(),
            &[&[1, 32, 40, 56], &[32, 32, 3, 3], &[32]],
        ),
        (
            "conv_transpose2d",
            ConvTranspose2d::new().stride(2).into(),
            &[&[1, 32, 20, 28], &[32, 16, 2, 2], &[16]],
        ),
        ("conv2d with relu", fused.into(), &[&[1, 32, 40, 56], &[32, 32, 3, 3], &[32]]),
        ("interpolate", Interpolate::bilinear([60, 84], false).into(), IMAGE),
        ("pad", Pad2d::new(2).into(), IMAGE),
        ("max_pool2d", MaxPool2d::new(3).stride(2).padding(1).into(), IMAGE),
        ("avg_pool2d", AvgPool2d::new(3).stride(2).padding(1).into(), IMAGE),
        ("lp_pool2d", LpPool2d::new(2, 2).into(), IMAGE),
        ("adaptive_avg_pool2d", AdaptiveAvgPool2d::new([5, 7]).into(), IMAGE),
        ("adaptive_max_pool2d", AdaptiveMaxPool2d::new([5, 7]).into(), IMAGE),
        ("relu", Unary::Relu.into(), IMAGE),
        ("silu", Unary::Silu.into(), IMAGE),
        ("prelu", PRelu.into(), &[&[1, 32, 40, 56], &[32]]),
        ("softmax", Softmax::new(1).into(), &[&[64, 1000]]),
        ("linear", Linear.into(), &[&[4, 512], &[256, 512], &[256]]),
        ("matmul", MatMul.into(), &[&[96, 128], &[128, 160]]),
        (
            "attention",
            ScaledDotProductAttention::new().into(),
            &[&[1, 3, 197, 64], &[1, 3, 197, 64], &[1, 3, 197, 64]],
        ),
        (
            "batch_norm",
            BatchNorm::new().into(),
            &[&[1, 32, 40, 56], &[32], &[32], &[32], &[32]],
        ),
        ("instance_norm", InstanceNorm::new().into(), &[&[1, 32, 40, 56], &[32], &[32]]),
        ("layer_norm", LayerNorm::new(-1).into(), &[&[64, 1000], &[1000], &[1000]]),
        (
            "lstm",
            Recurrent::new(RecurrentCell::Lstm).into(),
            &[&[32, 4, 512], &[512, 128], &[512], &[4, 128], &[4, 128]],
        ),
        ("local_response_norm", LocalResponseNorm::new(5).into(), IMAGE),
        ("add", Binary::Add.into(), &[&[1, 32, 40, 56], &[1, 32, 40, 56]]),
        ("clamp", Ternary::Clamp.into(), &[&[1, 32, 40, 56], &[32, 1, 1], &[32, 1, 1]]),
        ("reshape", Reshape::new([32, 2240]).into(), IMAGE),
        ("flatten", Flatten::default().into(), IMAGE),
        ("concat", Concat::new(1).into(), &[&[1, 32, 40, 56], &[1, 16, 40, 56]]),
        ("slice", Slice::new([1, 3], [39, 53]).axes([2, 3]).into(), IMAGE),
        ("transpose", Transpose::new([0, 2, 3, 1]).into(), IMAGE),
        ("expand", Expand::new([4, 32, 40, 56]).into(), &[&[1, 32, 1, 56]]),
        ("reduce", Reduce::mean([2, 3]).into(), IMAGE),
        ("argmax", ArgReduce::max(1).into(), IMAGE),
        ("topk", TopK::largest(300).into(), &[&[8, 8400]]),
        ("cumsum", Cumulative::sum(1).into(), IMAGE),
        (
            "grid_sample",
            GridSample::new(GridMode::Linear).into(),
            &[&[1, 32, 40, 56], &[1, 30, 42, 2]],
        ),
        (
            "roi_align",
            RoiAlign::new(7).sampling_ratio(2).into(),
            &[&[1, 32, 40, 56], &[20, 5]],
        ),
        ("resample", Resample::new(3, Arc::new(halved(56))).into(), IMAGE),
    ]
}

/// Half the extent, by a triangle over four elements.
fn halved(extent: usize) -> TapTable {
    let mut table = TapTable::new(extent);
    for first in (0..extent).step_by(2) {
        let taps = [(-1, 0.125), (0, 0.375), (1, 0.375), (2, 0.125)];
        let inside = taps.map(|(step, weight)| (first.saturating_add_signed(step).min(extent - 1), weight));
        assert!(table.push(inside).is_ok(), "all taps are inside");
    }
    table
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::mem::discriminant;

    use super::*;

    #[test]
    fn every_operator_has_a_case_that_is_legal() {
        let mut kinds = HashSet::new();
        for (name, op, shapes) in list() {
            assert!(op.output_shapes(shapes).is_ok(), "{name}");
            kinds.insert(discriminant(&op));
        }
        // All but `Cast`, `MatMulInteger`, `ConvInteger` and those of indices, which are of other types than `f32`.
        assert_eq!(kinds.len(), 36);
    }
}
