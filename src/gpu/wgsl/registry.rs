//! The kernels: each is declared here once, and the enum, the list, the header of its text and the tests follow from it.
//!
//! ```text
//! KERNEL = "its name" from "its file in shaders" ["the shared parts that it chooses"] {
//!     parameters: what it takes as uniforms, a struct of `parameters`,
//!     inputs: [name: element], which it loads by `load_name(i)`; bound from 1 on,
//!     outputs: [name: element], which it stores by `store_name(i, x)`; bound after the inputs,
//!     subgroups: true, where it has subgroup operations,
//! }
//! ```

use crate::gpu::wgsl::parameters::{
    Layout, attention, conv, elementwise, matmul, movement, picture, recurrent, roofline, rows, window,
};
use crate::gpu::wgsl::storage::{Binding, Element};

/// What a kernel is made of. Binding 0 is its parameters (uniform), then come the inputs, then the outputs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KernelSource<'a> {
    pub(crate) name: &'static str,
    /// The text of its own file.
    pub(crate) body: &'a str,
    /// The shared parts that it chooses where there are several, see [`imports`](crate::gpu::wgsl::imports).
    pub(crate) variants: &'static [&'static str],
    pub(crate) parameters: Layout<'a>,
    pub(crate) inputs: &'a [Binding],
    pub(crate) outputs: &'a [Binding],
    pub(crate) subgroups: bool,
}

macro_rules! kernels {
    ($($(#[$attribute:meta])* $kernel:ident = $name:literal from $file:literal $([$($variant:literal),+])? {
        parameters: $parameters:ty,
        inputs: [$($input:ident: $loaded:ident),*],
        outputs: [$($output:ident: $stored:ident),+],
        $(subgroups: $subgroups:literal,)?
    })+) => {
        /// A compute kernel.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub(crate) enum Kernel {
            $($(#[$attribute])* $kernel,)+
        }

        const SOURCES: &[KernelSource<'static>] = &[$(KernelSource {
            name: $name,
            body: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/shaders/", $file, ".wgsl")),
            variants: &[$($($variant),+)?],
            parameters: <$parameters>::LAYOUT,
            inputs: &[$(Binding { name: stringify!($input), element: Element::$loaded }),*],
            outputs: &[$(Binding { name: stringify!($output), element: Element::$stored }),+],
            subgroups: false $(|| $subgroups)?,
        }),+];

        impl Kernel {
            /// All kernels.
            #[cfg(any(test, feature = "wrong-kernel"))]
            pub(crate) const ALL: [Self; SOURCES.len()] = [$(Self::$kernel),+];
        }
    };
}

impl Kernel {
    pub(crate) const fn source(self) -> KernelSource<'static> {
        SOURCES[self as usize]
    }
}

