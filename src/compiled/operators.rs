//! The layout of every operator and of what it consists of.

use std::sync::Arc;

use super::code::{Code, Reader, enums, layout, structs};
use super::refusal::wrong;
use crate::dtype::DType;
use crate::error::Result;
use crate::graph::Pass;
use crate::ops::{
    AdaptiveAvgPool, AdaptiveMaxPool, ArgReduce, AvgPool, BatchNorm, Binary, Cast, Concat, Conv, ConvInteger, ConvPadding,
    ConvTranspose, CoordinateMode, Cumulative, CustomOp, Expand, Flatten, Fused, FusedBase, Gather, GatherElements,
    GridCoordinates, GridMode, GridPadding, GridSample, IndexOrder, InstanceNorm, Interpolate, InterpolateMode, LayerNorm, Linear,
    LocalResponseNorm, LpPool, MatMul, MatMulInteger, MaxPool, NearestRounding, Op, PRelu, Pad, Recurrent, RecurrentCell, Reduce,
    ReduceKind, Resample, Reshape, RoiAlign, RoiReduction, ScaledDotProductAttention, ScatterElements, ScatterReduction, Slice,
    Softmax, TapTable, Ternary, TopK, Transpose, Unary, binary_functions, ternary_functions, unary_functions,
};
use crate::padding::{Padding, PaddingMode, Sides};
use crate::shape::PerAxis;

enums! {
    Op {
        Conv(op: Conv), ConvInteger(op: ConvInteger), ConvTranspose(op: ConvTranspose), Fused(op: Fused), Interpolate(op: Interpolate),
        Pad(op: Pad), MaxPool(op: MaxPool), AvgPool(op: AvgPool), LpPool(op: LpPool), AdaptiveAvgPool(op: AdaptiveAvgPool),
        AdaptiveMaxPool(op: AdaptiveMaxPool), Unary(op: Unary), PRelu(op: PRelu), Softmax(op: Softmax), Linear(op: Linear),
        MatMul(op: MatMul), MatMulInteger(op: MatMulInteger), ScaledDotProductAttention(op: ScaledDotProductAttention),
        BatchNorm(op: BatchNorm), InstanceNorm(op: InstanceNorm), LayerNorm(op: LayerNorm), LocalResponseNorm(op: LocalResponseNorm),
        Cast(op: Cast), Binary(op: Binary), Ternary(op: Ternary), Reshape(op: Reshape), Flatten(op: Flatten), Concat(op: Concat),
        Slice(op: Slice), Transpose(op: Transpose), Expand(op: Expand), Gather(op: Gather), GatherElements(op: GatherElements),
        ScatterElements(op: ScatterElements), GridSample(op: GridSample), Recurrent(op: Recurrent), Reduce(op: Reduce),
        ArgReduce(op: ArgReduce), TopK(op: TopK), Cumulative(op: Cumulative), Resample(op: Resample), RoiAlign(op: RoiAlign),
        CustomOp(op: CustomOp),
    }
    ConvPadding { Explicit(padding: Padding), Same, Valid }
    CoordinateMode { HalfPixel, PytorchHalfPixel, AlignCorners, Asymmetric }
    DType { F32, F16, I64, I32, U8, I8, Bool }
    FusedBase { Conv(op: Conv), ConvTranspose(op: ConvTranspose), Linear(op: Linear) }
    GridCoordinates { Edges, Centres, Elements }
    GridMode { Nearest, Linear, Cubic }
    GridPadding { Zeros, Border, Reflection }
    IndexOrder { Plane, Tensor, TensorByColumns }
    InterpolateMode { Nearest { rounding: NearestRounding }, Linear }
    NearestRounding { Floor, Ceil, PreferFloor, PreferCeil }
    PaddingMode { Zeros, Reflect, Replicate, Circular }
    Pass {
        FoldConstants, FoldBatchNorm, FoldScaleAndShift, FoldPadding, FuseGelu, FuseSilu, RemoveNoOps, FuseAttention, FuseEpilogues,
        RemoveDeadCode,
    }
    RecurrentCell { Lstm, Gru, Tanh, Relu }
    ReduceKind { Sum, Product, Mean, Max }
    RoiReduction { Average, Max }
    ScatterReduction { Replace, Add, Mul, Max, Min }
}

