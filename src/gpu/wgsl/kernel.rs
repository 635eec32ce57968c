//! The kernels: which WGSL each is made of, what it binds, and its final text for a set of constants.

use crate::gpu::wgsl::f16::store_halves;
use crate::gpu::wgsl::loop_limit::{CUT_LOOPS, cut_loops};
use crate::gpu::wgsl::unroll::unroll;

/// A compute kernel. Its text is a header of constants, the shared parts it names, and its own file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kernel {
    Activation,
    BatchNorm,
    Binary,
    #[cfg_attr(
        target_family = "wasm",
        expect(dead_code, reason = "a browser has no clock to measure it by")
    )]
    CeilingCopy,
    CeilingMultiplyAdd,
    Conv2dDepthwise,
    Conv2dDepthwiseQuads,
    Conv2dDirect,
    Conv2dDirectBroadcast,
    Conv2dTiled,
    Conv2dTiledQuads,
    Fill,
    Gemm,
    GemmBroadcast,
    GemmFew,
    GemmPadded,
    GemmQuads,
    GemmTiled,
    GemmTiledColumns,
    GemmTiledQuads,
    Gemv,
    GemvRows,
    GemvRowsQuads,
    Im2col,
    Im2colStrips,
    InstanceNorm,
    InstanceNormApply,
    Interpolate,
    InterpolateNearest,
    LocalResponseNorm,
    LpPool2d,
    MatMul,
    PRelu,
    PackWeights,
    Pad2d,
    Pool2dAny,
    Pool2dAnyIndices,
    Pool2dLong,
    Pool2dLongIndices,
    Pool2dWindow,
    Pool2dWindowQuads,
    Reduce,
    ReduceRows,
    ReduceRowsQuads,
    Softmax,
    SoftmaxApply,
    SoftmaxApplyQuads,
    StridedCopy,
    StridedCopyQuads,
    SumSplits,
    WinogradInput,
    WinogradInputLarge,
    WinogradOutput,
    WinogradOutputLarge,
    WinogradWeight,
    WinogradWeightLarge,
}

/// What a kernel is made of. Binding 0 is its parameters (uniform), then come the inputs, then the outputs.
#[derive(Debug)]
pub(crate) struct KernelSource {
    pub(crate) name: &'static str,
    pub(crate) parts: &'static [&'static str],
    pub(crate) inputs: u32,
    pub(crate) outputs: u32,
    pub(crate) subgroups: bool,
}

/// The text of a file in `shaders/`.
macro_rules! wgsl {
    ($path:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/shaders/", $path, ".wgsl"))
    };
}

const ACTIVATION: &str = wgsl!("shared/activation");
const BLOCKED_SUM: &str = wgsl!("shared/blocked_sum");
const DISPATCH: &str = wgsl!("shared/dispatch");
const EPILOGUE: &str = wgsl!("shared/epilogue");
const EPILOGUE_BINDINGS: &str = wgsl!("shared/epilogue_bindings");
const EXPONENTIAL: &str = wgsl!("shared/exponential");
const PRODUCT: &str = wgsl!("shared/product");
const REALS: &str = wgsl!("shared/reals_single");
const REAL_QUADS: &str = wgsl!("shared/reals_quads");
const PADDING: &str = wgsl!("shared/padding");
const POOL_WINDOW: &str = wgsl!("shared/pool_window");
const REDUCTION: &str = wgsl!("shared/reduction");
const REDUCTION_SINGLE: &str = wgsl!("shared/reduction_single");
const STRIP: &str = wgsl!("shared/strip_single");
const STRIP_QUADS: &str = wgsl!("shared/strip_quads");
const STRAIGHT_LINES: &str = wgsl!("shared/straight_lines");
const WINOGRAD: &str = wgsl!("shared/winograd_small");
const WINOGRAD_LARGE: &str = wgsl!("shared/winograd_large");
const SPREAD_PLAIN: &str = wgsl!("shared/spread_plain");
const SPREAD_BROADCAST: &str = wgsl!("shared/spread_broadcast");
const TILES: &str = wgsl!("shared/tiles");
const TILE_ROWS: &str = wgsl!("shared/tile_rows");
const PRODUCT_TILED: &str = wgsl!("shared/product_tiled");
const VECTORS_WHOLE: &str = wgsl!("shared/vectors_whole");
const WIDTH_SINGLE: &str = wgsl!("shared/width_single");
const WIDTH_QUADS: &str = wgsl!("shared/width_quads");
const WINDOW_TAPS: &str = wgsl!("shared/window_taps");