kernels! {
    ArgReduce = "arg_reduce" from "arg_reduce" {
        parameters: rows::RowParameters,
        inputs: [input: Any],
        outputs: [output: U32],
    }

    AttentionRows = "attention_rows" from "attention_rows" ["keys_plain"] {
        parameters: attention::AttentionParameters,
        inputs: [query: F32x4, key: F32x4, value: F32x4, mask: F32],
        outputs: [output: F32x4],
    }

    AttentionRowsBroadcast = "attention_rows_broadcast" from "attention_rows" ["keys_broadcast"] {
        parameters: attention::AttentionParameters,
        inputs: [query: F32x4, key: F32x4, value: F32x4, mask: F32],
        outputs: [output: F32x4],
        subgroups: true,
    }

    AttentionTiled = "attention_tiled" from "attention_tiled" {
        parameters: attention::AttentionParameters,
        inputs: [query: F32, key: F32, value: F32, mask: F32],
        outputs: [output: F32],
    }

    BatchNorm = "batch_norm" from "batch_norm" {
        parameters: elementwise::BatchNormParameters,
        inputs: [input: F32, mean: F32, variance: F32, weight: F32, bias: F32],
        outputs: [output: F32],
    }

    Binary = "binary" from "binary" {
        parameters: elementwise::BroadcastParameters,
        inputs: [left: Any, right: Any],
        outputs: [output: Any],
    }

    CeilingCopy = "ceiling_copy" from "ceiling_copy" {
        parameters: roofline::CopyParameters,
        inputs: [input: F32x4],
        outputs: [output: F32x4],
    }

    CeilingMultiplyAdd = "ceiling_multiply_add" from "ceiling_multiply_add" {
        parameters: roofline::MultiplyAddParameters,
        inputs: [input: F32],
        outputs: [output: F32],
    }

    Chain = "chain" from "chain" {
        parameters: elementwise::ChainParameters,
        inputs: [first: Any4, second: Any4, third: Any, fourth: Any, fifth: Any],
        outputs: [output: Any4],
    }

    Conv2dDepthwise = "conv2d_depthwise" from "conv2d_depthwise" {
        parameters: conv::DepthwiseParameters,
        inputs: [input: F32, weight: F32, bias: F32, residual: F32],
        outputs: [output: F32],
    }

    Conv2dDepthwiseQuads = "conv2d_depthwise_quads" from "conv2d_depthwise" ["reals_quads", "strip_quads"] {
        parameters: conv::DepthwiseParameters,
        inputs: [input: F32x4, weight: F32, bias: F32, residual: F32x4],
        outputs: [output: F32x4],
    }

    Conv2dDirect = "conv2d_direct" from "conv2d_direct" ["spread_plain"] {
        parameters: conv::DirectParameters,
        inputs: [input: F32, packed: F32x4, bias: F32, residual: F32],
        outputs: [output: F32],
    }

    Conv2dDirectBroadcast = "conv2d_direct_broadcast" from "conv2d_direct" ["spread_broadcast"] {
        parameters: conv::DirectParameters,
        inputs: [input: F32, packed: F32x4, bias: F32, residual: F32],
        outputs: [output: F32],
        subgroups: true,
    }

    Conv2dTiled = "conv2d_tiled" from "conv2d_tiled" {
        parameters: conv::Conv2dTiledParameters,
        inputs: [input: F32, packed: F32x4, bias: F32, residual: F32],
        outputs: [output: F32],
    }

    Conv2dTiledQuads = "conv2d_tiled_quads" from "conv2d_tiled" ["reals_quads", "width_quads"] {
        parameters: conv::Conv2dTiledParameters,
        inputs: [input: F32, packed: F32x4, bias: F32, residual: F32x4],
        outputs: [output: F32x4],
    }

    Conv3d = "conv3d" from "conv3d" {
        parameters: conv::Conv3dParameters,
        inputs: [input: F32, weight: F32, bias: F32, residual: F32],
        outputs: [output: F32],
    }

    Cumulative = "cumulative" from "cumulative" {
        parameters: rows::RowParameters,
        inputs: [input: Any],
        outputs: [output: Any],
    }

    ConvInteger = "conv_integer" from "conv_integer" {
        parameters: conv::Conv3dParameters,
        inputs: [input: Any, weight: Any, before: Any],
        outputs: [output: Any],
    }

    Fill = "fill" from "fill" {
        parameters: rows::FillParameters,
        inputs: [],
        outputs: [output: F32],
    }

    Fold = "fold" from "fold" {
        parameters: rows::ReduceParameters,
        inputs: [input: Any],
        outputs: [output: Any],
    }

    Gather = "gather" from "gather" {
        parameters: movement::GatherParameters,
        inputs: [data: Bits, indices: Any],
        outputs: [output: Bits],
    }

    GatherQuads = "gather_quads" from "gather" {
        parameters: movement::GatherParameters,
        inputs: [data: Bits4, indices: Any],
        outputs: [output: Bits4],
    }

    GatherElements = "gather_elements" from "gather_elements" {
        parameters: movement::LinesParameters,
        inputs: [data: Bits, indices: Any],
        outputs: [output: Bits],
    }

    Gemm = "gemm" from "gemm" ["spread_plain", "vectors_whole"] {
        parameters: matmul::GemmParameters,
        inputs: [input: F32, packed: F32x4, bias: F32, residual: F32],
        outputs: [output: F32],
    }

    GemmBroadcast = "gemm_broadcast" from "gemm" ["spread_broadcast", "vectors_whole"] {
        parameters: matmul::GemmParameters,
        inputs: [input: F32, packed: F32x4, bias: F32, residual: F32],
        outputs: [output: F32],
        subgroups: true,
    }

    GemmFew = "gemm_few" from "gemm_few" ["reals_quads"] {
        parameters: matmul::GemmParameters,
        inputs: [input: F32x4, packed: F32x4, bias: F32, residual: F32x4],
        outputs: [output: F32x4],
        subgroups: true,
    }

    GemmPadded = "gemm_padded" from "gemm" ["spread_broadcast", "vectors_padded"] {
        parameters: matmul::GemmParameters,
        inputs: [input: F32x4, packed: F32x4, bias: F32, residual: F32],
        outputs: [output: F32],
        subgroups: true,
    }

    GemmQuads = "gemm_quads" from "gemm" ["reals_quads", "spread_broadcast", "vectors_whole"] {
        parameters: matmul::GemmParameters,
        inputs: [input: F32x4, packed: F32x4, bias: F32, residual: F32x4],
        outputs: [output: F32x4],
        subgroups: true,
    }

    GemmTiled = "gemm_tiled" from "gemm_tiled" ["tile_rows"] {
        parameters: matmul::GemmTiledParameters,
        inputs: [input: F32, packed: F32x4, bias: F32, residual: F32],
        outputs: [output: F32],
    }

    GemmTiledColumns = "gemm_tiled_columns" from "gemm_tiled" ["tile_columns"] {
        parameters: matmul::GemmTiledParameters,
        inputs: [input: F32, packed: F32x4, bias: F32, residual: F32],
        outputs: [output: F32],
    }

    GemmTiledQuads = "gemm_tiled_quads" from "gemm_tiled_quads" ["reals_quads", "width_quads"] {
        parameters: matmul::GemmTiledParameters,
        inputs: [input: F32x4, packed: F32x4, bias: F32, residual: F32x4],
        outputs: [output: F32x4],
    }

    Gemv = "gemv" from "gemv" {
        parameters: matmul::GemmParameters,
        inputs: [input: F32, packed: F32x4, bias: F32, residual: F32],
        outputs: [output: F32],
        subgroups: true,
    }

    GemvRows = "gemv_rows" from "gemv_rows" {
        parameters: matmul::GemvRowsParameters,
        inputs: [input: F32, weight: F32, bias: F32, residual: F32],
        outputs: [output: F32],
    }

    GemvRowsQuads = "gemv_rows_quads" from "gemv_rows" ["terms_quads"] {
        parameters: matmul::GemvRowsParameters,
        inputs: [input: F32x4, weight: F32x4, bias: F32, residual: F32],
        outputs: [output: F32],
    }

    GridSample = "grid_sample" from "grid_sample" {
        parameters: movement::GridSampleParameters,
        inputs: [input: F32, grid: F32],
        outputs: [output: F32],
    }

    GruStep = "gru_step" from "gru_step" {
        parameters: recurrent::StepParameters,
        inputs: [projected: F32, product: F32, state: F32],
        outputs: [output: F32, next: F32],
    }

    Im2col = "im2col" from "im2col" {
        parameters: conv::Im2colParameters,
        inputs: [input: F32],
        outputs: [terms: F32x4],
    }

    Im2colStrips = "im2col_strips" from "im2col_strips" {
        parameters: conv::Im2colStripParameters,
        inputs: [input: F32x4],
        outputs: [terms: F32x4],
    }

    InstanceNorm = "instance_norm" from "instance_norm" {
        parameters: rows::InstanceNormParameters,
        inputs: [input: F32, weight: F32, bias: F32],
        outputs: [output: F32],
    }

    InstanceNormApply = "instance_norm_apply" from "instance_norm_apply" {
        parameters: rows::InstanceNormApplyParameters,
        inputs: [input: F32, weight: F32, bias: F32, means: F32, variances: F32],
        outputs: [output: F32],
    }

    Interpolate = "interpolate" from "interpolate" {
        parameters: movement::InterpolateParameters,
        inputs: [input: F32],
        outputs: [output: F32],
    }

    InterpolateNearest = "interpolate_nearest" from "interpolate_nearest" {
        parameters: movement::NearestParameters,
        inputs: [input: F32, sources: U32],
        outputs: [output: F32],
    }

    LayerNorm = "layer_norm" from "layer_norm" {
        parameters: rows::LayerNormParameters,
        inputs: [input: F32, weight: F32, bias: F32],
        outputs: [output: F32],
    }

    LayerNormApply = "layer_norm_apply" from "layer_norm_apply" {
        parameters: rows::LayerNormApplyParameters,
        inputs: [input: F32, weight: F32, bias: F32, means: F32, squares: F32],
        outputs: [output: F32],
    }

    LayerNormApplyQuads = "layer_norm_apply_quads" from "layer_norm_apply" ["reals_quads"] {
        parameters: rows::LayerNormApplyParameters,
        inputs: [input: F32x4, weight: F32x4, bias: F32x4, means: F32, squares: F32],
        outputs: [output: F32x4],
    }

    LayerNormQuads = "layer_norm_quads" from "layer_norm" ["reals_quads", "reduction_quads"] {
        parameters: rows::LayerNormParameters,
        inputs: [input: F32x4, weight: F32x4, bias: F32x4],
        outputs: [output: F32x4],
    }

    LayerNormQuadsSubgroup = "layer_norm_quads_subgroup" from "layer_norm" ["lanes_subgroup", "reals_quads", "reduction_quads"] {
        parameters: rows::LayerNormParameters,
        inputs: [input: F32x4, weight: F32x4, bias: F32x4],
        outputs: [output: F32x4],
        subgroups: true,
    }

    LayerNormSubgroup = "layer_norm_subgroup" from "layer_norm" ["lanes_subgroup"] {
        parameters: rows::LayerNormParameters,
        inputs: [input: F32, weight: F32, bias: F32],
        outputs: [output: F32],
        subgroups: true,
    }

    LocalResponseNorm = "local_response_norm" from "local_response_norm" {
        parameters: rows::LocalResponseNormParameters,
        inputs: [input: F32],
        outputs: [output: F32],
    }

    LpPool2d = "lp_pool2d" from "lp_pool2d" {
        parameters: window::LpPoolParameters,
        inputs: [input: F32],
        outputs: [output: F32],
    }

    LstmStep = "lstm_step" from "lstm_step" {
        parameters: recurrent::StepParameters,
        inputs: [projected: F32, product: F32, cell: F32],
        outputs: [output: F32, state: F32, next_cell: F32],
    }

    MatMul = "matmul" from "matmul" {
        parameters: matmul::MatMulParameters,
        inputs: [left: F32, right: F32, before: F32],
        outputs: [output: F32],
    }

    MatMulInteger = "matmul_integer" from "matmul" ["factors_whole"] {
        parameters: matmul::MatMulParameters,
        inputs: [left: Any, right: Any, before: Any],
        outputs: [output: Any],
    }

    PRelu = "prelu" from "prelu" {
        parameters: elementwise::PReluParameters,
        inputs: [input: F32, slope: F32],
        outputs: [output: F32],
    }

    PackWeights = "pack_weights" from "pack_weights" {
        parameters: matmul::PackParameters,
        inputs: [weight: F32],
        outputs: [packed: F32x4],
    }

    Pad2d = "pad2d" from "pad2d" {
        parameters: movement::PadParameters,
        inputs: [input: F32],
        outputs: [output: F32],
    }

    PictureLevels = "picture_levels" from "picture_levels" {
        parameters: picture::PictureLevelsParameters,
        inputs: [pixels: U32],
        outputs: [output: U32],
    }

    PicturePlanes = "picture_planes" from "picture_planes" {
        parameters: picture::PicturePlanesParameters,
        inputs: [pixels: U32, starts: U32, firsts: U32, weights: U32, levels: F32],
        outputs: [output: F32],
    }

    PictureRows = "picture_rows" from "picture_rows" {
        parameters: picture::PictureRowsParameters,
        inputs: [pixels: U32, starts: U32, firsts: U32, weights: U32],
        outputs: [output: U32],
    }

    PictureStrips = "picture_strips" from "picture_strips" {
        parameters: picture::PictureStripsParameters,
        inputs: [pixels: U32, edges: U32, firsts: U32, shares: U32],
        outputs: [output: U32],
        subgroups: true,
    }

    PlanesPicture = "planes_picture" from "planes_picture" {
        parameters: picture::PlanesPictureParameters,
        inputs: [planes: F32],
        outputs: [output: U32],
    }

    Pool2dAny = "pool2d_any" from "pool2d_any" ["indices_dropped"] {
        parameters: window::PoolParameters,
        inputs: [input: F32],
        outputs: [output: F32],
    }

    Pool2dAnyIndices = "pool2d_any_indices" from "pool2d_any" ["indices_stored"] {
        parameters: window::PoolParameters,
        inputs: [input: F32],
        outputs: [output: F32, indices: U32],
    }

    Pool2dLong = "pool2d_long" from "pool2d_long" ["indices_dropped"] {
        parameters: window::PoolParameters,
        inputs: [input: F32],
        outputs: [output: F32],
    }

    Pool2dLongIndices = "pool2d_long_indices" from "pool2d_long" ["indices_stored"] {
        parameters: window::PoolParameters,
        inputs: [input: F32],
        outputs: [output: F32, indices: U32],
    }

    Pool2dWindow = "pool2d_window" from "pool2d_window" {
        parameters: window::PoolWindowParameters,
        inputs: [input: F32],
        outputs: [output: F32],
    }

    Pool2dWindowQuads = "pool2d_window_quads" from "pool2d_window" ["reals_quads", "strip_quads"] {
        parameters: window::PoolWindowParameters,
        inputs: [input: F32x4],
        outputs: [output: F32x4],
    }

    Pool3d = "pool3d" from "pool3d" ["indices_dropped"] {
        parameters: window::Pool3dParameters,
        inputs: [input: F32],
        outputs: [output: F32],
    }

    Pool3dIndices = "pool3d_indices" from "pool3d" ["indices_stored"] {
        parameters: window::Pool3dParameters,
        inputs: [input: F32],
        outputs: [output: F32, indices: U32],
    }

    Reduce = "reduce" from "reduce" {
        parameters: rows::ReduceParameters,
        inputs: [input: F32, centres: F32],
        outputs: [output: F32],
    }

    ReduceRows = "reduce_rows" from "reduce_rows" {
        parameters: rows::ReduceParameters,
        inputs: [input: F32, centres: F32],
        outputs: [output: F32],
    }

    ReduceRowsQuads = "reduce_rows_quads" from "reduce_rows" ["reals_quads", "reduction_quads"] {
        parameters: rows::ReduceParameters,
        inputs: [input: F32x4, centres: F32],
        outputs: [output: F32],
    }

    RnnStep = "rnn_step" from "rnn_step" {
        parameters: recurrent::StepParameters,
        inputs: [projected: F32, product: F32],
        outputs: [output: F32, next: F32],
    }

    Resample = "resample" from "resample" {
        parameters: movement::ResampleParameters,
        inputs: [input: F32, starts: U32, sources: U32, weights: F32],
        outputs: [output: F32],
    }

    Scatter = "scatter" from "scatter" {
        parameters: movement::LinesParameters,
        inputs: [data: Bits, indices: Any, updates: Bits],
        outputs: [output: Bits],
    }

    ScatterReduce = "scatter_reduce" from "scatter_reduce" {
        parameters: movement::LinesParameters,
        inputs: [data: Any, indices: Any, updates: Any],
        outputs: [output: Any],
    }

    RoiAlign = "roi_align" from "roi_align" {
        parameters: movement::RoiAlignParameters,
        inputs: [input: F32, regions: F32],
        outputs: [output: F32],
    }

    Softmax = "softmax" from "softmax" {
        parameters: rows::SoftmaxParameters,
        inputs: [input: F32],
        outputs: [output: F32],
    }

    SoftmaxApply = "softmax_apply" from "softmax_apply" {
        parameters: rows::SoftmaxApplyParameters,
        inputs: [input: F32, largest: F32, sums: F32],
        outputs: [output: F32],
    }

    SoftmaxApplyQuads = "softmax_apply_quads" from "softmax_apply" ["reals_quads"] {
        parameters: rows::SoftmaxApplyParameters,
        inputs: [input: F32x4, largest: F32, sums: F32],
        outputs: [output: F32x4],
    }

    SoftmaxRows = "softmax_rows" from "softmax_rows" ["reals_quads", "reduction_quads"] {
        parameters: rows::SoftmaxRowsParameters,
        inputs: [input: F32x4],
        outputs: [output: F32x4],
    }

    SoftmaxRowsSubgroup = "softmax_rows_subgroup" from "softmax_rows" ["lanes_subgroup", "reals_quads", "reduction_quads"] {
        parameters: rows::SoftmaxRowsParameters,
        inputs: [input: F32x4],
        outputs: [output: F32x4],
        subgroups: true,
    }

    StridedCopy = "strided_copy" from "strided_copy" {
        parameters: movement::StridedCopyParameters,
        inputs: [input: Bits],
        outputs: [output: Bits],
    }

    StridedCopyQuads = "strided_copy_quads" from "strided_copy" {
        parameters: movement::StridedCopyParameters,
        inputs: [input: Bits4],
        outputs: [output: Bits4],
    }

    SumSplits = "sum_splits" from "sum_splits" {
        parameters: matmul::SumSplitsParameters,
        inputs: [parts: F32, bias: F32, residual: F32],
        outputs: [output: F32],
    }

    Ternary = "ternary" from "ternary" {
        parameters: elementwise::BroadcastParameters,
        inputs: [first: Any, second: Any, third: Any],
        outputs: [output: Any],
    }

    TopKSelect = "top_k_select" from "top_k_select" {
        parameters: rows::TopKParameters,
        inputs: [input: Any],
        outputs: [candidates: U32],
    }

    TopKSort = "top_k_sort" from "top_k_sort" {
        parameters: rows::TopKParameters,
        inputs: [input: Any, candidates: U32],
        outputs: [values: Any, indices: U32],
    }

    Unary = "unary" from "unary" {
        parameters: elementwise::UnaryParameters,
        inputs: [input: Any4],
        outputs: [output: Any4],
    }

    WinogradInput = "winograd_input" from "winograd_input" ["winograd_small"] {
        parameters: conv::WinogradInputParameters,
        inputs: [input: F32],
        outputs: [transformed: F32x4],
    }

    WinogradInputLarge = "winograd_input_large" from "winograd_input" ["winograd_large"] {
        parameters: conv::WinogradInputParameters,
        inputs: [input: F32],
        outputs: [transformed: F32x4],
    }

    WinogradOutput = "winograd_output" from "winograd_output" ["winograd_small"] {
        parameters: conv::WinogradOutputParameters,
        inputs: [products: F32x4, weight: F32, bias: F32, residual: F32, input: F32],
        outputs: [output: F32],
    }

    WinogradOutputLarge = "winograd_output_large" from "winograd_output" ["winograd_large"] {
        parameters: conv::WinogradOutputParameters,
        inputs: [products: F32x4, weight: F32, bias: F32, residual: F32, input: F32],
        outputs: [output: F32],
    }

    WinogradWeight = "winograd_weight" from "winograd_weight" ["winograd_small"] {
        parameters: conv::WinogradWeightParameters,
        inputs: [weight: F32],
        outputs: [transformed: F32],
    }

    WinogradWeightLarge = "winograd_weight_large" from "winograd_weight" ["winograd_large"] {
        parameters: conv::WinogradWeightParameters,
        inputs: [weight: F32],
        outputs: [transformed: F32],
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::gpu::wgsl::imports::with_imports;

    #[test]
    fn names_are_unique() {
        let names: HashSet<&str> = SOURCES.iter().map(|source| source.name).collect();
        assert_eq!(names.len(), SOURCES.len());
    }

    /// What a kernel binds and leaves alone would be made and bound for nothing.
    #[test]
    fn every_binding_is_used() {
        for source in SOURCES {
            let text = with_imports(&[source.body], source.variants).unwrap();
            let loads = source.inputs.iter().map(|input| format!("load_{}(", input.name));
            let stores = source.outputs.iter().map(|output| format!("store_{}(", output.name));
            let unused: Vec<_> = loads.chain(stores).filter(|call| !text.contains(call)).collect();
            assert!(unused.is_empty(), "{}: {unused:?}", source.name);
        }
    }
}