structs! {
    AdaptiveAvgPool { output_size: PerAxis }
    AdaptiveMaxPool { output_size: PerAxis, return_indices: bool }
    ArgReduce { axis: isize, largest: bool, last: bool, keep_dims: bool }
    AvgPool {
        kernel_size: PerAxis, stride: PerAxis, padding: Padding, ceil_mode: bool, count_include_pad: bool,
        divisor_override: Option<isize>,
    }
    BatchNorm { eps: f32 }
    Cast { to: DType }
    Concat { axis: isize }
    Conv { stride: PerAxis, padding: ConvPadding, padding_mode: PaddingMode, dilation: PerAxis, groups: usize }
    ConvInteger { conv: Conv }
    ConvTranspose { stride: PerAxis, padding: Padding, output_padding: PerAxis, dilation: PerAxis, groups: usize }
    Cumulative { axis: isize, product: bool, exclusive: bool, reverse: bool }
    Expand { shape: Vec<isize> }
    Flatten { start_dim: isize, end_dim: isize }
    Fused { base: FusedBase, residual: bool, activation: Option<Unary> }
    Gather { axis: isize }
    GatherElements { axis: isize }
    GridSample { mode: GridMode, padding: GridPadding, coordinates: GridCoordinates }
    InstanceNorm { eps: f32 }
    Interpolate { size: PerAxis, scales: Option<PerAxis<f32>>, mode: InterpolateMode, coordinates: CoordinateMode }
    LayerNorm { axis: isize, eps: f32, centred: bool }
    Linear {}
    LocalResponseNorm { size: usize, alpha: f32, beta: f32, k: f32 }
    LpPool { p: u32, kernel_size: PerAxis, stride: PerAxis, padding: Padding, dilation: PerAxis, ceil_mode: bool }
    MatMul {}
    MatMulInteger {}
    MaxPool {
        kernel_size: PerAxis, stride: PerAxis, padding: Padding, dilation: PerAxis, ceil_mode: bool, return_indices: bool,
        index_order: IndexOrder,
    }
    PRelu {}
    Pad { padding: Padding, mode: PaddingMode, value: f32 }
    Recurrent { cell: RecurrentCell, reverse: bool }
    Reduce { kind: ReduceKind, axes: Vec<isize>, keep_dims: bool }
    Resample { axis: isize, table: Arc<TapTable>, empty: f32 }
    Reshape { shape: Vec<isize> }
    RoiAlign { size: PerAxis, spatial_scale: f32, sampling_ratio: usize, aligned: bool, reduction: RoiReduction }
    ScaledDotProductAttention { scale: Option<f32> }
    ScatterElements { axis: isize, reduction: ScatterReduction }
    Sides { before: isize, after: isize }
    Slice { starts: Vec<isize>, ends: Vec<isize>, axes: Vec<isize>, steps: Vec<isize> }
    Softmax { axis: isize, log: bool }
    TopK { k: usize, axis: isize, largest: bool }
    Transpose { permutation: Vec<isize> }
}

/// The families of functions of elements, from their tables.
macro_rules! families {
    ({ $family:ident } $(
        $(#[doc = $doc:literal])+
        $function:ident $({ $($(#[doc = $field_doc:literal])+ $field:ident = $example:literal),+ $(,)? })?
        $name:literal $signature:ident $(onnx $onnx:literal $(($($name_of_attribute:ident = $value:literal),+))?)?
    ),+ $(,)?) => {
        enums! { $family { $($function $({ $($field: f32),+ })?),+ } }
    };
}
unary_functions! { families { Unary } }
binary_functions! { families { Binary } }
ternary_functions! { families { Ternary } }

impl<T: Code + Copy> Code for PerAxis<T> {
    const LAYOUT: u64 = layout("PerAxis", &[T::LAYOUT]);

    fn write(&self, to: &mut Vec<u8>) {
        let all = match self {
            Self::All(value) => Some(value),
            _ => None,
        };
        all.is_some().write(to);
        match all {
            Some(value) => value.write(to),
            None => self.iter().collect::<Vec<T>>().write(to),
        }
    }

    fn read(from: &mut Reader<'_>) -> Result<Self> {
        if bool::read(from)? {
            return Ok(Self::All(T::read(from)?));
        }
        Self::try_from(Vec::read(from)?.as_slice())
    }
}

/// Not in files: [`Session::save`](crate::Session::save) refuses a graph that has one.
impl Code for CustomOp {
    const LAYOUT: u64 = layout("CustomOp", &[]);

    fn write(&self, _: &mut Vec<u8>) {}

    fn read(_: &mut Reader<'_>) -> Result<Self> {
        Err(wrong("operators that a program brings along are not read"))
    }
}

impl Code for Arc<TapTable> {
    const LAYOUT: u64 = layout("TapTable", &[]);

    fn write(&self, to: &mut Vec<u8>) {
        self.extent().write(to);
        let sums = (0..self.len()).map(|sum| self.taps(sum).map(|(source, weight)| Tap { source, weight }).collect());
        sums.collect::<Vec<Vec<Tap>>>().write(to);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self> {
        let mut table = TapTable::new(usize::read(from)?);
        for sum in Vec::<Vec<Tap>>::read(from)? {
            table.push(sum.into_iter().map(|Tap { source, weight }| (source, weight)))?;
        }
        Ok(Self::new(table))
    }
}

/// An element of a sum.
struct Tap {
    source: usize,
    weight: f32,
}

structs! {
    Tap { source: usize, weight: f32 }
}