impl Kernel {
    /// All kernels.
    #[cfg(any(test, feature = "wrong-kernel"))]
    pub(crate) const ALL: [Self; 56] = [
        Self::Activation,
        Self::BatchNorm,
        Self::Binary,
        Self::CeilingCopy,
        Self::CeilingMultiplyAdd,
        Self::Conv2dDepthwise,
        Self::Conv2dDepthwiseQuads,
        Self::Conv2dDirect,
        Self::Conv2dDirectBroadcast,
        Self::Conv2dTiled,
        Self::Conv2dTiledQuads,
        Self::Fill,
        Self::Gemm,
        Self::GemmBroadcast,
        Self::GemmFew,
        Self::GemmPadded,
        Self::GemmQuads,
        Self::GemmTiled,
        Self::GemmTiledColumns,
        Self::GemmTiledQuads,
        Self::Gemv,
        Self::GemvRows,
        Self::GemvRowsQuads,
        Self::Im2col,
        Self::Im2colStrips,
        Self::InstanceNorm,
        Self::InstanceNormApply,
        Self::Interpolate,
        Self::InterpolateNearest,
        Self::LocalResponseNorm,
        Self::LpPool2d,
        Self::MatMul,
        Self::PRelu,
        Self::PackWeights,
        Self::Pad2d,
        Self::Pool2dAny,
        Self::Pool2dAnyIndices,
        Self::Pool2dLong,
        Self::Pool2dLongIndices,
        Self::Pool2dWindow,
        Self::Pool2dWindowQuads,
        Self::Reduce,
        Self::ReduceRows,
        Self::ReduceRowsQuads,
        Self::Softmax,
        Self::SoftmaxApply,
        Self::SoftmaxApplyQuads,
        Self::StridedCopy,
        Self::StridedCopyQuads,
        Self::SumSplits,
        Self::WinogradInput,
        Self::WinogradInputLarge,
        Self::WinogradOutput,
        Self::WinogradOutputLarge,
        Self::WinogradWeight,
        Self::WinogradWeightLarge,
    ];

