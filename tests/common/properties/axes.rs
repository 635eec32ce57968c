//! Signals and volumes: the operators along spatial axes with one axis and with three.

use convoke::ops::{
    AdaptiveAvgPool, AdaptiveMaxPool, AvgPool, Conv, ConvPadding, ConvTranspose, CoordinateMode, Fused, FusedBase, IndexOrder,
    Interpolate, InterpolateMode, LpPool, MaxPool, NearestRounding, Op, Pad, Unary,
};
use convoke::{Padding, PaddingMode, PerAxis, Sides};
use proptest::prelude::*;

use super::{Case, modes};

/// What is drawn for each of at most three axes; the last ones count where there are fewer.
#[derive(Clone, Debug)]
struct Drawn {
    axes: usize,
    batch: usize,
    extents: [usize; 3],
    kernel: [usize; 3],
    stride: [usize; 3],
    dilation: [usize; 3],
    before: [usize; 3],
    after: [usize; 3],
    mode: PaddingMode,
    flags: [bool; 2],
    seed: u64,
}

impl Drawn {
    fn own<T: Copy>(&self, values: [T; 3]) -> Vec<T> {
        values[3 - self.axes..].to_vec()
    }

    fn per_axis<T: Copy>(&self, values: [T; 3]) -> PerAxis<T> {
        let [first, second, third] = values;
        match self.axes {
            1 => [third].into(),
            2 => [second, third].into(),
            _ => [first, second, third].into(),
        }
    }

    /// Sides of at most so many elements, within the mode's limits.
    fn padding(&self, mode: PaddingMode, most: impl Fn(usize) -> usize) -> Padding {
        self.per_axis(std::array::from_fn(|axis| {
            let limit = match mode {
                PaddingMode::Reflect => self.extents[axis] - 1,
                PaddingMode::Circular => self.extents[axis],
                PaddingMode::Zeros | PaddingMode::Replicate => usize::MAX,
            };
            let side = |side: usize| side.min(limit).min(most(axis)) as isize;
            Sides::new(side(self.before[axis]), side(self.after[axis]))
        }))
    }

    /// At most half of the dilated kernel.
    fn half(&self, dilation: [usize; 3]) -> Padding {
        self.padding(PaddingMode::Zeros, |axis| {
            (dilation[axis] * (self.kernel[axis] - 1)).div_ceil(2)
        })
    }

    fn shape(&self, channels: usize) -> Vec<usize> {
        [&[self.batch, channels], &self.own(self.extents)[..]].concat()
    }

    fn weight(&self, first: usize, second: usize) -> Vec<usize> {
        [&[first, second], &self.own(self.kernel)[..]].concat()
    }
}

fn drawn(axes: usize) -> impl Strategy<Value = Drawn> {
    let sizes = (
        [1..=5usize, 1..=6usize, 1..=7usize],
        [1..=3usize, 1..=3usize, 1..=4usize],
        [1..=3usize, 1..=2usize, 1..=3usize],
        [1..=2usize, 1..=3usize, 1..=2usize],
    );
    let sides = (prop::array::uniform3(0..=3usize), prop::array::uniform3(0..=3usize));
    (1..=2usize, sizes, sides, modes(), any::<([bool; 2], u64)>()).prop_map(
        move |(batch, (extents, kernel, stride, dilation), (before, after), mode, (flags, seed))| Drawn {
            axes,
            batch,
            extents,
            kernel,
            stride,
            dilation,
            before,
            after,
            mode,
            flags,
            seed,
        },
    )
}

/// Plain convolutions with groups, in every padding mode, some with what may follow them.
pub(crate) fn convolutions(axes: usize) -> impl Strategy<Value = Case> {
    (drawn(axes), 1..=2usize, 1..=3usize, 1..=10usize).prop_map(|(drawn, groups, ins, outs)| {
        let [bias, fused] = drawn.flags;
        let mut op = Conv::new()
            .groups(groups)
            .dilation(drawn.per_axis(drawn.dilation))
            .padding_mode(drawn.mode);
        op = if drawn.seed.is_multiple_of(5) {
            op.padding_mode(PaddingMode::Zeros).padding(ConvPadding::Same)
        } else {
            op.stride(drawn.per_axis(drawn.stride))
                .padding(drawn.padding(drawn.mode, |_| usize::MAX))
        };
        let mut shapes = vec![drawn.shape(groups * ins), drawn.weight(groups * outs, ins)];
        if bias {
            shapes.push(vec![groups * outs]);
        }
        let op = if fused {
            Fused::new(FusedBase::Conv(op)).activation(Unary::Relu).into()
        } else {
            Op::from(op)
        };
        Case::new(op, shapes, drawn.seed)
    })
}