    #[expect(clippy::too_many_lines, reason = "a table, one entry a kernel")]
    pub(crate) const fn source(self) -> KernelSource {
        let (name, parts, inputs, outputs): (_, &'static [&'static str], _, _) = match self {
            Self::Activation => (
                "activation",
                &[DISPATCH, REALS, EXPONENTIAL, STRAIGHT_LINES, ACTIVATION, wgsl!("activation")],
                1,
                1,
            ),
            Self::BatchNorm => ("batch_norm", &[DISPATCH, wgsl!("batch_norm")], 5, 1),
            Self::Binary => (
                "binary",
                &[DISPATCH, REALS, EXPONENTIAL, wgsl!("shared/arithmetic"), wgsl!("binary")],
                2,
                1,
            ),
            Self::CeilingCopy => ("ceiling_copy", &[DISPATCH, wgsl!("ceiling_copy")], 1, 1),
            Self::CeilingMultiplyAdd => ("ceiling_multiply_add", &[DISPATCH, wgsl!("ceiling_multiply_add")], 1, 1),
            Self::Conv2dDepthwise => (
                "conv2d_depthwise",
                &[
                    DISPATCH,
                    REALS,
                    STRAIGHT_LINES,
                    EPILOGUE_BINDINGS,
                    EPILOGUE,
                    PADDING,
                    STRIP,
                    wgsl!("conv2d_depthwise"),
                ],
                4,
                1,
            ),
            Self::Conv2dDepthwiseQuads => (
                "conv2d_depthwise_quads",
                &[
                    DISPATCH,
                    REAL_QUADS,
                    STRAIGHT_LINES,
                    EPILOGUE_BINDINGS,
                    EPILOGUE,
                    PADDING,
                    STRIP_QUADS,
                    wgsl!("conv2d_depthwise"),
                ],
                4,
                1,
            ),
            Self::Conv2dDirect => (
                "conv2d_direct",
                &[
                    DISPATCH,
                    REALS,
                    STRAIGHT_LINES,
                    EPILOGUE_BINDINGS,
                    EPILOGUE,
                    PADDING,
                    SPREAD_PLAIN,
                    wgsl!("conv2d_direct"),
                ],
                4,
                1,
            ),
            Self::Conv2dDirectBroadcast => (
                "conv2d_direct_broadcast",
                &[
                    DISPATCH,
                    REALS,
                    STRAIGHT_LINES,
                    EPILOGUE_BINDINGS,
                    EPILOGUE,
                    PADDING,
                    SPREAD_BROADCAST,
                    wgsl!("conv2d_direct"),
                ],
                4,
                1,
            ),
            Self::Gemm => (
                "gemm",
                &[
                    DISPATCH,
                    REALS,
                    STRAIGHT_LINES,
                    EPILOGUE_BINDINGS,
                    EPILOGUE,
                    VECTORS_WHOLE,
                    SPREAD_PLAIN,
                    PRODUCT,
                    wgsl!("gemm"),
                ],
                4,
                1,
            ),
            Self::GemmBroadcast => (
                "gemm_broadcast",
                &[
                    DISPATCH,
                    REALS,
                    STRAIGHT_LINES,
                    EPILOGUE_BINDINGS,
                    EPILOGUE,
                    VECTORS_WHOLE,
                    SPREAD_BROADCAST,
                    PRODUCT,
                    wgsl!("gemm"),
                ],
                4,
                1,
            ),
            Self::GemmFew => (
                "gemm_few",
                &[
                    DISPATCH,
                    REAL_QUADS,
                    STRAIGHT_LINES,
                    EPILOGUE_BINDINGS,
                    EPILOGUE,
                    PRODUCT,
                    wgsl!("gemm_few"),
                ],
                4,
                1,
            ),
            Self::GemmPadded => (
                "gemm_padded",
                &[
                    DISPATCH,
                    REALS,
                    STRAIGHT_LINES,
                    EPILOGUE_BINDINGS,
                    EPILOGUE,
                    wgsl!("shared/vectors_padded"),
                    SPREAD_BROADCAST,
                    PRODUCT,
                    wgsl!("gemm"),
                ],
                4,
                1,
            ),
            Self::GemmQuads => (
                "gemm_quads",
                &[
                    DISPATCH,
                    REAL_QUADS,
                    STRAIGHT_LINES,
                    EPILOGUE_BINDINGS,
                    EPILOGUE,
                    VECTORS_WHOLE,
                    SPREAD_BROADCAST,
                    PRODUCT,
                    wgsl!("gemm"),
                ],
                4,
                1,
            ),
            Self::Gemv => (
                "gemv",
                &[
                    DISPATCH,
                    REALS,
                    STRAIGHT_LINES,
                    EPILOGUE_BINDINGS,
                    EPILOGUE,
                    PRODUCT,
                    wgsl!("gemv"),
                ],
                4,
                1,
            ),
            Self::Conv2dTiled => (
                "conv2d_tiled",
                &[
                    DISPATCH,
                    REALS,
                    STRAIGHT_LINES,
                    EPILOGUE_BINDINGS,
                    EPILOGUE,
                    PADDING,
                    TILE_ROWS,
                    WIDTH_SINGLE,
                    wgsl!("conv2d_tiled"),
                    TILES,
                ],
                4,
                1,
            ),
            Self::Conv2dTiledQuads => (
                "conv2d_tiled_quads",
                &[
                    DISPATCH,
                    REAL_QUADS,
                    STRAIGHT_LINES,
                    EPILOGUE_BINDINGS,
                    EPILOGUE,
                    PADDING,
                    TILE_ROWS,
                    WIDTH_QUADS,
                    wgsl!("conv2d_tiled"),
                    TILES,
                ],
                4,
                1,
            ),
            Self::GemmTiled => (
                "gemm_tiled",
                &[
                    DISPATCH,
                    REALS,
                    STRAIGHT_LINES,
                    EPILOGUE_BINDINGS,
                    EPILOGUE,
                    PRODUCT_TILED,
                    TILE_ROWS,
                    WIDTH_SINGLE,
                    wgsl!("gemm_tiled"),
                    TILES,
                ],
                4,
                1,
            ),
            Self::GemmTiledColumns => (
                "gemm_tiled_columns",
                &[
                    DISPATCH,
                    REALS,
                    STRAIGHT_LINES,
                    EPILOGUE_BINDINGS,
                    EPILOGUE,
                    PRODUCT_TILED,
                    wgsl!("shared/tile_columns"),
                    WIDTH_SINGLE,
                    wgsl!("gemm_tiled"),
                    TILES,
                ],
                4,
                1,
            ),
            Self::GemmTiledQuads => (
                "gemm_tiled_quads",
                &[
                    DISPATCH,
                    REAL_QUADS,
                    STRAIGHT_LINES,
                    EPILOGUE_BINDINGS,
                    EPILOGUE,
                    PRODUCT_TILED,
                    TILE_ROWS,
                    WIDTH_QUADS,
                    wgsl!("gemm_tiled_quads"),
                    TILES,
                ],
                4,
                1,
            ),
            Self::GemvRows => (
                "gemv_rows",
                &[
                    DISPATCH,
                    REALS,
                    STRAIGHT_LINES,
                    EPILOGUE_BINDINGS,
                    EPILOGUE,
                    wgsl!("shared/terms_single"),
                    wgsl!("gemv_rows"),
                ],
                4,
                1,
            ),
            Self::GemvRowsQuads => (
                "gemv_rows_quads",
                &[
                    DISPATCH,
                    REALS,
                    STRAIGHT_LINES,
                    EPILOGUE_BINDINGS,
                    EPILOGUE,
                    wgsl!("shared/terms_quads"),
                    wgsl!("gemv_rows"),
                ],
                4,
                1,
            ),
            Self::Fill => ("fill", &[DISPATCH, wgsl!("fill")], 0, 1),
            Self::Im2col => ("im2col", &[DISPATCH, PADDING, wgsl!("im2col")], 1, 1),
            Self::Im2colStrips => (
                "im2col_strips",
                &[DISPATCH, PADDING, STRIP_QUADS, wgsl!("im2col_strips")],
                1,
                1,
            ),
            Self::InstanceNorm => ("instance_norm", &[DISPATCH, REALS, BLOCKED_SUM, wgsl!("instance_norm")], 3, 1),
            Self::InstanceNormApply => ("instance_norm_apply", &[DISPATCH, REALS, wgsl!("instance_norm_apply")], 5, 1),
            Self::Interpolate => ("interpolate", &[DISPATCH, wgsl!("interpolate")], 1, 1),
            Self::InterpolateNearest => ("interpolate_nearest", &[DISPATCH, wgsl!("interpolate_nearest")], 2, 1),
            Self::LocalResponseNorm => ("local_response_norm", &[DISPATCH, REALS, wgsl!("local_response_norm")], 1, 1),
            Self::LpPool2d => (
                "lp_pool2d",
                &[DISPATCH, REALS, BLOCKED_SUM, WINDOW_TAPS, wgsl!("lp_pool2d")],
                1,
                1,
            ),
            Self::MatMul => ("matmul", &[DISPATCH, wgsl!("matmul")], 3, 1),
            Self::PRelu => ("prelu", &[DISPATCH, REALS, wgsl!("prelu")], 2, 1),
            Self::PackWeights => ("pack_weights", &[DISPATCH, wgsl!("pack_weights")], 1, 1),
            Self::Pad2d => ("pad2d", &[DISPATCH, PADDING, wgsl!("pad2d")], 1, 1),
            Self::Pool2dAny => (
                "pool2d_any",
                &[
                    DISPATCH,
                    REALS,
                    wgsl!("shared/indices_dropped"),
                    BLOCKED_SUM,
                    WINDOW_TAPS,
                    POOL_WINDOW,
                    wgsl!("pool2d_any"),
                ],
                1,
                1,
            ),
            Self::Pool2dAnyIndices => (
                "pool2d_any_indices",
                &[
                    DISPATCH,
                    REALS,
                    wgsl!("shared/indices_stored"),
                    BLOCKED_SUM,
                    WINDOW_TAPS,
                    POOL_WINDOW,
                    wgsl!("pool2d_any"),
                ],
                1,
                2,
            ),
            Self::Pool2dLong => (
                "pool2d_long",
                &[
                    DISPATCH,
                    REALS,
                    wgsl!("shared/indices_dropped"),
                    BLOCKED_SUM,
                    WINDOW_TAPS,
                    POOL_WINDOW,
                    wgsl!("pool2d_long"),
                ],
                1,
                1,
            ),
            Self::Pool2dLongIndices => (
                "pool2d_long_indices",
                &[
                    DISPATCH,
                    REALS,
                    wgsl!("shared/indices_stored"),
                    BLOCKED_SUM,
                    WINDOW_TAPS,
                    POOL_WINDOW,
                    wgsl!("pool2d_long"),
                ],
                1,
                2,
            ),
            Self::Pool2dWindow => (
                "pool2d_window",
                &[DISPATCH, REALS, PADDING, STRIP, wgsl!("pool2d_window")],
                1,
                1,
            ),
            Self::Pool2dWindowQuads => (
                "pool2d_window_quads",
                &[DISPATCH, REAL_QUADS, PADDING, STRIP_QUADS, wgsl!("pool2d_window")],
                1,
                1,
            ),
            Self::Reduce => (
                "reduce",
                &[DISPATCH, REALS, REDUCTION_SINGLE, BLOCKED_SUM, REDUCTION, wgsl!("reduce")],
                2,
                1,
            ),
            Self::ReduceRows => (
                "reduce_rows",
                &[
                    DISPATCH,
                    REALS,
                    REDUCTION_SINGLE,
                    BLOCKED_SUM,
                    REDUCTION,
                    wgsl!("reduce_rows"),
                ],
                2,
                1,
            ),
            Self::ReduceRowsQuads => (
                "reduce_rows_quads",
                &[
                    DISPATCH,
                    REAL_QUADS,
                    wgsl!("shared/reduction_quads"),
                    BLOCKED_SUM,
                    REDUCTION,
                    wgsl!("reduce_rows"),
                ],
                2,
                1,
            ),
            Self::Softmax => ("softmax", &[DISPATCH, REALS, BLOCKED_SUM, wgsl!("softmax")], 1, 1),
            Self::SoftmaxApply => ("softmax_apply", &[DISPATCH, REALS, wgsl!("softmax_apply")], 3, 1),
            Self::SoftmaxApplyQuads => ("softmax_apply_quads", &[DISPATCH, REAL_QUADS, wgsl!("softmax_apply")], 3, 1),
            Self::StridedCopy => (
                "strided_copy",
                &[DISPATCH, wgsl!("shared/items_single"), wgsl!("strided_copy")],
                1,
                1,
            ),
            Self::StridedCopyQuads => (
                "strided_copy_quads",
                &[DISPATCH, wgsl!("shared/items_quads"), wgsl!("strided_copy")],
                1,
                1,
            ),
            Self::SumSplits => (
                "sum_splits",
                &[DISPATCH, REALS, STRAIGHT_LINES, EPILOGUE, wgsl!("sum_splits")],
                3,
                1,
            ),
            Self::WinogradInput => (
                "winograd_input",
                &[DISPATCH, PADDING, WINOGRAD, wgsl!("winograd_input")],
                1,
                1,
            ),
            Self::WinogradInputLarge => (
                "winograd_input_large",
                &[DISPATCH, PADDING, WINOGRAD_LARGE, wgsl!("winograd_input")],
                1,
                1,
            ),
            Self::WinogradOutput => (
                "winograd_output",
                &[
                    DISPATCH,
                    REALS,
                    STRAIGHT_LINES,
                    EPILOGUE,
                    PADDING,
                    WINOGRAD,
                    wgsl!("winograd_output"),
                ],
                5,
                1,
            ),
            Self::WinogradOutputLarge => (
                "winograd_output_large",
                &[
                    DISPATCH,
                    REALS,
                    STRAIGHT_LINES,
                    EPILOGUE,
                    PADDING,
                    WINOGRAD_LARGE,
                    wgsl!("winograd_output"),
                ],
                5,
                1,
            ),
            Self::WinogradWeight => ("winograd_weight", &[DISPATCH, WINOGRAD, wgsl!("winograd_weight")], 1, 1),
            Self::WinogradWeightLarge => (
                "winograd_weight_large",
                &[DISPATCH, WINOGRAD_LARGE, wgsl!("winograd_weight")],
                1,
                1,
            ),
        };
        let subgroups = matches!(
            self,
            Self::Conv2dDirectBroadcast | Self::GemmBroadcast | Self::GemmFew | Self::GemmPadded | Self::GemmQuads | Self::Gemv
        );
        KernelSource {
            name,
            parts,
            inputs,
            outputs,
            subgroups,
        }
    }
}

/// Whose compiler a text is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// naga, which wgpu brings along natively.
    Native,
    /// A browser's own (Tint in Chrome), which wants every extension named.
    Browser,
}

impl Dialect {
    /// That of this build.
    pub(crate) const HERE: Self = if cfg!(target_family = "wasm") {
        Self::Browser
    } else {
        Self::Native
    };
}

/// The constant that says which bindings are stored as 16-bit floats, a bit each from binding 1 on.
pub(crate) const HALVES: &str = "HALVES";

/// A kernel with its constants: what a pipeline is made from and found by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PipelineKey {
    pub(crate) kernel: Kernel,
    /// `const NAME: u32 = value;` lines of the header, in the order given. [`HALVES`] last, where there are any.
    pub(crate) constants: Vec<(&'static str, u32)>,
    /// The inputs that are bound as if they were written, a bit each from the lowest: those in one buffer with an output.
    pub(crate) writable: u32,
}

impl PipelineKey {
    pub(crate) fn new(kernel: Kernel, constants: impl Into<Vec<(&'static str, u32)>>) -> Self {
        Self {
            kernel,
            constants: constants.into(),
            writable: 0,
        }
    }

    /// Whether a binding, counted from 1, is read only.
    pub(crate) fn only_reads(&self, binding: u32) -> bool {
        binding <= self.kernel.source().inputs && self.writable & (1 << (binding - 1)) == 0
    }

    /// A constant of the header.
    pub(crate) fn constant(&self, name: &str) -> Option<u32> {
        let mut constants = self.constants.iter();
        constants.find(|(known, _)| *known == name).map(|&(_, value)| value)
    }

    /// The final text: header, shared parts, kernel, with loads and stores of halves converted and marked loops written out.
    pub(crate) fn wgsl(&self, dialect: Dialect) -> Result<String, String> {
        use std::fmt::Write as _;

        let source = self.kernel.source();
        let mut text = String::new();
        // naga does not know the extension by name and rejects the line.
        if source.subgroups && dialect == Dialect::Browser {
            text.push_str("enable subgroups;\n");
        }
        let halves = self.constant(HALVES).unwrap_or(0);
        if halves != 0 {
            text.push_str("enable f16;\n");
        }
        for (name, value) in &self.constants {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "const {name}: u32 = {value}u;");
        }
        for part in source.parts {
            text.push_str(part);
        }
        for binding in (1..=source.inputs).filter(|&binding| !self.only_reads(binding)) {
            let declared = |access: &str| format!("@binding({binding}) var<storage, {access}>");
            text = text.replace(&declared("read"), &declared("read_write"));
        }
        store_halves(&text, halves)
            .and_then(|text| unroll(&text, &|name| self.constant(name)))
            .map(|text| match self.constant(CUT_LOOPS) {
                Some(_) => cut_loops(&text),
                None => text,
            })
            .map_err(|message| format!("{}: {message}", source.name))
    }
}