pub(crate) fn transposed_convolutions(axes: usize) -> impl Strategy<Value = Case> {
    (drawn(axes), 1..=2usize, 1..=3usize, 1..=5usize).prop_map(|(drawn, groups, ins, outs)| {
        let extra = |axis: usize| drawn.after[axis] % drawn.stride[axis].max(drawn.dilation[axis]);
        let op = ConvTranspose::new()
            .groups(groups)
            .stride(drawn.per_axis(drawn.stride))
            .dilation(drawn.per_axis(drawn.dilation))
            .padding(drawn.padding(PaddingMode::Zeros, |_| 1))
            .output_padding(drawn.per_axis(std::array::from_fn(extra)));
        let mut shapes = vec![drawn.shape(groups * ins), drawn.weight(groups * ins, outs)];
        if drawn.flags[0] {
            shapes.push(vec![groups * outs]);
        }
        Case::new(op, shapes, drawn.seed)
    })
}

/// Maxima, their indices in each order, and averages over windows or parts.
pub(crate) fn pools(axes: usize) -> impl Strategy<Value = Case> {
    let divisor = prop::option::of(prop::sample::select(vec![1isize, -3]));
    (drawn(axes), divisor, 0..4u8).prop_map(|(drawn, divisor, kind)| {
        let [ceil_mode, flag] = drawn.flags;
        let (kernel, stride) = (drawn.per_axis(drawn.kernel), drawn.per_axis(drawn.stride));
        let op: Op = match kind {
            0 => {
                let orders = [IndexOrder::Plane, IndexOrder::Tensor, IndexOrder::TensorByColumns];
                let op = MaxPool::new(kernel).stride(stride).dilation(drawn.per_axis(drawn.dilation));
                let op = op.padding(drawn.half(drawn.dilation)).ceil_mode(ceil_mode);
                op.return_indices(flag).index_order(orders[drawn.seed as usize % 3]).into()
            }
            1 => {
                let op = AvgPool::new(kernel)
                    .stride(stride)
                    .padding(drawn.half([1; 3]))
                    .ceil_mode(ceil_mode);
                op.count_include_pad(flag).divisor_override(divisor).into()
            }
            2 => AdaptiveMaxPool::new(kernel).return_indices(flag).into(),
            _ => AdaptiveAvgPool::new(kernel).into(),
        };
        Case::new(op, vec![drawn.shape(3)], drawn.seed)
    })
}

pub(crate) fn lp_pools(axes: usize) -> impl Strategy<Value = Case> {
    (drawn(axes), prop::sample::select(vec![1, 2, 3])).prop_map(|(drawn, p)| {
        let op = LpPool::new(p, drawn.per_axis(drawn.kernel)).stride(drawn.per_axis(drawn.stride));
        let op = op.dilation(drawn.per_axis(drawn.dilation)).ceil_mode(drawn.flags[0]);
        Case::new(op.padding(drawn.half(drawn.dilation)), vec![drawn.shape(2)], drawn.seed)
    })
}

/// Padding in each mode, and cropping.
pub(crate) fn pads(axes: usize) -> impl Strategy<Value = Case> {
    drawn(axes).prop_map(|drawn| {
        let op = if drawn.flags[0] {
            let sides = std::array::from_fn(|axis| Sides::new(drawn.before[axis] as isize - 1, drawn.after[axis] as isize - 2));
            Pad::new(drawn.per_axis(sides)).value(3.0)
        } else {
            Pad::new(drawn.padding(drawn.mode, |_| usize::MAX)).mode(drawn.mode)
        };
        Case::new(op, vec![drawn.shape(2)], drawn.seed)
    })
}

/// Nearest elements, or linear between them.
pub(crate) fn resizes(axes: usize, is_linear: bool) -> impl Strategy<Value = Case> {
    let sizes = prop::array::uniform3(1..=9usize);
    let coordinates = prop::sample::select(vec![
        CoordinateMode::HalfPixel,
        CoordinateMode::PytorchHalfPixel,
        CoordinateMode::AlignCorners,
        CoordinateMode::Asymmetric,
    ]);
    let rounding = prop::sample::select(vec![
        NearestRounding::Floor,
        NearestRounding::Ceil,
        NearestRounding::PreferFloor,
        NearestRounding::PreferCeil,
    ]);
    (drawn(axes), sizes, coordinates, rounding).prop_map(move |(drawn, sizes, coordinates, rounding)| {
        let mode = if is_linear {
            InterpolateMode::Linear
        } else {
            InterpolateMode::Nearest { rounding }
        };
        let op = Interpolate::new(drawn.per_axis(sizes), mode, coordinates);
        let scale = |axis: usize| sizes[axis] as f32 / drawn.extents[axis] as f32;
        let op = if drawn.flags[0] {
            op.scales(drawn.per_axis(std::array::from_fn(scale)))
        } else {
            op
        };
        Case::new(op, vec![drawn.shape(2)], drawn.seed)
    })
}
